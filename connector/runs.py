"""The runs of a job as the store knows them: begun or taken up again, noted stage by stage, ended.

People are told of the end, and the audit trail of both.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final, Literal

from sqlmodel import col, select

from connector import approval, audit, notify, telemetry
from connector.config import Job
from connector.deliver import Delivered
from connector.errors import ConfigError, ConnectorError, GuardError, PluginError
from connector.governor import Governed
from connector.lease import lease
from connector.overrides import Override
from connector.pull import Pulled
from connector.redaction import without_secrets
from connector.store import Store
from connector.store.tables import RunRow

logger = logging.getLogger(__name__)

Begun = Literal["running", "planning", "applying", "undoing"]
State = Begun | Literal["planned", "waiting", "done", "partial", "stopped", "failed"]

_VERBS: Final[Mapping[Begun, str]] = {
    "running": "run",
    "planning": "plan",
    "applying": "apply",
    "undoing": "undo",
}
"""What the audit trail calls each kind of run."""
_TOLD: Final = ("running", "applying")
"""Runs of whose end people are told: the others are looked at by those who started them."""
_LISTED: Final = 1_000


@dataclass(slots=True)
class Report:
    """What a run did, in numbers that add up."""

    job: str
    run_id: str
    as_of: date
    state: State = "running"
    pulled: dict[str, Pulled] = field(default_factory=dict)
    accounts: dict[str, int] = field(default_factory=dict)
    """read = unchanged + applied + rejected + waiting + quarantined."""
    tasks: dict[str, int] = field(default_factory=dict)
    """planned = applied + unchanged + rejected + waiting."""
    actions: dict[str, int] = field(default_factory=dict)
    """Actions by what became of them."""
    fields: dict[str, int] = field(default_factory=dict)
    """Changes by field."""
    locked: int = 0
    by_hand: Sequence[Override] = ()
    """Tiers that people have changed in the target since the last run, kept or written over."""
    target: Mapping[str, str] = field(default_factory=dict)
    """Our result = the target's field."""
    plan: dict[str, int] = field(default_factory=dict)
    """Of a plan that is carried out: planned = same + differs + not_needed; unplanned is beside."""
    summary: Mapping[str, Any] = field(default_factory=dict)

    def counts(self) -> dict[str, Any]:
        """Return the numbers as JSON keeps them."""
        return {
            "pulled": {stream: asdict(pulled) for stream, pulled in self.pulled.items()},
            "accounts": self.accounts,
            "tasks": self.tasks,
            "actions": self.actions,
            "fields": self.fields,
            "locked": self.locked,
            "by_hand": [asdict(override) for override in self.by_hand[:_LISTED]],
            "target": dict(self.target),
            **({"plan": self.plan} if self.plan else {}),
        }

    def assert_adds_up(self) -> None:
        """Raise AssertionError if an account or a task has no outcome."""
        parts = ("unchanged", "applied", "rejected", "waiting")
        read = sum(self.accounts[part] for part in (*parts, "quarantined"))
        planned = sum(self.tasks[part] for part in parts)
        if self.accounts["read"] != read or self.tasks["planned"] != planned:
            raise AssertionError(f"the run does not add up: {self.accounts} {self.tasks}")


def add_counts(counts: dict[str, int], delivered: Delivered) -> None:
    """Move what was sent from *waiting* to what became of it."""
    counts["waiting"] -= delivered.sent - delivered.waiting
    for part in ("applied", "unchanged", "rejected"):
        counts[part] += getattr(delivered, part)


def today(job: Job) -> date:
    """Return the day it is in the job's time zone."""
    return datetime.now(job.zone).date()


class Runs:
    """The runs of one job; one at a time holds its lease.

    *digest* is that of its rules: a run that was cut off is taken up again only under the same.
    *override* is the reason why a run goes where the guard would stop it.
    """

    def __init__(
        self,
        store: Store,
        job: Job,
        job_id: int,
        digest: str,
        governor: Governed,
        *,
        as_of: date | None = None,
        override: str | None = None,
    ) -> None:
        self._store = store
        self._job = job
        self._job_id = job_id
        self._digest = digest
        self._governor = governor
        self._as_of = as_of or job.model.rules.as_of
        self._override = override

    @contextmanager
    def begun(self, state: Begun = "running", about: str = "") -> Iterator[tuple[RunRow, Report]]:
        """Hold the job while the block runs; yield its row in the store, and its report to fill."""
        with lease(self._store, self._job.name, self._job_id):
            row = self._begin(state, about)
            report = Report(self._job.name, row.id, row.as_of, target=self._job.model.target.fields)
            try:
                with telemetry.run(self._job.name, row.id):
                    yield row, report
            except ConnectorError as error:
                stopped = isinstance(error, GuardError | ConfigError | PluginError)
                report.state = "stopped" if stopped else "failed"
                self._end(row, report, without_secrets(str(error)))
                if state in _TOLD:
                    notify.run_ended(self._store, self._job, row, error)
                raise
            self._end(row, report, "")
            if state in _TOLD:
                notify.run_ended(self._store, self._job, row)

    def _begin(self, state: Begun, about: str) -> RunRow:
        """Return the run that was cut off, to be taken up again, or a new one *about* this."""
        message = "; ".join(filter(None, (about, self._reason)))
        with self._store.session() as session:
            row = session.exec(
                select(RunRow).where(RunRow.job_id == self._job_id, RunRow.state == state)
            ).first()
            if row is not None and state != "planning" and self._is_the_same(row, about):
                logger.info("taking up run %s, which was cut off at %r", row.id, row.stage)
                row.message = message or row.message
                session.add(row)
                audit.run_begins(session, "resume", self._job.name, row, self._override, about)
                return row
            ended = ("applying", "undoing") if state == "running" else ()
            for other in session.exec(
                select(RunRow).where(RunRow.job_id == self._job_id, col(RunRow.state).in_(ended))
            ):
                other.state, other.message = "failed", f"{other.message}; cut off"
                session.add(other)
                audit.run_ends(session, self._job.name, other)
            if row is not None:
                # A plan leaves nothing to go on with, and its day may have passed.
                why = "" if state == "planning" else "; the job was changed since"
                row.state, row.message = "failed", f"cut off{why}"
                session.add(row)
                audit.run_ends(session, self._job.name, row)
            now = datetime.now(UTC)
            row = RunRow(
                id=f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
                job_id=self._job_id,
                state=state,
                stage="begin",
                as_of=self._as_of or today(self._job),
                started_at=now,
                config_hash=self._digest,
                message=message,
            )
            session.add(row)
            audit.run_begins(session, _VERBS[state], self._job.name, row, self._override, about)
        return row

    def _is_the_same(self, row: RunRow, about: str) -> bool:
        """Say whether a run *about* this goes on where *row* was cut off."""
        same_rules = row.config_hash == self._digest
        return same_rules and row.message.startswith(about) and self._as_of in (None, row.as_of)

    @property
    def _reason(self) -> str:
        return f"{approval.OVERRIDE}{self._override}" if self._override else ""

    def stage(self, row: RunRow, stage: str) -> None:
        """Note how far the run is."""
        telemetry.stage(stage)
        logger.info("run %s: %s", row.id, stage)
        row.stage = stage
        with self._store.session() as session:
            session.merge(row)
        self._governor.keep(now=True)

    def _end(self, row: RunRow, report: Report, message: str) -> None:
        row.state = report.state
        row.finished_at = datetime.now(UTC)
        row.counts = report.counts()
        row.summary = dict(report.summary)
        row.message = message or row.message
        with self._store.session() as session:
            session.merge(row)
            audit.run_ends(session, self._job.name, row)
        self._governor.keep(now=True)
        if report.state in ("done", "partial", "waiting"):
            approval.replace(self._store, self._job_id, row.id)
