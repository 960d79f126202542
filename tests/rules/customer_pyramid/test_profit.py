"""The profit audit and the budget, against the toys of domain 5.5."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate, cycle
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_pyramid.money import cents, to_units
from customer_pyramid.profit import (
    Misallocation,
    ProfitAudit,
    ProfitRow,
    misallocation,
    profit_audit,
    profit_by_layer,
)
from customer_pyramid.settings import PyramidSettings
from tests.rules.crm import PROFITS, Crm

PYRAMID = PyramidSettings()
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


def test_the_misallocation_is_that_of_the_domain() -> None:
    costs = {"Top": 300, "Inactive": 200, "Prospect": 400, "Suspect": 100}
    found = misallocation(costs, new_revenue=100, revenue=1_000)
    assert found == Misallocation(share=Decimal("0.70"), index=Decimal("7.0"), flagged=True)


@pytest.mark.parametrize(
    ("aimed", "new_revenue", "share", "index", "flagged"),
    [
        pytest.param(700, 500, "0.7", "1.4", True, id="at the limit"),
        pytest.param(699, 500, "0.699", "1.398", False, id="below the limit"),
        pytest.param(300, 100, "0.3", "3", False, id="at the limit of the index"),
        pytest.param(301, 100, "0.301", "3.01", True, id="above the limit of the index"),
        pytest.param(300, 0, "0.3", None, True, id="nothing from new customers"),
        pytest.param(300, -10, "0.3", None, True, id="credits to new customers"),
        pytest.param(0, 0, "0", None, False, id="nothing for non-customers"),
    ],
)
def test_the_budget_is_flagged_by_its_share_and_its_index(
    aimed: int, new_revenue: int, share: str, index: str | None, flagged: bool
) -> None:
    costs = {"Small": 1_000 - aimed, "Suspect": aimed}
    found = misallocation(costs, new_revenue=new_revenue, revenue=1_000)
    assert found == Misallocation(Decimal(share), Decimal(index) if index else None, flagged)


@pytest.mark.parametrize(
    ("aimed", "flagged"), [(699, False), (700, True)], ids=["below the limit", "at the limit"]
)
def test_without_revenue_the_share_alone_decides(aimed: int, flagged: bool) -> None:
    found = misallocation({"Top": 1_000 - aimed, "Prospect": aimed}, new_revenue=0, revenue=0)
    assert (found.index, found.flagged) == (None, flagged)


def test_without_cost_nothing_is_known() -> None:
    found = misallocation({}, new_revenue=1, revenue=1)
    assert found == Misallocation(share=None, index=None, flagged=False)
