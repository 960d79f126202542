"""Brings a page of a CRM's rows into our fields; sets aside what can't be read.

The mapping of a stream is compiled once into an expression a field; DuckDB evaluates them on whole
pages. A row with a value that can't be read is quarantined as it came, with field, value, reason.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, Final, Literal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from connector.contract import Rows, Unreadable
from connector.errors import ConfigError
from connector.expressions import EXACT, TYPES, is_text, literal, reading, reason, trimmed
from connector.mapping import StreamMapping
from connector.model import FIELDS, Field, Kind, Stream
from connector.scratch import open_scratch


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row could not be read: our field, the value as it came, and what to do."""

    field: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A row that was set aside, whole; *record* is its id, or what else tells it apart."""

    record: str
    problems: Sequence[Problem]
    content: str
    nature: Literal["row", "unreadable", "repeat"] = "row"


@dataclass(frozen=True, slots=True)
class Normalised:
    """A page in our fields: rows of one stream, without the ids that were set aside."""

    rows: pa.Table
    quarantined: Sequence[Quarantined] = ()
    duplicates: int = 0
    """Rows that said the same as another of the page, or an older state of it."""


_SMALL: Final = 5_000

_RATE_DAYS: Final = {Stream.OPPORTUNITIES: "close_date", Stream.COSTS: "spent_on"}
"""The streams with a currency of their own, and the field with the day of its rate."""


class Normaliser:
    """Reads pages of one stream by one mapping."""

    def __init__(self, mapping: StreamMapping, where: str) -> None:
        self.mapping = mapping
        self._where = where
        self._opened: duckdb.DuckDBPyConnection | None = None
        self._check_constants()

    @property
    def _engine(self) -> duckdb.DuckDBPyConnection:
        # Most streams have nothing new, and to open an engine takes longer than all else then.
        if self._opened is None:
            self._opened = open_scratch()
            self._opened.execute(f"set timezone = {literal(self.mapping.timezone)}")
        return self._opened

    def _check_constants(self) -> None:
        for name, given in self.mapping.constants.items():
            ours = FIELDS[self.mapping.stream][name]
            raw = literal(given if ours.kind is Kind.TEXT else given.strip())
            value, fault = reading(ours, raw, pa.string(), self.mapping)
            sql = f'select coalesce({fault or "false"}, false) from (select {value} as "{name}")'
            if self._engine.sql(sql).fetchone() == (True,):
                raise ConfigError(
                    f"{self._where}: source.fields.{self.mapping.stream}.{name}: constant"
                    f" {reason(ours, given, self.mapping)}"
                )

    def close(self) -> None:
        """Let go of the engine."""
        if self._opened is not None:
            self._opened.close()

    def read(
        self, rows: Rows, unreadable: Sequence[Unreadable] = (), *, scanning: bool = False
    ) -> Normalised:
        """Return *rows* in our fields.

        *scanning* says that the page is part of a full reading: an id may then come only once.
        Raise ConfigError if a column that the job names is not among those of an Arrow table.
        """
        page = self._as_table(rows)
        aside = [_unreadable(row) for row in unreadable]
        if page.num_rows == 0:
            return Normalised(self._nothing, aside)
        found = self._evaluated(page)
        good = found
        if pc.any(found.column("bad")).as_py():
            said = [name for name in found.column_names if name.startswith(("bad ", "no "))]
            told = found.select(["position", "id", *self._of_rates(), *said, "bad"])
            aside += [self._explained(row, page) for row in _rows_where(told, "bad")]
            good = found.filter(pc.invert(found.column("bad")))
        if _increases(good.column("id")):
            return Normalised(self._whole(good), aside)
        good = self._whole(good).append_column("position", good.column("position"))
        read, again, twice = self._without_repeats(page, good, scanning)
        return Normalised(read, [*aside, *twice], again)

    def _evaluated(self, page: pa.Table) -> pa.Table:
        """Return *page* in our fields, with what is wrong of each row."""
        # To plan the query takes longer than to run it on a page of an API. `sql` plans it twice,
        # but hands over many rows in three quarters of the time.
        small = page.num_rows < _SMALL
        self._engine.execute(f"pragma {'dis' if small else 'en'}able_optimizer")
        ask = self._engine.execute if small else self._engine.sql
        known = [name for name in self.mapping.theirs if name in page.column_names]
        # By place: their names may differ in case alone, come twice, or be one of ours.
        places = [page.column_names.index(name) for name in known]
        picked = page.select(places).rename_columns([f"c{n}" for n in range(len(known))])
        raw = {
            theirs: (f"c{n}", page.schema.field(place).type)
            for n, (theirs, place) in enumerate(zip(known, places, strict=True))
        }
        self._engine.register("page", picked.append_column("position", _count_to(page.num_rows)))
        try:
            found = ask(self._sql(raw)).to_arrow_table()
            if any(_may_hold_nul(column) for column in found.columns):
                found = ask(self._sql(raw, nul=True)).to_arrow_table()
        finally:
            self._engine.unregister("page")
        return found

    def _as_table(self, rows: Rows) -> pa.Table:
        if not isinstance(rows, pa.Table):
            names = self.mapping.theirs
            return pa.table({name: _texts([row.get(name) for row in rows]) for name in names})
        missing = [
            (ours, theirs)
            for ours, theirs in self.mapping.columns.items()
            if theirs not in rows.column_names
            and (ours in self.mapping.explicit or FIELDS[self.mapping.stream][ours].required)
        ]
        if missing:
            ours, theirs = missing[0]
            raise ConfigError(
                f"{self._where}: source.fields.{self.mapping.stream}.{ours}: the source has no"
                f" column {theirs!r}; it has: {', '.join(rows.column_names)}"
            )
        return rows

    @cached_property
    def _nothing(self) -> pa.Table:
        """A page without rows, each of our fields in its type."""
        columns = ", ".join(
            f'cast(null as {TYPES[ours.kind]}) as "{name}"' for name, ours in self._fields()
        )
        return self._engine.sql(f"select {columns} limit 0").to_arrow_table()

    def _whole(self, found: pa.Table) -> pa.Table:
        """Return *found* with all of our fields, those empty that the page has no column for."""
        known, count = frozenset(found.column_names), found.num_rows
        return pa.table(
            [
                found.column(ours.name) if ours.name in known else pa.nulls(count, ours.type)
                for ours in self._nothing.schema
            ],
            schema=self._nothing.schema,
        )

    def _fields(self) -> Iterator[tuple[str, Field]]:
        yield from FIELDS[self.mapping.stream].items()

    def _sql(self, theirs: Mapping[str, tuple[str, pa.DataType]], *, nul: bool = False) -> str:
        names, ready, parsed, faults = [], [], [], []
        for name, ours in self._fields():
            raw, kind = self._raw(name, theirs)
            if pa.types.is_null(kind) and not ours.required and name not in self._of_rates():
                continue  # `_whole` adds it: to carry it through every step would cost time
            names.append(f'"{name}"')
            if ours.kind is not Kind.TEXT and is_text(kind):
                ready.append(f'{trimmed(raw)} as "raw {name}"')
                raw = f'"raw {name}"'
            value, fault = reading(ours, raw, kind, self.mapping)
            if nul and ours.kind is Kind.TEXT:
                fault = f"""({fault or "false"} or contains("{name}", chr(0)))"""
            parsed.append(f'{value} as "{name}"')
            if fault is not None:
                faults.append((name, f'coalesce({fault}, false) as "bad {name}"'))
        outer = ", ".join(["position", *names, *(fault for _, fault in faults)])
        # One step after the other: what several expressions ask for is computed once.
        first = f"(select {', '.join(['*', *ready])} from page)"
        inner = f"(select {', '.join(['*', *parsed])} from {first})"
        bad = " or ".join([*(f'"bad {name}"' for name, _ in faults), *self._no_rate()])
        check = "".join(f', {rate} as "no rate"' for rate in self._no_rate())
        return f"select *, ({bad or 'false'}) as bad{check} from (select {outer} from {inner})"

    def _of_rates(self) -> list[str]:
        day = _RATE_DAYS.get(self.mapping.stream)
        return ["currency", day] if day else []

    @property
    def _rate_advice(self) -> str:
        if self.mapping.rates_are_told:  # one rate in the job would switch off all of these
            return "the source tells none: add it there, or give all rates in currency.rates"
        return "add it to currency.rates"

    def _no_rate(self) -> list[str]:
        """Return the condition that a row is in a currency without a rate, where it can be."""
        day = _RATE_DAYS.get(self.mapping.stream)
        if day is None:
            return []
        starts = " ".join(
            f"when {literal(code)} then date {literal(start.isoformat())}"
            for code, start in self.mapping.rates_from.items()
        )
        first = f"case currency {starts} end" if starts else "cast(null as date)"
        base = literal(self.mapping.base_currency)
        # A deal that is not won may close on another day.
        counts = "status = 'won' and " if self.mapping.stream is Stream.OPPORTUNITIES else ""
        return [
            f"(coalesce(currency <> {base}, false) and ({first} is null"
            f" or ({counts}coalesce({day} < {first}, false))))"
        ]

    def _raw(
        self, name: str, theirs: Mapping[str, tuple[str, pa.DataType]]
    ) -> tuple[str, pa.DataType]:
        if name in self.mapping.constants:
            return literal(self.mapping.constants[name]), pa.string()
        nothing = ("cast(null as varchar)", pa.null())
        return theirs.get(self.mapping.columns.get(name, ""), nothing)

    def _explained(self, row: Mapping[str, Any], page: pa.Table) -> Quarantined:
        content = self._content(page, row["position"])
        problems = []
        for name, ours in self._fields():
            if row.get(f"bad {name}"):
                value = content.get(self.mapping.columns.get(name, "")) or ""
                problems.append(Problem(name, value, reason(ours, value, self.mapping)))
        if row.get("no rate"):
            currency, day = (row[name] for name in self._of_rates())
            on = f" on {day}" if day else ""
            told = f"no rate for {currency!r}{on}; {self._rate_advice}"
            problems.append(Problem("currency", currency, told))
        return _set_aside(None if row.get("bad id") else row["id"], problems, content)

    def _without_repeats(
        self, page: pa.Table, rows: pa.Table, scanning: bool
    ) -> tuple[pa.Table, int, list[Quarantined]]:
        """Return *rows* by id, each id once; how many said nothing new; and those that differ."""
        # In a scan the first row stands; in an increment the newest state of the record.
        order = "position" if scanning else "modified_at desc nulls last, position desc"
        names = ", ".join(f'"{name}"' for name, _ in self._fields())
        self._engine.register("rows", rows)
        try:
            self._engine.execute(
                "create or replace temp table ranked as select *, row_number() over"
                f" (partition by id order by {order}) as turn from rows"
            )
        finally:
            self._engine.unregister("rows")
        kept = self._engine.sql(
            f"select {names} from ranked where turn = 1 order by id"
        ).to_arrow_table()
        repeats = rows.num_rows - kept.num_rows
        if not scanning or not repeats:
            return kept, repeats, []
        differing = self._differing(page)
        return kept, repeats - len(differing), differing

    def _differing(self, page: pa.Table) -> list[Quarantined]:
        same = " and ".join(
            f'k."{name}" is not distinct from r."{name}"' for name, _ in self._fields()
        )
        found = self._engine.sql(
            "select position, id from ranked r where turn > 1 and not exists"
            f" (select 1 from ranked k where k.turn = 1 and {same}) order by position"
        ).fetchall()
        return [again(record, self._content(page, position)) for position, record in found]

    def _content(self, page: pa.Table, position: int) -> dict[str, str | None]:
        return {
            name: _plain(page.column(place)[position].as_py())
            for place, name in enumerate(page.column_names)
        }


def _rows_where(rows: pa.Table, flag: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = rows.filter(rows.column(flag)).to_pylist()
    return found


def _increases(ids: pa.ChunkedArray) -> bool:
    """Say whether every id is greater than the one before it: in order, and none twice."""
    if len(ids) < 2:
        return True
    return bool(pc.all(pc.greater(ids[1:], ids[:-1])).as_py())


def again(record: str, content: Mapping[str, object]) -> Quarantined:
    """Return a row set aside because its id came before with other values."""
    text = json.dumps(content, ensure_ascii=False, default=str)
    reason = f"id {record!r} comes more than once with different values; the first was kept"
    return Quarantined(
        f"{record} (again, {_digest(text)})",
        [Problem("id", record, reason)],
        text,
        "repeat",
    )


def _set_aside(
    record: str | None, problems: Sequence[Problem], content: Mapping[str, str | None]
) -> Quarantined:
    text = json.dumps(content, ensure_ascii=False)
    if record is None:
        return Quarantined(f"no id, row {_digest(text)}", problems, text, "unreadable")
    return Quarantined(record, problems, text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _unreadable(row: Unreadable) -> Quarantined:
    problem = Problem("", row.text[:200], row.reason)
    return Quarantined(row.where, [problem], json.dumps({"": row.text}), "unreadable")


def problems_as_json(problems: Sequence[Problem]) -> str:
    """Return *problems* as the store keeps them."""
    return json.dumps([asdict(problem) for problem in problems], ensure_ascii=False)


def _texts(values: Sequence[object]) -> pa.Array:
    texts = [_plain(value) for value in values]
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:
        # Half of an emoji: some CRMs cut texts in the middle of one.
        whole = [text and text.encode("utf-16", "surrogatepass") for text in texts]
        return pa.array([text and text.decode("utf-16", "replace") for text in whole], pa.string())


def _count_to(count: int) -> pa.Array:
    return pa.array(range(count), pa.int64())


def _may_hold_nul(column: pa.ChunkedArray) -> bool:
    """Say whether there may be a NUL in a text: PostgreSQL takes none."""
    if not pa.types.is_string(column.type):
        return False
    texts = [chunk.buffers()[2] for chunk in column.chunks]
    return any(re.search(b"\0", memoryview(text)) is not None for text in texts if text)


def _plain(value: object) -> str | None:
    match value:
        case None:
            return None
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            # A whole number is often an id or a flag in a column that has gaps: no ".0" then.
            whole = value.is_integer() and abs(value) < EXACT
            return str(int(value)) if whole else format(Decimal(repr(value)), "f")
        case Decimal():
            return format(value, "f")
        case datetime() | date():
            return value.isoformat()
        case dict() | list():
            return json.dumps(value, ensure_ascii=False)
    return str(value)
