"""Days: what lies in a period, and how long ago something was.

A time belongs to the day that it has in the time zone of the database session.
"""

from datetime import date, timedelta
from fractions import Fraction

import ibis
import ibis.expr.types as ir

from customer_pyramid.periods import Period


def dated_in(days: ir.DateValue, period: Period) -> ir.BooleanValue:
    """Say which *days* lie in *period*."""
    return (days >= day(period.start)) & (days < day(period.end))


def timed_in(times: ir.TimestampValue, period: Period) -> ir.BooleanValue:
    """Say which *times* lie in *period*."""
    return (times >= midnight(period.start)) & (times < midnight(period.end))


def days_since(days: ir.DateValue, as_of: date) -> ir.IntegerValue:
    """Return how many days before *as_of* each of *days* was."""
    return day(as_of).delta(days, unit="day").cast("int64")


def months_since(days: ir.DateValue, start: date) -> ir.IntegerValue:
    """Return the full months from *start* to each of *days*; it is not before *start*."""
    months = (days.year() - start.year) * 12 + days.month() - start.month
    return (months - ibis.ifelse(days.day() < start.day, 1, 0)).cast("int64")


def elapsed(period: Period, as_of: date) -> Period:
    """Return the part of *period* that has passed by *as_of*: of a year under way, the days so far.

    Raise `ValueError` if it has not begun.
    """
    if as_of >= period.last_day:
        return period
    return Period.explicit(period.start, as_of + timedelta(days=1))


def years(period: Period) -> Fraction:
    """Return how many years *period* lasts."""
    if period.months is None:
        return Fraction((period.end - period.start).days, 365)
    return Fraction(period.months, 12)


def day(date_: date) -> ir.DateScalar:
    """Return a day as it is compared with a column."""
    return ibis.literal(date_, type="date")


def midnight(date_: date) -> ir.TimestampScalar:
    """Return the moment at which a day begins."""
    # Compared with times it costs next to nothing; the days of many times cost a lot.
    return day(date_).cast("timestamp('UTC')")
