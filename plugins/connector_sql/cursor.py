"""Places in a table, as text: where a reading stands and where the next one starts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d|$)")


def load(cursor: str | None) -> dict[str, Any]:
    """Return the values in a cursor of ours; nothing if there is none or it is another's."""
    try:
        state = json.loads(cursor or "{}")
    except ValueError:
        return {}
    if not isinstance(state, dict):
        return {}
    return {name: _value(value) for name, value in state.items()}


def dump(**state: object) -> str:
    """Return the cursor that holds these values."""
    return json.dumps({name: _plain(value) for name, value in state.items() if value is not None})


def back(stamp: object, overlap: int) -> object:
    """Return the stamp that lies *overlap* before this one, or below it in its order.

    Texts are ISO times: the result has their form, without fraction and zone, so that it sorts
    before all that begin with it. What can't be reckoned with is returned as it is.
    """
    if isinstance(stamp, datetime):
        return stamp - timedelta(seconds=overlap)
    if isinstance(stamp, date):
        return stamp - timedelta(days=-(-overlap // 86_400))
    if isinstance(stamp, (int, float, Decimal)):
        return stamp - overlap
    if isinstance(stamp, str) and (time := _parsed(stamp)) is not None:
        return _in_form_of(stamp, time - timedelta(seconds=overlap))
    return stamp


def not_after(stamp: object, now: datetime) -> object:
    """Return the stamp, or *now* in its place if it lies in the future.

    A row stamped 2999 would otherwise make every later run start there.
    """
    if isinstance(stamp, datetime):
        return min(stamp, now if stamp.tzinfo else now.replace(tzinfo=None))
    if isinstance(stamp, date):
        return min(stamp, now.date())
    if isinstance(stamp, str) and (time := _parsed(stamp)) is not None:
        here = now.astimezone(time.tzinfo) if time.tzinfo else now.replace(tzinfo=None)
        return stamp if time <= here else _in_form_of(stamp, here)
    return stamp


def _parsed(text: str) -> datetime | None:
    if not _ISO.match(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _in_form_of(text: str, time: datetime) -> str:
    if len(text) <= 10:
        return time.date().isoformat()
    return time.replace(tzinfo=None).isoformat(sep=text[10], timespec="seconds")


def _plain(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, (datetime, date)):
        return {type(value).__name__: value.isoformat()}
    if isinstance(value, (Decimal, UUID)):
        return {type(value).__name__.lower(): str(value)}
    return value


def _value(value: object) -> object:
    if isinstance(value, list):
        return [_value(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, text),) = value.items()
    return _READ[kind](text)


_READ: Final[Mapping[str, Callable[[str], object]]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "decimal": Decimal,
    "uuid": UUID,
    "bytes": bytes.fromhex,
}


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)
