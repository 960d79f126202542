"""Buying, against the published answers for the CDNOW sample (domain 5.7) and by properties."""

import math
from dataclasses import astuple
from datetime import date
from functools import cache
from pathlib import Path

import ibis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import compute as pc
from pyarrow import csv
from scipy.special import betaincinv

from six_goals.buying import ENOUGH, BuyingModel, distinct, fit, histories, scored
from six_goals.rhythm import order_days, ordering
from tests.rules.crm import Crm, Row, won

CDNOW = csv.read_csv(Path(__file__).parents[1] / "data" / "cdnow_summary.csv")
PAPER = BuyingModel(0.243, 4.414, 0.793, 2.426, -9582.4, 2357)
AS_OF = date(1998, 5, 6)
SALES = {"account_id": "string", "close_date": "date", "amount": "int64"}
HISTORIES = {"account_id": "string", "x": "int64", "t_x": "int64", "T": "int64"}


def fitted(rows: pa.Table) -> BuyingModel:
    model = fit(rows)
    assert model is not None
    return model


@cache
def cdnow() -> BuyingModel:
    return fitted(CDNOW)


def parameters(model: BuyingModel) -> tuple[float, ...]:
    return (model.r, model.alpha, model.a, model.b)


def model_of(r: float, alpha: float, a: float, b: float) -> BuyingModel:
    return BuyingModel(r, alpha, a, b, log_likelihood=math.nan, customers=0)


def histories_of(*sales: Row) -> list[Row]:
    crm = Crm()
    known = ordering(order_days(crm.table("sales", SALES, sales)))
    return crm.rows(histories(known, AS_OF))


def distinct_of(*times: tuple[int, int, int], step: int) -> list[tuple[int, ...]]:
    crm = Crm()
    rows = [dict(zip(("x", "t_x", "T"), row, strict=True)) for row in times]
    found = crm.rows(distinct(crm.table("histories", HISTORIES, rows), step))
    return sorted(tuple(row.values()) for row in found)


def test_the_model_of_cdnow_is_that_of_the_paper() -> None:
    found = cdnow()
    assert [round(value, 3) for value in parameters(found)] == [0.243, 4.414, 0.793, 2.426]
    assert round(found.log_likelihood, 1) == -9582.4
    assert found.customers == 2357


def test_the_model_of_cdnow_is_that_of_another_implementation() -> None:
    assert parameters(cdnow()) == pytest.approx((0.242593, 4.413532, 0.792886, 2.425752), abs=5e-6)


@pytest.mark.parametrize(
    ("x", "t_x", "p_alive", "purchases"),
    [
        pytest.param(2, 30.43, 0.7266, 1.2260, id="ordered-lately"),
        pytest.param(1, 1.71, 0.2121, 0.2032, id="silent"),
        pytest.param(7, 29.43, 0.6418, 3.3371, id="frequent"),
        pytest.param(0, 0, 1.0, 0.1951, id="once"),
    ],
)
def test_a_customer_of_cdnow_is_as_published(
    x: int, t_x: float, p_alive: float, purchases: float
) -> None:
    assert PAPER.p_alive(x, t_x, 38.86) == pytest.approx(p_alive, abs=5e-5)
    assert PAPER.expected_purchases(x, t_x, 38.86, 39) == pytest.approx(purchases, abs=5e-5)


def test_new_customers_of_cdnow_are_as_published() -> None:
    expected = PAPER.expected_purchases_of_new([1, 3, 39, 52])
    assert expected.round(4).tolist() == [0.0533, 0.1509, 1.1967, 1.4461]


def test_new_customers_of_the_model_of_cdnow_are_as_published() -> None:
    expected = cdnow().expected_purchases_of_new([0.1429, 1, 3, 31.8571, 32, 78])
    assert expected == pytest.approx([0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8576], abs=5e-4)


def test_numbers_of_purchases_are_as_likely_as_published() -> None:
    assert PAPER.probability_of(10, 2) == pytest.approx(1.07869e-07, rel=1e-5)
    assert PAPER.probability_of(0, 39) == pytest.approx(0.5737864, abs=5e-8)


MODELS = {
    "paper": PAPER,
    "a-is-1": model_of(0.5, 30, 1, 4),
    "whole-numbers": model_of(2, 20, 3, 4),
    "many-leave": model_of(0.8, 50, 30, 20),
    "few-leave": model_of(3, 90, 0.02, 8),
    "all-alike": model_of(900, 20_000, 40, 700),
}
models = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


@models
def test_the_chances_of_all_numbers_of_purchases_add_up(model: BuyingModel) -> None:
    numbers = np.arange(2_000)
    chances = model.probability_of(numbers, 365)
    assert chances.sum() == pytest.approx(1)
    assert chances @ numbers == pytest.approx(model.expected_purchases_of_new(365), rel=1e-5)


@models
@pytest.mark.parametrize("x", [0, 1, 20, 500])
def test_purchases_of_the_living_are_the_mean_over_all_chances_to_leave(
    model: BuyingModel, x: int
) -> None:
    quantiles = (np.arange(100_000) + 0.5) / 100_000
    leaves = np.maximum(betaincinv(model.a, model.b + x, quantiles), 1e-200)
    purchases = -np.expm1(-(model.r + x) * np.log1p(365 / (model.alpha + 400) * leaves)) / leaves
    found = model.expected_purchases(x, 400, 400, 365) / model.p_alive(x, 400, 400)
    assert found == pytest.approx(purchases.mean(), rel=1e-4)


def test_who_came_once_is_alive_by_construction() -> None:
    assert PAPER.p_alive([0, 0], [0, 0], [0, 10_000]).tolist() == [1, 1]


def test_nothing_is_expected_of_no_time() -> None:
    assert PAPER.expected_purchases(3, 10, 20, 0) == 0
    assert PAPER.probability_of([0, 1], 0).tolist() == [1, 0]


@pytest.mark.parametrize(("repeaters", "enough"), [(ENOUGH, True), (ENOUGH - 1, False)])
def test_a_model_needs_100_customers_who_came_back(repeaters: int, enough: bool) -> None:
    once = CDNOW.filter(pc.equal(CDNOW["x"], 0))
    rows = CDNOW.filter(pc.greater(CDNOW["x"], 0))[:repeaters]
    again = rows.set_column(3, "n", pa.array([1] * repeaters))
    assert (fit(pa.concat_tables([once, again])) is not None) == enough


def test_no_customer_has_no_model() -> None:
    assert fit(CDNOW[:0]) is None


def test_customers_of_whom_none_leaves_have_no_model() -> None:
    punctual = {"x": [9, 10, 11], "t_x": [359, 360, 361], "T": [365, 365, 365], "n": [50, 50, 50]}
    assert fit(pa.table(punctual)) is None


def test_days_and_weeks_make_the_same_model() -> None:
    times = {name: pc.multiply(CDNOW[name], 7) for name in ("t_x", "T")}
    days = fitted(pa.table({"x": CDNOW["x"], **times, "n": CDNOW["n"]}))
    r, alpha, a, b = parameters(cdnow())
    assert parameters(days) == pytest.approx((r, 7 * alpha, a, b), rel=1e-4)


def test_a_history_counts_order_days_from_the_first_one() -> None:
    assert histories_of(
        won("A", 1, date(1998, 1, 1)),
        won("A", 2, date(1998, 1, 1)),
        won("A", 3, date(1998, 1, 11)),
        won("A", -3, date(1998, 1, 21)),
        won("A", 4, date(1998, 1, 31)),
    ) == [{"account_id": "A", "x": 2, "t_x": 30, "T": 125}]


def test_a_single_order_is_a_history_and_a_credit_is_none() -> None:
    assert histories_of(won("A", 1, AS_OF), won("B", -1, AS_OF)) == [
        {"account_id": "A", "x": 0, "t_x": 0, "T": 0}
    ]


def test_equal_histories_are_counted_with_times_rounded() -> None:
    times = [(2, 10, 17), (2, 11, 18), (2, 17, 20), (1, 10, 17)]
    assert distinct_of(*times, step=7) == [(1, 7, 14, 1), (2, 7, 14, 1), (2, 14, 21, 2)]


def test_a_step_of_one_day_rounds_nothing() -> None:
    times = [(2, 10, 17), (2, 11, 18), (2, 10, 17)]
    assert distinct_of(*times, step=1) == [(2, 10, 17, 2), (2, 11, 18, 1)]


@pytest.mark.parametrize("dialect", ["duckdb", "postgres"])
def test_histories_compile(dialect: str) -> None:
    rows = histories(ordering(order_days(ibis.table(SALES, name="sales"))), AS_OF)
    assert rows.schema() == ibis.schema(HISTORIES)
    assert ibis.to_sql(distinct(rows), dialect=dialect)


def test_scored_rows_keep_their_order_and_their_columns() -> None:
    rows = {"account_id": ["B", "A"], "x": [2, 0], "t_x": [30.43, 0], "T": [38.86, 38.86]}
    assert scored(pa.table(rows), PAPER, 39).to_pydict() == {
        **rows,
        "p_alive": [0.726579, 1.0],
        "expected_orders": [1.226028, 0.195098],
    }


def test_scored_rows_look_a_year_ahead() -> None:
    row = {"x": [2], "t_x": [213], "T": [272]}
    year = PAPER.expected_purchases(2, 213, 272, 365).round(6)
    assert scored(pa.table(row), PAPER)["expected_orders"].to_pylist() == [year]


quick = settings(max_examples=100, deadline=None, database=None)
few = settings(max_examples=5, deadline=None, database=None)
any_model = st.builds(
    model_of,
    r=st.floats(0.01, 50),
    alpha=st.floats(5, 1_000),
    a=st.floats(0.01, 50),
    b=st.floats(0.01, 500),
)
counts, days = st.integers(1, 400), st.integers(0, 2_000)


@quick
@given(any_model, counts, days, days)
def test_a_chance_to_be_alive_is_a_chance(
    model: BuyingModel, x: int, t_x: int, silent: int
) -> None:
    assert 0 <= model.p_alive(x, t_x, t_x + silent) <= 1


@quick
@given(any_model, counts, days, days, st.integers(1, 400))
def test_silence_makes_a_customer_less_likely_to_be_alive(
    model: BuyingModel, x: int, t_x: int, silent: int, longer: int
) -> None:
    now = t_x + silent
    before, after = model.p_alive(x, t_x, [now, now + longer])
    assert after < before or before < 1e-300


@quick
@given(any_model, st.integers(0, 400), days, days, st.integers(0, 365), st.integers(1, 365))
def test_more_time_brings_more_purchases(
    model: BuyingModel, x: int, t_x: int, silent: int, t: int, more: int
) -> None:
    sooner, later = model.expected_purchases(x, t_x, t_x + silent, [t, t + more])
    assert 0 <= sooner <= later * (1 + 1e-6) + 1e-9


@few
@given(st.integers(0, 1_000))
def test_the_order_of_histories_does_not_matter(seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(CDNOW))
    assert astuple(fitted(CDNOW.take(order))) == pytest.approx(astuple(cdnow()), rel=1e-5)


@few
@given(st.integers(1, len(CDNOW)))
def test_customers_counted_together_or_apart_make_the_same_model(split: int) -> None:
    rows = CDNOW[:split]
    more = rows.filter(pc.greater(rows["n"], 1))
    one = rows.set_column(3, "n", pa.array([1] * split))
    rest = more.set_column(3, "n", pc.subtract(more["n"], 1))
    apart = fitted(pa.concat_tables([one, rest, CDNOW[split:]]))
    assert astuple(apart) == pytest.approx(astuple(cdnow()), rel=1e-5)
