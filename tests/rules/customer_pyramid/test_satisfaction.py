"""Satisfaction: what is answered counts, what is not stays unknown."""

from datetime import UTC, date, datetime, timedelta

import pytest

from customer_pyramid.satisfaction import answers, promises_kept
from tests.rules.crm import Row
from tests.rules.customer_pyramid.books import DAY, NOON, YEAR, Books, case, table, units

ANSWERS = answers(table("cases"), YEAR)
KEPT = promises_kept(table("deliveries"), YEAR)
UNKNOWN = {"gap": None, "csat": None, "nps": None, "response_hours": None, "reopened": None}


def answered(*cases: Row) -> Row:
    """Return what the cases of A say."""
    (row,) = Books(cases=cases).rows(ANSWERS)
    return row


def delivered(promised: date | None, on: date | None) -> Row:
    return {"account_id": "A", "promised": promised, "delivered": on}


def test_a_case_without_answers_says_nothing() -> None:
    assert answered(case("A")) == {"account_id": "A", **UNKNOWN}


def test_the_gap_is_the_mean_of_what_was_asked_twice() -> None:
    found = answered(
        case("A", expected=units(4), perceived=units(5)),
        case("A", expected=units(4), perceived=units(2)),
        case("A", perceived=units(1)),
    )
    assert found["gap"] == units("-0.5")


def test_satisfied_is_a_4_or_a_5() -> None:
    found = answered(*(case("A", csat=units(score)) for score in (1, 3, 4, 5)), case("A"))
    assert found["csat"] == units("0.5")


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        pytest.param((10, 9, 8, 7, 6), 20, id="mixed"),
        pytest.param((0, 6), -100, id="detractors"),
        pytest.param((7, 8), 0, id="passive"),
    ],
)
def test_nps_is_promoters_less_detractors(scores: tuple[int, ...], expected: int) -> None:
    assert answered(*(case("A", nps=units(score)) for score in scores))["nps"] == units(expected)


def test_the_first_response_is_the_median() -> None:
    waits = [timedelta(hours=1), timedelta(hours=3), timedelta(days=30)]
    found = answered(*(case("A", first_response_at=NOON + wait) for wait in waits), case("A"))
    assert found["response_hours"] == units(3)


def test_reopened_is_a_share_of_what_is_recorded() -> None:
    found = answered(case("A", reopened=True), case("A", reopened=False), case("A"))
    assert found["reopened"] == units("0.5")


def test_cases_before_the_period_do_not_count() -> None:
    old = case("A", csat=units(1), opened_at=datetime(2023, 12, 31, 23, tzinfo=UTC))
    assert answered(old, case("A", csat=units(5)))["csat"] == units(1)


def test_a_promise_is_kept_on_the_day() -> None:
    late = DAY + timedelta(days=1)
    rows = [
        delivered(DAY, DAY),
        delivered(late, DAY),
        delivered(DAY, late),
        delivered(None, DAY),
        delivered(DAY, None),
        delivered(date(2023, 6, 1), date(2023, 6, 2)),
    ]
    (found,) = Books(deliveries=rows).rows(KEPT)
    assert found == {"account_id": "A", "promise_kept": 6_667}


def test_without_deliveries_no_promise_is_known() -> None:
    assert Books(deliveries=[delivered(DAY, None)]).rows(KEPT) == []
