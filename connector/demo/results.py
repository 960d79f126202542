"""What a run of the demonstration left behind: its report, its actions and where they lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import ColumnElement, func
from sqlmodel import col, select

from connector.config import Job
from connector.demo.files import JOB
from connector.runs import Report
from connector.store import Store
from connector.store.tables import ActionRow, RunRow, UserRow


@dataclass(frozen=True, slots=True)
class Results:
    """A run of the demonstration's job, and where it has left its results."""

    store: Store
    job_id: int
    report: Report
    folder: Path
    job: Job

    @property
    def job_file(self) -> str:
        """Return the job file as one would type it."""
        return str(self.folder / JOB)

    @property
    def set_aside(self) -> int:
        """Return how many rows could not be read."""
        return sum(pulled.quarantined for pulled in self.report.pulled.values())

    def run(self) -> RunRow:
        """Return the run as the store has it."""
        with self.store.session() as session:
            row = session.get(RunRow, self.report.run_id)
        assert row is not None  # noqa: S101 - it has just ended
        return row

    def best_action(self, goal: str) -> ActionRow | None:
        """Return the most valuable action of a goal that became a task."""
        query = select(ActionRow).where(*self._tasks_of(goal))
        query = query.order_by(col(ActionRow.expected_value).desc(), ActionRow.account_id)
        with self.store.session() as session:
            return session.exec(query).first()

    def tasks_of(self, goal: str) -> int:
        """Return how many actions of a goal became tasks."""
        query = select(func.count()).where(*self._tasks_of(goal))
        with self.store.session() as session:
            return session.exec(query).one()

    def names(self) -> Mapping[str, str]:
        """Return the name of each person by id."""
        with self.store.session() as session:
            rows = session.exec(select(UserRow).where(UserRow.job_id == self.job_id)).all()
        return {row.id: row.name or row.id for row in rows}

    def _tasks_of(self, goal: str) -> Sequence[ColumnElement[bool]]:
        became_tasks = col(ActionRow.decision).in_(("create", "update"))
        return (col(ActionRow.job_id) == self.job_id, col(ActionRow.goal) == goal, became_tasks)
