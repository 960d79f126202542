"""Search parameters: which records a list is asked for, in which order, and what of each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl

from sandbox_espocrm.moments import sought_day, sought_moment
from sandbox_espocrm.refusal import Refused
from sandbox_espocrm.schema import Attribute, Entity

Sql: TypeAlias = tuple[str, list[Any]]
_MOST: Final = 2**53
_LEADING: Final = re.compile(r"\s*-?\d+")
_KEY: Final = re.compile(r"\[([^\]]*)\]")
_COMPARED: Final = {
    "equals": "=", "on": "=", "notEquals": "<>", "greaterThan": ">", "after": ">",
    "greaterThanOrEquals": ">=", "lessThan": "<", "before": "<", "lessThanOrEquals": "<=",
}  # fmt: skip
_MATCHED: Final = {"like": "{}", "contains": "%{}%", "startsWith": "{}%", "endsWith": "%{}"}
_TESTED: Final = {
    "isNull": "IS NULL", "isNotNull": "IS NOT NULL", "isTrue": "= 1", "isFalse": "= 0",
}  # fmt: skip
_NOTHING: Final[Sql] = ("1", [])
_PARTS: Final = frozenset({"type", "attribute", "field", "value", "dateTime", "date", "timeZone"})
_NOT_HERE: Final = ("primaryFilter", "boolFilterList", "filterList", "textFilter", "q")
_JSON_INTEGERS: Final = ("maxSize", "offset")


@dataclass(frozen=True, slots=True)
class Search:
    """What a list is asked for."""

    where: Sequence[Any] = ()
    select: Sequence[str] | None = None
    order_by: str | None = None
    descending: bool = False
    offset: int = 0
    max_size: int | None = None


def read_search(query: str, *, aliases: bool) -> Search:
    """Return the parameters in *query*; with *aliases*, also by the names that 9.0 brought."""
    asked = read_query(query)
    if "searchParams" in asked:
        asked = _read_json(asked["searchParams"])
    elif not isinstance(asked.get("where"), Mapping):
        # What is no array there is no condition either, and nobody is told.
        asked["where"] = None
    if unknown := [name for name in _NOT_HERE if asked.get(name)]:
        # To give everything for it would be a lie that EspoCRM does not tell.
        raise Refused(501, f"The sandbox does not know {unknown[0]}.")
    if aliases:
        asked["where"] = asked.pop("whereGroup", asked.get("where"))
        asked["select"] = asked.pop("attributeSelect", asked.get("select"))
    select, order = asked.get("select"), asked.get("orderBy")
    if isinstance(select, str):
        select = select.split(",") if select else None
    return Search(
        where=_nested(asked.get("where") or []),
        select=None if select is None else [str(one) for one in select],
        order_by=None if order is None else str(order),
        descending=str(asked.get("order", "")).lower() in ("desc", "true"),
        offset=_number(asked.get("offset")) or 0,
        max_size=_number(asked.get("maxSize")),
    )


def read_query(query: str) -> dict[str, Any]:
    """Return what a query says, with its `[...]` as PHP reads them: all are dictionaries."""
    read: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        first, bracket, _ = name.partition("[")
        keys = [first, *(_KEY.findall(name) if bracket else [])]
        at = read
        for key in keys[:-1]:
            below = at.setdefault(key or str(len(at)), {})
            if not isinstance(below, dict):
                below = at[key] = {}
            at = below
        at[keys[-1] or str(len(at))] = value
    return read


def _read_json(text: Any) -> dict[str, Any]:
    try:
        read = json.loads(text)
    except (TypeError, ValueError):
        read = None
    if not isinstance(read, dict):
        raise Refused(400, "Invalid search params JSON.")
    for name in _JSON_INTEGERS:
        if not isinstance(read.get(name, 0), int):
            raise Refused(400, f"{name} must be integer.")
    return read


def condition(entity: Entity, items: Sequence[Any], sql: Callable[[str], str]) -> Sql:
    """Return the SQL of conditions that must all hold; *sql* gives that of an attribute."""
    return _joined("AND", entity, items, sql)


def _joined(word: str, entity: Entity, items: Sequence[Any], sql: Callable[[str], str]) -> Sql:
    parts = [_one(entity, item, sql) for item in items]
    if not parts:
        return _NOTHING
    told = f" {word} ".join(f"({text})" for text, _ in parts)
    return told, [value for _, values in parts for value in values]


def _one(entity: Entity, item: Any, sql: Callable[[str], str]) -> Sql:
    if not isinstance(item, Mapping) or not item.get("type"):
        raise Refused(400, "No 'type' in where item.")
    if unknown := [name for name in item if name not in _PARTS]:
        raise Refused(400, f"Unknown parameter '{unknown[0]}'.")
    kind, value = str(item["type"]), item.get("value")
    if kind in ("and", "or"):
        return _joined(kind.upper(), entity, _nested(value or []), sql)
    name = item.get("attribute", item.get("field"))
    if not name:
        raise Refused(400, "No 'attribute' in where item.")
    attribute = entity.attributes.get(str(name))
    if attribute is None:
        raise Refused(400, f"Not existing attribute '{name}' in where.")
    text = sql(attribute.name)
    if kind in _TESTED:
        return f"{text} {_TESTED[kind]}", []
    if kind in _COMPARED:
        return _compared(attribute, text, _COMPARED[kind], value)
    if kind in ("in", "notIn"):
        sought = _values(value)
        marks = ", ".join("?" * len(sought))
        return f"{text} {'NOT ' * (kind == 'notIn')}IN ({marks})", [*sought]
    plain = kind.removeprefix("not")
    plain = plain[:1].lower() + plain[1:]
    if plain in _MATCHED:
        return f"{text} {'NOT ' * (kind != plain)}LIKE ?", [_MATCHED[plain].format(value)]
    if kind == "between" and len(ends := _values(value)) == 2:
        low = _compared(attribute, text, ">=", ends[0])
        high = _compared(attribute, text, "<=", ends[1])
        return f"{low[0]} AND {high[0]}", [*low[1], *high[1]]
    raise Refused(400, f"Unknown where item type '{kind}'.")


def _compared(attribute: Attribute, text: str, operator: str, value: Any) -> Sql:
    if value is None:
        return f"{text} IS {'NOT ' * (operator == '<>')}NULL", []
    (value,) = _values([value])
    match attribute.kind:
        case "datetime":
            value = sought_moment(str(value))
        case "date":
            value = sought_day(str(value))
        case "bool":
            value = int(str(value).lower() in ("1", "true"))
        case "int" | "float" | "converted":
            value = _sought_number(value)
    # What is no time is no condition either: nobody is told.
    return _NOTHING if value is None else (f"{text} {operator} ?", [value])


def _sought_number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0  # as EspoCRM's database takes a text for a number


def _nested(value: Any) -> list[Any]:
    """Return conditions: a list, or what a query has for one, with all its numbers."""
    if isinstance(value, Mapping) and [*value] == [str(at) for at in range(len(value))]:
        return [*value.values()]
    if isinstance(value, list):
        return value
    raise Refused(400, "Bad 'value'.")


def _values(value: Any) -> list[Any]:
    """Return what is compared with: one value, or several."""
    values = [*value.values()] if isinstance(value, Mapping) else value
    values = values if isinstance(values, list) else [values]
    if any(isinstance(one, Mapping | list) for one in values):
        raise Refused(400, "Bad 'value'.")
    return values


def _number(value: Any) -> int | None:
    if value is None or value == "":
        return None
    found = _LEADING.match(str(value))
    return min(max(0, int(found[0])), _MOST) if found else 0  # as PHP reads it
