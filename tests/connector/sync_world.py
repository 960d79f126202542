"""A fake CRM, a job on it, and what is left of a run, for the tests of whole runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from connector.config import load_job
from connector.contract import Adapter, Capabilities
from connector.hookspecs import hookimpl
from connector.model import Stream
from connector.plugins import Plugins
from connector.runs import Report
from connector.store import Store
from connector.sync import Sync
from connector.testing.fake import FakeCRM

AS_OF = date(2026, 6, 30)

RULES = """\
[rules]
goals = ["retention", "up_sell"]
[rules.settings.up_sell]
upgradable = 0
[rules.settings.holdout]
percent = 0
[rules.settings.pyramid]
method = "thresholds"
thresholds = ["10000", "5000", "1000"]
"""
JOB = (
    """\
name = "fake"
[source]
adapter = "fake"
[target.fields]
tier = "tier"
rank = "rank"
revenue_period = "revenue"
computed_at = "computed_at"
"""
    + RULES
)

REVENUE = {"A1": "12000", "A2": "4500", "A3": "950", "A4": "2000", "A5": "100", "A6": "50"}
"""A2 is near Big and A3 near Medium: each gets a task."""


def crm(**options: Any) -> FakeCRM:
    """Return a CRM with six customers and one that has never bought."""
    made = FakeCRM(**options)
    made.put(Stream.ACCOUNTS, [account(key) for key in (*REVENUE, "A7")])
    made.put(Stream.OPPORTUNITIES, [deal(f"D{key}", key, REVENUE[key]) for key in REVENUE])
    return made


def account(key: str) -> dict[str, object]:
    return {"id": key, "name": f"Company {key}", "owner_id": "rep"}


def deal(key: str, account: str, amount: str, day: str = "2026-03-01") -> dict[str, object]:
    won = {"status": "won", "close_date": day}
    return {"id": key, "account_id": account, "amount": amount, **won}


def plugins_with(*adapters: Adapter[Any], entries: Sequence[EntryPoint] = ()) -> Plugins:
    """Return plugins as if a distribution that brings *adapters* were installed, and *entries*."""

    class Brought:
        @hookimpl
        def adapters(self) -> Sequence[Adapter[Any]]:
            return adapters

    class Installed(EntryPoint):
        def load(self) -> Any:
            return Brought()

    built_in = EntryPoint("six_goals", "six_goals.pack", "connector")
    return Plugins([Installed("test", "test", "connector"), built_in, *entries])


class World:
    """A CRM and a job on it, run as often as a test likes."""

    def __init__(self, folder: Path, crm: FakeCRM, job: str = JOB, *, batch: int = 200) -> None:
        self.crm = crm
        self.path = folder / "fake.toml"
        self.path.write_text(job, encoding="utf-8")
        self.others: tuple[Adapter[Any], ...] = ()
        self.entries: tuple[EntryPoint, ...] = ()
        self.capabilities = Capabilities(read_batch=batch, write_batch=batch)

    def sync(self, *, as_of: date | None = AS_OF, override: str | None = None) -> Sync:
        own = self.crm.adapter(capabilities=self.capabilities)
        plugins = plugins_with(own, *self.others, entries=self.entries)
        return Sync(load_job(self.path), plugins, as_of=as_of, override=override)

    def run(self, *, as_of: date | None = AS_OF, override: str | None = None) -> Report:
        """Run the job to its end; whatever happened, the numbers add up."""
        report = self.sync(as_of=as_of, override=override).run()
        assert_adds_up(report)
        return report

    @property
    def store(self) -> Store:
        return Store(f"sqlite:///{self.path.parent / 'connector.db'}")

    def kept(self, columns: str, table: str) -> list[tuple[object, ...]]:
        """Return columns of a table of the store, in order."""
        with self.store.bulk() as bulk:
            rows = bulk.fetch(f"select {columns} from {table} order by {columns}").to_pylist()
        return [tuple(row.values()) for row in rows]

    def left(self) -> dict[str, object]:
        """Return all that a run leaves, save when and by which run it was done."""
        tables = {
            "standing": "account_id, layer, tier, tier_raw, movement, rank, revenue, tier_since",
            "tier_span": "account_id, valid_from, valid_to, layer",
            "task": "marker, account_id, goal, subject, priority",
            "action": "account_id, goal, marker, decision, cause, owner, subject",
            "ledger": "marker, account_id, kind, state",
            "run": "state, stage, as_of",
        }
        left: dict[str, object] = {name: self.kept(what, name) for name, what in tables.items()}
        left["tasks"] = sorted((task.marker, task.status, task.owner) for task in self.crm.tasks)
        left["fields"] = {
            key: [self.crm.fields_of(key).get(name) for name in ("tier", "rank", "revenue")]
            for key in self.crm.rows[Stream.ACCOUNTS]
        }
        return left


def assert_adds_up(report: Report) -> None:
    """Read = unchanged + applied + rejected + waiting + quarantined; and so for rows and tasks."""
    parts = ("unchanged", "applied", "rejected", "waiting")
    accounts, tasks = report.accounts, report.tasks
    assert accounts["read"] == sum(accounts[part] for part in (*parts, "quarantined"))
    assert tasks["planned"] == sum(tasks[part] for part in parts)
    for pulled in report.pulled.values():
        counts = asdict(pulled)
        assert counts["read"] == sum(counts[n] for n in ("stored", "unchanged", "quarantined"))
