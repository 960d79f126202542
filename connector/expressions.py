"""The SQL by which one value is read: an expression for each kind of field, and what to say of
a value that it can't read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pyarrow as pa

from connector.config import Formats
from connector.mapping import StreamMapping
from connector.model import Field, Kind
from customer_pyramid.money import MONEY_SCALE

BLANKS: Final = " \t\r\n\u00a0\u3000\ufeff"
"""What is ignored around a value that is not a text."""

TYPES: Final = {
    Kind.TEXT: "varchar",
    Kind.CHOICE: "varchar",
    Kind.MONEY: "bigint",
    Kind.NUMBER: "bigint",
    Kind.DATE: "date",
    Kind.TIME: "timestamptz",
    Kind.FLAG: "boolean",
}


EXACT: Final = 1e15
"""Below it, a float that is whole is that number and no other."""


def reading(
    ours: Field, raw: str, kind: pa.DataType, mapping: StreamMapping
) -> tuple[str, str | None]:
    """Return two expressions: the value in our type, and whether there was one it can't give.

    A *raw* text that is not for a text is `trimmed`. The second expression calls the value by our
    name; it is None where that can't happen.
    """
    if pa.types.is_null(kind):
        return f"cast(null as {TYPES[ours.kind]})", "true" if ours.required else None
    values = mapping.values.get(ours.name, {})
    if _fits(ours.kind, kind) and not values:
        return raw, f"{raw} is null" if ours.required else None
    text = raw
    if ours.kind is Kind.TEXT or not is_text(kind):
        text = f"nullif({_as_text(raw, kind)}, '')"
    if values and ours.kind is not Kind.CHOICE:
        text = f"nullif({_mapped(text, text, _keys(values), text)}, '')"
        raw, kind = text, pa.string()
    if ours.kind is Kind.TEXT:
        value = f"upper({trimmed(text)})" if ours.name == "currency" else text
        return value, f"{text} is null" if ours.required else None
    if ours.kind is Kind.CHOICE:
        value = _choice(ours, text, values)
    elif ours.kind in (Kind.MONEY, Kind.NUMBER):
        value = _units(raw, text, kind, mapping.formats)
    elif ours.kind is Kind.DATE:
        value = _day(raw, text, kind, mapping.formats)
    elif ours.kind is Kind.TIME:
        value = _time(raw, text, kind, mapping.formats)
    else:
        value = _flag(text, mapping.formats)
    if ours.required:
        return value, f'"{ours.name}" is null'
    return value, f'"{ours.name}" is null and {raw} is not null'


def _fits(wanted: Kind, kind: pa.DataType) -> bool:
    return (wanted is Kind.DATE and pa.types.is_date(kind)) or (
        wanted is Kind.FLAG and pa.types.is_boolean(kind)
    )


def is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _as_text(raw: str, kind: pa.DataType) -> str:
    if is_text(kind):
        return raw
    text = f"cast({raw} as varchar)"
    if pa.types.is_floating(kind):
        whole = f"{raw} = trunc({raw}) and abs({raw}) < {EXACT:.0f}"
        return f"case when {whole} then cast(cast({raw} as bigint) as varchar) else {text} end"
    return text


def trimmed(text: str) -> str:
    """Return *text* without the blanks around it; null if nothing is left."""
    # Most values have none, and to look for them takes a tenth of the time.
    first = ", ".join(str(ord(blank)) for blank in BLANKS)
    last = " or ".join(f"ends_with({text}, {literal(blank)})" for blank in BLANKS)
    without = f"trim({text}, {literal(BLANKS)})"
    return (
        f"nullif(case when ascii({text}) in ({first}) or {last} then {without} else {text} end, '')"
    )


def _keys(values: Mapping[str, str]) -> dict[str, str]:
    """Return *values* by the SQL of what is looked for."""
    return {
        theirs if theirs in ("", "*") else literal(theirs): our for theirs, our in values.items()
    }


def _mapped(text: str, looked_at: str, values: Mapping[str, str], otherwise: str) -> str:
    """Return the value that stands for *text*; "" is for an empty one, "*" for any other."""
    empty = literal(values[""]) if "" in values else "cast(null as varchar)"
    otherwise = literal(values["*"]) if "*" in values else otherwise
    known = {theirs: our for theirs, our in values.items() if theirs not in ("", "*")}
    cases = " ".join(f"when {theirs} then {literal(our)}" for theirs, our in known.items())
    found = f"case {looked_at} {cases} else {otherwise} end" if cases else otherwise
    return f"case when {text} is null then {empty} else {found} end"


def _choice(ours: Field, text: str, values: Mapping[str, str]) -> str:
    folded = {choice: (choice, choice) for choice in ours.choices}
    folded |= {theirs.strip().lower(): (theirs.strip(), our) for theirs, our in values.items()}
    keys = {
        key if key in ("", "*") else f"lower({literal(theirs)})": our
        for key, (theirs, our) in folded.items()
    }
    return _mapped(text, f"lower({text})", keys, "cast(null as varchar)")


def _units(raw: str, text: str, kind: pa.DataType, formats: Formats) -> str:
    number = raw
    if not (pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        number = text if pa.types.is_floating(kind) else _with_point(text, formats)
        # DuckDB rounds 2e-13 to 0.0001, not 0: such remainders of floats pass through more places.
        precise = f"cast(try_cast({number} as decimal(38, 18)) as varchar)"
        number = f"case when contains(lower({text}), 'e') then {precise} else {number} end"
    amount = f"try_cast({number} as decimal(18, {MONEY_SCALE}))"
    small, scale = f"abs({amount}) < 9000000000", 10**MONEY_SCALE
    large = f"cast(cast({amount} as decimal(28, {MONEY_SCALE})) * {scale} as bigint)"
    # The product of a decimal(18, 4) is one too; a wider one takes ten times as long.
    return f"case when {small} then cast({amount} * {scale} as bigint) else {large} end"


def _with_point(number: str, formats: Formats) -> str:
    if formats.thousands:
        number = f"replace({number}, {literal(formats.thousands)}, '')"
    if formats.decimal != ".":
        # A point that is not the decimal mark must not turn into one.
        number = f"replace(replace({number}, '.', '?'), {literal(formats.decimal)}, '.')"
    return number


def _day(raw: str, text: str, kind: pa.DataType, formats: Formats) -> str:
    if pa.types.is_timestamp(kind):
        return f"cast({raw} as date)"
    ways = [f"cast({way} as date)" for way in _patterns(text, formats)]
    moment = f"cast(try_cast({text} as timestamptz) as date)"
    short = f"case when length({text}) <= 10 then try_cast({text} as date) else {moment} end"
    return f"coalesce({', '.join([*ways, _iso(text, short)])})"


def _time(raw: str, text: str, kind: pa.DataType, formats: Formats) -> str:
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return f"cast({raw} as timestamptz)"
    ways = [f"cast({way} as timestamptz)" for way in _patterns(text, formats)]
    return f"coalesce({', '.join([*ways, _iso(text, f'try_cast({text} as timestamptz)')])})"


def _iso(text: str, value: str) -> str:
    # DuckDB also takes '17-01-05' for the year 17, 'infinity' for a day, and years before Christ.
    year = f"substr({text}, 5, 1) in ('-', '/') and not starts_with({text}, '0000')"
    return f"case when {year} and not ends_with({text}, ')') then {value} end"


def _patterns(text: str, formats: Formats) -> Sequence[str]:
    # '%Y' takes 17 for the year 17.
    ways = [f"try_strptime({text}, {literal(pattern)})" for pattern in formats.dates]
    return [f"case when year({way}) >= 1000 then {way} end" for way in ways]


def _flag(text: str, formats: Formats) -> str:
    said = {word.strip().lower(): (word.strip(), "true") for word in formats.true}
    said |= {word.strip().lower(): (word.strip(), "false") for word in formats.false}
    cases = " ".join(f"when lower({literal(word)}) then {flag}" for word, flag in said.values())
    return f"case lower({text}) {cases} end"


def reason(ours: Field, value: str, mapping: StreamMapping) -> str:
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
        case Kind.NUMBER:
            marks = f"decimal mark {mapping.formats.decimal!r}"
            return f"{value!r} is not a number ({marks}); see source.formats"
        case Kind.DATE | Kind.TIME:
            return f"{value!r} is not a date; see source.formats.dates"
        case Kind.FLAG:
            return f"{value!r} is neither yes nor no; see source.formats.true and .false"
    return f"{value!r} can't be read"


def literal(text: str) -> str:
    """Return *text* as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
