"""Statistics of small pyramids: the Gini toys, and what to be warned of."""

from datetime import date
from decimal import Decimal

import pytest

from customer_pyramid.periods import Period
from customer_pyramid.settings import PyramidSettings
from customer_pyramid.statistics import Statistics
from tests.rules.crm import Row, accounts_named, analyse, won

YEAR = Period.trailing(date(2024, 12, 31))
NOW, BEFORE = date(2024, 6, 1), date(2023, 6, 1)


def statistics_of(revenues: list[int], *, settings: PyramidSettings | None = None) -> Statistics:
    names = [f"A{place}" for place in range(len(revenues))]
    sales = [won(name, revenue, NOW) for name, revenue in zip(names, revenues, strict=True)]
    world = analyse(accounts_named(*names), sales, current=YEAR, settings=settings)
    return world.statistics()


@pytest.mark.parametrize(
    ("revenues", "gini"),
    [([1, 2, 3, 4], "0.250000"), ([1, 1, 1, 97], "0.720000"), ([7, 7, 7], "0.000000")],
)
def test_gini_is_as_in_the_domain(revenues: list[int], gini: str) -> None:
    assert str(statistics_of(revenues).current.gini) == gini


def test_few_customers_and_a_short_history_are_warned_of() -> None:
    found = statistics_of([97, 1, 1, 1]).current
    assert found.warnings == (
        "small_base",
        "left_censored",
        "depends_on_largest",
        "depends_on_first_tier",
    )
    assert (found.largest_share, found.first_tier_share) == (Decimal("0.97"), Decimal("0.97"))


def test_enough_even_customers_with_a_history_are_not_warned_of() -> None:
    names = [f"A{number}" for number in range(100)]
    sales = [won(name, 10, day) for name in names for day in (BEFORE, NOW)]
    found = analyse(accounts_named(*names), sales, current=YEAR).statistics()
    assert found.current.warnings == ()
    assert found.current.existing_share_revenue == 1
    assert found.previous.warnings == ("left_censored",)


def test_new_customers_are_those_whose_first_order_is_in_the_period() -> None:
    deals = [won("old", 30, BEFORE), won("old", 30, NOW), won("new", 10, NOW)]
    found = analyse(accounts_named("old", "new"), deals, current=YEAR).statistics().current
    assert (found.new_customers, found.new_revenue) == (1, Decimal(10))
    assert found.existing_share_revenue == Decimal("0.75")


def test_orders_without_a_net_sale_are_counted_apart() -> None:
    deals: list[Row] = [won("a", 5, NOW), won("a", -5, NOW), won("b", 5, NOW)]
    found = analyse(accounts_named("a", "b"), deals, current=YEAR).statistics().current
    assert (found.active, found.inactive, found.nonpositive_with_orders) == (1, 1, 1)
    inactive = {layer.layer: layer for layer in found.layers}["Inactive"]
    assert (inactive.customers, inactive.orders, inactive.share_revenue) == (1, 1, None)


def test_equal_customers_on_both_sides_of_a_cut_are_reported() -> None:
    settings = PyramidSettings(tiers=("Gold", "Rest"), cuts=(5_000, 10_000))
    assert statistics_of([5, 5], settings=settings).current.tie_at_boundary == {"Gold": True}
    assert statistics_of([6, 5], settings=settings).current.tie_at_boundary == {"Gold": False}
