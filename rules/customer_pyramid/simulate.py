"""The upward-migration simulator: what a few customers more in the higher tiers would bring."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from customer_pyramid.money import places


@dataclass(frozen=True, slots=True)
class TierInput:
    """A tier as it is now: customers, and the average revenue of one."""

    name: str
    customers: int
    average_revenue: Decimal


@dataclass(frozen=True, slots=True)
class Simulation:
    """What the moves change; *profit_growth* is None where there is no profit to grow."""

    net_migration: Decimal | None
    extra_revenue: Decimal
    revenue_growth: Decimal | None
    extra_profit: Decimal
    profit_growth: Decimal | None


def simulate(
    tiers: Sequence[TierInput],
    moves: Mapping[tuple[str, str], int],
    *,
    margin: Decimal,
    selling_rate: Decimal,
    profit: Decimal,
    programme_cost: Decimal = Decimal(0),
) -> Simulation:
    """Return what *moves*, customers by (from, to), change; *tiers* are given from the top.

    A source that is no tier brings nothing yet (Inactive, Prospect). *margin* and *selling_rate*
    are fractions of the extra revenue: what it contributes, and what selling it costs. Raise
    `ValueError` if more leave a tier than are in it. Source: domain 1.7; the model is ours.
    """
    averages = {tier.name: Fraction(tier.average_revenue) for tier in tiers}
    _check_moves(tiers, moves)
    extra = sum(
        (count * (averages[to] - averages.get(source, 0)) for (source, to), count in moves.items()),
        Fraction(0),
    )
    revenue = sum((tier.customers * averages[tier.name] for tier in tiers), Fraction(0))
    gained = extra * Fraction(margin - selling_rate) - Fraction(programme_cost)
    order = {tier.name: place for place, tier in enumerate(tiers)}
    bottom = len(tiers)
    net = sum(
        count if order[to] < order.get(source, bottom) else -count
        for (source, to), count in moves.items()
    )
    customers = sum(tier.customers for tier in tiers)
    return Simulation(
        net_migration=places(Fraction(net, customers), 6) if customers else None,
        extra_revenue=places(extra, 2),
        revenue_growth=places(extra / revenue, 6) if revenue else None,
        extra_profit=places(gained, 2),
        profit_growth=places(gained / Fraction(profit), 6) if profit > 0 else None,
    )


def default_moves(tiers: Sequence[TierInput], rate: Decimal) -> dict[tuple[str, str], int]:
    """Return *rate* of all customers spread over the steps up, by the size of the tier they enter.

    The sizes of domain 1.7, 1 : 4 : 15, follow from tiers of 1 %, 4 % and 15 %. Largest remainder,
    and of equal ones the higher tier first.
    """
    customers = sum(tier.customers for tier in tiers)
    movers = int(customers * rate)
    entered = sum(tier.customers for tier in tiers[:-1])
    if not entered:
        return {}
    exact = [Fraction(movers * tier.customers, entered) for tier in tiers[:-1]]
    counts = [int(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda step: (counts[step] - exact[step], step))
    for step in by_remainder[: movers - sum(counts)]:
        counts[step] += 1
    return {(tiers[step + 1].name, tiers[step].name): count for step, count in enumerate(counts)}


def _check_moves(tiers: Sequence[TierInput], moves: Mapping[tuple[str, str], int]) -> None:
    for tier in tiers:
        leaving = sum(count for (source, _), count in moves.items() if source == tier.name)
        if leaving > tier.customers:
            raise ValueError(f"{leaving} can't leave {tier.name!r}: it has {tier.customers}")
