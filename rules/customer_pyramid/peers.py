"""Peers: customers of the same industry, or else of the same tier, to compare a customer with."""

from fractions import Fraction

import ibis
import ibis.expr.types as ir

from customer_pyramid.division import divided
from customer_pyramid.exact import at_least
from customer_pyramid.money import UNITS
from customer_pyramid.settings import PerformanceSettings

GROUPS = ("industry", "tier")


def with_peers(customers: ir.Table, settings: PerformanceSettings) -> ir.Table:
    """Return *customers* with their group of peers: peer_group, peers and p75.

    *peers* is how many active customers are in the group, *p75* the revenue that three quarters of
    them don't exceed; all are null where every group is too small.
    """
    rows = customers
    for column in GROUPS:
        groups = _groups(customers, column, settings)
        joined = rows.left_join(groups, rows[column] == groups[f"{column}_name"])
        rows = joined.select(*rows.columns, *(name for name in groups.columns))
    found = {
        name: ibis.coalesce(*(rows[f"{column}_{name}"] for column in GROUPS))
        for name in ("peer_group", "peers", "p75")
    }
    return rows.select(*customers.columns, **found)


def breadth(customers: ir.Table, baskets: ir.Table, settings: PerformanceSettings) -> ir.Table:
    """Return account_id and breadth: the part it buys of the items that matter to its peers.

    *customers* are those of `with_peers`; *baskets* has account_id, item and the revenue of the
    period, each pair once. In 1/10,000; there is no row for an account that bought no known item.
    """
    bought = baskets.filter(baskets.revenue > 0).select("item", buyer="account_id")
    joined = bought.join(customers, bought.buyer == customers.account_id)
    rows = joined.select("account_id", "item", "peer_group", "peers", "tier")
    owners = rows.group_by("peer_group", "peers", "item").aggregate(
        owners=rows.count(where=rows.tier.notnull())
    )
    common = owners.filter(at_least(owners.owners, owners.peers, Fraction(settings.ownership)))
    common = common.select(group="peer_group", common_item="item")
    matched = rows.left_join(
        common, [rows.peer_group == common.group, rows.item == common.common_item]
    ).select("account_id", "peer_group", "common_item")
    counted = matched.group_by("account_id", "peer_group").aggregate(
        bought=matched.common_item.count()
    )
    sizes = common.group_by("group").aggregate(items=common.count())
    whole = counted.left_join(sizes, counted.peer_group == sizes.group)
    return whole.select("account_id", breadth=divided(whole.bought * UNITS, whole.items))


def _groups(customers: ir.Table, column: str, settings: PerformanceSettings) -> ir.Table:
    active = customers.filter(customers.tier.notnull(), customers[column].notnull())
    groups = active.group_by(**{f"{column}_name": column}).aggregate(
        **{
            f"{column}_peers": active.count(),
            f"{column}_p75": active.revenue.quantile(0.75).round().cast("int64"),
        }
    )
    large = groups.filter(groups[f"{column}_peers"] >= settings.min_peers)
    label = ibis.literal(f"{column} ") + large[f"{column}_name"]
    return large.mutate(**{f"{column}_peer_group": label})
