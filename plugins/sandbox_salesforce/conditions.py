"""Conditions of SOQL: what stands after WHERE, in SQL."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Final

from sandbox_salesforce.ids import whole_id
from sandbox_salesforce.moments import read_moment, said
from sandbox_salesforce.named_dates import span
from sandbox_salesforce.paths import Paths
from sandbox_salesforce.refusal import ApiError
from sandbox_salesforce.schema import IDS, NUMBERS, TEXTS, FieldDef, Value
from sandbox_salesforce.soql import (
    Compared,
    Condition,
    Constant,
    FieldPath,
    Joined,
    Listed,
    Query,
)

_OF_KIND: Final = {"date": "date", "datetime": "dateTime", "boolean": "boolean"}


@dataclass(slots=True)
class Conditions:
    """The conditions of one query; *values* are those of the marks in the SQL, in order.

    *within* puts a query that stands in IN ( ) into SQL, with its values.
    """

    paths: Paths
    within: Callable[[Query], tuple[str, list[Value]]]
    values: list[Value] = field(default_factory=list)

    def sql(self, condition: Condition) -> str:
        """Return a condition in SQL; refuse fields that can't be filtered by, and wrong values."""
        match condition:
            case Joined(word="NOT", parts=(one,)):
                # What is null compares as false here, and its opposite is true.
                return f"NOT coalesce({self.sql(one)}, 0)"
            case Joined(word=word, parts=parts):
                bound = _bound(condition)
                first = f"{self._compared(bound)} AND " if bound else ""
                joined = f" {word} ".join(self.sql(one) for one in parts)
                return f"({first}({joined}))"
            case Compared():
                return self._compared(condition)
            case Listed():
                return self._listed(condition)
        raise TypeError(condition)

    def _filtered(self, path: FieldPath) -> tuple[FieldDef, str]:
        one, sql = self.paths.field(path)
        if not one.filterable:
            raise ApiError(
                "INVALID_FIELD", f"field '{one.name}' can not be filtered in a query call"
            )
        return one, sql

    def _compared(self, condition: Compared) -> str:
        one, sql = self._filtered(condition.path)
        constant, operator = condition.value, condition.operator
        if operator == "LIKE":
            return self._like(one, sql, constant)
        if constant.kind == "NULL" or (constant.kind == "STRING" and not constant.text):
            if operator not in ("=", "<>"):
                raise ApiError("INVALID_FIELD", f"invalid operator on null for '{one.name}'")
            return f"{sql} IS {'NOT ' if operator == '<>' else ''}NULL"
        if constant.kind == "NAMED_DATE":
            return self._named(one, sql, operator, constant.text)
        self.values.append(_value(one, constant, exact=operator in ("=", "<>")))
        return f"{sql} IS NOT ?" if operator == "<>" else f"{sql} {operator} ?"

    def _like(self, one: FieldDef, sql: str, constant: Constant) -> str:
        if one.type not in TEXTS or constant.kind != "STRING":
            raise ApiError("INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {one.type} field")
        self.values.append(re.sub(r"\\(?![%_])", r"\\\\", constant.text))
        return f"{sql} LIKE ? ESCAPE '\\'"

    def _named(self, one: FieldDef, sql: str, operator: str, name: str) -> str:
        if one.type not in ("date", "datetime"):
            raise _wrong_type(one)
        start, end = (_midnight(one, day) for day in span(name, self.paths.org.clock().date()))
        match operator:
            case "=":
                self.values += [start, end]
                return f"({sql} >= ? AND {sql} < ?)"
            case "<>":
                self.values += [start, end]
                return f"({sql} IS NULL OR {sql} < ? OR {sql} >= ?)"
        self.values.append(start if operator in ("<", ">=") else end)
        return f"{sql} {'<' if operator in ('<', '<=') else '>='} ?"

    def _listed(self, condition: Listed) -> str:
        one, sql = self._filtered(condition.path)
        word = "NOT IN" if condition.negated else "IN"
        if condition.query is not None:
            within, values = self.within(condition.query)
            self.values += values
            return f"{sql} {word} ({within})"
        if any(constant.kind == "NAMED_DATE" for constant in condition.values):
            raise _wrong_type(one)
        has_null = any(constant.kind == "NULL" for constant in condition.values)
        constants = [constant for constant in condition.values if constant.kind != "NULL"]
        self.values += [_value(one, constant, exact=True) for constant in constants]
        found = f"{sql} {word} ({', '.join('?' * len(constants))})"
        if condition.negated:
            return f"({found})" if has_null else f"({sql} IS NULL OR {found})"
        return f"({sql} IS NULL OR {found})" if has_null else found


def _bound(condition: Joined) -> Compared | None:
    """Return `t >= x` for `t > x OR (t = x AND ...)`, which implies it.

    So SQLite goes along the index, where a page begins in the middle of many records.
    """
    match condition:
        case Joined(
            "OR", (Compared(path, ">", value), Joined("AND", (Compared(same, "=", equal), *_)))
        ) if (path, value) == (same, equal):
            return Compared(path, ">=", value)
    return None


def _value(one: FieldDef, constant: Constant, *, exact: bool) -> Value:
    """Return a constant as *one* is kept; refuse one of another type."""
    kind, text = constant.kind, constant.text
    try:
        if one.type in IDS and kind == "STRING":
            whole = whole_id(text)
            if whole is None and exact:
                raise ApiError("INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {text}")
            return whole or text
        if one.type in TEXTS and kind == "STRING":
            return text
        if one.type in NUMBERS and kind == "NUMBER":
            return float(text)
        if one.type == "boolean" and kind in ("TRUE", "FALSE"):
            return kind == "TRUE"
        if one.type == "date" and kind == "DATE":
            return date.fromisoformat(text).isoformat()
        if one.type == "datetime" and kind == "DATETIME":
            return said(read_moment(text))
    except ValueError:
        raise ApiError("MALFORMED_QUERY", f"Invalid value: {text}") from None
    raise _wrong_type(one)


def _wrong_type(one: FieldDef) -> ApiError:
    kind = _OF_KIND.get(one.type, "double" if one.type in NUMBERS else "string")
    quotes = "should be" if kind == "string" else "should not be"
    return ApiError(
        "INVALID_FIELD",
        f"value of filter criterion for field '{one.name}' must be of type {kind} and"
        f" {quotes} enclosed in quotes",
    )


def _midnight(one: FieldDef, day: date) -> str:
    if one.type == "date":
        return day.isoformat()
    return said(datetime.combine(day, time(), UTC))
