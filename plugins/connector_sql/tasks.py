"""The table of our tasks: what is in it, and the rows that a change makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

import sqlalchemy as sa

from connector import CloseTask, HeldTask, PutTask
from connector_sql.values import day

if TYPE_CHECKING:
    from sqlalchemy.engine import RowMapping

DONE: Final = frozenset({"done", "closed", "completed"})
REJECTED: Final = frozenset({"rejected", "cancelled", "canceled", "declined"})


def tasks_table(name: str) -> sa.Table:
    """Return the table as we create it."""
    schema, _, bare = name.rpartition(".")
    return sa.Table(
        bare,
        sa.MetaData(),
        sa.Column("marker", sa.String(255), primary_key=True),
        sa.Column("account", sa.String(255), nullable=False, index=True),
        sa.Column("goal", sa.String(64)),
        sa.Column("subject", sa.Text),
        sa.Column("body", sa.Text),
        sa.Column("owner", sa.String(255)),
        sa.Column("due", sa.Date),
        sa.Column("priority", sa.String(16)),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("created_on", sa.Date),
        sa.Column("closed_on", sa.Date),
        schema=schema or None,
    )


def status_of(text: object) -> Literal["open", "done", "rejected"]:
    """Return what a status means, whoever wrote it; what nobody knows still is open."""
    word = str(text or "").strip().lower()
    if word in DONE:
        return "done"
    return "rejected" if word in REJECTED else "open"


def held(row: RowMapping) -> HeldTask:
    """Return a row of the table as a task."""
    return HeldTask(
        marker=row["marker"],
        account=row["account"],
        status=status_of(row["status"]),
        id=row["marker"],
        subject=row["subject"] or "",
        body=row["body"] or "",
        owner=row["owner"] or None,
        due=day(row["due"]),
        priority=row["priority"] or "Normal",
        created_on=day(row["created_on"]),
        closed_on=day(row["closed_on"]),
    )


def content(change: PutTask) -> dict[str, Any]:
    """Return what a change says about a task, new or not."""
    return {
        "subject": change.subject,
        "body": change.body,
        "owner": change.owner,
        "due": change.due,
        "priority": change.priority,
    }


def new(change: PutTask) -> dict[str, Any]:
    """Return the row of a task that does not exist yet."""
    return {
        "marker": change.marker,
        "account": change.ref.id,
        "goal": change.goal,
        **content(change),
        "status": "open",
        "created_on": change.created_on,
        "closed_on": None,
    }


def differs(task: HeldTask, wanted: Mapping[str, object]) -> bool:
    """Return whether the task says something else."""
    return any((getattr(task, name) or None) != (value or None) for name, value in wanted.items())


def closed(task: HeldTask, change: CloseTask) -> dict[str, Any]:
    """Return what closing sets; the reason comes after what was there."""
    body = f"{task.body}\n\n{change.reason}".strip()
    return {"status": "closed", "closed_on": change.closed_on, "body": body}
