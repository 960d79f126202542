"""Brings a page of a CRM's rows into our fields; sets aside what can't be read.

The mapping of a stream is compiled once into an expression a field; DuckDB evaluates them on whole
pages. A row with a value that can't be read is quarantined as it came, with field, value, reason.
"""

from __future__ import annotations

import hashlib
import json
import re
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

_BLANKS: Final = " \t\r\n\u00a0\u3000\ufeff"
"""What is ignored around a value that is not a text."""

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
        self._check_constants()

    def _check_constants(self) -> None:
        for name, given in self.mapping.constants.items():
            ours = FIELDS[self.mapping.stream][name]
            _, fault = _reading(ours, _text(given), pa.string(), self.mapping)
            if fault and self._engine.sql(f"select coalesce({fault}, false)").fetchone() == (True,):
                raise ConfigError(
                    f"{self._where}: source.fields.{self.mapping.stream}.{name}: constant"
                    f" {_reason(ours, given, self.mapping)}"
                )

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
        found = self._evaluated(page)
        good = found
        if pc.any(found.column("bad")).as_py():
            said = [name for name in found.column_names if name.startswith(("bad ", "no "))]
            told = found.select(["position", "id", *self._of_rates(), *said, "bad"])
            aside += [self._explained(row, page) for row in _rows_where(told, "bad")]
            good = found.filter(pc.invert(found.column("bad")))
        good = good.select(["position", *(name for name, _ in self._fields())])
        if _increases(good.column("id")):
            return Normalised(good.drop_columns(["position"]), aside)
        read, again, twice = self._without_repeats(page, good, scanning)
        return Normalised(read, [*aside, *twice], again)

    def _evaluated(self, page: pa.Table) -> pa.Table:
        """Return *page* in our fields, with what is wrong of each row."""
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
            found = self._engine.sql(self._sql(raw)).to_arrow_table()
            if any(_may_hold_nul(column) for column in found.columns):
                found = self._engine.sql(self._sql(raw, nul=True)).to_arrow_table()
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

    def _empty(self) -> pa.Table:
        columns = ", ".join(
            f'cast(null as {_TYPES[ours.kind]}) as "{name}"' for name, ours in self._fields()
        )
        return self._engine.sql(f"select {columns} limit 0").to_arrow_table()

    def _fields(self) -> Iterator[tuple[str, Field]]:
        yield from FIELDS[self.mapping.stream].items()

    def _sql(self, theirs: Mapping[str, tuple[str, pa.DataType]], *, nul: bool = False) -> str:
        parsed, faults = [], []
        for name, ours in self._fields():
            raw, kind = self._raw(name, theirs)
            value, fault = _reading(ours, raw, kind, self.mapping)
            if nul and ours.kind is Kind.TEXT:
                fault = f"({fault or 'false'} or contains({value}, chr(0)))"
            parsed.append(f'{value} as "{name}"')
            if fault is not None:
                faults.append((name, f'coalesce({fault}, false) as "bad {name}"'))
        inner = ", ".join(["position", *parsed, *(fault for _, fault in faults)])
        bad = " or ".join([*(f'"bad {name}"' for name, _ in faults), *self._no_rate()])
        check = "".join(f', {rate} as "no rate"' for rate in self._no_rate())
        return f"select *, ({bad or 'false'}) as bad{check} from (select {inner} from page)"

    def _of_rates(self) -> list[str]:
        return ["currency", "close_date"] if self._no_rate() else []

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

    def _raw(
        self, name: str, theirs: Mapping[str, tuple[str, pa.DataType]]
    ) -> tuple[str, pa.DataType]:
        if name in self.mapping.constants:
            return _text(self.mapping.constants[name]), pa.string()
        nothing = ("cast(null as varchar)", pa.null())
        return theirs.get(self.mapping.columns.get(name, ""), nothing)

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


_EXACT: Final = 1e15
"""Below it, a float that is whole is that number and no other."""


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
            whole = value.is_integer() and abs(value) < _EXACT
            return str(int(value)) if whole else format(Decimal(repr(value)), "f")
        case Decimal():
            return format(value, "f")
        case datetime() | date():
            return value.isoformat()
        case dict() | list():
            return json.dumps(value, ensure_ascii=False)
    return str(value)


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _reading(
    ours: Field, raw: str, kind: pa.DataType, mapping: StreamMapping
) -> tuple[str, str | None]:
    """Return two expressions: the value in our type, and whether there was one it can't give.

    The second is None where that can't happen.
    """
    if pa.types.is_null(kind):
        return f"cast(null as {_TYPES[ours.kind]})", "true" if ours.required else None
    values = mapping.values.get(ours.name, {})
    if _fits(ours.kind, kind) and not values:
        return raw, None
    text = f"nullif({_as_text(raw, kind)}, '')"
    if values and ours.kind is not Kind.CHOICE:
        text = f"nullif({_mapped(text, text, _keys(values), text)}, '')"
        raw, kind = text, pa.string()
    if ours.kind is Kind.TEXT:
        value = f"upper({_trim(text)})" if ours.name == "currency" else text
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
    given = f"{_trim(text)} <> ''" if _is_text(kind) else f"{raw} is not null"
    return value, f"{value} is null and {given}"


def _fits(wanted: Kind, kind: pa.DataType) -> bool:
    return (wanted is Kind.DATE and pa.types.is_date(kind)) or (
        wanted is Kind.FLAG and pa.types.is_boolean(kind)
    )


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _as_text(raw: str, kind: pa.DataType) -> str:
    if _is_text(kind):
        return raw
    text = f"cast({raw} as varchar)"
    if pa.types.is_floating(kind):
        whole = f"{raw} = trunc({raw}) and abs({raw}) < {_EXACT:.0f}"
        return f"case when {whole} then cast(cast({raw} as bigint) as varchar) else {text} end"
    return text


def _trim(text: str) -> str:
    return f"trim({text}, {_text(_BLANKS)})"


def _keys(values: Mapping[str, str]) -> dict[str, str]:
    """Return *values* by the SQL of what is looked for."""
    return {theirs if theirs in ("", "*") else _text(theirs): our for theirs, our in values.items()}


def _mapped(text: str, looked_at: str, values: Mapping[str, str], otherwise: str) -> str:
    """Return the value that stands for *text*; "" is for an empty one, "*" for any other."""
    empty = _text(values[""]) if "" in values else "cast(null as varchar)"
    otherwise = _text(values["*"]) if "*" in values else otherwise
    known = {theirs: our for theirs, our in values.items() if theirs not in ("", "*")}
    cases = " ".join(f"when {theirs} then {_text(our)}" for theirs, our in known.items())
    found = f"case {looked_at} {cases} else {otherwise} end" if cases else otherwise
    return f"case when {text} is null then {empty} else {found} end"


def _choice(ours: Field, text: str, values: Mapping[str, str]) -> str:
    folded = {choice: (choice, choice) for choice in ours.choices}
    folded |= {theirs.strip().lower(): (theirs.strip(), our) for theirs, our in values.items()}
    keys = {
        key if key in ("", "*") else f"lower({_text(theirs)})": our
        for key, (theirs, our) in folded.items()
    }
    # Blanks alone are an empty value too.
    given = f"nullif({_trim(text)}, '')"
    return _mapped(given, f"lower({given})", keys, "cast(null as varchar)")


def _money(raw: str, text: str, kind: pa.DataType, formats: Formats) -> str:
    number = raw
    if not (pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        number = _trim(text)
        if not pa.types.is_floating(kind):
            number = _with_point(number, formats)
        # DuckDB rounds 2e-13 to 0.0001, not 0: such remainders of floats pass through more places.
        precise = f"cast(try_cast({number} as decimal(38, 18)) as varchar)"
        number = f"case when contains(lower({number}), 'e') then {precise} else {number} end"
    amount = f"try_cast({number} as decimal(18, {MONEY_SCALE}))"
    return f"cast(cast({amount} as decimal(28, {MONEY_SCALE})) * {10**MONEY_SCALE} as bigint)"


def _with_point(number: str, formats: Formats) -> str:
    if formats.thousands:
        number = f"replace({number}, {_text(formats.thousands)}, '')"
    if formats.decimal != ".":
        # A point that is not the decimal mark must not turn into one.
        number = f"replace(replace({number}, '.', '?'), {_text(formats.decimal)}, '.')"
    return number


def _day(raw: str, text: str, kind: pa.DataType, formats: Formats) -> str:
    if pa.types.is_timestamp(kind):
        return f"cast({raw} as date)"
    trimmed = _trim(text)
    ways = [f"cast({way} as date)" for way in _patterns(trimmed, formats)]
    moment = f"cast(try_cast({trimmed} as timestamptz) as date)"
    short = f"case when length({trimmed}) <= 10 then try_cast({trimmed} as date) else {moment} end"
    return f"coalesce({', '.join([*ways, _iso(trimmed, short)])})"


def _time(raw: str, text: str, kind: pa.DataType, formats: Formats) -> str:
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return f"cast({raw} as timestamptz)"
    trimmed = _trim(text)
    ways = [f"cast({way} as timestamptz)" for way in _patterns(trimmed, formats)]
    moment = f"try_cast({trimmed} as timestamptz)"
    return f"coalesce({', '.join([*ways, _iso(trimmed, moment)])})"


def _iso(text: str, value: str) -> str:
    # DuckDB also takes '17-01-05' for the year 17, 'infinity' for a day, and years before Christ.
    year = f"substr({text}, 5, 1) in ('-', '/') and left({text}, 4) <> '0000'"
    return f"case when {year} and right({text}, 1) <> ')' then {value} end"


def _patterns(text: str, formats: Formats) -> Sequence[str]:
    # '%Y' takes 17 for the year 17.
    ways = [f"try_strptime({text}, {_text(pattern)})" for pattern in formats.dates]
    return [f"case when year({way}) >= 1000 then {way} end" for way in ways]


def _flag(text: str, formats: Formats) -> str:
    said = {word.strip().lower(): (word.strip(), "true") for word in formats.true}
    said |= {word.strip().lower(): (word.strip(), "false") for word in formats.false}
    cases = " ".join(f"when lower({_text(word)}) then {flag}" for word, flag in said.values())
    return f"case lower({_trim(text)}) {cases} end"


def _reason(ours: Field, value: str, mapping: StreamMapping) -> str:
    stream = mapping.stream
    if "\0" in value:
        return "holds a NUL character, which no text may; remove it"
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
