"""Whole runs on a true server: what the job wrote is right, and is not written again."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import connector.sync as syncing
from connector import Capabilities
from connector.config import load_job
from connector.deliver import Delivery
from connector.provision import provision
from connector.runs import Report
from connector.sync import Sync
from connector.testing.faults import Call, CallFault, Meanwhile, Script, Strike, faulty_adapter
from tests.connector.sync_world import assert_adds_up, plugins_with
from tests.plugins.connector_tryton.backend import WRITING, Wire, adapter_on
from tests.plugins.connector_tryton.company import Company, found
from tests.plugins.connector_tryton.trytond import SECRET, Trytond

pytestmark = pytest.mark.long

JOB = """\
name = "tryton"
[source]
adapter = "tryton"
[source.settings]
url = "{url}"
database = "crm"
user = "connector"
password = "{secret}"
parties = [["id", ">", {parties}]]
deals_where = [["id", ">", {deals}]]
categories = {{ customer_tier = "{tier}" }}
[source.fields.accounts]
tier_locked = "pyramid_locked"
[target.fields]
tier = "customer_tier"
tier_since = "pyramid_since"
rank = "pyramid_rank"
next_tier_gap = "pyramid_gap"
share = "pyramid_share"
computed_at = "pyramid_at"
[target.tasks]
fallback_owner = "1"
[currency]
base = "EUR"
[rules]
goals = ["up_sell"]
[rules.settings.up_sell]
upgradable = 0
[rules.settings.holdout]
percent = 0
"""
BUYERS = 40


class World:
    """A company, and a job on it that has never run."""

    def __init__(self, folder: Path, server: Trytond, company: Company, tier: str) -> None:
        self.server = server
        self.company = company
        self.tier = tier
        self.wire = Wire()
        self.store = folder / "connector.db"
        self.adapter = adapter_on(self.wire)
        self._path = folder / "tryton.toml"
        parties, deals = company.before
        text = JOB.format(url=server.url, secret=SECRET, parties=parties, deals=deals, tier=tier)
        self._path.write_text(text, encoding="utf-8")

    def sync(self) -> Sync:
        """Return the job, opened for a run."""
        plugins = plugins_with(self.adapter)
        return Sync(load_job(self._path), plugins, as_of=self.company.today)

    def run(self) -> Report:
        """Run the job to its end."""
        self.wire.methods.clear()
        report = self.sync().run()
        assert_adds_up(report)
        return report

    def writes(self) -> list[str]:
        """Return what the last run asked the server to write."""
        return [method for method in self.wire.methods if method.endswith(WRITING)]

    def tiers(self) -> dict[int, str]:
        """Return the category that each party is in, as the server shows it."""
        named = [["parent.name", "=", self.tier]]
        found = self.server.read("party.category", named, "name")
        names = {one["id"]: one["name"] for one in found}
        return {
            party: " + ".join(names[category] for category in one["categories"])
            for party, one in self._read("categories").items()
        }

    def fields(self) -> dict[int, dict[str, Any]]:
        """Return what a module's fields hold, by party."""
        return self._read("pyramid_rank", "pyramid_gap", "pyramid_at")

    def stamps(self) -> list[object]:
        """Return when each party and each task last changed."""
        works = self.server.read("project.work", self._mine(), "last_modified_at")
        parties = self._read("last_modified_at")
        return [one["last_modified_at"] for one in (*parties.values(), *works)]

    def tasks(self) -> list[dict[str, Any]]:
        """Return the tasks on the server, whoever made them."""
        return self.server.read("project.work", self._mine(), "name", "comment", "party", "status")

    def _mine(self) -> list[object]:
        return [["party", "in", self.company.parties]]

    def _read(self, *fields: str) -> dict[int, dict[str, Any]]:
        wanted = [["id", "in", self.company.parties]]
        return {one["id"]: one for one in self.server.read("party.party", wanted, *fields)}


def tiers_of(revenue: Mapping[int, Decimal]) -> dict[int, str]:
    """Return the tiers by hand: of 40 customers 1 % is one at least, 5 % are 2, 20 % are 8."""
    assert len(revenue) == BUYERS
    ranked = sorted(revenue, key=lambda party: -revenue[party])
    sizes = {"Top": 1, "Big": 1, "Medium": 6, "Small": 32}
    names = [name for name, size in sizes.items() for _ in range(size)]
    return dict(zip(ranked, names, strict=True))


def test_a_job_is_provisioned_and_run_and_a_second_run_writes_nothing(
    tmp_path: Path, trytond: Trytond
) -> None:
    company = found(trytond, buyers=BUYERS)
    world = World(tmp_path, trytond, company, "Tier of the run")
    made = {step.what: step.state for step in provision(world.sync(), apply=True)}
    assert made.pop("party category 'Tier of the run' for customer_tier") == "done"
    assert set(made.values()) == {"present"}

    first = world.run()
    assert first.accounts["applied"] == BUYERS + len(company.others)  # those: since when
    expected = tiers_of(company.buyers) | dict.fromkeys(company.others, "")
    assert world.tiers() == expected
    fields = world.fields()
    ranked = sorted(company.buyers, key=lambda party: -company.buyers[party])
    assert [fields[party]["pyramid_rank"] for party in ranked] == [*range(1, BUYERS + 1)]
    assert fields[ranked[1]]["pyramid_gap"] == Decimal("100.25")  # short of the first
    assert fields[company.others[0]]["pyramid_gap"] is None
    tasks = world.tasks()
    assert len(tasks) == first.tasks["applied"] > 0
    assert all(expected[task["party"]] for task in tasks)
    assert all("\nOwner: Jane Doe (1)\nkey=up_sell:" in task["comment"] for task in tasks)

    before = world.stamps()
    second = world.run()
    assert (second.accounts["applied"], second.tasks["applied"]) == (0, 0)
    assert (world.writes(), world.stamps()) == ([], before)

    done = tasks[0]
    (status,) = trytond.call("project.work.status", "search", [["name", "=", "Done"]])
    trytond.call("project.work", "write", [done["id"]], {"status": status, "progress": 1.0})
    world.run()  # whoever has dealt with it has time for another customer now
    held = [task for task in world.tasks() if task["party"] == done["party"]]
    assert held == [{**done, "status": status}]
    with closing(sqlite3.connect(world.store)) as store:
        told = store.execute("select account_id from trial where task_status = 'done'").fetchall()
    assert told == [(str(done["party"]),)]


def test_a_server_that_dies_in_a_run_costs_no_result(
    tmp_path: Path, trytond: Trytond, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "Delivery", partial(Delivery, sleep=lambda seconds: None))
    company = found(trytond, buyers=BUYERS)
    world = World(tmp_path, trytond, company, "Tier after a crash")
    provision(world.sync(), apply=True)
    whole = replace(world.adapter, capabilities=Capabilities(write_batch=15))
    dies: Strike[Call, CallFault] = Strike(
        Meanwhile(trytond.stop), where=lambda call: call.name == "write", calls=(2,)
    )
    world.adapter = faulty_adapter(whole, Script(dies))
    try:
        assert world.run().accounts["waiting"] == BUYERS + len(company.others) - 15
    finally:
        trytond.start()
    assert sum(one["pyramid_at"] is not None for one in world.fields().values()) == 15
    world.adapter = whole
    world.run()
    assert world.tiers() == tiers_of(company.buyers) | dict.fromkeys(company.others, "")
    assert world.run().accounts["applied"] == 0
