"""Make Arrow columns of single values, and keep their type when values are added."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

import pyarrow as pa

from connector_files.values import text

_DIGITS: Final = 38
_WIDEST: Final = 2**63
_WHOLE: Final = (int, Decimal)
_BROKEN: Final = (float, int, Decimal)
_TIMES: Final = (datetime, date)


def column_of(values: Sequence[object]) -> pa.Array:
    """Return *values* in one column: of the kind they all are, otherwise as text.

    Without any value the column has no kind yet (`pa.null()`).
    """
    kind = kind_of(values)
    return pa.array([*map(fitting(kind), values)], kind)


def kind_of(values: Sequence[object]) -> pa.DataType:
    """Return the Arrow type that holds all of *values* without loss."""
    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return pa.null()
    if kinds == {bool}:
        return pa.bool_()
    if kinds == {int} and all(abs(v) < _WIDEST for v in values if isinstance(v, int)):
        return pa.int64()
    if kinds <= {int, Decimal}:
        return _decimal_of([value for value in values if value is not None])
    if kinds == {date}:
        return pa.date32()
    if kinds <= {date, datetime}:
        zones = {v.tzinfo is not None for v in values if isinstance(v, datetime)}
        return (
            pa.string() if len(zones) > 1 else pa.timestamp("us", "UTC" if True in zones else None)
        )
    return pa.string()


def fit(values: Sequence[object], kind: pa.DataType) -> tuple[list[object], dict[int, str]]:
    """Return *values* as a column of *kind* takes them, and why it can't take some, by position."""
    way = fitting(kind)
    try:
        fitted = [*map(way, values)]
        pa.array(fitted, kind)
    except (ValueError, TypeError, OverflowError):
        return _fit_one_by_one(values, kind)
    return fitted, {}


def fitting(kind: pa.DataType) -> Callable[[object], object]:
    """Return what turns a value into one for a column of *kind*; `ValueError` if it can't be."""
    if is_text(kind):
        return lambda value: None if value is None else text(value)
    takes = _taken_by(kind)

    def fitted(value: object) -> object:
        if value is None:
            return None
        if type(value) not in takes:
            raise ValueError(f"{kind} is another type")
        if isinstance(value, Decimal) and takes is _BROKEN:
            return float(value)
        if isinstance(value, Decimal) and takes is _WHOLE:
            if value != value.to_integral_value():
                raise ValueError("not a whole number")  # pyarrow would cut it off
            return int(value)
        if type(value) is date and takes is _TIMES:
            return datetime(value.year, value.month, value.day, tzinfo=UTC if kind.tz else None)
        return value

    return fitted


def is_text(kind: pa.DataType) -> bool:
    """Say whether a column of *kind* holds text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or _is_view(kind))


def widened(kind: pa.DataType, values: Sequence[object]) -> pa.DataType:
    """Return the type for a column of *kind* that takes *values* too: more digits if need be."""
    if pa.types.is_null(kind):
        return kind_of(values)
    if not pa.types.is_decimal(kind):
        return kind
    needed = _decimal_of([value for value in values if isinstance(value, int | Decimal)])
    if not pa.types.is_decimal(needed):
        return kind
    return pa.decimal128(_DIGITS, max(kind.scale, needed.scale))


def _fit_one_by_one(
    values: Sequence[object], kind: pa.DataType
) -> tuple[list[object], dict[int, str]]:
    way = fitting(kind)
    fitted: list[object] = []
    problems: dict[int, str] = {}
    for number, value in enumerate(values):
        fitted.append(None)
        try:
            fitted[number] = way(value)
            pa.array(fitted[number:], kind)
        except (ValueError, TypeError, OverflowError):
            fitted[number] = None
            problems[number] = f"the column is of type {kind}, which can't hold it"
    return fitted, problems


def _taken_by(kind: pa.DataType) -> tuple[type, ...]:
    types = pa.types
    if types.is_boolean(kind):
        return (bool,)
    if types.is_integer(kind):
        return _WHOLE
    if types.is_floating(kind):
        return _BROKEN
    if types.is_decimal(kind):
        return (int, Decimal)
    if types.is_date(kind):
        return (date,)
    return _TIMES if types.is_timestamp(kind) else ()


def _is_view(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string_view(kind))


def _decimal_of(values: Sequence[object]) -> pa.DataType:
    numbers = [value if isinstance(value, Decimal) else Decimal(str(value)) for value in values]
    try:
        kind = pa.array(numbers).type
    except (pa.ArrowInvalid, TypeError):  # not a number, or more than 76 digits
        return pa.string()
    if pa.types.is_null(kind):
        return kind
    return pa.decimal128(_DIGITS, kind.scale) if kind.precision <= _DIGITS else pa.string()
