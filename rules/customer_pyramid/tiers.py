"""Tiers: how many customers each holds, and which one a customer is in."""

from collections.abc import Sequence
from itertools import pairwise

import ibis
import ibis.expr.types as ir

from customer_pyramid.exact import wide
from customer_pyramid.money import to_units
from customer_pyramid.settings import FULL, PyramidSettings


def tier_sizes(customers: int, settings: PyramidSettings) -> tuple[int, ...]:
    """Return how many of *customers* each tier gets when cut by percent.

    The cumulative cuts are rounded, not the tiers, so that the sizes always add up. Source: domain
    1.3.
    """
    cuts = [min(settings.min_top, customers)]
    for cut in settings.cuts:
        cuts.append(max(cuts[-1], _cut(customers, cut, settings)))
    sizes = [after - before for before, after in pairwise([0, *cuts[1:-1], customers])]
    return tuple(sizes)


def inside_cut(
    rank: ir.IntegerValue, customers: ir.IntegerValue, cut: int, settings: PyramidSettings
) -> ir.BooleanValue:
    """Say, without a division, whether *rank* (from 1) is within *cut* basis points."""
    match settings.rounding:
        case "half_up":
            inside = rank * (2 * FULL) <= customers * (2 * cut) + FULL
        case "ceil":
            inside = (rank - 1) * FULL < customers * cut
        case "floor":
            inside = rank * FULL <= customers * cut
    return inside | (rank <= settings.min_top)


def inside_tiers(
    rank: ir.IntegerValue,
    customers: ir.IntegerValue,
    revenue: ir.IntegerValue,
    earlier: ir.IntegerValue,
    total: ir.IntegerValue,
    settings: PyramidSettings,
) -> list[ir.BooleanValue]:
    """Say for every tier but the last whether a customer is in it or above, ties aside.

    *earlier* is the revenue of all customers ranked before this one.
    """
    match settings.method:
        case "percent":
            return [inside_cut(rank, customers, cut, settings) for cut in settings.cuts[:-1]]
        case "thresholds":
            return [revenue >= to_units(least) for least in settings.thresholds]
        case "cumulative":
            cuts = settings.revenue_cuts[:-1]
            return [wide(earlier) * FULL < wide(total) * cut for cut in cuts]


def first_true(conditions: Sequence[ir.BooleanValue], otherwise: int) -> ir.IntegerValue:
    """Return the number, from 1, of the first condition that holds."""
    numbered = [(condition, number) for number, condition in enumerate(conditions, start=1)]
    return ibis.cases(*numbered, else_=otherwise) if numbered else ibis.literal(otherwise)


def tier_name(number: ir.IntegerValue, settings: PyramidSettings) -> ir.StringValue:
    """Return the name of tier *number*, from 1; null stays null."""
    names = [(number == place, name) for place, name in enumerate(settings.tiers, start=1)]
    return ibis.cases(*names, else_=ibis.null("string"))


def tier_number(name: ir.StringValue, settings: PyramidSettings) -> ir.IntegerValue:
    """Return the place of a tier, from 1; null for any other text."""
    places = [(name == tier, place) for place, tier in enumerate(settings.tiers, start=1)]
    return ibis.cases(*places, else_=ibis.null("int64"))


def _cut(customers: int, cut: int, settings: PyramidSettings) -> int:
    match settings.rounding:
        case "half_up":
            return (2 * customers * cut + FULL) // (2 * FULL)
        case "ceil":
            return -(-customers * cut // FULL)
        case "floor":
            return customers * cut // FULL
