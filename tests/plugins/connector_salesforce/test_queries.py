"""Queries as Salesforce takes them, records as text, and the columns worked out from them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from connector import FIELDS as OURS
from connector_salesforce import soql
from connector_salesforce.derived import DERIVED, with_derived
from connector_salesforce.objects import (
    DISCONTINUED,
    FIELDS,
    HAPPENED_AT,
    KIND,
    LEAD,
    OBJECTS,
    STATUS,
)
from connector_salesforce.place import Place, dump, load
from connector_salesforce.rows import table_of


def test_a_query_is_put_together() -> None:
    asked = soql.select(["Id", "Owner.Name"], "Case", ["A = 1", "B = 2"], " LIMIT 3")
    assert asked == "SELECT Id, Owner.Name FROM Case WHERE A = 1 AND B = 2 LIMIT 3"
    assert soql.select(["Id"], "Case") == "SELECT Id FROM Case"


def test_values_are_quoted() -> None:
    assert soql.above_id("001'x") == "Id > '001\\'x'"
    assert soql.one_of("RecordTypeId", ["012A", "012B"]) == "RecordTypeId IN ('012A','012B')"


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-01-03T23:52:01.007+0000",
        "2026-01-04T01:52:01.007+02:00",
        datetime(2026, 1, 3, 23, 52, 1, 7_000, UTC),
        datetime(2026, 1, 3, 18, 52, 1, 7_000, timezone(timedelta(hours=-5))),
    ],
)
def test_a_time_keeps_its_milliseconds(stamp: str | datetime) -> None:
    assert soql.literal(stamp) == "2026-01-03T23:52:01.007Z"


def test_records_with_one_stamp_are_told_apart_by_id() -> None:
    after = soql.above("SystemModstamp", "2026-01-03T23:52:01.000+0000", "001A")
    time = "2026-01-03T23:52:01.000Z"
    assert after == (f"(SystemModstamp > {time} OR (SystemModstamp = {time} AND Id > '001A'))")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("00042", "00042"),
        ("", ""),
        (None, None),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (Decimal("1234567890123.45"), "1234567890123.45"),
        (Decimal("1E+3"), "1000"),
        ({"city": "Brno"}, '{"city": "Brno"}'),
        (["a", Decimal(1)], '["a", "1"]'),
        ("half \ud83d of it", "half \ufffd of it"),
    ],
)
def test_a_value_is_what_a_person_would_read(value: object, text: str | None) -> None:
    assert table_of([{"X": value}], ["X"]).to_pylist() == [{"X": text}]


def test_a_parent_may_be_missing() -> None:
    records: list[dict[str, Any]] = [{"Owner": {"Name": "Ann"}}, {"Owner": None}, {}]
    found = table_of(records, ["Owner.Name"]).column("Owner.Name").to_pylist()
    assert found == ["Ann", None, None]


@pytest.mark.parametrize(
    ("sobject", "name", "given", "made"),
    [
        ("Opportunity", STATUS, {"IsWon": "true", "IsClosed": "true"}, "won"),
        ("Opportunity", STATUS, {"IsWon": "false", "IsClosed": "true"}, "lost"),
        ("Opportunity", STATUS, {"IsWon": "false", "IsClosed": "false"}, "open"),
        ("Opportunity", STATUS, {"IsWon": None, "IsClosed": None}, "open"),
        ("Case", STATUS, {"IsClosed": "true"}, "closed"),
        ("Case", STATUS, {"IsClosed": "false"}, "open"),
        ("Lead", STATUS, {"IsConverted": "true"}, "won"),
        ("Lead", STATUS, {"IsConverted": "false"}, "open"),
        ("OpportunityLineItem", DISCONTINUED, {"Product2.IsActive": "true"}, "false"),
        ("OpportunityLineItem", DISCONTINUED, {"Product2.IsActive": "false"}, "true"),
        ("OpportunityLineItem", DISCONTINUED, {"Product2.IsActive": None}, None),
        ("Task", KIND, {"TaskSubtype": "Call"}, "Call"),
        ("Task", KIND, {"TaskSubtype": None}, "Task"),
        ("Event", KIND, {"Id": "00U"}, "Event"),
        ("Task", LEAD, {"WhoId": "00QA"}, "00QA"),
        ("Task", LEAD, {"WhoId": "003A"}, None),
        ("Event", LEAD, {"WhoId": None}, None),
        ("Task", HAPPENED_AT, {"IsClosed": "false", "ActivityDate": "2026-01-01"}, None),
        ("Task", HAPPENED_AT, {"IsClosed": "true", "ActivityDate": "2026-01-01"}, "2026-01-01"),
        (
            "Task",
            HAPPENED_AT,
            {"IsClosed": "true", "ActivityDate": "2026-01-01", "CompletedDateTime": "2026-01-02"},
            "2026-01-02",
        ),
        ("Event", HAPPENED_AT, {"StartDateTime": None, "ActivityDate": "2026-01-01"}, "2026-01-01"),
    ],
)
def test_a_column_is_worked_out(
    sobject: str, name: str, given: dict[str, Any], made: str | None
) -> None:
    rows = pa.table({column: pa.array([value], pa.string()) for column, value in given.items()})
    found = with_derived(rows, sobject, [name])
    assert found.column(name).to_pylist() == [made]
    assert found.column(name).type == pa.string()
    assert with_derived(rows, sobject, []).column_names == rows.column_names


@pytest.mark.parametrize("sobject", DERIVED)
def test_of_no_rows_nothing_is_worked_out(sobject: str) -> None:
    derived = DERIVED[sobject]
    needs = [need for one in derived.values() for need in one.needs]
    rows = pa.table({name: pa.nulls(0, pa.string()) for name in dict.fromkeys(needs)})
    assert with_derived(rows, sobject, [*derived]).num_rows == 0


def test_every_stream_has_its_required_fields_and_no_other_than_ours() -> None:
    assert FIELDS.keys() == OBJECTS.keys()
    for stream, fields in FIELDS.items():
        required = {name for name, field in OURS[stream].items() if field.required}
        assert required <= fields.keys() <= OURS[stream].keys()


def test_a_place_is_kept_as_text() -> None:
    place = Place("acme", ("Task", "Event"), scan="a", mark="2026", part=1, after=("00T", "x"))
    assert load(dump(place)) == place


@pytest.mark.parametrize(
    "cursor", [None, "", "x", "7", "[]", "{}", '{"v": 2}', '{"v": 1, "odd": 1}', '{"v": 1}']
)
def test_what_is_no_place_of_ours_is_none(cursor: str | None) -> None:
    assert load(cursor) is None
