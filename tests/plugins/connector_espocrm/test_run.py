"""Whole runs from a sandbox into itself: what is written once is not written again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from connector.config import load_job
from connector.provision import provision
from connector.reconcile import reconcile
from connector.runs import Report
from connector.sync import Sync
from connector.undo import undo
from tests.connector.sync_world import AS_OF, RULES, assert_adds_up, plugins_with
from tests.plugins.connector_espocrm.crm import REP, URL, Backend, adapter_of

pytestmark = pytest.mark.long

JOB = (
    """\
name = "espocrm"
[source]
adapter = "espocrm"
[source.settings]
url = "{url}"
api_key = "{key}"
admin = {{ username = "{admin}", password = "{password}" }}
[target.fields]
tier = "cCustomerTier"
movement = "cPyramidMovement"
rank = "cPyramidRank"
revenue_period = "cPyramidRevenue"
share = "cPyramidShare"
next_tier_gap = "cPyramidGap"
tier_since = "cPyramidSince"
computed_at = "cPyramidComputed"
tier_locked = "cPyramidLocked"
[currency]
base = "EUR"
"""
    + RULES
)
REVENUE = (12_000, 4_500, 950.5, 2_000, 100, 50)


class World:
    """An EspoCRM with a few customers, and a job on it that has never run."""

    def __init__(self, folder: Path) -> None:
        self.backend = Backend()
        sandbox, known = self.backend.sandbox, self.backend.known
        self.accounts = [
            sandbox.insert("Account", name=f"Company {n}", assignedUserId=REP) for n in range(7)
        ]
        for account, amount in zip(self.accounts, REVENUE, strict=False):
            sandbox.insert(
                "Opportunity",
                name="Deal", accountId=account, amount=amount, amountCurrency="EUR",
                closeDate="2026-03-01", stage="Closed Won",
            )  # fmt: skip
        self.path = folder / "espocrm.toml"
        said = {"key": known.api_key, "admin": known.admin, "password": known.admin_password}
        self.path.write_text(JOB.format(url=URL, **said), encoding="utf-8")
        steps = provision(self.sync(), apply=True)
        assert {step.state for step in steps} <= {"done", "present", "by hand"}

    def sync(self) -> Sync:
        """Return the job, opened for a run."""
        return Sync(load_job(self.path), plugins_with(adapter_of(self.backend)), as_of=AS_OF)

    def run(self) -> Report:
        """Run the job to its end."""
        report = self.sync().run()
        assert_adds_up(report)
        return report

    def tiers(self) -> list[object]:
        """Return the tier of each account."""
        held = {row["id"]: row["cCustomerTier"] for row in self.backend.sandbox.records("Account")}
        return [held[account] for account in self.accounts]

    def touch(self) -> None:
        """Let every record be stamped anew, without a change to what it holds."""
        self.backend.clock.time += timedelta(hours=2)
        for entity in ("Account", "Opportunity", "Task", "User"):
            for row in self.backend.sandbox.records(entity):
                self.backend.sandbox.update(entity, row["id"], at=self.backend.clock.time)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_second_run_writes_nothing_though_every_record_was_stamped_anew(world: World) -> None:
    first = world.run()
    assert (first.accounts["applied"], first.tasks["applied"]) == (7, 2)
    assert world.tiers() == ["Top", "Medium", "Small", "Medium", "Small", "Small", None]
    world.touch()
    world.backend.wire.sent.clear()
    second = world.run()
    assert world.backend.wire.calls("POST", "PUT") == []
    assert (second.accounts["applied"], second.tasks["applied"]) == (0, 0)
    assert second.pulled["accounts"].read == 7
    assert len(world.backend.sandbox.records("Task")) == 2
    # What it costs: the time, the stages, eight entities; then fields, accounts, and tasks.
    reading = ["Account", "Opportunity", "User", "Case", "Lead", "Task", "Call", "Meeting"]
    asked = ["Account", "Metadata", *reading, "Metadata", "Metadata", "Account", "Task"]
    assert sorted(world.backend.wire.calls()) == sorted(f"GET {one}" for one in asked)


def test_an_answer_that_is_lost_makes_no_second_task(world: World) -> None:
    world.backend.wire.lose_next("POST")
    first = world.run()
    assert (first.tasks["applied"], first.accounts["applied"]) == (2, 7)
    assert len(world.backend.sandbox.records("Task")) == 2


def test_what_a_run_wrote_stands_there_and_can_be_put_back(world: World) -> None:
    report = world.run()
    compared = reconcile(world.sync())
    assert (compared.accounts, compared.tasks, compared.differences) == (7, 2, [])
    _, undone = undo(world.sync(), report.run_id)
    assert (undone.state, undone.accounts["applied"], undone.tasks["applied"]) == ("done", 7, 2)
    assert world.tiers() == [None] * 7
    tasks = world.backend.sandbox.records("Task")
    assert {task["status"] for task in tasks} == {"Completed"}
