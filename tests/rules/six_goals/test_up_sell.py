"""Up-sell: who is within reach of the next tier."""

from datetime import date
from decimal import Decimal
from typing import cast

import pytest

from customer_pyramid.money import to_units
from customer_pyramid.periods import Period
from customer_pyramid.settings import PyramidSettings
from six_goals.settings import UpSellSettings
from six_goals.up_sell import UpSellRow, up_sell_actions, up_sell_candidates
from tests.rules.crm import accounts_named, analyse, won

YEAR = Period.trailing(date(2024, 12, 31))
NOW, BEFORE = date(2024, 6, 1), date(2023, 6, 1)
SETTINGS = UpSellSettings()
ROW: UpSellRow = {
    "account_id": "A",
    "name": "Acme",
    "owner_id": "rep",
    "layer": "Small",
    "revenue": 384_000_000,
    "previous_revenue": 320_000_000,
    "next_tier": "Big",
    "next_tier_gap": 21_000_000,
}


@pytest.mark.parametrize(
    ("revenue", "before", "found"),
    [
        pytest.param(80, 0, True, id="a quarter short"),
        pytest.param(79, 0, False, id="more than a quarter short"),
        pytest.param(50, 40, True, id="growing by a quarter"),
        pytest.param(50, 41, False, id="growing too slowly"),
        pytest.param(49, 1, False, id="growing but too far"),
        pytest.param(60, 0, False, id="new customers have no growth"),
    ],
)
def test_candidates_are_near_or_growing(revenue: int, before: int, found: bool) -> None:
    sales = [won("leader", 100, NOW), won("A", revenue, NOW)]
    if before:
        sales.append(won("A", before, BEFORE))
    settings = PyramidSettings(tiers=("Gold", "Rest"), cuts=(5_000, 10_000))
    world = analyse(accounts_named("leader", "A"), sales, current=YEAR, settings=settings)
    rows = cast("list[UpSellRow]", world.crm.rows(up_sell_candidates(world.standings, SETTINGS)))
    assert [row["account_id"] for row in rows] == (["A"] if found else [])


def test_the_action_says_what_is_missing_and_what_it_is_worth() -> None:
    (action,) = up_sell_actions([ROW], SETTINGS)
    assert action.expected_value == to_units(Decimal("126"))
    assert (action.title, action.due_days) == ("Grow Acme towards Big", 15)
    assert action.reason == (
        "Acme bought for 38,400 in this period, 2,100 short of the Big tier. "
        "That is 20 % more than in the period before."
    )


def test_a_new_customer_is_not_compared() -> None:
    (action,) = up_sell_actions([{**ROW, "previous_revenue": 0}], SETTINGS)
    assert action.reason.endswith("short of the Big tier.")
