"""Times as Salesforce writes and reads them."""

from __future__ import annotations

from datetime import UTC, date, datetime


def said(moment: datetime) -> str:
    """Return a time as it stands in answers and in the store: UTC, three decimals, no colon."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}+0000"


def read_moment(text: str) -> datetime:
    """Return a time with its zone; raise ValueError if it is none, or has no zone."""
    moment = datetime.fromisoformat(text)
    if len(text) < len("2026-01-01T00:00") or moment.tzinfo is None:
        raise ValueError(text)
    return moment


def read_day(text: str) -> date:
    """Return a date; raise ValueError if *text* is none. What follows the day is left out."""
    return date.fromisoformat(text[:10])
