"""Times as EspoCRM writes and reads them: UTC, whole seconds, without a zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any, Final

_ATOM: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")
_WRITTEN: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?")


def said(moment: datetime) -> str:
    """Return a time as it stands in records."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def is_moment(text: object) -> bool:
    """Say whether *text* is a time as records take it."""
    if not isinstance(text, str) or not _WRITTEN.fullmatch(text):
        return False
    return sought_moment(text) is not None


def kept_moment(value: Any) -> Any:
    """Return a time of ISO 8601 as records keep it; anything else as it is."""
    if not isinstance(value, str) or not _ATOM.fullmatch(value):
        return value
    return sought_moment(value) or value


def is_day(text: object) -> bool:
    """Say whether *text* is a date as records take it."""
    return isinstance(text, str) and len(text) == 10 and sought_day(text) is not None


def sought_moment(text: str) -> str | None:
    """Return a time to search for, which may be ISO 8601, too; None if it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return said(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def sought_day(text: str) -> str | None:
    """Return a date to search for; None if it is none. A time is its date."""
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        return None
