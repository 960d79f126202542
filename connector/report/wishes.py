"""What a goal wanted in the last run: how much became a task, what was left out, and the first of
the actions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import case
from sqlmodel import col, func, select

from connector.store import Store
from connector.store.tables import ActionRow
from customer_pyramid.money import cents

SHOWN: Final = 5
"""Actions that are listed of each goal."""

_WANTED: Final = ("create", "update", "queue")
_DATA: Final = (
    "account_id", "item", "decision", "cause", "owner", "priority", "due", "subject", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wishes:
    """The actions of one goal: *counts* by what became of them, a decision or the cause of it.

    *worth* is the expected value of those that are or will be tasks, in money units; *actions* are
    the first of these. Who is held out is not among them: nobody must know.
    """

    counts: Mapping[str, int]
    worth: int
    actions: Sequence[ActionRow]

    @property
    def wanted(self) -> int:
        """Return how many are tasks, or will be one when their owner has time."""
        return sum(self.counts.get(what, 0) for what in ("create", "open_task", "rep_cap"))

    def as_data(self) -> dict[str, Any]:
        """Return them for JSON."""
        return {
            "counts": dict(self.counts),
            "worth": cents(self.worth),
            "actions": [
                {
                    **{name: getattr(action, name) for name in _DATA},
                    "expected_value": cents(action.expected_value),
                }
                for action in self.actions
            ],
        }


def wishes_of(store: Store, job_id: int, goals: Iterable[str]) -> dict[str, Wishes]:
    """Return what each of *goals* wanted."""
    return {goal: _wishes(store, job_id, goal) for goal in goals}


def _wishes(store: Store, job_id: int, goal: str) -> Wishes:
    became = func.coalesce(col(ActionRow.cause), col(ActionRow.decision))
    mine = (ActionRow.job_id == job_id, ActionRow.goal == goal)
    wanted = col(ActionRow.decision).in_(_WANTED)
    counts = select(became, func.count()).where(*mine).group_by(became).order_by(became)
    worth = select(func.coalesce(func.sum(ActionRow.expected_value), 0)).where(*mine, wanted)
    urgent = case({"High": 0, "Normal": 1}, value=col(ActionRow.priority), else_=2)
    first = select(ActionRow).where(*mine, wanted)
    first = first.order_by(
        urgent,
        col(ActionRow.expected_value).desc(),
        col(ActionRow.account_id),
        col(ActionRow.item),
    )
    with store.session() as session:
        return Wishes(
            counts={str(what): int(n) for what, n in session.exec(counts)},
            worth=int(session.exec(worth).one()),
            actions=session.exec(first.limit(SHOWN)).all(),
        )
