"""Whole runs from a sandbox org into itself: what is written once is not written again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connector.config import load_job
from connector.contract import Adapter
from connector.provision import provision
from connector.reconcile import reconcile
from connector.runs import Report
from connector.sync import Sync
from connector.undo import undo
from connector_salesforce.settings import SalesforceSettings
from connector_salesforce.source import SalesforceSource
from connector_salesforce.writing import CAPABILITIES
from tests.connector.sync_world import AS_OF, RULES, assert_adds_up, plugins_with
from tests.plugins.connector_salesforce.org import Backend, adapter_of, an_org

pytestmark = pytest.mark.long

JOB = (
    """\
name = "salesforce"
[source]
adapter = "salesforce"
[source.settings]
instance_url = "{url}"
client_credentials = {{ client_id = "{id}", client_secret = "{secret}" }}
writing = {{ bulk_from = {bulk_from} }}
[target.fields]
tier = "Customer_Tier__c"
movement = "Pyramid_Movement__c"
rank = "Pyramid_Rank__c"
revenue_period = "Pyramid_Revenue__c"
share = "Pyramid_Share__c"
next_tier_gap = "Pyramid_Gap__c"
tier_since = "Pyramid_Since__c"
computed_at = "Pyramid_Computed__c"
tier_locked = "Pyramid_Locked__c"
[currency]
base = "EUR"
"""
    + RULES
)
REVENUE = (12_000, 4_500, 950.5, 2_000, 100, 50)


class World:
    """An org with a few customers, and a job on it that has never run."""

    def __init__(self, folder: Path, backend: Backend, bulk_from: int) -> None:
        self.backend = backend
        sandbox = backend.sandbox
        self.accounts = [sandbox.insert("Account", Name=f"Company {n}") for n in range(7)]
        for account, amount in zip(self.accounts, REVENUE, strict=False):
            sandbox.insert(
                "Opportunity",
                Name="Deal", AccountId=account, Amount=amount, CloseDate="2026-03-01",
                StageName="Closed Won", IsClosed=True, IsWon=True,
            )  # fmt: skip
        self.path = folder / "salesforce.toml"
        good = sandbox.credentials
        said = JOB.format(
            url=sandbox.url,
            id=good.client_id,
            secret=good.client_secret,
            bulk_from=bulk_from,
        )
        self.path.write_text(said, encoding="utf-8")

    def sync(self) -> Sync:
        """Return the job, opened for a run."""
        whole: Adapter[Any] = adapter_of(self.backend)

        def source(settings: SalesforceSettings) -> SalesforceSource:
            return SalesforceSource(settings, transport=self.backend.wire)

        whole = replace(whole, source=source, capabilities=CAPABILITIES)
        return Sync(load_job(self.path), plugins_with(whole), as_of=AS_OF)

    def run(self) -> Report:
        """Run the job to its end."""
        report = self.sync().run()
        assert_adds_up(report)
        return report

    def tiers(self) -> list[object]:
        """Return the tier of each account."""
        found = self.backend.sandbox.records("Account")
        held = {row["Id"]: row["Customer_Tier__c"] for row in found}
        return [held[account] for account in self.accounts]


@pytest.fixture(params=[2_000, 1], ids=["collections", "bulk"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with an_org(marker=False) as backend:
        made = World(tmp_path, backend, request.param)
        steps = provision(made.sync(), apply=True)
        assert {step.state for step in steps} == {"done"}
        yield made


def test_a_job_is_provisioned_and_run_and_a_second_run_writes_nothing(world: World) -> None:
    assert {step.state for step in provision(world.sync(), apply=False)} == {"present"}
    first = world.run()
    assert first.accounts["applied"] == 7
    assert first.tasks["applied"] == 2
    assert world.tiers() == ["Top", "Medium", "Small", "Medium", "Small", "Small", None]
    world.backend.wire.sent.clear()
    second = world.run()
    assert (second.accounts["applied"], second.tasks["applied"]) == (0, 0)
    assert not world.backend.wire.calls("composite/sobjects")
    assert not world.backend.wire.calls("jobs/ingest")
    assert len(world.backend.sandbox.records("Task")) == 2


def test_answers_that_are_lost_make_no_second_task(world: World) -> None:
    world.backend.wire.lose_next(("POST",))
    first = world.run()
    assert (first.tasks["applied"], first.accounts["applied"]) == (2, 7)
    assert len(world.backend.sandbox.records("Task")) == 2
    assert world.run().tasks["applied"] == 0


def test_what_a_run_wrote_stands_there_and_can_be_put_back(world: World) -> None:
    report = world.run()
    compared = reconcile(world.sync())
    assert (compared.accounts, compared.tasks, compared.differences) == (7, 2, [])
    _, undone = undo(world.sync(), report.run_id)
    assert (undone.state, undone.accounts["applied"], undone.tasks["applied"]) == ("done", 7, 2)
    assert world.tiers() == [None] * 7
    assert {task["Status"] for task in world.backend.sandbox.records("Task")} == {"Completed"}
