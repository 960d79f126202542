"""JSON as Tryton speaks it: amounts, days and moments are objects that name their class."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final


def dumps(value: object) -> bytes:
    """Return *value* as JSON; a moment without a zone is in UTC."""
    return json.dumps(value, default=_object, ensure_ascii=False).encode()


def typed(said: dict[str, Any]) -> Any:
    """Return what an object of JSON stands for: itself, unless it names a class that we know."""
    read = _READ.get(str(said.get("__class__")))
    return said if read is None else read(said)


def _object(value: object) -> Mapping[str, object]:
    match value:
        case Decimal():
            return {"__class__": "Decimal", "decimal": format(value, "f")}
        case datetime():
            utc = value.astimezone(UTC) if value.tzinfo else value
            clock = {part: getattr(utc, part) for part in (*_DAY, *_CLOCK)}
            return {"__class__": "datetime", **clock}
        case date():
            return {"__class__": "date", **{part: getattr(value, part) for part in _DAY}}
        case timedelta():
            return {"__class__": "timedelta", "seconds": value.total_seconds()}
    raise TypeError(f"Tryton has no value for a {type(value).__name__}")


_DAY: Final = ("year", "month", "day")
_CLOCK: Final = ("hour", "minute", "second", "microsecond")
_READ: Final[Mapping[str, Callable[[Mapping[str, Any]], object]]] = {
    "Decimal": lambda said: Decimal(said["decimal"]),
    "datetime": lambda said: datetime(
        **{part: said[part] for part in (*_DAY, *_CLOCK)}, tzinfo=UTC
    ),
    "date": lambda said: date(*(said[part] for part in _DAY)),
    "time": lambda said: time(*(said[part] for part in _CLOCK)),
    "timedelta": lambda said: timedelta(seconds=float(said["seconds"])),
}
