"""Actions: what a goal wants somebody to do for an account. What the CRM holds for it is a task."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do; *expected_value* in money units, *due_days* in business days.

    *item* tells two actions of one goal and account apart: a product, a case, a kind of task.
    *evidence* holds the figures behind the *reason*, as text ready to show. The action has lost its
    point after *expires_days*. It has succeeded if the goal's success comes within *window_days*;
    *target* is the revenue, in money units, by which success is known, where there is one. After
    the task is closed none follows for *cooldown_days*; None means as long as for any goal.
    """

    goal: str
    account_id: str
    owner_id: str | None
    layer: str
    title: str
    reason: str
    due_days: int
    expected_value: int
    item: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)
    expires_days: int = 90
    window_days: int = 180
    target: int | None = None
    cooldown_days: int | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """Goal, account and item: what makes two actions the same, whenever proposed."""
        return (self.goal, self.account_id, self.item)


def add_business_days(
    day: datetime.date, days: int, holidays: frozenset[datetime.date] = frozenset()
) -> datetime.date:
    """Return the day *days* business days on; 0 is *day* itself or the next business day."""
    while not is_business_day(day, holidays):
        day += timedelta(days=1)
    for _ in range(days):
        day += timedelta(days=1)
        while not is_business_day(day, holidays):
            day += timedelta(days=1)
    return day


def is_business_day(day: datetime.date, holidays: frozenset[datetime.date] = frozenset()) -> bool:
    """Say whether people work on *day*."""
    return day.weekday() < SATURDAY and day not in holidays
