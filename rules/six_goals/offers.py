"""Offers: which items a customer may be missing, and the one that is worth most to offer."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import ibis
import ibis.expr.types as ir

from customer_pyramid.exact import at_least
from six_goals.peers import owners, peer_groups
from six_goals.settings import CrossSellSettings
from six_goals.shoppers import Market
from six_goals.worth import SHARE, expected, median, share_of

_CANDIDATE: Final = {
    "profile": "string",
    "item": "string",
    "p": SHARE,
    "because": "string",
    "n": "int64",
    "n_item": "int64",
    "n_other": "int64",
    "n_both": "int64",
    "kind": "string",
    "peers": "int64",
    "owners": "int64",
}


def rule_candidates(held: ir.Table, strong: ir.Table, offered: ir.Table) -> ir.Table:
    """Return the items that a rule says a profile may be missing, with the best rule for each.

    *held* is that of `held_by`, *strong* that of `with_probability`, *offered* has item.
    """
    has = held.filter(held.has).select("profile", because="item")
    spoken = strong.rename(because="item", item="other").semi_join(offered, "item")
    rows = has.join(spoken, "because").anti_join(held.filter(held.had), ["profile", "item"])
    place = ibis.row_number().over(
        group_by=[rows.profile, rows.item], order_by=[rows.p.desc(), rows.because]
    )
    return _candidates(rows.mutate(place=place).filter(ibis._.place == 0))


def unspoken(profiles: ir.Table, settings: CrossSellSettings, spoken: ir.Table) -> ir.Table:
    """Return `peer_groups` without the profiles of *spoken*. Materialise the result.

    A database may think it cheaper to leave them out last of all.
    """
    return peer_groups(profiles, settings.min_peers).anti_join(spoken, "profile")


def peer_candidates(
    groups: ir.Table,
    profiles: ir.Table,
    held: ir.Table,
    offered: ir.Table,
    settings: CrossSellSettings,
) -> ir.Table:
    """Return the items that enough peers of a profile in *groups* have, and the profile has not.

    *groups* is that of `peer_groups`, or of `unspoken`. Source: domain 3.1, the minimal rule.
    """
    had = held.filter(held.had)
    had_by = owners(profiles, had).semi_join(offered, "item")
    usual = had_by.filter(at_least(had_by.owners, had_by.peers, Fraction(settings.ownership)))
    rows = groups.join(usual, ["kind", "peer_group"]).anti_join(had, ["profile", "item"])
    counted_on = Fraction(settings.conversion)
    p = share_of(rows.owners * counted_on.numerator, rows.peers * counted_on.denominator)
    return _candidates(rows.mutate(p=p))


def spent(baskets: ir.Table, shoppers: ir.Table) -> ir.Table:
    """Return tier, item and revenue of who bought an item in the period. Materialise the result."""
    bought = baskets.filter(baskets.revenue > 0).select("account_id", "item", "revenue")
    tiers = shoppers.select("account_id", "tier")
    return bought.join(tiers, "account_id").select("tier", "item", "revenue")


def priced(candidates: ir.Table, profiles: ir.Table, spent: ir.Table) -> ir.Table:
    """Return the candidates with spend (see `typical_spend`) and gain, its expected value.

    Materialise the result.
    """
    known = candidates.join(profiles.select("profile", "tier"), "profile")
    rows = typical_spend(known, spent).select(*_CANDIDATE, "spend")
    return rows.mutate(gain=expected(rows.spend, rows.p))


def typical_spend(rows: ir.Table, spent: ir.Table) -> ir.Table:
    """Return *rows* (with tier and item) with spend: what buyers of the item spend in the period.

    That is the median of those in the same tier, or of all buyers if there are none; without any
    buyer the row is left out.
    """
    by_tier = spent.group_by("tier", "item").aggregate(tier_spend=median(spent.revenue))
    by_item = spent.group_by("item").aggregate(item_spend=median(spent.revenue))
    both = rows.join(by_item, "item").left_join(by_tier, ["tier", "item"])
    return both.select(*rows.columns, spend=ibis.coalesce(both.tier_spend, both.item_spend))


def best_gains(priced: ir.Table) -> ir.Table:
    """Return profile and gain, that of its best item. Materialise the result."""
    return priced.group_by("profile").aggregate(gain=priced.gain.max())


def best_offers(priced: ir.Table, gains: ir.Table, limit: int) -> ir.Table:
    """Return the item of the highest gain for each profile; *also* names the next two.

    Of the profiles in *gains* only those are looked at that can be among the best *limit*.
    """
    leading = gains.order_by(gains.gain.desc()).limit(limit)
    least = leading.aggregate(least=leading.gain.min())
    chosen = gains.cross_join(least).filter(ibis._.gain >= ibis._.least)
    rows = priced.semi_join(chosen, "profile")
    place = ibis.row_number().over(group_by=rows.profile, order_by=[rows.gain.desc(), rows.item])
    placed = rows.mutate(place=place)
    others = placed.filter(placed.place.between(1, 2))
    named = others.group_by("profile").aggregate(
        also=others.item.group_concat(", ", order_by=others.place)
    )
    first = placed.filter(placed.place == 0)
    return first.left_join(named, "profile").select(*priced.columns, "also")


def offers(market: Market, best: ir.Table, standings: ir.Table) -> ir.Table:
    """Return the accounts whose profile has an offer in *best*, with the columns of both."""
    known = market.profiles.select("profile", *market.keys).join(best, "profile")
    members = market.shoppers.join(known, market.keys)
    described = standings.select("account_id", "name", "owner_id", "layer", "industry", "revenue")
    offered = members.select("account_id", *(name for name in best.columns if name != "profile"))
    return offered.join(described, "account_id")


def _candidates(rows: ir.Table) -> ir.Table:
    columns = {
        name: rows[name].cast(kind) if name in rows.columns else ibis.null(kind)
        for name, kind in _CANDIDATE.items()
    }
    return rows.select(**columns)
