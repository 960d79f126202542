"""Days in the life of a company: data that change, people who work, networks that fail, crashes.

Everything is drawn from a seed. The days are the same for all seeds, so that the rules of a day are
translated into SQL only once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from sqlalchemy.engine.default import DefaultDialect

import connector.sync as syncing
from connector import pull, retry
from connector.config import load_job
from connector.contract import Capabilities
from connector.deliver import Delivery
from connector.errors import AuthError, BusyError, ConnectorError, RateLimited, Unavailable
from connector.facts import DayFacts
from connector.hookspecs import hookimpl
from connector.http import NoAnswer
from connector.model import Stream
from connector.runs import Report
from connector.store import Store, bulk
from connector.sync import Sync
from connector.testing.fake import FakeCRM, _FakeWriter
from connector.testing.faults import (
    Backwards,
    BreaksOff,
    Call,
    CallFault,
    Clock,
    Fails,
    Meanwhile,
    Missing,
    Overtaken,
    Script,
    Strike,
    Twice,
    faulty_adapter,
)
from six_goals.action import Action
from six_goals.goal import Facts, Goal, Proposal
from tests.compiled import compile_rules_once, leave_out_figures
from tests.connector.sync_world import account, assert_adds_up, deal, plugins_with
from tests.soak.model import BELOW, REST, Company, as_held

FIRST: Final = date(2026, 3, 1)
EPOCH: Final = date(2026, 1, 1)  # of the fake CRM's clock
LONG: Final = 60

JOB: Final = f"""\
name = "soak"
[source]
adapter = "source"
[target]
adapter = "target"
overrides = "overwrite"
[target.fields]
tier = "tier"
rank = "rank"
revenue_period = "revenue"
computed_at = "computed_at"
[rules]
goals = ["reach"]
[rules.settings.suppression]
new_per_week = 1000
cooldown_days = {REST.days}
[rules.settings.holdout]
percent = 0
[rules.settings.pyramid]
method = "thresholds"
thresholds = ["10000", "5000", "1000"]
[guard]
max_tier_changes = 1.0
max_deleted = 1.0
"""


class Killed(BaseException):
    """The process is gone; nothing of it keeps or sends anything any more."""


class Death:
    """Comes after so many steps, if it is told to; knows the day."""

    def __init__(self) -> None:
        self.steps_left: int | None = None
        self.has_come = False
        self.today = FIRST

    def await_(self, steps: int | None) -> None:
        self.steps_left, self.has_come = steps, False

    def step(self) -> None:
        if self.has_come:
            raise Killed
        if self.steps_left is not None:
            self.steps_left -= 1
            self.has_come = self.steps_left <= 0
            if self.has_come:
                raise Killed

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*given: Any, **named: Any) -> Any:
            self.step()
            found = function(*given, **named)
            self.step()
            return found

        return called


@dataclass(frozen=True, slots=True)
class Reach:
    """Customers below a revenue, in money units."""

    below: int = int(BELOW)


def propose(facts: Facts, settings: Reach) -> Proposal:
    """Propose to call each customer that has bought, but little."""
    standings = facts.table("standings")
    small = standings.filter(standings.revenue > 0, standings.revenue < settings.below * 10_000)
    rows = facts.rows(small.select("account_id", "owner_id", "layer", "revenue"))
    return Proposal(
        [
            Action(
                goal="reach",
                account_id=row["account_id"],
                owner_id=row["owner_id"],
                layer=row["layer"],
                title=f"Call {row['account_id']}",
                reason="It brings little.",
                due_days=3,
                expected_value=row["revenue"],
            )
            for row in rows
        ]
    )


class _Goals:
    @hookimpl
    def goals(self) -> Sequence[Goal[Any]]:
        return [Goal("reach", "Reach", "call the small", Reach, propose)]


class _Installed(EntryPoint):
    def load(self) -> Any:
        return _Goals()


@dataclass(slots=True)
class Tally:
    """What a life was made of."""

    runs: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    compared: int = 0

    def __iadd__(self, other: Tally) -> Tally:
        self.runs += other.runs
        self.faults += other.faults
        self.compared += other.compared
        return self

    def __str__(self) -> str:
        parts = [", ".join(f"{n} {what}" for what, n in sorted(counted.items()))
                 for counted in (self.runs, self.faults)]  # fmt: skip
        total = self.runs.total()
        return f"{total} runs ({parts[0]}), compared {self.compared} times; faults: {parts[1]}"


def days(runs: int) -> list[date]:
    """Return the days of so many runs, the last one two months after the first."""
    return [FIRST + timedelta(days=round(n * LONG / runs)) for n in range(1, runs + 1)]


@contextmanager
def cheap() -> Iterator[Death]:
    """Let whole runs cost little: rules translated once, no statistics, no waiting; yield death.

    What trials have brought is not looked at here, so any margin does.
    """
    death, clock = Death(), Clock()
    with pytest.MonkeyPatch.context() as patch:
        compile_rules_once(patch)
        leave_out_figures(patch)
        patch.setattr(DayFacts, "margin", Fraction(1, 2))
        patch.setattr(syncing, "retrying_call", partial(retry.retrying_call, sleep=clock.sleep))
        patch.setattr(pull, "_today", lambda: death.today)
        patch.setattr(pull, "retrying", partial(retry.retrying, sleep=clock.sleep))
        patch.setattr(syncing, "Delivery", partial(Delivery, sleep=clock.sleep))
        for owner, name in (
            (bulk._Sqlite, "commit"),
            (DefaultDialect, "do_commit"),
            (_FakeWriter, "_write"),
            (_FakeWriter, "current"),
        ):
            patch.setattr(owner, name, death.around(getattr(owner, name)))
        yield death


class Life:
    """One company from its first day on, with a source, a target and a job between them."""

    def __init__(self, folder: Path, seed: int, death: Death) -> None:
        self.seed, self.death = seed, death
        self.chance = Random(seed)
        self.folder = folder
        self.job = folder / "soak.toml"
        self.job.write_text(JOB)
        self.source = FakeCRM(page_size=self.chance.choice([4, 100]), scan=seed % 2 == 0)
        self.target = FakeCRM()
        self.company = Company()
        self.tally = Tally()
        self.numbers = iter(range(1, 100_000))
        self.edited: dict[str, str] = {}
        """Tasks that a person has given another subject."""
        self.disturbed = False
        self.late: list[str] = []
        """Accounts that the target does not have yet."""
        for _ in range(8):
            self._appear()

    def live(self, runs: int) -> Tally:
        """Let the days pass; raise AssertionError where the target is not what it must be."""
        for today in days(runs):
            self._set_clocks(today)
            for _ in range(self.chance.randint(1, 4)):
                self.chance.choice(self._doings)()
            self._run(today)
        self._come_in()
        self.run(today, "the last, clean")
        self.compare(today)
        if self.seed % 5 == 0:
            self.target.writes.clear()
            report = self.run(today, "once more")
            assert (report.state, self.target.writes) == ("done", [])
        return self.tally

    # What people do.

    @property
    def _doings(self) -> Sequence[Callable[[], None]]:
        often = (self._buy, self._buy, self._finish_a_task)
        return (*often, self._appear, self._vanish, self._correct, self._edit, self._rename_a_task)

    def _set_clocks(self, today: date) -> None:
        self.death.today = today
        for crm in (self.source, self.target):
            crm.now = (today - EPOCH).days * 86_400

    def _appear(self) -> None:
        key = f"A{next(self.numbers)}"
        self.company.deals[key] = {}
        self.source.put(Stream.ACCOUNTS, [account(key)])
        self._buy(key)
        if self.company.deals.keys() - set(self.late) and self.chance.random() < 0.2:
            self.late.append(key)  # somebody will enter it there
        else:
            self.target.put(Stream.ACCOUNTS, [account(key)])

    def _come_in(self) -> None:
        self.target.put(Stream.ACCOUNTS, [account(key) for key in self.late])
        self.late.clear()

    def _vanish(self) -> None:
        if len(self.company.deals) < 4:
            return
        key = self.chance.choice(sorted(self.company.deals))
        gone = self.company.deals.pop(key)
        self.source.delete(Stream.ACCOUNTS, [key])
        self.source.delete(Stream.OPPORTUNITIES, list(gone))

    def _buy(self, key: str | None = None) -> None:
        key = key or self.chance.choice(sorted(self.company.deals))
        number = next(self.numbers)
        # The last digits are its own: no two revenues are the same.
        amount = Decimal(self.chance.choice([40, 300, 700, 2_000, 6_000])) + Decimal(number) / 100
        self.company.deals[key][f"D{number}"] = amount
        self.source.put(Stream.OPPORTUNITIES, [deal(f"D{number}", key, str(amount), "2026-02-01")])

    def _correct(self) -> None:
        """Correct an amount, or find that it was none."""
        owners = [(key, one) for key, deals in self.company.deals.items() for one in deals]
        key, one = self.chance.choice(sorted(owners)) if owners else ("", "")
        if not one:
            return
        if self.chance.random() < 0.5:
            del self.company.deals[key][one]
            lost = {"id": one, "status": "lost"}
            self.source.put(Stream.OPPORTUNITIES, [lost])
            return
        amount = self.company.deals[key][one] * 3
        self.company.deals[key][one] = amount
        self.source.put(Stream.OPPORTUNITIES, [{"id": one, "amount": str(amount)}])

    def _edit(self) -> None:
        """Overwrite a field of ours in the target."""
        key = self.chance.choice(sorted(self.target.rows[Stream.ACCOUNTS]))
        field_, value = self.chance.choice([("tier", "Mine"), ("revenue", "1.00"), ("rank", None)])
        self.target.put(Stream.ACCOUNTS, [{"id": key, field_: value}])

    def _edit_meanwhile(self) -> None:
        self.disturbed = True
        self._edit()

    def _finish_a_task(self) -> None:
        if task := self._an_open_task():
            self.target.finish(task, self.chance.choice(["done", "rejected"]))

    def _rename_a_task(self) -> None:
        if marker := self._an_open_task():
            self.edited[marker] = f"Mine {marker}"
            self.target.tasks = [
                replace(task, subject=self.edited[marker]) if task.marker == marker else task
                for task in self.target.tasks
            ]

    def _an_open_task(self) -> str | None:
        open_ = sorted(task.marker for task in self.target.tasks if task.status == "open")
        return self.chance.choice(open_) if open_ else None

    # What the connector goes through.

    def _run(self, today: date) -> None:
        if self.late and self.chance.random() < 0.5:
            self._come_in()
        self.disturbed = False
        kind = self.chance.choices(["clean", "faults", "killed", "raced"], [3, 4, 3, 2])[0]
        if kind == "raced":
            self._race(today)
            return
        faults = self._script(today) if kind != "clean" else Script[Call, CallFault]()
        self.death.await_(self.chance.randint(1, 90) if kind == "killed" else None)
        try:
            report = self.run(today, kind, faults)
        except Killed:
            self.tally.runs["killed"] += 1
            if self.chance.random() < 0.7:  # else the next one is on another day
                self.death.await_(None)
                report = self.run(today, "after a crash")
                self._judge(report, today)
            return
        except ConnectorError:
            self.tally.runs["failed"] += 1
            return
        finally:
            self.death.await_(None)
        self._judge(report, today)

    def _judge(self, report: Report, today: date) -> None:
        # What a person changed after it was written is for the next run.
        if report.state == "done" and not self.disturbed:
            self.compare(today)

    def _race(self, today: date) -> None:
        """Start the job twice at once: one of them at least runs, and they do not meet."""

        def attempt(number: int) -> Report | None:
            try:
                return self.sync(today).run()
            except BusyError:
                return None

        with ThreadPoolExecutor(2) as two:
            reports = [report for report in two.map(attempt, range(2)) if report]
        assert reports
        self.tally.runs[f"raced by {2 - len(reports)}"] += 1
        for report in reports:
            assert_adds_up(report)
        self._judge(reports[-1], today)

    def _script(self, today: date) -> Script[Call, CallFault]:
        down = partial(Unavailable, "down")
        lost = partial(NoAnswer, "no answer")
        often = partial(Strike[Call, CallFault], chance=0.3)
        faults = [
            often(Fails(down), where=lambda call: call.name != "write"),
            often(Fails(down), where=_writing),
            often(Fails(lost), where=_writing),
            often(Fails(lost, "after"), where=_writing),
            often(Fails(partial(RateLimited, "slow", retry_after=5.0)), where=_writing),
            often(BreaksOff(1, lost), where=_writing),
            often(BreaksOff(1, lost, all_sent=False), where=_writing),
            often(Missing(1), where=_writing),
            often(Overtaken(by=2), where=_writing),
            often(Backwards()),
            often(Twice()),
            often(Meanwhile(self._edit_meanwhile), where=_writing),
            Strike[Call, CallFault](
                Fails(partial(AuthError, "expired")), calls=(self.chance.randint(1, 12),)
            ),
        ]
        chosen = self.chance.sample(faults, self.chance.randint(1, 3))
        return Script(*chosen, seed=self.seed * 1000 + today.toordinal())

    def run(self, today: date, kind: str, faults: Script[Call, CallFault] | None = None) -> Report:
        """Run the job to its end; whatever happened, the numbers add up."""
        report = self.sync(today, faults).run()
        assert_adds_up(report)
        self._assert_ledger(report)
        self.tally.runs[f"{kind}: {report.state}"] += 1
        return report

    def sync(self, today: date, faults: Script[Call, CallFault] | None = None) -> Sync:
        size = Capabilities(read_batch=5, write_batch=5)
        streams = (Stream.ACCOUNTS, Stream.OPPORTUNITIES)
        adapters = []
        for name, crm in (("source", self.source), ("target", self.target)):
            adapter = crm.adapter(name, capabilities=size)
            adapter = replace(adapter, fields={one: adapter.fields[one] for one in streams})
            adapters.append(faulty_adapter(adapter, faults) if faults else adapter)
        if faults:
            self.tally.faults.update(type(one.fault).__name__ for one in faults.strikes)
        installed = _Installed("reach", "reach", "connector")
        return Sync(load_job(self.job), plugins_with(*adapters, entries=[installed]), as_of=today)

    # What must hold.

    def _assert_ledger(self, report: Report) -> None:
        """Every change that a run was to make stands in the ledger with what became of it."""
        with Store(f"sqlite:///{self.folder / 'connector.db'}").bulk() as store:
            found = store.fetch(
                "select state, count(*) as n from ledger where run_id = ? group by state",
                report.run_id,
            )
        states = {row["state"]: row["n"] for row in found.to_pylist()}
        assert "sending" not in states
        for state, parts in (
            ("rejected", ("rejected",)),
            ("waiting", ("retry", "conflict", "unknown")),
        ):
            said = report.accounts[state] + report.tasks[state]
            assert said == sum(states.get(part, 0) for part in parts), (report, states)

    def compare(self, today: date) -> None:
        """Raise AssertionError unless the target holds what the model says."""
        self.tally.compared += 1
        held = self.target.rows[Stream.ACCOUNTS]
        expected = self.company.fields()
        assert {key: as_held(held[key]) for key in expected} == expected

        tasks = self.target.tasks
        markers = Counter(task.marker for task in tasks)
        assert set(markers.values()) <= {1}
        closed = [(t.account, t.closed_on) for t in tasks if t.status != "open" and t.closed_on]
        with_task = Counter(task.account for task in tasks if task.status == "open")
        assert with_task == Counter(self.company.accounts_with_a_task(closed, today))
        for task in tasks:
            assert task.subject == self.edited.get(task.marker, f"Call {task.account}")


def _writing(call: Call) -> bool:
    return call.name == "write"
