"""Times as EspoCRM writes them: `2026-06-30 12:00:00`, in UTC.

They are written in no other way: a condition with a time that it can't read, EspoCRM leaves out
without a word, and answers with everything.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Final

_FORM: Final = "%Y-%m-%d %H:%M:%S"
_SHAPE: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def written(moment: datetime) -> str:
    """Return a moment as EspoCRM takes it; one without a zone is in UTC."""
    zoned = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return zoned.strftime(_FORM)


def moment_of(value: object) -> datetime | None:
    """Return the moment that EspoCRM wrote; None if it is none."""
    if not isinstance(value, str) or not _SHAPE.fullmatch(value):
        return None
    try:
        return datetime.strptime(value, _FORM).replace(tzinfo=UTC)
    except ValueError:
        return None


def day_of(value: object) -> date | None:
    """Return the day with which a date or a time begins; None if it is neither."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
