"""Periods of sales: half-open, in whole days, with the one before."""

import calendar
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Self


@dataclass(frozen=True, slots=True)
class Period:
    """The days from *start* up to, but without, *end*."""

    start: date
    end: date
    months: int | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"period must end after it starts: {self.start} .. {self.end}")

    @classmethod
    def trailing(cls, as_of: date, months: int = 12) -> Self:
        """Return the *months* that end with *as_of*, that day included."""
        end = as_of + timedelta(days=1)
        return cls(add_months(end, -months), end, months)

    @classmethod
    def fiscal_year(cls, as_of: date, start_month: int = 1) -> Self:
        """Return the fiscal year that holds *as_of*, to its last day."""
        start = date(as_of.year - (as_of.month < start_month), start_month, 1)
        return cls(start, add_months(start, 12), 12)

    @classmethod
    def explicit(cls, start: date, end_exclusive: date) -> Self:
        """Return the period between two dates; one of whole months has a previous one of months."""
        months = (end_exclusive.year - start.year) * 12 + end_exclusive.month - start.month
        whole = months > 0 and add_months(start, months) == end_exclusive
        return cls(start, end_exclusive, months if whole else None)

    @property
    def last_day(self) -> date:
        return self.end - timedelta(days=1)

    def previous(self) -> Self:
        """Return the period just before: as many months if made of months, else as many days."""
        if self.months is None:
            return type(self)(self.start - (self.end - self.start), self.start)
        return type(self)(add_months(self.start, -self.months), self.start, self.months)


def add_months(day: date, months: int) -> date:
    """Return the same day *months* later, or the month's last day where that month is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
