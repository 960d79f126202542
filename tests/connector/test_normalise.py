"""A page in the CRM's own words becomes a page in our fields; what can't be read is set aside."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector import FIELDS, ConfigError, Kind, Stream, Unreadable
from connector.config import Formats, Rate
from connector.mapping import StreamMapping, rates_table
from connector.normalise import Normalised, Normaliser

BERLIN = timezone(timedelta(hours=1))


def mapping(stream: Stream = Stream.OPPORTUNITIES, **changes: Any) -> StreamMapping:
    """Return a mapping in which every column has our name, and deals are won."""
    columns = {name: name for name in FIELDS[stream]}
    return replace(
        StreamMapping(
            stream=stream,
            columns=columns,
            constants={},
            explicit=frozenset(),
            values={},
            formats=Formats(),
            timezone="Europe/Berlin",
            base_currency="EUR",
        ),
        **changes,
    )


@contextmanager
def normaliser(by: StreamMapping) -> Iterator[Normaliser]:
    opened = Normaliser(by, "job.toml")
    try:
        yield opened
    finally:
        opened.close()


OPENED: dict[str, Normaliser] = {}
"""The normalisers by mapping: they take longer to open than to use."""


@pytest.fixture(scope="module", autouse=True)
def _closed_at_the_end() -> Iterator[None]:
    yield
    for opened in OPENED.values():
        opened.close()
    OPENED.clear()


def read(by: StreamMapping, rows: Any, *, scanning: bool = False) -> Normalised:
    opened = OPENED.get(repr(by)) or OPENED.setdefault(repr(by), Normaliser(by, "job.toml"))
    return opened.read(rows, scanning=scanning)


def deal(**values: object) -> dict[str, object]:
    return {"id": "D1", "status": "won", **values}


def field_of(by: StreamMapping, name: str, value: object) -> object:
    """Return what a field becomes; fail if its row is set aside."""
    found = read(by, [deal(**{name: value})])
    assert list(found.quarantined) == []
    return found.rows.column(name)[0].as_py()


def reason_of(by: StreamMapping, name: str, value: object) -> str:
    """Return why a row with this value was set aside; fail if it was not."""
    found = read(by, [deal(**{name: value})])
    assert found.rows.num_rows == 0
    (row,) = found.quarantined
    (problem,) = row.problems
    assert problem.field == name
    assert problem.value == str(value)
    return problem.reason


def units(text: str) -> int:
    return int(Decimal(text).scaleb(4))


# --- money

PLAIN = Formats()
MARKED = Formats(thousands=",")
GERMAN = Formats(decimal=",", thousands=".")
FRENCH = Formats(decimal=",", thousands="\u202f")


@pytest.mark.parametrize(
    ("formats", "text", "amount"),
    [
        pytest.param(PLAIN, "1234", "1234", id="whole"),
        pytest.param(PLAIN, "1234.5", "1234.5", id="point"),
        pytest.param(PLAIN, "-12.34", "-12.34", id="negative"),
        pytest.param(PLAIN, "+5", "5", id="plus"),
        pytest.param(PLAIN, ".5", "0.5", id="no leading zero"),
        pytest.param(PLAIN, "5.", "5", id="nothing after the point"),
        pytest.param(PLAIN, "0", "0", id="zero"),
        pytest.param(PLAIN, "-0.00", "0", id="minus zero"),
        pytest.param(PLAIN, "007", "7", id="leading zeros"),
        pytest.param(PLAIN, "  12 ", "12", id="blanks around"),
        pytest.param(PLAIN, "\t12\r\n", "12", id="tab and line end"),
        pytest.param(PLAIN, "\u00a012", "12", id="no-break space"),
        pytest.param(PLAIN, "1.5e3", "1500", id="exponent"),
        pytest.param(PLAIN, "1E-2", "0.01", id="negative exponent"),
        pytest.param(PLAIN, "2.2737367544323206e-13", "0", id="remainder of a float"),
        pytest.param(PLAIN, "10000000000", "10000000000", id="ten billion"),
        pytest.param(PLAIN, "0.00005", "0.0001", id="fifth place half up"),
        pytest.param(PLAIN, "0.000049", "0", id="fifth place down"),
        pytest.param(PLAIN, "-0.00005", "-0.0001", id="fifth place half away from zero"),
        pytest.param(PLAIN, "1.123456789", "1.1235", id="nine places"),
        pytest.param(PLAIN, "99999999999999.9999", "99999999999999.9999", id="largest"),
        pytest.param(MARKED, "1,234,567.89", "1234567.89", id="thousands"),
        pytest.param(MARKED, "1234.5", "1234.5", id="thousands left out"),
        pytest.param(GERMAN, "1.234.567,89", "1234567.89", id="German"),
        pytest.param(GERMAN, "1234,5", "1234.5", id="German without thousands"),
        pytest.param(GERMAN, "-0,01", "-0.01", id="German negative"),
        pytest.param(FRENCH, "1\u202f234,50", "1234.50", id="French"),
        pytest.param(Formats(thousands=" "), "1 234.50", "1234.50", id="spaces"),
        pytest.param(Formats(thousands="'"), "1'234.50", "1234.50", id="Swiss"),
    ],
)
def test_an_amount_is_read_exactly(formats: Formats, text: str, amount: str) -> None:
    assert field_of(mapping(formats=formats), "amount", text) == units(amount)


@pytest.mark.parametrize(
    ("formats", "text"),
    [
        pytest.param(PLAIN, "lots", id="text"),
        pytest.param(PLAIN, "1,5", id="decimal comma not declared"),
        pytest.param(PLAIN, "1,234.50", id="thousands not declared"),
        pytest.param(PLAIN, "12 EUR", id="currency behind"),
        pytest.param(PLAIN, "$12", id="currency before"),
        pytest.param(PLAIN, "(12)", id="brackets"),
        pytest.param(PLAIN, "1.2.3", id="two points"),
        pytest.param(PLAIN, "--5", id="two signs"),
        pytest.param(PLAIN, "NaN", id="not a number"),
        pytest.param(PLAIN, "inf", id="infinite"),
        pytest.param(PLAIN, "1e400", id="huge exponent"),
        pytest.param(PLAIN, "100000000000000", id="too large"),
        pytest.param(PLAIN, "-100000000000000", id="too small"),
        pytest.param(PLAIN, "0x1F", id="hexadecimal"),
        pytest.param(GERMAN, "1,5,5", id="two decimal commas"),
        pytest.param(Formats(decimal=","), "1.5", id="point where comma is meant"),
    ],
)
def test_what_is_no_amount_is_set_aside(formats: Formats, text: str) -> None:
    mark = formats.decimal

    assert reason_of(mapping(formats=formats), "amount", text) == (
        f"{text!r} is not an amount (decimal mark {mark!r}); see source.formats"
    )


@pytest.fixture(scope="module")
def amounts() -> Iterator[Normaliser]:
    with normaliser(mapping()) as opened:
        yield opened


@pytest.mark.long
@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(
        st.tuples(
            st.decimals(
                min_value=-(10**13), max_value=10**13, allow_nan=False, allow_infinity=False
            ),
            st.sampled_from(["f", "E", "plain"]),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_amounts_are_those_that_python_reads(
    amounts: Normaliser, values: list[tuple[Decimal, str]]
) -> None:
    texts = [str(value) if how == "plain" else format(value, how) for value, how in values]

    found = amounts.read([deal(id=f"{n:03}", amount=text) for n, text in enumerate(texts)])

    places = Decimal("0.0001")
    expected = [int(Decimal(t).quantize(places, ROUND_HALF_UP).scaleb(4)) for t in texts]
    assert found.rows.column("amount").to_pylist() == expected


# --- numbers

LINES = mapping(Stream.LINE_ITEMS)
LINE = {"id": "L1", "opportunity_id": "D1"}


@pytest.mark.parametrize(
    ("formats", "given", "quantity"),
    [
        pytest.param(PLAIN, "12", 120_000, id="whole"),
        pytest.param(PLAIN, " 2.5 ", 25_000, id="blanks around"),
        pytest.param(PLAIN, "-1", -10_000, id="negative"),
        pytest.param(PLAIN, "0", 0, id="zero"),
        pytest.param(PLAIN, "", None, id="empty"),
        pytest.param(GERMAN, "1.234,5", 12_345_000, id="German"),
        pytest.param(PLAIN, 12, 120_000, id="number"),
        pytest.param(PLAIN, Decimal("0.0001"), 1, id="smallest"),
    ],
)
def test_a_number_is_read_like_an_amount(
    formats: Formats, given: object, quantity: int | None
) -> None:
    found = read(replace(LINES, formats=formats), [{**LINE, "quantity": given}])

    assert found.rows.column("quantity").to_pylist() == [quantity]


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(pa.array([2.5]), id="float"),
        pytest.param(pa.array([Decimal("2.50")]), id="decimal"),
        pytest.param(pa.array(["2.5"]).dictionary_encode(), id="dictionary"),
    ],
)
def test_a_number_in_a_typed_column_is_taken_as_what_it_is(column: pa.Array) -> None:
    page = pa.table({**{name: [text] for name, text in LINE.items()}, "quantity": column})

    found = read(LINES, page)

    assert found.rows.column("quantity").to_pylist() == [25_000]


@pytest.mark.parametrize(
    ("formats", "text"),
    [
        pytest.param(PLAIN, "a few", id="text"),
        pytest.param(PLAIN, "1,5", id="decimal comma not declared"),
        pytest.param(PLAIN, "100000000000000", id="too large"),
        pytest.param(GERMAN, "1,5,5", id="two decimal commas"),
    ],
)
def test_what_is_no_number_is_set_aside(formats: Formats, text: str) -> None:
    found = read(replace(LINES, formats=formats), [{**LINE, "quantity": text}])

    (row,) = found.quarantined
    assert row.problems[0].reason == (
        f"{text!r} is not a number (decimal mark {formats.decimal!r}); see source.formats"
    )


# --- what every record needs

EXAMPLES = {
    Kind.TEXT: "x",
    Kind.MONEY: "12.5",
    Kind.NUMBER: "2.5",
    Kind.DATE: "2026-06-30",
}


def least(stream: Stream) -> dict[str, str]:
    """Return the least that a record of *stream* must have."""
    return {
        name: ours.choices[0] if ours.choices else EXAMPLES[ours.kind]
        for name, ours in FIELDS[stream].items()
        if ours.required
    }


NEEDED = [
    pytest.param(stream, name, id=f"{stream}.{name}") for stream in Stream for name in least(stream)
]


@pytest.mark.parametrize(("stream", "name"), NEEDED)
@pytest.mark.parametrize("empty", ["", None])
def test_a_record_without_what_it_needs_is_set_aside(
    stream: Stream, name: str, empty: str | None
) -> None:
    found = read(mapping(stream), [{**least(stream), name: empty}])

    (row,) = found.quarantined
    (problem,) = row.problems
    assert problem.field == name
    assert problem.reason == f"empty, but every record needs its {name}"


@pytest.mark.parametrize(
    ("stream", "name", "column"),
    [
        pytest.param(Stream.COSTS, "amount", pa.array([None, Decimal("1")]), id="money"),
        pytest.param(Stream.COSTS, "amount", pa.array([None, 1.0]), id="float"),
        pytest.param(Stream.COSTS, "spent_on", pa.array([None, date(2026, 6, 30)]), id="date"),
        pytest.param(
            Stream.COSTS,
            "spent_on",
            pa.array([None, datetime(2026, 6, 30, tzinfo=UTC)]),
            id="moment",
        ),
        pytest.param(Stream.CONTACT_TARGETS, "per_year", pa.array([None, 12]), id="number"),
        pytest.param(
            Stream.LINE_ITEMS,
            "opportunity_id",
            pa.array([None, "D1"]).dictionary_encode(),
            id="text",
        ),
    ],
)
def test_a_typed_column_may_lack_what_a_record_needs_too(
    stream: Stream, name: str, column: pa.Array
) -> None:
    texts = {field: pa.array([text, text]) for field, text in least(stream).items()}
    page = pa.table({**texts, "id": ["1", "2"], name: column})

    found = read(mapping(stream), page)

    (row,) = found.quarantined
    assert row.record == "1"
    assert row.problems[0].reason == f"empty, but every record needs its {name}"
    assert found.rows.column("id").to_pylist() == ["2"]
    assert found.rows.column(name)[0].as_py() is not None


# --- days and times


@pytest.mark.parametrize(
    ("patterns", "text", "day"),
    [
        pytest.param((), "2017-03-05", date(2017, 3, 5), id="ISO"),
        pytest.param((), " 2017-03-05 ", date(2017, 3, 5), id="blanks around"),
        pytest.param((), "2016-02-29", date(2016, 2, 29), id="leap day"),
        pytest.param((), "2017-3-5", date(2017, 3, 5), id="short"),
        pytest.param((), "2017-03-05T10:00:00", date(2017, 3, 5), id="time without zone"),
        pytest.param((), "2017-03-05T22:59:59Z", date(2017, 3, 5), id="before midnight in Berlin"),
        pytest.param((), "2017-03-05T23:00:00Z", date(2017, 3, 6), id="midnight in Berlin"),
        pytest.param((), "2017-03-05T23:30:00.000+0000", date(2017, 3, 6), id="Salesforce"),
        pytest.param((), "2017-03-06T00:30:00+02:00", date(2017, 3, 5), id="still yesterday here"),
        pytest.param((), datetime(2017, 3, 5, 23, 30, tzinfo=UTC), date(2017, 3, 6), id="aware"),
        pytest.param((), date(2017, 3, 5), date(2017, 3, 5), id="date"),
        pytest.param(("%d.%m.%Y",), "05.03.2017", date(2017, 3, 5), id="German"),
        pytest.param(("%d.%m.%Y",), "5.3.2017", date(2017, 3, 5), id="German short"),
        pytest.param(("%m/%d/%Y",), "03/05/2017", date(2017, 3, 5), id="American"),
        pytest.param(("%d.%m.%Y", "%m/%d/%Y"), "03/05/2017", date(2017, 3, 5), id="second pattern"),
        pytest.param(("%d.%m.%Y",), "2017-03-05", date(2017, 3, 5), id="ISO beside a pattern"),
        pytest.param(("%Y%m%d",), "20170305", date(2017, 3, 5), id="compact"),
        pytest.param(("%b %d, %Y",), "Mar 05, 2017", date(2017, 3, 5), id="month name"),
        pytest.param(("%d.%m.%Y %H:%M",), "05.03.2017 23:30", date(2017, 3, 5), id="with a time"),
    ],
)
def test_a_day_is_the_day_in_the_zone_of_the_job(
    patterns: tuple[str, ...], text: object, day: date
) -> None:
    assert field_of(mapping(formats=Formats(dates=patterns)), "close_date", text) == day


@pytest.mark.parametrize(
    ("patterns", "text"),
    [
        pytest.param((), "2017-02-30", id="no such day"),
        pytest.param((), "2017-13-01", id="no such month"),
        pytest.param((), "2017-02-29", id="no leap year"),
        pytest.param((), "0000-00-00", id="zeros"),
        pytest.param((), "05.03.2017", id="pattern not declared"),
        pytest.param((), "17-03-05", id="year of two digits"),
        pytest.param((), "12017-03-05", id="year of five digits"),
        pytest.param((), "2017-03-05 (BC)", id="before Christ"),
        pytest.param((), "infinity", id="infinity"),
        pytest.param((), "epoch", id="epoch"),
        pytest.param((), "soon", id="text"),
        pytest.param((), "42", id="number"),
        pytest.param((), "2017-03-05T25:00:00", id="no such hour"),
        pytest.param(("%d.%m.%Y",), "30.02.2017", id="no such day by pattern"),
        pytest.param(("%d.%m.%Y",), "05.03.17", id="two digits by pattern"),
        pytest.param(("%d.%m.%Y",), "05.03.12017", id="five digits by pattern"),
    ],
)
def test_what_is_no_day_is_set_aside(patterns: tuple[str, ...], text: str) -> None:
    reason = reason_of(mapping(formats=Formats(dates=patterns)), "close_date", text)

    assert reason == f"{text!r} is not a date; see source.formats.dates"


@pytest.mark.parametrize(
    ("zone", "text", "moment"),
    [
        pytest.param("UTC", "2017-03-05T10:00:00Z", "2017-03-05T10:00:00", id="UTC"),
        pytest.param("Europe/Berlin", "2017-03-05T10:00:00", "2017-03-05T09:00:00", id="winter"),
        pytest.param("Europe/Berlin", "2017-07-05 10:00:00", "2017-07-05T08:00:00", id="summer"),
        pytest.param(
            "Europe/Berlin", "2017-03-05T10:00:00Z", "2017-03-05T10:00:00", id="zone said"
        ),
        pytest.param("Europe/Berlin", "2017-03-05", "2017-03-04T23:00:00", id="day alone"),
        pytest.param("UTC", "2017-03-05T10:00:00.123456Z", "2017-03-05T10:00:00.123456", id="us"),
    ],
)
def test_a_time_without_zone_is_in_the_zone_of_the_job(zone: str, text: str, moment: str) -> None:
    found = field_of(mapping(timezone=zone), "modified_at", text)

    assert found == datetime.fromisoformat(moment).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "2017-02-30T10:00:00Z", "infinity", "1489000000"])
def test_what_is_no_time_is_set_aside(text: str) -> None:
    assert "is not a date" in reason_of(mapping(), "modified_at", text)


# --- flags

USERS = mapping(Stream.USERS)


@pytest.mark.parametrize(
    ("formats", "value", "flag"),
    [
        pytest.param(PLAIN, "true", True, id="true"),
        pytest.param(PLAIN, "TRUE", True, id="case"),
        pytest.param(PLAIN, " Yes ", True, id="blanks"),
        pytest.param(PLAIN, "0", False, id="0"),
        pytest.param(PLAIN, True, True, id="bool"),
        pytest.param(PLAIN, False, False, id="bool no"),
        pytest.param(PLAIN, 1, True, id="number"),
        pytest.param(PLAIN, 0.0, False, id="whole float"),
        pytest.param(PLAIN, "", None, id="empty"),
        pytest.param(PLAIN, None, None, id="null"),
        pytest.param(PLAIN, "   ", None, id="blanks alone"),
        pytest.param(Formats(true=("Größe",), false=("Ä",)), "GRÖßE", True, id="sharp s"),
        pytest.param(Formats(true=("是",), false=("否",)), "否", False, id="Chinese"),
        pytest.param(Formats(true=("it's",)), "It's", True, id="quote"),
    ],
)
def test_a_flag_is_read_by_its_words(formats: Formats, value: object, flag: bool | None) -> None:
    found = read(replace(USERS, formats=formats), [{"id": "U", "active": value}])

    assert found.rows.column("active").to_pylist() == [flag]


def test_another_word_is_no_flag() -> None:
    found = read(USERS, [{"id": "U", "active": "maybe"}])

    (row,) = found.quarantined
    assert row.problems[0].reason == (
        "'maybe' is neither yes nor no; see source.formats.true and .false"
    )


# --- choices and value maps


def kinds(values: Mapping[str, str], *given: object) -> list[str | None]:
    """Return what the kinds of accounts become; None for those that are set aside."""
    by = mapping(Stream.ACCOUNTS, values={"kind": values} if values else {})
    found = read(by, [{"id": f"{n:03}", "kind": kind} for n, kind in enumerate(given)])
    known = dict(
        zip(found.rows.column("id").to_pylist(), found.rows.column("kind").to_pylist(), strict=True)
    )
    return [known.get(f"{n:03}", "set aside") for n in range(len(given))]


@pytest.mark.parametrize(
    ("values", "given", "kind"),
    [
        pytest.param({}, "customer", "customer", id="ours"),
        pytest.param({}, " Customer ", "customer", id="ours in any case"),
        pytest.param({}, "Kunde", "set aside", id="unknown"),
        pytest.param({}, "", None, id="empty"),
        pytest.param({}, "  ", None, id="blanks"),
        pytest.param({}, None, None, id="null"),
        pytest.param({"Kunde": "customer"}, "Kunde", "customer", id="mapped"),
        pytest.param({"Kunde": "customer"}, "KUNDE ", "customer", id="mapped in any case"),
        pytest.param({"Groß": "customer"}, "groß", "customer", id="sharp s"),
        pytest.param({"Groß": "customer"}, "Groß", "customer", id="sharp s as it stands"),
        pytest.param({"İş": "customer"}, "İş", "customer", id="dotted I"),
        pytest.param({"客户": "customer"}, "客户", "customer", id="Chinese"),
        pytest.param({"it's": "customer"}, "It's", "customer", id="quote"),
        pytest.param({"Customer": "partner"}, "customer", "partner", id="mapped over ours"),
        pytest.param({"*": "other"}, "Verein", "other", id="any other"),
        pytest.param({"*": "other"}, "customer", "customer", id="not any other"),
        pytest.param({"*": "other"}, "", None, id="empty is not any other"),
        pytest.param({"": "other"}, "", "other", id="empty mapped"),
        pytest.param({"": "other"}, None, "other", id="null mapped"),
        pytest.param({"": "other", "*": "test"}, " ", "other", id="blanks mapped"),
    ],
)
def test_a_choice_is_one_of_ours(values: dict[str, str], given: object, kind: str | None) -> None:
    assert kinds(values, given) == [kind]


def test_a_value_that_no_map_knows_is_named() -> None:
    assert reason_of(mapping(), "status", "Closed Won") == (
        "'Closed Won' is none of won, lost, open; add it to source.values.opportunities.status"
    )


def test_a_required_choice_may_not_be_empty() -> None:
    assert reason_of(mapping(), "status", "") == "empty, but every record needs its status"


@pytest.mark.parametrize(
    ("field", "values", "given", "found"),
    [
        pytest.param("product", {"GTK 500": "GTK"}, "GTK 500", "GTK", id="text"),
        pytest.param("product", {"GTK 500": "GTK"}, "gtk 500", "gtk 500", id="text in its case"),
        pytest.param("product", {"GTK 500": ""}, "GTK 500", None, id="text to nothing"),
        pytest.param("product", {"*": "any"}, "GTK", "any", id="any text"),
        pytest.param("product", {"*": "any"}, "", None, id="empty text"),
        pytest.param("currency", {"€": "EUR"}, "€", "EUR", id="currency"),
        pytest.param("amount", {"n/a": ""}, "n/a", None, id="amount to nothing"),
        pytest.param("amount", {"n/a": "0"}, "12.5", 125_000, id="amount beside a map"),
        pytest.param("close_date", {"0000-00-00": ""}, "0000-00-00", None, id="day to nothing"),
        pytest.param(
            "close_date", {"never": "9999-12-31"}, "2017-03-05", date(2017, 3, 5), id="day"
        ),
    ],
)
def test_a_value_map_stands_for_values_of_any_kind(
    field: str, values: dict[str, str], given: object, found: object
) -> None:
    assert field_of(mapping(values={field: values}), field, given) == found


def test_a_value_map_stands_for_flags_in_typed_columns_too() -> None:
    by = replace(USERS, values={"active": {"true": "false", "false": "true"}})

    found = read(by, pa.table({"id": ["U"], "active": [True]}))

    assert found.rows.column("active").to_pylist() == [False]


# --- text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("  two blanks  ", id="blanks"),
        pytest.param("Ünï株式会社🦄\u202e", id="unicode"),
        pytest.param("e\u0301", id="decomposed"),
        pytest.param("a\tb\nc", id="lines"),
        pytest.param("'; drop table account; --", id="sql"),
        pytest.param('"quoted"', id="quoted"),
        pytest.param("null", id="the word null"),
        pytest.param("007", id="leading zeros"),
        pytest.param("1e5", id="like a number"),
        pytest.param("x" * 70_000, id="long"),
    ],
)
def test_text_is_kept_as_it_is(text: str) -> None:
    found = read(mapping(), [deal(id=text, name=text, account_id=text)])

    row = found.rows.to_pylist()[0]
    assert (row["id"], row["name"], row["account_id"]) == (text, text, text)


def test_empty_text_is_nothing() -> None:
    assert field_of(mapping(), "name", "") is None


def test_half_an_emoji_does_not_stop_a_page() -> None:
    found = read(mapping(), [deal(name="cut \ud83e"), deal(id="D2", name="whole 🦄")])

    assert found.rows.column("name").to_pylist() == ["cut \ufffd", "whole 🦄"]


@pytest.mark.parametrize("field", ["id", "name"])
def test_a_text_with_a_nul_is_set_aside(field: str) -> None:
    found = read(mapping(), [deal(**{field: "a\0b"}), deal(id="D2", name="good")])

    (row,) = found.quarantined
    assert row.problems[0].reason == "holds a NUL character, which no text may; remove it"
    assert "\0" not in row.record
    assert found.rows.column("id").to_pylist() == ["D2"]


# --- ids


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param("0012", "0012", id="leading zeros"),
        pytest.param(12, "12", id="number"),
        pytest.param(12.0, "12", id="whole float"),
        pytest.param(12.5, "12.5", id="float"),
        pytest.param(Decimal("1E+3"), "1000", id="decimal"),
        pytest.param(" 12", " 12", id="blank"),
        pytest.param("A' or 1=1", "A' or 1=1", id="sql"),
    ],
)
def test_an_id_is_text(given: object, kept: str) -> None:
    assert field_of(mapping(), "id", given) == kept


@pytest.mark.parametrize("missing", ["", None])
def test_a_row_without_id_is_set_aside_whole(missing: str | None) -> None:
    found = read(mapping(), [{"id": missing, "status": "won", "name": "Acme"}])

    (row,) = found.quarantined
    assert row.nature == "unreadable"
    assert row.problems[0].reason == "empty, but every record needs its id"
    assert json.loads(row.content)["name"] == "Acme"


def test_two_rows_without_id_are_told_apart() -> None:
    rows = [{"status": "won", "name": "Acme"}, {"status": "won", "name": "Ajax"}]

    found = read(mapping(), rows)

    assert len({row.record for row in found.quarantined}) == 2


# --- currencies

RATES = {"USD": date(2017, 1, 1)}


@pytest.mark.parametrize(
    ("row", "aside"),
    [
        pytest.param({"currency": "EUR"}, None, id="base"),
        pytest.param({"currency": ""}, None, id="empty is the base"),
        pytest.param({"currency": "usd "}, None, id="case and blanks"),
        pytest.param({"currency": "USD", "close_date": "2017-01-01"}, None, id="first day"),
        pytest.param(
            {"currency": "USD", "close_date": "2016-12-31"},
            "no rate for 'USD' on 2016-12-31; add it to currency.rates",
            id="before the first day",
        ),
        pytest.param(
            {"currency": "USD", "close_date": "2016-12-31", "status": "lost"}, None, id="lost"
        ),
        pytest.param({"currency": "USD"}, None, id="no day"),
        pytest.param(
            {"currency": "GBP", "close_date": "2017-03-05"},
            "no rate for 'GBP' on 2017-03-05; add it to currency.rates",
            id="unknown",
        ),
        pytest.param(
            {"currency": "Euro"}, "no rate for 'EURO'; add it to currency.rates", id="no code"
        ),
    ],
)
def test_a_deal_needs_a_rate_for_its_currency(row: dict[str, str], aside: str | None) -> None:
    found = read(mapping(rates_from=RATES), [deal(**row)])

    assert [one.problems[0].reason for one in found.quarantined] == ([aside] if aside else [])


@pytest.mark.parametrize(
    ("currency", "day", "aside"),
    [
        pytest.param("", "2016-12-31", None, id="base"),
        pytest.param("USD", "2017-01-01", None, id="first day"),
        pytest.param(
            "USD",
            "2016-12-31",
            "no rate for 'USD' on 2016-12-31; add it to currency.rates",
            id="before the first day",
        ),
        pytest.param(
            "GBP",
            "2017-03-05",
            "no rate for 'GBP' on 2017-03-05; add it to currency.rates",
            id="unknown",
        ),
    ],
)
def test_a_cost_needs_a_rate_for_its_currency(currency: str, day: str, aside: str | None) -> None:
    row = {**least(Stream.COSTS), "currency": currency, "spent_on": day}

    found = read(mapping(Stream.COSTS, rates_from=RATES), [row])

    assert [one.problems[0].reason for one in found.quarantined] == ([aside] if aside else [])


def test_a_rate_that_the_source_does_not_tell_is_missing_there() -> None:
    found = reason_of(mapping(rates_from=RATES, rates_are_told=True), "currency", "GBP")

    assert found == (
        "no rate for 'GBP'; the source tells none: add it there, or give all rates in"
        " currency.rates"
    )


def test_without_rates_only_the_base_currency_is_known() -> None:
    assert "no rate for 'USD'" in reason_of(mapping(), "currency", "USD")


def test_rates_become_a_table_of_ten_places() -> None:
    rate = Rate(currency="USD", valid_from=date(2017, 1, 1), rate=Decimal("0.9487666034"))

    assert rates_table([rate]).to_pylist() == [
        {"currency": "USD", "valid_from": date(2017, 1, 1), "rate": Decimal("0.9487666034")}
    ]


# --- constants, columns that are missing


def test_a_constant_stands_in_every_row() -> None:
    columns = {"id": "id", "amount": "amount"}
    by = mapping(columns=columns, constants={"status": "Won", "currency": "eur"})

    found = read(by, [{"id": "1"}, {"id": "2"}])

    assert found.rows.column("status").to_pylist() == ["won", "won"]
    assert found.rows.column("currency").to_pylist() == ["EUR", "EUR"]


def test_a_constant_that_can_not_be_read_is_a_mistake_in_the_job() -> None:
    by = mapping(constants={"status": "gewonnen"})

    with pytest.raises(ConfigError, match=r"fields\.opportunities\.status: constant 'gewonnen' is"):
        read(by, [deal()])


def test_a_column_that_the_job_names_must_be_there() -> None:
    by = mapping(columns={"id": "id", "status": "Stage"}, explicit=frozenset({"status"}))

    with pytest.raises(ConfigError) as caught:
        read(by, pa.table({"id": ["1"], "stage": ["won"]}))

    assert str(caught.value) == (
        "job.toml: source.fields.opportunities.status: the source has no column 'Stage';"
        " it has: id, stage"
    )


def test_a_column_that_only_the_adapter_names_may_be_missing() -> None:
    found = read(mapping(), pa.table({"id": ["1"], "status": ["won"]}))

    assert found.rows.column("amount").to_pylist() == [None]


def test_an_empty_page_has_our_columns() -> None:
    assert read(mapping(), []).rows.column_names == list(FIELDS[Stream.OPPORTUNITIES])


@pytest.mark.parametrize("stream", list(Stream))
def test_a_page_of_empty_columns_is_read(stream: Stream) -> None:
    by = mapping(stream, constants={k: text for k, text in least(stream).items() if k != "id"})
    rows = pa.table({"id": ["1", "2"]} | {n: pa.nulls(2) for n in FIELDS[stream] if n != "id"})

    found = read(by, rows)

    assert list(found.quarantined) == []
    assert found.rows.column("id").to_pylist() == ["1", "2"]


def test_a_column_of_nothing_but_nulls_can_not_be_required() -> None:
    found = read(mapping(), pa.table({"id": ["1"], "status": pa.nulls(1)}))

    assert found.quarantined[0].problems[0].field == "status"


@pytest.mark.parametrize(
    "name",
    [
        'na"me',
        "it's",
        "Name (EUR)",
        "position",
        "turn",
        "bad name",
        "select",
        "c0",
        "名前",
        " name ",
        "name; drop table page",
        "%Y",
    ],
)
@pytest.mark.parametrize("arrow", [True, False], ids=["arrow", "rows"])
def test_a_column_may_have_any_name(name: str, arrow: bool) -> None:
    columns = {"id": "id", "status": "status", "name": name}
    rows = [{"id": "1", "status": "won", name: "Acme", "other": "x"}]

    found = read(mapping(columns=columns), pa.Table.from_pylist(rows) if arrow else rows)

    assert found.rows.column("name").to_pylist() == ["Acme"]


def test_columns_may_differ_in_case_alone() -> None:
    page = pa.table({"ID": ["wrong"], "id": ["right"], "status": ["won"]})

    assert read(mapping(), page).rows.column("id").to_pylist() == ["right"]


# --- typed columns, as Parquet and bulk APIs have them

DAY = date(2017, 3, 5)
EVENING = datetime(2017, 3, 5, 23, 30)  # noqa: DTZ001 - a column without zone is what is tested

TYPED = [
    pytest.param("amount", pa.array([Decimal("12.34")], pa.decimal128(10, 2)), 123_400, id="dec"),
    pytest.param(
        "amount", pa.array([Decimal("0.00005")], pa.decimal128(38, 10)), 1, id="decimal half up"
    ),
    pytest.param("amount", pa.array([12.34], pa.float64()), 123_400, id="float64"),
    pytest.param("amount", pa.array([0.1], pa.float32()), 1000, id="float32"),
    pytest.param("amount", pa.array([1e7], pa.float64()), 10**11, id="large float"),
    pytest.param("amount", pa.array([2.2737367544323206e-13]), 0, id="remainder of a float"),
    pytest.param("amount", pa.array([10**10]), 10**14, id="ten billion"),
    pytest.param("amount", pa.array([12], pa.int32()), 120_000, id="int32"),
    pytest.param("amount", pa.array([12], pa.uint64()), 120_000, id="uint64"),
    pytest.param("amount", pa.array(["12.34"]).dictionary_encode(), 123_400, id="dictionary"),
    pytest.param("amount", pa.array(["12.34"], pa.large_string()), 123_400, id="large string"),
    pytest.param("amount", pa.array([""], pa.large_string()), None, id="empty large string"),
    pytest.param("amount", pa.array([""]).dictionary_encode(), None, id="empty dictionary"),
    pytest.param("amount", pa.array([" "], pa.string_view()), None, id="blank string view"),
    pytest.param("close_date", pa.array([DAY], pa.date32()), DAY, id="date32"),
    pytest.param("close_date", pa.array([DAY], pa.date64()), DAY, id="date64"),
    pytest.param(
        "close_date", pa.array([EVENING], pa.timestamp("ns")), DAY, id="time without zone"
    ),
    pytest.param(
        "close_date", pa.array([EVENING], pa.timestamp("us", "UTC")), date(2017, 3, 6), id="in UTC"
    ),
    pytest.param("close_date", pa.array([20170305], pa.int32()), DAY, id="number by pattern"),
    pytest.param(
        "modified_at",
        pa.array([EVENING], pa.timestamp("ms")),
        EVENING.replace(tzinfo=BERLIN),
        id="moment without zone",
    ),
    pytest.param(
        "modified_at",
        pa.array([EVENING], pa.timestamp("s", "UTC")),
        EVENING.replace(tzinfo=UTC),
        id="moment",
    ),
    pytest.param(
        "modified_at",
        pa.array([DAY]),
        datetime(2017, 3, 5, tzinfo=BERLIN),
        id="moment by day",
    ),
    pytest.param("account_id", pa.array([12], pa.int64()), "12", id="id of a number"),
    pytest.param("account_id", pa.array([12.0]), "12", id="id of a float"),
    pytest.param("account_id", pa.array(["007"]).dictionary_encode(), "007", id="id in dictionary"),
    pytest.param("account_id", pa.array([""], pa.large_string()), None, id="empty id"),
    pytest.param("status", pa.array(["Won"]).dictionary_encode(), "won", id="choice in dictionary"),
]


@pytest.mark.parametrize(("field", "column", "value"), TYPED)
def test_a_typed_column_is_read_as_what_it_is(field: str, column: pa.Array, value: object) -> None:
    by = mapping(formats=Formats(dates=("%Y%m%d",)))
    page = {"id": pa.array(["1"]), "status": pa.array(["won"])} | {field: column}

    found = read(by, pa.table(page))

    assert list(found.quarantined) == []
    assert found.rows.column(field)[0].as_py() == value


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(pa.array([10**14], pa.int64()), id="integer"),
        pytest.param(pa.array([1e14], pa.float64()), id="float"),
        pytest.param(pa.array([Decimal(10**14)], pa.decimal128(38, 2)), id="decimal"),
        pytest.param(pa.array([float("nan")]), id="not a number"),
        pytest.param(pa.array([float("inf")]), id="infinite"),
    ],
)
def test_a_typed_amount_may_be_too_large_as_well(column: pa.Array) -> None:
    page = pa.table({"id": ["1"], "status": ["won"], "amount": column})

    (row,) = read(mapping(), page).quarantined

    assert row.problems[0].field == "amount"


def test_a_flag_column_is_taken_as_it_is() -> None:
    page = pa.table({"id": ["1", "2", "3"], "active": [True, False, None]})

    assert read(USERS, page).rows.column("active").to_pylist() == [True, False, None]


ROWS: Sequence[Mapping[str, object]] = [
    {"id": "1", "status": "won", "amount": 12.5, "close_date": DAY, "name": "Ü"},
    {"id": "2", "status": "lost", "amount": None, "close_date": None, "name": ""},
    {"id": "3", "status": "open", "amount": 7.0, "close_date": DAY, "name": None},
    {"id": "4", "status": "what", "amount": 7.0, "close_date": DAY, "name": "bad"},
    {"id": "5", "status": "won", "amount": 1e20, "close_date": DAY, "name": "too large"},
]


def test_mappings_and_arrow_give_the_same() -> None:
    by_rows, by_arrow = read(mapping(), ROWS), read(mapping(), pa.Table.from_pylist(list(ROWS)))

    assert by_rows.rows.to_pylist() == by_arrow.rows.to_pylist()
    assert [row.record for row in by_rows.quarantined] == ["4", "5"]
    assert [row.problems for row in by_rows.quarantined] == [
        row.problems for row in by_arrow.quarantined
    ]


def test_a_large_page_is_read_like_small_ones() -> None:
    many = [{**row, "id": f"{n:04}{row['id']}"} for n in range(1_200) for row in ROWS]

    found = read(mapping(), many)

    assert found.rows.num_rows == 3 * 1_200
    assert len(found.quarantined) == 2 * 1_200
    assert found.rows.drop_columns(["id"]).slice(0, 3).to_pylist() == [
        {name: value for name, value in row.items() if name != "id"}
        for row in read(mapping(), ROWS).rows.to_pylist()
    ]


def test_every_column_has_the_type_of_its_kind() -> None:
    types = {
        Kind.TEXT: pa.string(),
        Kind.CHOICE: pa.string(),
        Kind.MONEY: pa.int64(),
        Kind.NUMBER: pa.int64(),
        Kind.DATE: pa.date32(),
        Kind.TIME: pa.timestamp("us", "Europe/Berlin"),
        Kind.FLAG: pa.bool_(),
    }
    for stream in Stream:
        kinds = {name: types[field.kind] for name, field in FIELDS[stream].items()}
        row = least(stream)
        typed = pa.table({name: pa.array([v]).dictionary_encode() for name, v in row.items()})
        for page in ([], [row], typed):
            schema = read(mapping(stream), page).rows.schema
            assert dict(zip(schema.names, schema.types, strict=True)) == kinds


# --- what is set aside


def test_a_row_is_set_aside_with_all_that_is_wrong_of_it() -> None:
    found = read(mapping(), [deal(amount="lots", close_date="soon", name="Acme")])

    (row,) = found.quarantined
    assert row.record == "D1"
    assert [(problem.field, problem.value) for problem in row.problems] == [
        ("amount", "lots"),
        ("close_date", "soon"),
    ]
    assert json.loads(row.content)["name"] == "Acme"


def test_the_good_rows_of_a_page_are_kept() -> None:
    rows = [deal(id="1", amount="1"), deal(id="2", amount="lots"), deal(id="3", amount="3")]

    found = read(mapping(), rows)

    assert found.rows.column("id").to_pylist() == ["1", "3"]


def test_what_the_source_could_not_take_apart_is_set_aside_too() -> None:
    broken = Unreadable("deals.csv line 17", 'D1;"won', "a quote is not closed")

    with normaliser(mapping()) as opened:
        (row,) = opened.read([], [broken]).quarantined

    assert (row.record, row.nature) == ("deals.csv line 17", "unreadable")
    assert row.problems[0].reason == "a quote is not closed"


# --- one id several times in a page


def test_in_an_increment_the_newest_state_stands() -> None:
    rows = [
        deal(name="new", modified_at="2017-03-06T00:00:00Z"),
        deal(name="old", modified_at="2017-03-05T00:00:00Z"),
        deal(name="ageless"),
    ]

    found = read(mapping(), rows)

    assert found.rows.column("name").to_pylist() == ["new"]
    assert (found.duplicates, list(found.quarantined)) == (2, [])


def test_in_an_increment_the_last_of_equals_stands() -> None:
    rows = [deal(name="first"), deal(name="last")]

    assert read(mapping(), rows).rows.column("name").to_pylist() == ["last"]


def test_in_a_scan_the_first_stands_and_others_that_differ_are_set_aside() -> None:
    rows = [deal(name="first"), deal(name="second"), deal(name="first"), deal(name="third")]

    found = read(mapping(), rows, scanning=True)

    assert found.rows.column("name").to_pylist() == ["first"]
    assert found.duplicates == 1
    assert [json.loads(row.content)["name"] for row in found.quarantined] == ["second", "third"]
    assert len({row.record for row in found.quarantined}) == 2
    assert found.quarantined[0].problems[0].reason == (
        "id 'D1' comes more than once with different values; the first was kept"
    )


@pytest.mark.long
@settings(max_examples=25, deadline=None)
@given(ids=st.lists(st.sampled_from("ABCDE"), max_size=12), scanning=st.booleans())
def test_no_row_of_a_page_gets_lost(amounts: Normaliser, ids: list[str], scanning: bool) -> None:
    rows = [
        deal(id=one, name=str(n % 3), amount="x" if n == 4 else "1") for n, one in enumerate(ids)
    ]

    found = amounts.read(rows, scanning=scanning)

    assert len(rows) == found.rows.num_rows + found.duplicates + len(found.quarantined)
    assert found.rows.column("id").to_pylist() == sorted(set(found.rows.column("id").to_pylist()))
