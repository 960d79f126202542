"""One run of a job, from the source to the target: pull, analyse, decide, plan, guard, deliver.

A run that dies is taken up again where it was: the cursors say what has been read, and what has
been written is read from the target before anything is sent.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from itertools import chain
from typing import Final

from sqlmodel import select

from connector import approval, trials
from connector.analysis import Analysis, analyse
from connector.config import Job
from connector.contract import (
    Capabilities,
    Change,
    ChoiceChecker,
    HeldTask,
    Writer,
)
from connector.decide import Decided, decide, owners_of
from connector.deliver import Delivery
from connector.engine import Engine
from connector.errors import ConfigError, GuardError
from connector.facts import RECORDS
from connector.governor import Governed
from connector.language import words_of
from connector.ledger import created_by, unheard_of
from connector.mapping import mapping_of
from connector.model import Stream
from connector.overrides import Overrides, not_locked
from connector.plan import Held, Plan, Stamps, compare, guard_changes, plan_tasks
from connector.plugins import Plugins
from connector.proposal import Proposal
from connector.pull import Progress, Pull
from connector.rates import rates_now, refreshed_rates, said_of
from connector.record import save_actions, save_standings
from connector.retry import retrying_call
from connector.ruleset import ruleset_of
from connector.runs import Report, Runs, add_counts
from connector.sides import Sides
from connector.specs import field_specs
from connector.store import Store
from connector.store.tables import RunRow, TaskRow

logger = logging.getLogger(__name__)

_OPEN_ENDS: Final = ("rejected", "waiting")
_KEPT_AT_ONCE: Final = 10_000
_NOT_THERE: Final = "the target has no such account; create it there, or leave it out of the source"


@dataclass(frozen=True, slots=True)
class Planned:
    """A run stopped before anything was written."""

    report: Report
    plan: Plan
    decided: Sequence[Decided]
    held: Sequence[HeldTask]


class Sync:
    """A job opened for a run: its store, adapters and what they are asked for."""

    def __init__(
        self,
        job: Job,
        plugins: Plugins,
        *,
        as_of: date | None = None,
        override: str | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.job = job
        self.rules = ruleset_of(job, plugins)
        self.words = words_of(job.model.language, [goal.locale for goal in self.rules.goals])
        self.store = Store(job.store_url)
        self.job_id = self.store.job_id(job.name)
        limits = job.model.quota
        self.governor = Governed(
            self.store, reserve=limits.reserve, calls_per_day=limits.calls_per_day
        )
        self.runs = Runs(
            self.store,
            job,
            self.job_id,
            self.rules.hash,
            self.governor,
            as_of=as_of,
            override=override,
        )
        self._override = override
        self._progress = progress or (lambda what, done, total: None)
        self.sides = Sides(job, plugins, self.store, self.governor)

    @property
    def capabilities(self) -> Capabilities:
        """What may be asked of the target."""
        return self.sides.writes.capabilities

    def check(self) -> list[str]:
        """Return what source and target say of themselves; raise what is wrong with either."""
        with self.sides.source() as source:
            said = [f"source: {source.check()}"]
            rates = rates_now(self.job, source)
        if rates:
            said.append(f"rates: {said_of(rates, self.job.model.currency.base)}")
        for stream in self._streams():
            mapping_of(self.job, self.sides.reads, stream, rates)
        with self.sides.writer() as writer:
            fields = list(dict.fromkeys(self.job.model.target.fields.values()))
            said.append(f"target: {writer.check(fields)}")
            if isinstance(writer, ChoiceChecker):
                writer.check_choices(field_specs(self.job, self.words))
        return said

    def run(self) -> Report:
        """Run the job to its end; raise what stops it, the run noted as stopped or failed.

        Where the job wants approval, a run that has anything to write ends as waiting.
        """
        with self.runs.begun() as (row, report), Engine(self.store, self.job) as engine:
            planned = self._plan(row, report, engine)
            if self.job.model.target.approval == "required" and not planned.plan.empty:
                self.runs.stage(row, "approval")
                self._wait(planned, row)
                report.state = "waiting"
            else:
                self._carry_out(planned, row, report, engine)
        return report

    def apply(self, proposal: Proposal) -> Report:
        """Carry out a kept plan, from what the store holds; nothing is read from the source.

        Of the plan only those changes are sent that a run would still make just so. Raise
        ConfigError as `accept` does.
        """
        self.accept(proposal)
        begun = self.runs.begun("applying", f"plan of run {proposal.run_id}")
        with begun as (row, report), Engine(self.store, self.job) as engine:
            planned = self._plan(row, report, engine, pull=False)
            self._carry_out(planned, row, report, engine, proposal)
        return report

    def accept(self, proposal: Proposal) -> None:
        """Raise ConfigError if the plan is another job's, or was made by other rules."""
        if proposal.job != self.job.name:
            raise ConfigError(f"{self.job.path}: the plan is of job {proposal.job!r}")
        if proposal.rules != self.rules.hash:
            raise ConfigError(
                f"{self.job.path}: the rules were changed since the plan was made; make it again"
            )

    def _carry_out(
        self,
        planned: Planned,
        row: RunRow,
        report: Report,
        engine: Engine,
        proposal: Proposal | None = None,
    ) -> None:
        engine.make_room()
        trials.follow(self.store, self.job_id, planned.held)
        trials.begin(self.store, self.job_id, row.id, planned.decided, row.as_of)
        self.runs.stage(row, "deliver")
        self._deliver(planned, row.id, proposal)
        self.runs.stage(row, "record")
        self._record(planned, row, engine)
        report.assert_adds_up()
        report.state = "partial" if self._is_partial(report) else "done"

    def _wait(self, planned: Planned, row: RunRow) -> None:
        plan = planned.plan
        tasks = [plan.tasks] if plan.tasks else []
        batches = chain(plan.set_fields(_KEPT_AT_ONCE), tasks)
        approval.keep(self.store, self.job_id, row.id, batches, plan.stamps)

    def _record(self, planned: Planned, row: RunRow, engine: Engine) -> None:
        save_standings(self.store, engine.database, self.job_id, row.id, row.as_of)
        save_actions(
            self.store,
            self.job_id,
            row.id,
            planned.decided,
            as_of=row.as_of,
            config_hash=row.config_hash,
        )

    @contextmanager
    def plan(self) -> Iterator[Planned]:
        """Yield what a run would write; nothing is written, and the run is noted as planned."""
        begun = self.runs.begun("planning")
        with begun as (row, report), Engine(self.store, self.job) as engine:
            planned = self._plan(row, report, engine)
            report.state = "planned"
            yield planned

    def _plan(self, row: RunRow, report: Report, engine: Engine, *, pull: bool = True) -> Planned:
        if pull:
            self.runs.stage(row, "pull")
            self._pull(report)
        self.runs.stage(row, "analyse")
        engine.load(self.job_id)
        if not engine.count(RECORDS + "accounts") and not self._may_be_empty:
            raise GuardError(
                f"{self.job.path}: the source sent no accounts; nothing was changed. Check the"
                " source; if it is right, run with --override REASON"
            )
        self._progress("Computing the pyramid", 0, None)
        tasks = self.job.model.target.tasks.enabled
        analysis = analyse(engine, self.rules, row.as_of, self.words, goals=tasks)
        report.summary = analysis.summary
        guard = self.job.model.guard
        if not self._override:
            guard_changes(
                engine.database, guard.max_tier_changes, guard.max_deleted, str(self.job.path)
            )
        if row.state != "planning":
            trials.settle(self.store, self.job_id, analysis.facts, self.rules)
        engine.release()
        self.runs.stage(row, "plan")
        return self._compare(row, report, engine, analysis)

    def _pull(self, report: Report) -> None:
        with self.sides.source() as source:
            rates = refreshed_rates(
                self.job, source, self.store, self.job_id, may_be_none=self._may_be_empty
            )
            for stream in self._streams():
                pull = Pull(
                    self.store,
                    self.job_id,
                    mapping_of(self.job, self.sides.reads, stream, rates),
                    where=str(self.job.path),
                    allow_empty=self._may_be_empty,
                    max_deleted=1.0 if self._override else self.job.model.guard.max_deleted,
                    progress=self._progress,
                )
                report.pulled[str(stream)] = pull.run(source)

    def _compare(self, row: RunRow, report: Report, engine: Engine, analysis: Analysis) -> Planned:
        target = self.job.model.target
        with self.sides.writer() as writer:
            held = self._held(engine, writer)
        stamps = Stamps(
            as_of=row.as_of,
            currency=self.job.model.currency.base,
            period_start=analysis.facts.current.start,
            period_end=analysis.facts.current.last_day,
            computed_at=datetime.now(UTC),
            run_id=row.id,
            config_hash=row.config_hash,
        )
        keep = target.overrides == "respect"
        overrides = Overrides(self.store, self.job_id)
        by_hand = overrides.find(engine.database, target.fields, keep=keep)
        plan = compare(
            engine.database,
            target.fields,
            stamps,
            keep_by_hand=keep,
            empty_numbers=self.capabilities.empty_numbers,
        )
        report.by_hand = not_locked(engine.database, by_hand)
        own = created_by(self.store, row.id, row.as_of)
        settings = self.job.model.rules.settings
        decided = decide(
            analysis.actions,
            [task for task in held.tasks if task.marker not in own],
            analysis.open_deals,
            owners_of(engine.database, target.tasks.fallback_owner),
            settings.suppression,
            row.as_of,
            natures=self.rules.natures,
            blocked=analysis.blocked,
            complaints=analysis.complaining,
            holdout=settings.holdout,
        )
        goals = self.job.model.rules.goals if target.tasks.enabled else ()
        plan.tasks = plan_tasks(
            decided,
            held.tasks,
            self._known_tasks(),
            goals,
            row.as_of,
            words=self.words,
            capabilities=self.capabilities,
        )
        self._count(report, plan, decided)
        return Planned(report, plan, decided, held.tasks)

    def _count(self, report: Report, plan: Plan, decided: Sequence[Decided]) -> None:
        aside = self._quarantined(Stream.ACCOUNTS)
        report.accounts = {
            "read": plan.accounts + aside,
            "unchanged": plan.unchanged,
            "applied": 0,
            "rejected": plan.missing,
            "waiting": plan.changed,
            "quarantined": aside,
        }
        report.tasks = {
            "planned": len(plan.tasks),
            "applied": 0,
            "unchanged": 0,
            "rejected": 0,
            "waiting": len(plan.tasks),
        }
        report.fields = dict(plan.by_field)
        report.locked = plan.locked
        for one in decided:
            key = one.decision.cause or one.decision.verdict
            report.actions[key] = report.actions.get(key, 0) + 1

    def _held(self, engine: Engine, writer: Writer) -> Held:
        held = Held(engine.database, self.job.model.target.fields)
        size = self.capabilities.read_batch
        total, done = engine.count("standings"), 0
        # An account that the source no longer has may still have a task of ours, to be closed.
        known = {task.account_id for task in self._known_tasks().values()}
        of_tasks = sorted(known | unheard_of(self.store, self.job_id))
        rows = engine.database.cursor().execute(
            "select account_id from standings union select unnest($of_tasks::varchar[]) order by 1",
            {"of_tasks": of_tasks},
        )
        while found := rows.fetchmany(size):
            accounts = [account for (account,) in found]
            held.add(retrying_call(partial(writer.current, accounts, held.theirs)))
            done += len(accounts)
            self._progress("Reading the target", done, total)
        return held

    def _deliver(self, planned: Planned, run_id: str, proposal: Proposal | None) -> None:
        plan, report = planned.plan, planned.report
        same = differs = unplanned = 0

        def send(counts: dict[str, int], changes: Sequence[Change]) -> None:
            nonlocal same, differs, unplanned
            if proposal is not None:
                changes, others, more = proposal.take(changes, plan.stamps)
                delivery.skip(others)
                same, differs, unplanned = (
                    same + len(changes),
                    differs + len(others),
                    unplanned + more,
                )
            if changes:
                add_counts(counts, delivery.send(changes))
                self.governor.keep()

        with self.sides.writer() as writer:
            delivery = Delivery(self.store, self.job_id, run_id, writer, stamps=plan.stamps)
            delivery.resume(plan.markers, planned.held)
            if plan.missing:
                delivery.refuse(plan.missing_accounts(), "not_found", _NOT_THERE)
            size = self.capabilities.write_batch
            for batch in plan.set_fields(size):
                send(report.accounts, batch)
                done = plan.changed - report.accounts["waiting"]
                self._progress("Writing fields", done, plan.changed)
            for start in range(0, len(plan.tasks), size):
                send(report.tasks, plan.tasks[start : start + size])
                self._progress("Writing tasks", start + size, len(plan.tasks))
            if proposal is None:
                delivery.end()
        if proposal is not None:
            report.plan = {
                "planned": len(proposal),
                "same": same,
                "differs": differs,
                "not_needed": len(proposal.left),
                "unplanned": unplanned,
            }

    @property
    def _may_be_empty(self) -> bool:
        return self.job.model.guard.allow_empty or bool(self._override)

    def _streams(self) -> Sequence[Stream]:
        return [stream for stream in Stream if stream in self.sides.reads.fields]

    def _known_tasks(self) -> dict[str, TaskRow]:
        with self.store.session() as session:
            rows = session.exec(select(TaskRow).where(TaskRow.job_id == self.job_id)).all()
        return {row.marker: row for row in rows}

    def _is_partial(self, report: Report) -> bool:
        """Say whether anything is set aside, refused or waiting, from this run or one before."""
        open_ends = sum(
            counts[part] for counts in (report.accounts, report.tasks) for part in _OPEN_ENDS
        )
        with self.store.bulk() as bulk:
            found = bulk.fetch("select count(*) as n from quarantine where job_id = ?", self.job_id)
        return bool(open_ends or found.column("n")[0].as_py())

    def _quarantined(self, stream: Stream) -> int:
        """Return how many rows of *stream* are set aside and in no other state known."""
        with self.store.bulk() as bulk:
            found = bulk.fetch(
                "select count(*) as n from quarantine q where q.job_id = ? and q.stream = ?"
                " and not exists (select 1 from account a where a.job_id = q.job_id"
                " and a.id = q.record and not a.deleted)",
                self.job_id,
                str(stream),
            )
        return int(found.column("n")[0].as_py())
