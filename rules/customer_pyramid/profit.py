"""Profit: what is left of each account's revenue after all that was spent on it."""

from fractions import Fraction

import ibis
import ibis.expr.types as ir

from customer_pyramid.costs import ACCOUNT, goods_costs, overhead_costs, service_costs
from customer_pyramid.days import years
from customer_pyramid.division import apportioned, times
from customer_pyramid.exact import total
from customer_pyramid.money import half_up, to_units
from customer_pyramid.periods import Period
from customer_pyramid.settings import REST_OF_WORLD, ProfitSettings


def profits(
    standings: ir.Table,
    selling: ir.Table,
    *,
    sales: ir.Table,
    lines: ir.Table,
    cases: ir.Table,
    costs: ir.Table,
    settings: ProfitSettings,
    period: Period,
) -> ir.Table:
    """Return the profit of each account that has a standing of its own; materialise it.

    Columns: account_id, layer, revenue, cost_of_goods, gross, estimated, contact_cost,
    campaign_cost, ms_cost, service_cost, overhead, profit. *selling* is that of `selling_costs`.
    `estimated` says that the cost of goods is the margin's guess. Overhead, booked and set, is
    divided over active customers in proportion to revenue. Source: domain 1.5.
    """
    own = standings.filter(standings.inherited_from.isnull(), standings.layer != REST_OF_WORLD)
    aimed = selling.filter(selling.aim == ACCOUNT)
    rows = own.select("account_id", "layer", revenue=own.revenue.fill_null(0))
    rows = _with(rows, goods_costs(lines, costs, period), "cost_of_goods")
    rows = _with(rows, aimed, "contact_cost", "campaign_cost", "ms_cost")
    rows = _with(rows, service_costs(sales, cases, costs, settings, period), "service_cost")
    rows = _with(rows, _overheads(own, costs, settings, period), "overhead")
    return _summed_up(rows, 1 - Fraction(settings.margin))


def _with(rows: ir.Table, found: ir.Table, *columns: str) -> ir.Table:
    added = found.select(*columns, found_id="account_id")
    joined = rows.left_join(added, rows.account_id == added.found_id)
    return joined.select(*rows.columns, *columns)


def _overheads(
    own: ir.Table, costs: ir.Table, settings: ProfitSettings, period: Period
) -> ir.Table:
    """Return account_id and overhead of the customers who bear it; none where there is none."""
    agreed = half_up(to_units(settings.overhead) * years(period))
    pool = overhead_costs(costs, period).mutate(pool=lambda row: row.booked_overhead + agreed)
    customers = own.filter(own.tier.notnull(), own.revenue > 0)
    bearing = customers.select("account_id", "rank", "revenue")
    whole = bearing.aggregate(whole=total(bearing.revenue))
    rows = bearing.cross_join(pool.filter(pool.pool != 0)).cross_join(whole)
    ranked = ibis.window(order_by=[rows.rank, rows.account_id], preceding=None, following=0)
    summed = rows.mutate(running=rows.revenue.sum().over(ranked))
    share = apportioned(summed.pool, summed.revenue, summed.running, summed.whole)
    return summed.select("account_id", overhead=share)


def _summed_up(rows: ir.Table, cost_share: Fraction) -> ir.Table:
    guessed = rows.cost_of_goods.isnull() & (rows.revenue != 0)
    spent = ("contact_cost", "campaign_cost", "ms_cost", "service_cost", "overhead")
    known = rows.mutate(
        cost_of_goods=rows.cost_of_goods.coalesce(times(rows.revenue, cost_share)),
        estimated=guessed,
        **{cost: rows[cost].fill_null(0) for cost in spent},
    )
    gross = known.revenue - known.cost_of_goods
    return known.select(
        "account_id",
        "layer",
        "revenue",
        "cost_of_goods",
        gross=gross,
        estimated="estimated",
        **{cost: known[cost] for cost in spent},
        profit=gross - known.ms_cost - known.service_cost - known.overhead,
    )
