"""Brings a page of a CRM's rows into our fields; sets aside what can't be read.

The mapping of a stream is compiled once into an expression a field; DuckDB evaluates them on whole
pages. A row with a value that can't be read is quarantined as it came, with field, value, reason.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from connector.config import Constant, Formats, Job, Rate, load_rates
from connector.contract import Adapter, Rows, Unreadable
from connector.errors import ConfigError
from connector.model import FIELDS, Field, Kind, Stream
from customer_pyramid.money import MONEY_SCALE

_TYPES: Final = {
    Kind.TEXT: "varchar",
    Kind.CHOICE: "varchar",
    Kind.MONEY: "bigint",
    Kind.DATE: "date",
    Kind.TIME: "timestamptz",
    Kind.FLAG: "boolean",
}


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


@dataclass(frozen=True, slots=True)
class StreamMapping:
    """How one stream is understood: for each of our fields a column of theirs or a constant."""

    stream: Stream
    columns: Mapping[str, str]
    constants: Mapping[str, str]
    explicit: frozenset[str]
    values: Mapping[str, Mapping[str, str]]
    formats: Formats
    timezone: str
    base_currency: str
    rates_from: Mapping[str, date] = field(default_factory=dict)

    @property
    def theirs(self) -> Sequence[str]:
        """Return the columns of theirs to ask for, each once."""
        return tuple(dict.fromkeys(self.columns.values()))

    @property
    def digest(self) -> str:
        """Return a hash of all that decides what a row becomes, save the rates."""
        said = {
            "columns": dict(self.columns),
            "constants": dict(self.constants),
            "values": {name: dict(values) for name, values in self.values.items()},
            "formats": self.formats.model_dump(mode="json"),
            "timezone": self.timezone,
            "base": self.base_currency,
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def mapping_of(job: Job, adapter: Adapter[Any], stream: Stream) -> StreamMapping:
    """Return how *stream* is understood: the adapter's default under the job's own fields."""
    source = job.model.source
    given = source.fields.get(stream, {})
    columns = {**adapter.fields.get(stream, {})}
    constants: dict[str, str] = {}
    for name, theirs in given.items():
        columns.pop(name, None)
        if isinstance(theirs, Constant):
            constants[name] = theirs.constant
        elif theirs:  # an empty name switches a default off
            columns[name] = theirs
    for name, ours in FIELDS[stream].items():
        if ours.required and name not in columns and name not in constants:
            raise ConfigError(
                f"{job.path}: source.fields.{stream}.{name}: missing; name the column that holds it"
            )
    rates_from: dict[str, date] = {}
    for rate in load_rates(job):
        earliest = rates_from.get(rate.currency, rate.valid_from)
        rates_from[rate.currency] = min(earliest, rate.valid_from)
    return StreamMapping(
        stream=stream,
        columns=columns,
        constants=constants,
        explicit=frozenset(given),
        values=source.values.get(stream, {}),
        formats=source.formats,
        timezone=source.formats.timezone or job.model.timezone,
        base_currency=job.model.currency.base,
        rates_from=rates_from,
    )


class Normaliser:
    """Reads pages of one stream by one mapping."""

    def __init__(self, mapping: StreamMapping, where: str) -> None:
        self.mapping = mapping
        self._where = where
        self._engine = duckdb.connect()
        self._engine.execute(f"set timezone = {_text(mapping.timezone)}")
        self._engine.execute("set threads = 2")

    def close(self) -> None:
        """Let go of the engine."""
        self._engine.close()

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
            return Normalised(self._empty(), aside)
        self._engine.register("page", page)
        try:
            found = self._engine.sql(self._sql(page)).to_arrow_table()
        finally:
            self._engine.unregister("page")
        good = found
        if pc.any(found.column("bad")).as_py():
            aside += [self._explained(row, page) for row in _rows_where(found, "bad")]
            good = found.filter(pc.invert(found.column("bad")))
        good = good.select(["position", *(name for name, _ in self._fields())])
        if _increases(good.column("id")):
            return Normalised(good.drop_columns(["position"]), aside)
        read, again, twice = self._without_repeats(page, good, scanning)
        return Normalised(read, [*aside, *twice], again)

    def _as_table(self, rows: Rows) -> pa.Table:
        if not isinstance(rows, pa.Table):
            names = self.mapping.theirs
            return pa.table(
                {
                    name: pa.array([_plain(row.get(name)) for row in rows], pa.string())
                    for name in names
                }
            )
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

    def _empty(self) -> pa.Table:
        columns = ", ".join(
            f'cast(null as {_TYPES[ours.kind]}) as "{name}"' for name, ours in self._fields()
        )
        return self._engine.sql(f"select {columns} limit 0").to_arrow_table()

    def _fields(self) -> Iterator[tuple[str, Field]]:
        yield from FIELDS[self.mapping.stream].items()

    def _sql(self, page: pa.Table) -> str:
        parsed, faults = [], []
        for name, ours in self._fields():
            raw, kind = self._raw(name, page)
            value, fault = _reading(ours, raw, kind, self.mapping)
            parsed.append(f'{value} as "{name}"')
            if fault is not None:
                faults.append((name, f'coalesce({fault}, false) as "bad {name}"'))
        inner = ", ".join(["position", *parsed, *(fault for _, fault in faults)])
        bad = " or ".join([*(f'"bad {name}"' for name, _ in faults), *self._no_rate()])
        check = "".join(f', {rate} as "no rate"' for rate in self._no_rate())
        return (
            f"select *, ({bad or 'false'}) as bad{check} from (select {inner} from"
            " (select *, row_number() over () - 1 as position from page))"
        )

    def _no_rate(self) -> list[str]:
        """Return the condition that a deal is in a currency without a rate, where it can be."""
        if self.mapping.stream is not Stream.OPPORTUNITIES:
            return []
        starts = " ".join(
            f"when {_text(code)} then date {_text(day.isoformat())}"
            for code, day in self.mapping.rates_from.items()
        )
        first = f"case currency {starts} end" if starts else "cast(null as date)"
        base = _text(self.mapping.base_currency)
        return [
            f"(coalesce(currency <> {base}, false) and ({first} is null"
            f" or (status = 'won' and coalesce(close_date < {first}, false))))"
        ]

    def _raw(self, name: str, page: pa.Table) -> tuple[str, pa.DataType]:
        if name in self.mapping.constants:
            return _text(self.mapping.constants[name]), pa.string()
        theirs = self.mapping.columns.get(name)
        if theirs is None or theirs not in page.column_names:
            return "cast(null as varchar)", pa.null()
        return _name(theirs), page.schema.field(theirs).type

    def _explained(self, row: Mapping[str, Any], page: pa.Table) -> Quarantined:
        content = self._content(page, row["position"])
        problems = []
        for name, ours in self._fields():
            if row.get(f"bad {name}"):
                value = content.get(self.mapping.columns.get(name, "")) or ""
                problems.append(Problem(name, value, _reason(ours, value, self.mapping)))
        if row.get("no rate"):
            day = f" on {row['close_date']}" if row["close_date"] else ""
            problems.append(
                Problem(
                    "currency",
                    row["currency"],
                    f"no rate for {row['currency']!r}{day}; add it to currency.rates",
                )
            )
        return _set_aside(row["id"], problems, content)

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
            "select position, id, turn from ranked r where turn > 1 and not exists"
            f" (select 1 from ranked k where k.turn = 1 and {same}) order by position"
        ).fetchall()
        return [
            again(record, turn, self._content(page, position)) for position, record, turn in found
        ]

    def _content(self, page: pa.Table, position: int) -> dict[str, str | None]:
        return {name: _plain(page.column(name)[position].as_py()) for name in page.column_names}


def _rows_where(rows: pa.Table, flag: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = rows.filter(rows.column(flag)).to_pylist()
    return found


def _increases(ids: pa.ChunkedArray) -> bool:
    """Say whether every id is greater than the one before it: in order, and none twice."""
    if len(ids) < 2:
        return True
    return bool(pc.all(pc.greater(ids[1:], ids[:-1])).as_py())


def again(record: str, turn: int, content: Mapping[str, object]) -> Quarantined:
    """Return a row set aside because its id came before with other values."""
    reason = f"id {record!r} comes more than once with different values; the first was kept"
    return Quarantined(
        f"{record} (time {turn})",
        [Problem("id", record, reason)],
        json.dumps(content, ensure_ascii=False, default=str),
        "repeat",
    )


def _set_aside(
    record: str | None, problems: Sequence[Problem], content: Mapping[str, str | None]
) -> Quarantined:
    text = json.dumps(content, ensure_ascii=False)
    if record is None:
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        return Quarantined(f"no id, row {digest}", problems, text, "unreadable")
    return Quarantined(record, problems, text)


def _unreadable(row: Unreadable) -> Quarantined:
    problem = Problem("", row.text[:200], row.reason)
    return Quarantined(row.where, [problem], json.dumps({"": row.text}), "unreadable")


def problems_as_json(problems: Sequence[Problem]) -> str:
    """Return *problems* as the store keeps them."""
    return json.dumps([asdict(problem) for problem in problems], ensure_ascii=False)


def _plain(value: object) -> str | None:
    match value:
        case None:
            return None
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            return format(Decimal(repr(value)), "f")
        case datetime() | date():
            return value.isoformat()
        case dict() | list():
            return json.dumps(value, ensure_ascii=False)
    return str(value)


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _reading(
    ours: Field, raw: str, kind: pa.DataType, mapping: StreamMapping
) -> tuple[str, str | None]:
    """Return two expressions: the value in our type, and whether there was one it can't give.

    The second is None where that can't happen.
    """
    text = raw if pa.types.is_string(kind) else f"cast({raw} as varchar)"
    text = f"nullif({text}, '')"
    if pa.types.is_null(kind):
        return f"cast(null as {_TYPES[ours.kind]})", "true" if ours.required else None
    if _fits(ours.kind, kind):
        return raw, None
    values = mapping.values.get(ours.name, {})
    if ours.kind is Kind.TEXT:
        value = _mapped(text, values, text) if values else text
        if ours.name == "currency":
            value = f"upper(trim({value}))"
        return value, f"{text} is null" if ours.required else None
    if ours.kind is Kind.CHOICE:
        value = _choice(ours, text, values)
    elif ours.kind is Kind.MONEY:
        value = _money(raw, text, kind, mapping.formats)
    elif ours.kind is Kind.DATE:
        value = _day(raw, text, kind, mapping.formats)
    elif ours.kind is Kind.TIME:
        value = _time(raw, text, kind, mapping.formats)
    else:
        value = _flag(text, mapping.formats)
    if ours.required:
        return value, f"{value} is null"
    given = f"trim({text}) <> ''" if pa.types.is_string(kind) else f"{raw} is not null"
    return value, f"{value} is null and {given}"


def _fits(wanted: Kind, kind: pa.DataType) -> bool:
    return (wanted is Kind.DATE and pa.types.is_date(kind)) or (
        wanted is Kind.FLAG and pa.types.is_boolean(kind)
    )


def _mapped(text: str, values: Mapping[str, str], otherwise: str) -> str:
    known = [(theirs, ours) for theirs, ours in values.items() if theirs != "*"]
    if "*" in values:
        otherwise = _text(values["*"])
    cases = " ".join(f"when {_text(theirs)} then {_text(ours)}" for theirs, ours in known)
    return f"case {text} {cases} else {otherwise} end" if cases else otherwise


def _choice(ours: Field, text: str, values: Mapping[str, str]) -> str:
    folded = {choice: choice for choice in ours.choices}
    folded |= {theirs.strip().casefold(): our for theirs, our in values.items()}
    otherwise = "cast(null as varchar)"
    rest = folded.pop("*", None)
    if rest is not None:
        otherwise = f"case when {text} is not null then {_text(rest)} end"
    return _mapped(f"lower(trim({text}))", folded, otherwise)


def _money(raw: str, text: str, kind: pa.DataType, formats: Formats) -> str:
    scale = 10**MONEY_SCALE
    if pa.types.is_integer(kind):
        return f"try_cast(cast({raw} as hugeint) * {scale} as bigint)"
    if pa.types.is_decimal(kind):
        return f"try_cast(try_cast({raw} as decimal(18, {MONEY_SCALE})) * {scale} as bigint)"
    cleaned = f"trim({text})"
    if not pa.types.is_floating(kind):
        if formats.thousands:
            cleaned = f"replace({cleaned}, {_text(formats.thousands)}, '')"
        if formats.decimal != ".":
            # A point that is not the decimal mark must not turn into one.
            cleaned = f"replace(replace({cleaned}, '.', '?'), {_text(formats.decimal)}, '.')"
    number = f"try_cast({cleaned} as decimal(18, {MONEY_SCALE}))"
    return f"try_cast({number} * {scale} as bigint)"


def _day(raw: str, text: str, kind: pa.DataType, formats: Formats) -> str:
    if pa.types.is_timestamp(kind):
        return f"cast({raw} as date)"
    trimmed = f"trim({text})"
    ways = [f"cast({way} as date)" for way in _patterns(trimmed, formats)]
    ways.append(f"case when length({trimmed}) <= 10 then try_cast({trimmed} as date) end")
    moment = f"try_cast({trimmed} as timestamptz)"
    ways.append(f"case when length({trimmed}) > 10 then cast({moment} as date) end")
    return f"coalesce({', '.join(ways)})"


def _time(raw: str, text: str, kind: pa.DataType, formats: Formats) -> str:
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return f"cast({raw} as timestamptz)"
    trimmed = f"trim({text})"
    ways = [f"cast({way} as timestamptz)" for way in _patterns(trimmed, formats)]
    return f"coalesce({', '.join([*ways, f'try_cast({trimmed} as timestamptz)'])})"


def _patterns(text: str, formats: Formats) -> Sequence[str]:
    return [f"try_strptime({text}, {_text(pattern)})" for pattern in formats.dates]


def _flag(text: str, formats: Formats) -> str:
    said = {word.casefold(): "true" for word in formats.true}
    said |= {word.casefold(): "false" for word in formats.false}
    cases = " ".join(f"when {_text(word)} then {flag}" for word, flag in said.items())
    return f"case lower(trim({text})) {cases} end"


def _reason(ours: Field, value: str, mapping: StreamMapping) -> str:
    stream = mapping.stream
    if not value.strip():
        return f"empty, but every record needs its {ours.name}"
    match ours.kind:
        case Kind.CHOICE:
            expected = ", ".join(ours.choices)
            return f"{value!r} is none of {expected}; add it to source.values.{stream}.{ours.name}"
        case Kind.MONEY:
            marks = f"decimal mark {mapping.formats.decimal!r}"
            return f"{value!r} is not an amount ({marks}); see source.formats"
        case Kind.DATE | Kind.TIME:
            return f"{value!r} is not a date; see source.formats.dates"
        case Kind.FLAG:
            return f"{value!r} is neither yes nor no; see source.formats.true and .false"
    return f"{value!r} can't be read"


def rates_table(rates: Sequence[Rate]) -> pa.Table:
    """Return the rates as the rules read them: currency, valid_from, rate (10 places)."""
    return pa.table(
        {
            "currency": pa.array([rate.currency for rate in rates], pa.string()),
            "valid_from": pa.array([rate.valid_from for rate in rates], pa.date32()),
            "rate": pa.array([rate.rate for rate in rates], pa.decimal128(19, 10)),
        }
    )
