"""Places: the tier a customer ends up with, and how far the next one is."""

import ibis
import ibis.expr.types as ir

from customer_pyramid.hysteresis import steady_tier
from customer_pyramid.ranking import ranked
from customer_pyramid.settings import PyramidSettings
from customer_pyramid.tiers import tier_name, tier_number


def places(
    customers: ir.Table, settings: PyramidSettings, last_run: ir.Table | None = None
) -> ir.Table:
    """Return rank and tiers of *customers*, rows of `totals` that take part in the ranking.

    *last_run* has account_id, tier and tier_raw as held after the last run; only hysteresis asks
    for it.
    """
    rows = _steadied(ranked(customers, settings), settings, last_run)
    next_no = _next_tier(rows, settings)
    bounds = [(next_no == tier, rows[f"bound_{tier}"]) for tier in _upper(settings)]
    next_bound = ibis.cases(*bounds) if bounds else ibis.null("int64")
    return rows.select(
        "revenue",
        "orders",
        "rank",
        "tier_no",
        "previous_revenue",
        "previous_orders",
        "previous_rank",
        "previous_tier_no",
        "frozen_no",
        "first_order",
        "last_order",
        "tie_at_boundary",
        place_id="account_id",
        tier=tier_name(rows.steady_no, settings),
        tier_raw=tier_name(rows.tier_no, settings),
        tier_frozen=tier_name(rows.frozen_no, settings),
        previous_tier=tier_name(rows.previous_tier_no, settings),
        share=_share(rows),
        next_tier=tier_name(next_no, settings),
        next_tier_gap=ibis.ifelse(rows.revenue > next_bound, 0, next_bound - rows.revenue),
    )


def _steadied(rows: ir.Table, settings: PyramidSettings, last_run: ir.Table | None) -> ir.Table:
    if last_run is None or (settings.hysteresis == 0 and settings.confirm_runs == 1):
        return rows.mutate(steady_no=rows.tier_no)
    held = last_run.select(
        held_id="account_id",
        held_no=tier_number(last_run.tier, settings),
        held_raw_no=tier_number(last_run.tier_raw, settings),
    )
    joined = rows.left_join(held, rows.account_id == held.held_id)
    both = joined.select(*rows.columns, "held_no", "held_raw_no")
    steady = steady_tier(
        both.revenue,
        both.tier_no,
        both.held_no,
        both.held_raw_no,
        [both[f"bound_{tier}"] for tier in _upper(settings)],
        settings,
    )
    return both.mutate(steady_no=ibis.ifelse(both.active, steady, ibis.null("int64")))


def _next_tier(rows: ir.Table, settings: PyramidSettings) -> ir.IntegerValue:
    """Return the number of the nearest higher tier that has a boundary; null in the first tier."""
    higher = [
        ((rows.steady_no > tier) & rows[f"bound_{tier}"].notnull(), tier)
        for tier in reversed(_upper(settings))
    ]
    # A column, not a literal: nothing can be compared with a literal null.
    return ibis.cases(*higher) if higher else rows.steady_no.nullif(rows.steady_no)


def _share(rows: ir.Table) -> ir.DecimalValue:
    # For display only, so a float may do what no portable decimal division does.
    share = rows.revenue.cast("float64") / rows.total.nullif(0).cast("float64")
    rounded = share.round(6).cast("decimal(9, 6)")
    return ibis.ifelse(rows.active, rounded, ibis.null("decimal(9, 6)"))


def _upper(settings: PyramidSettings) -> range:
    return range(1, len(settings.tiers))
