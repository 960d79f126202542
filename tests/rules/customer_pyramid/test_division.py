"""Divisions are exact, whatever the size of the numbers."""

from fractions import Fraction
from typing import cast

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_pyramid.division import apportioned, divided, evenly, fits, ratio, times
from customer_pyramid.money import half_up
from tests.rules.crm import Crm

NUMBERS = {"number": "int64", "by": "int64", "running": "int64"}
ROWS = ibis.table(NUMBERS, name="numbers")
QUOTIENTS = ROWS.select("number", "by", half_up=divided(ROWS.number, ROWS.by))
MONEY = st.integers(-(10**15), 10**15)


def quotient(number: int, by: int) -> int | None:
    crm = Crm()
    crm.table("numbers", NUMBERS, [{"number": number, "by": by}])
    return cast("int | None", crm.row(QUOTIENTS)["half_up"])


@pytest.mark.parametrize(
    ("number", "by", "expected"),
    [
        pytest.param(7, 2, 4, id="half"),
        pytest.param(-7, 2, -4, id="half below 0"),
        pytest.param(10, 3, 3, id="third"),
        pytest.param(11, 3, 4, id="two thirds"),
        pytest.param(9_007_199_254_740_993, 9, 1_000_799_917_193_444, id="no float holds it"),
        pytest.param(5, 0, None, id="by 0"),
    ],
)
def test_halves_are_rounded_away_from_zero(number: int, by: int, expected: int | None) -> None:
    assert quotient(number, by) == expected


@pytest.mark.long
@settings(max_examples=50, deadline=None, database=None)
@given(MONEY, st.integers(1, 10**12))
def test_a_quotient_is_that_of_whole_numbers(number: int, by: int) -> None:
    assert quotient(number, by) == half_up(Fraction(number, by))


def test_what_is_left_over_can_be_cut_off() -> None:
    crm = Crm()
    crm.table("numbers", NUMBERS, [{"number": 4_380_000, "by": 120_000}])
    assert crm.row(ROWS.select(days=fits(ROWS.number, ROWS.by))) == {"days": 36}


def test_a_factor_may_be_a_fraction() -> None:
    crm = Crm()
    crm.table("numbers", NUMBERS, [{"number": 5}])
    assert crm.row(ROWS.select(part=times(ROWS.number, Fraction(7, 10)))) == {"part": 4}


@pytest.mark.long
@settings(max_examples=25, deadline=None, database=None)
@given(MONEY, st.lists(st.integers(0, 10**12), min_size=1, max_size=9).filter(any))
def test_shares_add_up_to_the_amount(amount: int, parts: list[int]) -> None:
    crm = Crm()
    running = [sum(parts[: place + 1]) for place in range(len(parts))]
    rows = [
        {"number": part, "running": up_to, "by": sum(parts)}
        for part, up_to in zip(parts, running, strict=True)
    ]
    crm.table("numbers", NUMBERS, rows)
    whole = ibis.literal(amount, type="int64")
    found = ROWS.select("number", share=apportioned(whole, ROWS.number, ROWS.running, ROWS.by))
    shares = crm.rows(found)
    assert sum(row["share"] for row in shares) == amount
    for row in shares:
        exact = Fraction(amount * row["number"], sum(parts))
        assert abs(row["share"] - exact) <= 1


@settings(max_examples=25, deadline=None, database=None)
@given(MONEY, st.integers(1, 9))
def test_equal_parts_add_up_to_the_amount(amount: int, size: int) -> None:
    crm = Crm()
    crm.table("numbers", NUMBERS, [{"running": place} for place in range(1, size + 1)])
    whole = ibis.literal(amount, type="int64")
    parts = [
        row["part"]
        for row in crm.rows(ROWS.select(part=evenly(whole, ROWS.running, ibis.literal(size))))
    ]
    assert sum(parts) == amount
    assert max(parts) - min(parts) <= 1


@pytest.mark.parametrize(
    ("part", "whole", "expected"), [(1, 3, 3_333), (-1, 2, -5_000), (1, 0, None)]
)
def test_a_ratio_is_in_ten_thousandths(part: int, whole: int, expected: int | None) -> None:
    crm = Crm()
    crm.table("numbers", NUMBERS, [{"number": part, "by": whole}])
    assert crm.row(ROWS.select(ratio=ratio(ROWS.number, ROWS.by))) == {"ratio": expected}
