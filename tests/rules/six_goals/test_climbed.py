"""Climbed: which accounts came to what an up-sell action was for."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import ibis.expr.types as ir
import pyarrow as pa
import pytest

from customer_pyramid.money import to_units
from six_goals.settings import UpSellSettings
from six_goals.up_sell import succeeded
from tests.rules.crm import Row
from tests.rules.six_goals.company import Company
from tests.rules.six_goals.market import bought, market

STARTED, ENDS = date(2024, 7, 1), date(2024, 12, 28)
SETTINGS = UpSellSettings(ladder=("Basic", "Plus", "Pro"))
TRIALS = pa.schema(
    [
        ("account_id", pa.string()),
        ("item", pa.string()),
        ("started_on", pa.date32()),
        ("ends_on", pa.date32()),
        ("value", pa.int64()),
        ("target", pa.int64()),
    ]
)


def trials(company: Company, *rows: Row) -> ir.Table:
    times = {"started_on": STARTED, "ends_on": ENDS, "value": 1}
    return company.bring("trials", pa.Table.from_pylist([{**times, **r} for r in rows], TRIALS))


def towards(target: int, item: str = "tier") -> Row:
    return {"account_id": "A", "item": item, "target": to_units(Decimal(target))}


def outcome(sales: list[Row], trial: Row) -> tuple[date, int | None] | None:
    """Return when the trial succeeded, and the margin in whole currency."""
    company = market(sales)
    rows = company.rows(succeeded(company, trials(company, trial), SETTINGS))
    if not rows:
        return None
    (row,) = rows
    assert (row["account_id"], row["item"], row["started_on"]) == ("A", trial["item"], STARTED)
    return row["succeeded_on"], row["value"] // 10_000 if row["value"] is not None else None


@pytest.mark.parametrize("item", ["tier", "upgradable"])
def test_revenue_of_twelve_months_that_comes_to_the_target_is_success(item: str) -> None:
    sales = [
        *bought("A", "P", date(2024, 1, 10), 600),
        *bought("A", "P", date(2024, 8, 1), 300),
        *bought("A", "P", date(2024, 9, 1), 100),
        *bought("A", "P", date(2024, 10, 1), 200),
    ]
    assert outcome(sales, towards(1_000, item)) == (date(2024, 9, 1), 180)


def test_sales_that_are_a_year_old_no_longer_count() -> None:
    sales = [
        *bought("A", "P", date(2023, 8, 1), 600),
        *bought("A", "P", date(2024, 8, 2), 400),
    ]
    assert outcome(sales, towards(1_000)) is None


def test_sales_of_the_last_day_of_twelve_months_count() -> None:
    sales = [
        *bought("A", "P", date(2023, 8, 3), 600),
        *bought("A", "P", date(2024, 8, 1), 400),
    ]
    assert outcome(sales, towards(1_000)) == (date(2024, 8, 1), 120)


@pytest.mark.parametrize(
    ("day", "found"),
    [
        pytest.param(STARTED, None, id="on the day it started"),
        pytest.param(ENDS, (ENDS, 300), id="on the last day"),
        pytest.param(date(2024, 12, 29), None, id="too late"),
    ],
)
def test_only_what_comes_within_the_time_counts(day: date, found: tuple[date, int] | None) -> None:
    assert outcome(bought("A", "P", day, 1_000), towards(1_000)) == found


def test_sales_of_one_day_are_one() -> None:
    sales = [*bought("A", "PQ", date(2024, 8, 1), 500)]
    assert outcome(sales, towards(1_000)) == (date(2024, 8, 1), 300)


def test_a_credit_puts_the_target_out_of_reach() -> None:
    sales = [
        *bought("A", "P", date(2024, 8, 1), -200),
        *bought("A", "P", date(2024, 8, 2), 1_000),
    ]
    assert outcome(sales, towards(1_000)) is None


def test_sales_of_others_do_not_count() -> None:
    assert outcome(bought("B", "P", date(2024, 8, 1), 1_000), towards(1_000)) is None


@pytest.mark.parametrize(
    ("step", "found"),
    [
        pytest.param("Plus", (date(2024, 8, 1), 30), id="the step"),
        pytest.param("Pro", (date(2024, 8, 1), 30), id="a higher one"),
        pytest.param("Basic", None, id="a lower one"),
        pytest.param("Other", None, id="something else"),
    ],
)
def test_a_step_is_taken_with_that_item_or_a_higher_one(
    step: str, found: tuple[date, int] | None
) -> None:
    trial = {"account_id": "A", "item": "ladder:Plus"}
    assert outcome(bought("A", [step], date(2024, 8, 1)), trial) == found


def test_the_margin_of_all_steps_taken_adds_up() -> None:
    sales = [
        *bought("A", ["Plus"], date(2024, 9, 1), 100),
        *bought("A", ["Pro"], date(2024, 8, 1), 200),
        *bought("A", ["Basic"], date(2024, 8, 1), 900),
    ]
    trial = {"account_id": "A", "item": "ladder:Plus"}
    assert outcome(sales, trial) == (date(2024, 8, 1), 90)


def test_a_step_that_is_no_longer_on_the_ladder_is_still_known() -> None:
    trial = {"account_id": "A", "item": "ladder:Old"}
    assert outcome(bought("A", ["Old"], date(2024, 8, 1)), trial) == (date(2024, 8, 1), 30)
    assert outcome(bought("A", ["Pro"], date(2024, 8, 1)), trial) is None


def test_without_a_ladder_the_very_step_counts() -> None:
    company = market(bought("A", ["Plus"], date(2024, 8, 1)))
    rows = trials(company, {"account_id": "A", "item": "ladder:Plus"})
    (row,) = company.rows(succeeded(company, rows, UpSellSettings()))
    assert row["succeeded_on"] == date(2024, 8, 1)
