"""Actions: what a goal wants somebody to do for an account. What the CRM holds for it is a task."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, TypeAlias

Goal: TypeAlias = Literal[
    "cross_sell", "up_sell", "retention", "acquisition", "win_back", "experience"
]
SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do; *expected_value* in money units, *due_days* in business days.

    *evidence* holds the figures behind the *reason*, as text ready to show.
    """

    goal: Goal
    account_id: str
    owner_id: str | None
    layer: str
    title: str
    reason: str
    due_days: int
    expected_value: int
    subject: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str]:
        """Goal, account and subject: what makes two actions the same, whenever proposed."""
        return (self.goal, self.account_id, self.subject)


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
