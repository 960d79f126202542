"""The simulator, against the table of domain 5.6."""

from decimal import Decimal

import pytest

from customer_pyramid.simulate import TierInput, default_moves, simulate

NAMES, COUNTS, REVENUE = ("Top", "Big", "Medium", "Small"), (10, 40, 150, 800), Decimal(10_000_000)
TWO = {("Big", "Top"): 1, ("Medium", "Big"): 4, ("Small", "Medium"): 15}
THREE = {("Big", "Top"): 2, ("Medium", "Big"): 6, ("Small", "Medium"): 22}


def tiers(*shares: int) -> list[TierInput]:
    return [
        TierInput(name, count, REVENUE * share / 100 / count)
        for name, count, share in zip(NAMES, COUNTS, shares, strict=True)
    ]


@pytest.mark.parametrize(
    ("shares", "moves", "margin", "selling", "profit", "expected"),
    [
        ((25, 25, 30, 20), TWO, "0.40", "0.10", "0.05", ("0.02", 620_000, 186_000, "0.372")),
        ((25, 25, 30, 20), THREE, "0.40", "0.10", "0.05", ("0.03", 1_015_000, 304_500, "0.609")),
        ((40, 25, 15, 20), TWO, "0.40", "0.10", "0.05", ("0.02", 660_000, 198_000, "0.396")),
        ((40, 25, 15, 20), THREE, "0.40", "0.10", "0.05", ("0.03", 1_155_000, 346_500, "0.693")),
        ((25, 25, 30, 20), THREE, "0.35", "0.05", "0.04", ("0.03", 1_015_000, 304_500, "0.76125")),
    ],
)
def test_the_moves_bring_what_the_domain_says(
    shares: tuple[int, ...],
    moves: dict[tuple[str, str], int],
    margin: str,
    selling: str,
    profit: str,
    expected: tuple[str, int, int, str],
) -> None:
    found = simulate(
        tiers(*shares),
        moves,
        margin=Decimal(margin),
        selling_rate=Decimal(selling),
        profit=REVENUE * Decimal(profit),
    )
    net, revenue, gained, growth = expected
    assert found.net_migration == Decimal(net)
    assert (found.extra_revenue, found.extra_profit) == (Decimal(revenue), Decimal(gained))
    assert found.profit_growth == Decimal(growth)


@pytest.mark.parametrize(("rate", "moves"), [("0.02", TWO), ("0.03", THREE)])
def test_movers_are_spread_by_the_size_of_the_tier_they_enter(
    rate: str, moves: dict[tuple[str, str], int]
) -> None:
    assert default_moves(tiers(25, 25, 30, 20), Decimal(rate)) == moves


def test_without_a_profit_its_growth_is_unknown() -> None:
    found = simulate(
        tiers(25, 25, 30, 20), TWO, margin=Decimal(1), selling_rate=Decimal(0), profit=Decimal(0)
    )
    assert found.profit_growth is None


def test_no_more_can_leave_than_are_there() -> None:
    with pytest.raises(ValueError, match="11 can't leave 'Top'"):
        simulate(
            tiers(25, 25, 30, 20),
            {("Top", "Big"): 11},
            margin=Decimal(1),
            selling_rate=Decimal(0),
            profit=Decimal(1),
        )
