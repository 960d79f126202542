"""Hysteresis: a customer just over or under a boundary does not change tier with every run."""

from collections.abc import Sequence
from fractions import Fraction

import ibis
import ibis.expr.types as ir

from customer_pyramid.exact import at_least
from customer_pyramid.settings import PyramidSettings
from customer_pyramid.tiers import first_true


def steady_tier(
    revenue: ir.IntegerValue,
    raw: ir.IntegerValue,
    held: ir.IntegerValue,
    held_raw: ir.IntegerValue,
    boundaries: Sequence[ir.IntegerValue],
    settings: PyramidSettings,
) -> ir.IntegerValue:
    """Return the number of a customer's tier, between the *raw* one and the one it *held* so far.

    It rises into a tier only with the boundary plus the fraction, and falls out of one only below
    the boundary less the fraction, boundary by boundary. With two confirming runs it goes no
    further than the raw tiers of both runs. Who held no tier gets the raw one. Source: domain 1.4.
    """
    moved = raw
    if settings.hysteresis:
        # Boundaries fall from tier to tier, so the walk ends at the highest tier that lets in or
        # still holds.
        enters = _reached(revenue, boundaries, 1 + Fraction(settings.hysteresis), settings)
        holds = _reached(revenue, boundaries, 1 - Fraction(settings.hysteresis), settings)
        moved = ibis.greatest(holds, ibis.least(held, enters))
    if settings.confirm_runs == 2:
        seen = held_raw.coalesce(held)
        low, high = ibis.least(held, seen), ibis.greatest(held, seen)
        moved = ibis.least(high, ibis.greatest(low, moved))
    return ibis.ifelse(held.isnull(), raw, moved)


def _reached(
    revenue: ir.IntegerValue,
    boundaries: Sequence[ir.IntegerValue],
    factor: Fraction,
    settings: PyramidSettings,
) -> ir.IntegerValue:
    return first_true(
        [at_least(revenue, boundary, factor) for boundary in boundaries], len(settings.tiers)
    )
