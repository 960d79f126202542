"""What a list of EspoCRM is asked for: conditions, and ids in portions that fit into a URL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import quote_plus

Condition: TypeAlias = Mapping[str, object]
Record: TypeAlias = Mapping[str, Any]

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_ROOM: Final = 5_500
"""Bytes of ids in a URL: web servers take 8,000 for all of it, and fields and conditions count."""


def search_of(
    select: Iterable[str], where: Sequence[Condition], *, size: int
) -> Mapping[str, object]:
    """Return the parameters of the first *size* records in the order of their ids."""
    return {
        "select": list(dict.fromkeys(select)),
        "where": list(where),
        "orderBy": "id",
        "order": "asc",
        "offset": 0,
        "maxSize": size,
    }


def as_parameter(search: Mapping[str, object]) -> str:
    """Return *search* as EspoCRM takes it in one parameter."""
    return json.dumps(search, separators=(",", ":"))


def equals(attribute: str, value: str) -> Condition:
    """Return the condition that an attribute has this value."""
    return {"type": "equals", "attribute": attribute, "value": value}


def above(attribute: str, value: str) -> Condition:
    """Return the condition that an attribute is greater."""
    return {"type": "greaterThan", "attribute": attribute, "value": value}


def since(attribute: str, moment: str) -> Condition:
    """Return the condition that a time is this one or later; *moment* is as `moments` writes it."""
    return {"type": "greaterThanOrEquals", "attribute": attribute, "value": moment}


def among(attribute: str, values: Sequence[str]) -> Condition:
    """Return the condition that an attribute has one of these values."""
    return {"type": "in", "attribute": attribute, "value": list(values)}


def either(*conditions: Condition) -> Condition:
    """Return the condition that one of these holds."""
    return {"type": "or", "value": list(conditions)}


def is_id(text: str) -> bool:
    """Say whether *text* can be an id: in a path anything else would lead elsewhere."""
    return bool(_ID.fullmatch(text))


def is_name(text: str) -> bool:
    """Say whether *text* can be the name of an attribute."""
    return bool(_NAME.fullmatch(text))


def portions(ids: Iterable[str], most: int) -> Iterator[Sequence[str]]:
    """Yield the ids among *ids*, at most *most* at a time, and no more than fit into a URL."""
    portion: list[str] = []
    room = _ROOM
    for one in dict.fromkeys(ids):
        if not is_id(one):
            continue
        length = len(quote_plus(f'"{one}",'))
        if portion and (len(portion) == most or length > room):
            yield portion
            portion, room = [], _ROOM
        portion.append(one)
        room -= length
    if portion:
        yield portion
