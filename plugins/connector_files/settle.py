"""Decide what becomes of each change of fields, and the columns that follow; no file is touched."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import cast

import pyarrow as pa

from connector import Applied, Conflict, Rejected, Scalar, SetFields, Unchanged, WriteOutcome
from connector_files.columns import fit, fitting, kind_of, widened
from connector_files.held import Held
from connector_files.limits import Limit, shown
from connector_files.values import same, text


@dataclass(frozen=True, slots=True)
class Settled:
    """One outcome a change, and the new *columns*; none of them if nothing has to be written."""

    outcomes: Sequence[WriteOutcome]
    columns: Mapping[str, pa.Array]


def settle(held: Held, changes: Sequence[SetFields], rows: Sequence[int], limit: Limit) -> Settled:
    """Return what becomes of *changes*, which belong to these *rows* of the file."""
    names = list(dict.fromkeys(name for change in changes for name in change.values))
    now = {name: _values(held, name, rows) for name in names}
    wanted: dict[str, _Wanted] = {}
    slots: dict[int, int] = {}
    outcomes: list[WriteOutcome] = []
    applied: set[int] = set()
    for number, (change, row) in enumerate(zip(changes, rows, strict=True)):
        slot = slots.setdefault(row, number)  # a second change of a row goes on from the first
        outcome = _judge(change, {name: now[name][slot] for name in change.values})
        if outcome is None:
            if not wanted:  # where nothing differs, nothing has to be fitted
                wanted = {name: _Wanted(held, name, changes, limit) for name in names}
            outcome = _refused(change, number, wanted) or Applied(change.marker, change.ref.id)
            if isinstance(outcome, Applied):
                applied.add(slot)
                for name in change.values:
                    now[name][slot] = wanted[name].fitted[number]
        outcomes.append(outcome)
    if not applied:
        return Settled(outcomes, {})
    order = array("q", range(len(held.ids)))
    for slot in applied:
        order[rows[slot]] = len(held.ids) + slot
    places = pa.Array.from_buffers(pa.int64(), len(order), [None, pa.py_buffer(order)])
    return Settled(
        outcomes,
        {name: _replaced(held, name, wanted[name].kind, now[name], places) for name in names},
    )


def _values(held: Held, name: str, rows: Sequence[int]) -> list[object]:
    column = held.columns.get(name)
    if column is None:
        return [None] * len(rows)
    values: list[object] = column.take(pa.array(rows, pa.int64())).to_pylist()
    return values


class _Wanted:
    """The new values of one column, as the file holds them."""

    def __init__(self, held: Held, name: str, changes: Sequence[SetFields], limit: Limit) -> None:
        stored = held.table.kind
        values = [shown(change.values.get(name), stored) for change in changes]
        column = held.columns.get(name)
        self.kind = pa.null() if column is None else column.type
        if stored in ("csv", "tsv"):
            self.kind = pa.string()
        elif stored == "excel":  # a sheet's column has no type of its own
            self.kind = kind_of([*values, *(() if column is None else column.to_pylist())])
        elif pa.types.is_dictionary(self.kind):
            self.kind = self.kind.value_type
        self.kind = widened(self.kind, values)
        self.fitted, self._problems = fit(values, self.kind)
        self._limit = limit
        self._where = f"{held.target.name}: {name}"

    def problem(self, number: int, value: Scalar) -> str | None:
        """Return why the file can't hold the value of change *number*."""
        problem = self._problems.get(number) if self._problems else None
        if problem is None and isinstance(value, str):
            problem = self._limit(value)
        return problem and f"{self._where}: {text(value)[:80]!r}: {problem}"


def _judge(change: SetFields, now: Mapping[str, object]) -> WriteOutcome | None:
    differing = [name for name, value in change.values.items() if not same(now[name], value)]
    if not differing:
        return Unchanged(change.marker)
    old = change.old
    if any(name in old and not same(now[name], old[name]) for name in differing):
        return Conflict(change.marker, {name: _scalar(value) for name, value in now.items()})
    return None


def _refused(change: SetFields, number: int, wanted: Mapping[str, _Wanted]) -> Rejected | None:
    for name, value in change.values.items():
        if problem := wanted[name].problem(number, value):
            return Rejected(change.marker, "not_writable", problem)
    return None


def _scalar(value: object) -> Scalar:
    plain = value is None or isinstance(value, str | int | Decimal | date)
    return cast("Scalar", value) if plain else text(value)


def _replaced(
    held: Held, name: str, kind: pa.DataType, values: Sequence[object], places: pa.Array
) -> pa.Array:
    column = held.columns.get(name)
    before = pa.nulls(len(held.ids), kind) if column is None else _as(column, kind)
    return pa.concat_arrays([before, pa.array(values, kind)]).take(places)


def _as(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if column.type == kind:
        return column
    if pa.types.is_string(kind):
        return pa.array([*map(fitting(kind), column.to_pylist())], kind)
    return column.cast(kind)
