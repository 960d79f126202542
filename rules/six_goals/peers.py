"""Peers: which customers are similar to one another, and what they have."""

from __future__ import annotations

from typing import Literal, TypeAlias

import ibis
import ibis.expr.types as ir

from customer_pyramid.exact import total
from six_goals.shoppers import NO_INDUSTRY

Kind: TypeAlias = Literal["industry", "tier"]


def peer_groups(profiles: ir.Table, min_peers: int) -> ir.Table:
    """Return each profile with its peers: who is in the same industry, else in the same tier.

    Columns: profile, kind (see `Kind`) and peer_group (which one). A profile with fewer than
    *min_peers* others in either is left out. *profiles* has profile, accounts, tier and industry.
    Source: domain 3.1.
    """
    industries = _sizes(profiles, "industry").rename(industry="peer_group", in_industry="size")
    tiers = _sizes(profiles, "tier").rename(tier="peer_group", in_tier="size")
    rows = profiles.left_join(industries, "industry").left_join(tiers, "tier")
    by_industry = rows.in_industry > min_peers
    placed = rows.select(
        "profile",
        kind=ibis.cases((by_industry, "industry"), (rows.in_tier > min_peers, "tier")),
        peer_group=ibis.ifelse(by_industry, rows.industry, rows.tier),
    )
    return placed.filter(placed.kind.notnull())


def owners(profiles: ir.Table, held: ir.Table) -> ir.Table:
    """Return how many accounts of each industry and tier have an item.

    Columns: kind, peer_group, item, owners, and peers: how many others there are for one of the
    accounts that has not. *held* has profile, accounts and item, each once.
    """
    rows = held.join(profiles.select("profile", "tier", "industry"), "profile")
    kinds: tuple[Kind, Kind] = ("industry", "tier")
    return ibis.union(*(_owners(profiles, rows, kind) for kind in kinds))


def _sizes(profiles: ir.Table, kind: Kind) -> ir.Table:
    known = profiles.filter(profiles[kind] != NO_INDUSTRY)
    return known.group_by(peer_group=known[kind]).aggregate(size=total(known.accounts))


def _owners(profiles: ir.Table, held: ir.Table, kind: Kind) -> ir.Table:
    counted = held.group_by(peer_group=held[kind], item=held.item).aggregate(
        owners=total(held.accounts)
    )
    sized = counted.join(_sizes(profiles, kind), "peer_group")
    return sized.select(
        "peer_group", "item", "owners", kind=ibis.literal(kind), peers=sized["size"] - 1
    )
