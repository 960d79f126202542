"""Hit rate: how often the next item that a customer took up was among the first three offered."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import ibis
import ibis.expr.types as ir

from customer_pyramid.exact import total
from customer_pyramid.money import places
from six_goals.affinity import pair_counts, rules, white_space, with_probability
from six_goals.goal import Facts
from six_goals.peers import owners, peer_groups
from six_goals.settings import CrossSellSettings
from six_goals.shoppers import Market, alike, held_by, profiles

SAMPLE: Final = 10_000
"""The most customers that are tested: more would not move the figure."""

_ASKED = 1_000_000  # items asked about, of all customers tested

OFFERED: Final = 3


def hit_rate(
    facts: Facts, market: Market, settings: CrossSellSettings, *, with_rules: bool
) -> dict[str, str]:
    """Return how good the method would have been in the period, as figures ready to show.

    It learns from what was bought before the period began, and is tested on customers who then
    bought an item for the first time: the last of these is hidden among all that they did not have.
    The figure for popular items is what anybody could offer: the method must do better. Nothing is
    returned where nobody can be tested. Source: domain 3.1.
    """
    keys = alike(market.count, "tier", "industry", "before")
    then = _then(market)
    learned = facts.keep("cross_sell_learned", profiles(then, keys))
    cases = facts.keep("cross_sell_cases", _cases(facts, market, then, learned, keys))
    bought = held_by(learned, facts.table("baskets"), market.items, market.shelf)
    held = facts.keep("cross_sell_then", bought.filter(bought.before).drop("has", "had", "before"))
    scores = _scores(facts, held, settings) if with_rules else None
    (row,) = facts.rows(_hits(cases, _ranked(market, learned, held, cases, scores, settings)))
    if not row["tested"]:
        return {}
    return {
        "hit_rate_at_3": str(places(Fraction(row["hits"], row["tested"]), 3)),
        "hit_rate_at_3_of_popular_items": str(places(Fraction(row["popular"], row["tested"]), 3)),
        "customers_tested": facts.words.number(row["tested"]),
    }


def _then(market: Market) -> ir.Table:
    """Return who had bought anything before the period.

    Their tier is not known: that of today knows what they bought since. All are in one.
    """
    start = ibis.literal(market.shelf.start, type="date")
    shoppers = market.shoppers.filter(market.shoppers.oldest < start)
    return shoppers.mutate(tier=ibis.literal("all"), later=shoppers.newest >= start)


def _cases(
    facts: Facts, market: Market, then: ir.Table, learned: ir.Table, keys: Sequence[str]
) -> ir.Table:
    """Return how many customers of a profile took up which item last: profile, item, accounts."""
    known = then.filter(then.later).join(learned.select("profile", *keys), keys)
    known = known.select("account_id", "profile", "newest")
    (row,) = facts.rows(known.aggregate(customers=known.count()))
    step = max(1, -(-row["customers"] // min(SAMPLE, _ASKED // market.count)))
    place = ibis.row_number().over(order_by=known.account_id)
    sample = known.filter(place % step == 0)
    bought = facts.table("baskets").semi_join(market.items, "item")
    took = sample.join(bought.select("account_id", "item", "first_bought"), "account_id")
    last = took.filter(took.first_bought == took.newest).group_by("account_id", "profile")
    one = last.aggregate(item=took.item.min())
    return one.group_by("profile", "item").aggregate(accounts=one.count())


def _scores(facts: Facts, held: ir.Table, settings: CrossSellSettings) -> ir.Table:
    """Return the probability by the best rule, as it was then: profile, item, p."""
    pairs = facts.keep(
        "cross_sell_pairs_then",
        pair_counts(held.rename(account_id="profile"), settings.affinity),
    )
    strong = with_probability(rules(pairs, settings.affinity), settings.shrinkage)
    spoken = strong.select("other", "p", because="item")
    rows = held.select("profile", because="item").join(spoken, "because")
    return rows.group_by("profile", item=rows.other).aggregate(p=rows.p.max())


def _ranked(
    market: Market,
    learned: ir.Table,
    held: ir.Table,
    cases: ir.Table,
    scores: ir.Table | None,
    settings: CrossSellSettings,
) -> ir.Table:
    """Return what the profiles did not have: profile, item, place and common, places from 0.

    *place* is that by the method: items that a rule speaks for, then those that peers have;
    *common* that by popularity alone.
    """
    asked = cases.select(account_id="profile").distinct()
    missing = white_space(held.rename(account_id="profile"), asked, market.items)
    rows = missing.select("item", profile="account_id")
    rows = _joined(rows, _popular(held), "item", "customers")
    rows = _joined(rows, peer_groups(learned, settings.min_peers), "profile", "kind", "peer_group")
    rows = rows.mutate(kind=rows.kind.fill_null(""), peer_group=rows.peer_group.fill_null(""))
    rows = _joined(rows, owners(learned, held), ("kind", "peer_group", "item"), "owners")
    if scores is None:
        rows = rows.mutate(p=ibis.null("float64"))
    else:
        rows = _joined(rows, scores, ("profile", "item"), "p")
    # Within a profile the peers are the same number for all items.
    popular = [rows.customers.fill_null(0).desc(), rows.item]
    liked = [rows.p.fill_null(0).desc(), rows.owners.fill_null(0).desc(), *popular]
    return rows.select(
        "profile",
        "item",
        place=ibis.row_number().over(group_by=rows.profile, order_by=liked),
        common=ibis.row_number().over(group_by=rows.profile, order_by=popular),
    )


def _popular(held: ir.Table) -> ir.Table:
    return held.group_by("item").aggregate(customers=total(held.accounts))


def _joined(rows: ir.Table, more: ir.Table, on: str | tuple[str, ...], *columns: str) -> ir.Table:
    """Return all *rows*, with *columns* of *more* where it has a row for them."""
    return rows.left_join(more, on).select(*rows.columns, *columns)


def _hits(cases: ir.Table, ranked: ir.Table) -> ir.Table:
    rows = cases.join(ranked, ["profile", "item"])
    return rows.aggregate(
        tested=total(rows.accounts),
        hits=total(rows.accounts, rows.place < OFFERED),
        popular=total(rows.accounts, rows.common < OFFERED),
    )
