"""Values, categories, comments and cursors: what needs no server."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from connector import Scalar
from connector_tryton.categories import Choices
from connector_tryton.place import Place, dump, load
from connector_tryton.task_text import TaskText, compose, parse
from connector_tryton.values import as_json, fit


@pytest.mark.parametrize(
    ("value", "kind", "kept"),
    [
        ("Top", "char", "Top"),
        (4711, "char", "4711"),
        (Decimal("1E+2"), "char", "100"),
        (date(2026, 6, 30), "char", "2026-06-30"),
        (True, "char", "true"),
        ("", "char", None),
        (Decimal("4.5"), "integer", 5),
        ("12", "integer", 12),
        ("twelve", "integer", "twelve"),
        (Decimal("1.005"), "numeric", Decimal("1.01")),
        (0.25, "float", Decimal("0.25")),
        ("2026-06-30", "date", date(2026, 6, 30)),
        (datetime(2026, 6, 30, 23, tzinfo=UTC), "date", date(2026, 6, 30)),
        ("2026-06-30T12:00:00.5+02:00", "datetime", datetime(2026, 6, 30, 10, tzinfo=UTC)),
        (date(2026, 6, 30), "timestamp", datetime(2026, 6, 30, tzinfo=UTC)),
        (None, "boolean", False),
        (1, "boolean", True),
        ("true", "boolean", True),
    ],
)
def test_a_value_is_kept_in_the_form_of_its_field(value: object, kind: str, kept: Scalar) -> None:
    field = {"type": kind, "digits": "[16, 2]" if kind == "numeric" else '"currency"'}
    held = fit(value, field)
    assert (held, type(held)) == (kept, type(kept))


def test_a_float_goes_out_as_one() -> None:
    assert as_json(Decimal("0.25"), {"type": "float"}) == 0.25
    assert as_json(Decimal("0.25"), {"type": "numeric"}) == Decimal("0.25")


TIER = Choices("Tier", 1, (), {"Top": 2, "Big": 3, "Small": 4})


@pytest.mark.parametrize(
    ("held", "value", "commands"),
    [
        pytest.param([], "Top", [["add", [2]]], id="none"),
        pytest.param([9, 3], "Top", [["remove", [3]], ["add", [2]]], id="another"),
        pytest.param([2, 3, 4], "Top", [["remove", [3, 4]]], id="several"),
        pytest.param([2], None, [["remove", [2]]], id="cleared"),
        pytest.param([2], "Top", [], id="the same"),
    ],
)
def test_of_the_children_one_is_left(held: list[int], value: str | None, commands: Any) -> None:
    assert TIER.swap(held, value) == commands


def test_several_children_are_named_side_by_side() -> None:
    assert (TIER.held([4, 2]), TIER.held([9])) == ("Small, Top", None)


def test_a_path_is_made_from_where_it_ends() -> None:
    path = Choices("Sales / Pyramid / Tier", 5, ("Pyramid", "Tier"), {})
    tier = {"name": "Tier", "childs": [["create", [{"name": "Top"}]]]}
    assert path.made(["Top"]) == [{"name": "Pyramid", "childs": [["create", [tier]]], "parent": 5}]
    assert TIER.made(["Bronze"]) == [{"name": "Bronze", "parent": 1}]


WHOLE = TaskText("up_sell:13:1", "First\nSecond", date(2026, 7, 31), "High", "12")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param(WHOLE, "Jane (Doe)", id="whole"),
        pytest.param(WHOLE, None, id="no name"),
        pytest.param(TaskText("m", "", None, "Low", None), None, id="bare"),
        pytest.param(TaskText("m", "Due: soon\n\nOwner: me"), None, id="like our own lines"),
    ],
)
def test_a_comment_says_what_was_put_into_it(text: TaskText, name: str | None) -> None:
    assert parse(compose(text, owner_name=name)) == text


def test_what_a_person_has_changed_is_read() -> None:
    comment = compose(WHOLE, owner_name="Jane").replace("07-31", "08-15").replace("High", "Low")
    read = parse(comment.replace("\n", "\r\n") + "\r\n")
    assert read is not None
    assert (read.due, read.priority, read.body) == (date(2026, 8, 15), "Low", WHOLE.body)
    odd = parse(comment.replace("2026-08-15", "next week"))
    assert odd is not None
    assert odd.due is None


def test_a_comment_without_a_key_is_nobodys() -> None:
    assert parse("Call them.\nkey is under the mat") is None
    assert parse("") is None


def test_a_cursor_holds_a_place() -> None:
    place = Place("of", since="2026-06-30T12:00:00+00:00", scan="abc", mark="m", after=12)
    assert load(dump(place)) == place
    assert place.done() == Place("of", since="m", scanned="m")


@pytest.mark.parametrize("cursor", [None, "", "{", "[]", '{"v": 2}', '{"v": 1, "x": 1}'])
def test_a_cursor_of_another_is_none(cursor: str | None) -> None:
    assert load(cursor) is None
