"""The profit audit, against the toys of domain 5.5."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate, cycle
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_pyramid.audit import (
    ProfitAudit,
    ProfitRow,
    loss_makers,
    profit_audit,
    profit_by_layer,
)
from customer_pyramid.money import cents, to_units
from customer_pyramid.settings import PyramidSettings
from tests.rules.crm import PROFITS, Crm, Row
from tests.rules.customer_pyramid.books import Books, standing, table, units

PYRAMID = PyramidSettings()
BY_LAYER = profit_by_layer(table("profit"))
TOY = ("Top", "Big", "Medium", "Small", "Small")


def audit_of(profits: Sequence[int | None], layers: Sequence[str] = TOY) -> ProfitAudit:
    """Return the audit of *profits*, whole money, of customers in *layers*, over and over."""
    crm = Crm()
    rows = [
        {"layer": layer, "profit": None if profit is None else to_units(Decimal(profit))}
        for layer, profit in zip(cycle(layers), profits, strict=False)
    ]
    found = crm.rows(profit_by_layer(crm.table("profits", PROFITS, rows)))
    return profit_audit(cast("list[ProfitRow]", found), PYRAMID)


def test_the_whale_curve_is_that_of_the_domain() -> None:
    found = audit_of([90, 60, 10, -20, -40])
    assert (found.customers, found.profit) == (5, Decimal(100))
    assert (found.peak, found.peak_customers) == (Decimal(160), 3)
    assert found.peak_ratio == Decimal("1.6")


def test_tiers_have_their_share_and_those_that_lose_are_named() -> None:
    found = audit_of([90, 60, 10, -20, -40])
    shares = {layer.layer: layer.share_profit for layer in found.layers}
    assert shares == {
        "Top": Decimal("0.9"),
        "Big": Decimal("0.6"),
        "Medium": Decimal("0.1"),
        "Small": Decimal("-0.6"),
    }
    assert found.upper_share == Decimal("1.6")
    assert found.loss_tiers == ("Small",)
    small = found.layers[-1]
    assert (small.customers, small.profit, small.loss_making) == (2, Decimal(-60), 2)
    assert small.profit_per_customer == Decimal(-30)


@pytest.mark.parametrize(
    ("profits", "peak", "after"),
    [
        pytest.param([50, 10, 0, -60, 0], 60, 2, id="nothing in all"),
        pytest.param([50, 10, 0, -60, -1], 60, 2, id="a loss in all"),
        pytest.param([-1, -1, -1, -1, -1], 0, 0, id="losses alone"),
        pytest.param([], 0, 0, id="nobody"),
    ],
)
def test_without_a_profit_in_all_there_are_no_ratios(
    profits: list[int], peak: int, after: int
) -> None:
    found = audit_of(profits)
    assert (found.peak, found.peak_customers) == (Decimal(peak), after)
    assert (found.peak_ratio, found.upper_share) == (None, None)
    assert {layer.share_profit for layer in found.layers} == {None}


def test_an_unknown_profit_is_not_a_profit_of_nothing() -> None:
    found = audit_of([90, None, 10, 0, None])
    assert (found.customers, found.profit) == (3, Decimal(100))
    assert found.layers[1].profit_per_customer is None


def test_other_layers_come_after_the_tiers() -> None:
    found = audit_of([90, -10], ["Top", "Inactive"])
    names = [layer.layer for layer in found.layers]
    assert names == ["Top", "Big", "Medium", "Small", "Inactive"]
    assert found.loss_tiers == ()


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
@given(st.lists(st.integers(-9, 9), max_size=20))
def test_the_peak_is_the_highest_point_of_the_curve(profits: list[int]) -> None:
    curve = list(accumulate(sorted(profits, reverse=True), initial=0))
    found = audit_of(profits)
    assert found.peak == cents(to_units(Decimal(max(curve))))
    assert found.peak_customers == curve.index(max(curve))


def test_what_is_spent_on_others_is_no_loss_of_customers() -> None:
    found = audit_of([90, -10], ["Top", "Prospect"])
    assert (found.customers, found.profit, found.peak_ratio) == (1, Decimal(90), Decimal(1))
    prospects = found.layers[-1]
    assert (prospects.profit, prospects.share_profit) == (Decimal(-10), None)


def test_a_layer_has_its_costs_and_what_they_return() -> None:
    rows = [
        {
            "account_id": name,
            "layer": "Big",
            "revenue": units(500),
            "gross": units(200),
            "ms_cost": units(30),
            "service_cost": units(20),
            "overhead": units(10),
            "profit": units(140),
            "estimated": name == "A",
        }
        for name in ("A", "B")
    ]
    books = Books(profit=rows)
    found = profit_audit(cast("list[ProfitRow]", books.rows(BY_LAYER)), PYRAMID)
    big = found.layers[1]
    assert (big.revenue, big.gross, big.profit) == (Decimal(1_000), Decimal(400), Decimal(280))
    assert (big.ms_cost, big.service_cost, big.overhead) == (Decimal(60), Decimal(40), Decimal(20))
    assert big.profit_per_customer == 140
    assert big.roi == 3
    assert big.estimated == 1
    assert found.layers[0].roi is None


def test_those_who_lose_most_come_first() -> None:
    profits: list[Row] = [
        {"account_id": name, "layer": layer, "revenue": 1, "profit": profit}
        for name, layer, profit in (
            ("A", "Top", -5),
            ("B", "Big", -9),
            ("C", "Top", 1),
            ("D", "Small", -99),
        )
    ]
    names = [standing(row["account_id"], row["layer"], owner_id="rep") for row in profits]
    books = Books(profit=profits, standings=names)
    found = loss_makers(books["profit"], books["standings"], ("Top", "Big"))
    assert [(row["name"], row["profit"]) for row in books.rows(found)] == [("B", -9), ("A", -5)]
    one = loss_makers(books["profit"], books["standings"], ("Top", "Big"), limit=1)
    assert [row["account_id"] for row in books.rows(one)] == ["B"]
