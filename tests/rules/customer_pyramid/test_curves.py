"""Curves: exact at their ends, few points, and the shape that a curve of its kind has."""

from decimal import Decimal
from itertools import accumulate, pairwise
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_pyramid.curves import CurvePoint, PointRow, curve, lorenz_points, whale_points
from customer_pyramid.settings import PyramidSettings
from tests.rules.crm import Row
from tests.rules.customer_pyramid.books import Books, standing, table, units

LORENZ = lorenz_points(table("standings"))
WHALE = whale_points(table("profit"), PyramidSettings())
quick = settings(max_examples=20, deadline=None, database=None)


def lorenz(revenues: list[int]) -> list[PointRow]:
    """Return the points of customers with these revenues, in units."""
    stood = [standing(f"A{n}") | {"revenue": revenue} for n, revenue in enumerate(revenues)]
    return in_order(Books(standings=stood).rows(LORENZ))


def whale(profits: list[int]) -> list[PointRow]:
    """Return the points of customers with these profits, in units."""
    rows = [{"account_id": f"A{n}", "layer": "Big", "profit": p} for n, p in enumerate(profits)]
    return in_order(Books(profit=rows).rows(WHALE))


def in_order(rows: list[Row]) -> list[PointRow]:
    return cast("list[PointRow]", sorted(rows, key=lambda row: int(row["place"])))


def test_a_curve_of_few_customers_has_a_point_for_each() -> None:
    points = curve(lorenz([units(amount) for amount in (4, 1, 3, 2)]))
    assert [point.customers for point in points] == [0, 1, 2, 3, 4]
    assert [point.share for point in points] == [
        Decimal(text) for text in ("0", "0.1", "0.3", "0.6", "1")
    ]
    assert points[2] == CurvePoint(2, Decimal("0.5"), Decimal(3), Decimal("0.3"))


def test_the_zipf_toy_of_the_domain_keeps_its_ends_and_its_top_20_percent() -> None:
    points = curve(lorenz([units(1_000_000 // number) for number in range(1, 1_001)]))
    assert len(points) == 101
    shares = {point.customers: point.share for point in points}
    assert shares[0] == 0
    assert shares[1_000] == 1
    assert points[-1].amount == 7_485_017
    assert 1 - (shares[800] or 0) == Decimal("0.785295")


def test_the_whale_of_the_domain_has_its_peak() -> None:
    points = curve(whale([units(amount) for amount in (90, 60, 10, -20, -40)]))
    assert [point.amount for point in points] == [0, 90, 150, 160, 140, 100]
    assert max(point.share or 0 for point in points) == Decimal("1.6")


def test_the_peak_is_kept_where_points_are_left_out() -> None:
    profits = [units(1)] * 337 + [units(-1)] * 663
    points = curve(whale(profits))
    assert len(points) == 102
    assert max(points, key=lambda point: point.amount).customers == 337
    assert points[-1].share is None


def test_non_customers_and_unknown_profits_are_no_part_of_the_whale() -> None:
    rows: list[Row] = [
        {"account_id": "A", "layer": "Top", "profit": 5},
        {"account_id": "B", "layer": "Prospect", "profit": -5},
        {"account_id": "C", "layer": "Top", "profit": None},
    ]
    (point,) = Books(profit=rows).rows(WHALE)
    assert (point["customers"], point["total"]) == (1, 5)


def test_nobody_makes_no_curve() -> None:
    assert curve(lorenz([])) == ()


@quick
@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=250))
def test_a_lorenz_curve_is_convex_and_ends_with_all(revenues: list[int]) -> None:
    rows = lorenz(revenues)
    points = [(0, 0), *((row["place"], row["amount"]) for row in rows)]
    assert points[-1] == (len(revenues), sum(revenues))
    assert len(rows) <= 100
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(points)]
    for (wide, high), (next_wide, next_high) in pairwise(steps):
        assert high * next_wide <= next_high * wide


@quick
@given(st.lists(st.integers(-9, 9), min_size=1, max_size=250))
def test_a_whale_curve_has_its_highest_point(profits: list[int]) -> None:
    rows = whale(profits)
    assert len(rows) <= 101
    exact = list(accumulate(sorted(profits, reverse=True), initial=0))
    assert max([0, *(row["amount"] for row in rows)]) == max(exact)
    assert rows[-1]["amount"] == rows[-1]["total"] == sum(profits)
    assert all(row["amount"] == exact[row["place"]] for row in rows)


@pytest.mark.parametrize("customers", [99, 100, 101, 250, 1_000])
def test_points_lie_at_every_hundredth(customers: int) -> None:
    places = [row["place"] for row in lorenz([1] * customers)]
    assert places == sorted({-(-customers * step // 100) for step in range(1, 101)})
