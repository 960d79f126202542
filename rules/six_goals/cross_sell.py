"""Cross-sell: what customers do not buy yet, and those like them do."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import TypedDict

import ibis
import ibis.expr.types as ir

from customer_pyramid.exact import total
from customer_pyramid.periods import Period
from six_goals.action import Action
from six_goals.affinity import Affinity, pair_counts, rules, with_probability
from six_goals.goal import Facts, Proposal
from six_goals.hit_rate import hit_rate
from six_goals.offers import (
    best_gains,
    best_offers,
    offers,
    peer_candidates,
    priced,
    rule_candidates,
    spent,
    unspoken,
)
from six_goals.outcomes import ordered_item
from six_goals.peers import Kind, peer_groups
from six_goals.purchases import ended
from six_goals.settings import CrossSellSettings
from six_goals.shoppers import (
    ITEM_LIMIT,
    Market,
    Shelf,
    alike,
    catalogue,
    held_by,
    profiles,
    shoppers,
)
from six_goals.words import Words
from six_goals.worth import margin_on, share_of


class CrossSellRow(TypedDict):
    """One account with the item that is worth most to offer, and why.

    *because* and the counts are those of the rule; *kind*, *peers* and *owners* are there instead
    where no rule speaks to the account. *also* names the next best items.
    """

    account_id: str
    name: str | None
    owner_id: str | None
    layer: str
    industry: str | None
    revenue: int
    item: str
    also: str | None
    spend: int
    p: Decimal
    gain: Decimal
    because: str | None
    n: int
    n_item: int
    n_other: int
    n_both: int
    kind: Kind | None
    peers: int
    owners: int


def propose(facts: Facts, settings: CrossSellSettings) -> Proposal:
    """Return for each customer the item that is worth most to offer. Source: domain 3.1."""
    market = _market(facts, settings)
    if not market.count:
        return Proposal(())
    strong, notes = _strong_rules(facts, market, settings)
    priced = facts.keep("cross_sell_priced", _priced(facts, market, strong, settings))
    gains = facts.keep("cross_sell_gains", best_gains(priced))
    best = facts.keep("cross_sell_best", best_offers(priced, gains, facts.limit))
    found = offers(market, best, facts.table("standings"))
    rows = facts.rows(found.order_by(found.gain.desc(), "account_id").limit(facts.limit))
    return Proposal(
        actions=[_action(row, facts, market.shelf, settings) for row in rows],
        candidates=_candidates(facts, market, gains) if len(rows) == facts.limit else None,
        measures=hit_rate(facts, market, settings, with_rules=strong is not None),
        notes=[*_left_out(facts), *notes],
    )


def succeeded(facts: Facts, trials: ir.Table, settings: CrossSellSettings) -> ir.Table:
    """Return the trials after which the very item was bought."""
    del settings
    return ordered_item(facts, trials)


def _market(facts: Facts, settings: CrossSellSettings) -> Market:
    shelf = Shelf(facts.current.start, Period.trailing(facts.as_of, settings.months).start)
    baskets = facts.table("baskets")
    items = facts.keep("cross_sell_items", catalogue(baskets))
    count = len(facts.rows(items))
    people = facts.keep(
        "cross_sell_shoppers", shoppers(facts.table("standings"), baskets, items, count, shelf)
    )
    keys = alike(count, "tier", "industry", "has", "had")
    known = facts.keep("cross_sell_profiles", profiles(people, keys))
    held = facts.keep("cross_sell_held", held_by(known, baskets, items, shelf))
    return Market(shelf, count, keys, items, people, known, held)


def _strong_rules(
    facts: Facts, market: Market, settings: CrossSellSettings
) -> tuple[ir.Table | None, list[str]]:
    """Return the rules to go by, if any are strong enough, and what there is to say of them."""
    if settings.method == "peers":
        return None, []
    has = market.held.filter(market.held.has).rename(account_id="profile")
    pairs = facts.keep("cross_sell_pairs", pair_counts(has, settings.affinity))
    strong = with_probability(rules(pairs, settings.affinity), settings.shrinkage)
    kept = facts.keep("cross_sell_rules", strong)
    if facts.rows(kept.limit(1)):
        return kept, []
    return None, [_no_rule(facts, pairs, settings)]


def _no_rule(facts: Facts, pairs: ir.Table, settings: CrossSellSettings) -> str:
    frequent = rules(pairs, replace(settings.affinity, min_lift=Decimal(0)))
    lift = share_of(frequent.n_both * frequent.n, frequent.n_item * frequent.n_other)
    strongest = facts.rows(frequent.order_by(lift.desc(), "item", "other").limit(1))
    if not strongest:
        return facts.words.say(
            "No two items are bought together often enough for a rule between them; "
            "similar customers are compared instead."
        )
    return facts.words.say(
        "No rule between items is strong enough: the highest lift is {lift}, and {least} is asked "
        "for; similar customers are compared instead.",
        lift=facts.words.number(Affinity(**strongest[0]).lift, 4),
        least=facts.words.number(settings.affinity.min_lift, 4),
    )


def _priced(
    facts: Facts, market: Market, strong: ir.Table | None, settings: CrossSellSettings
) -> ir.Table:
    items, held = market.items, market.held
    offered = items.filter(~items.item.isin(sorted(settings.exclude)))
    if facts.has("line_items.discontinued"):
        offered = offered.anti_join(ended(facts.table("purchases")), "item")
    if strong is None:
        groups = peer_groups(market.profiles, settings.min_peers)
        found = peer_candidates(groups, market.profiles, held, offered, settings)
    else:
        by_rule = facts.keep("cross_sell_by_rule", rule_candidates(held, strong, offered))
        groups = facts.keep("cross_sell_unspoken", unspoken(market.profiles, settings, by_rule))
        others = peer_candidates(groups, market.profiles, held, offered, settings)
        found = ibis.union(by_rule, others)
    bought = facts.keep("cross_sell_spent", spent(facts.table("baskets"), market.shoppers))
    return priced(found, market.profiles, bought)


def _candidates(facts: Facts, market: Market, gains: ir.Table) -> int:
    found = market.profiles.semi_join(gains, "profile")
    (row,) = facts.rows(found.aggregate(accounts=total(found.accounts)))
    return int(row["accounts"])


def _left_out(facts: Facts) -> list[str]:
    baskets = facts.table("baskets")
    (row,) = facts.rows(baskets.aggregate(items=baskets.item.nunique()))
    if row["items"] <= ITEM_LIMIT:
        return []
    return [
        facts.words.say(
            "Only the {limit} items that most customers buy are compared; {others} are left out.",
            limit=facts.words.number(ITEM_LIMIT),
            others=facts.words.number(row["items"] - ITEM_LIMIT),
        )
    ]


def _action(row: CrossSellRow, facts: Facts, shelf: Shelf, settings: CrossSellSettings) -> Action:
    words, value = facts.words, margin_on(Fraction(row["gain"]), facts.margin)
    name, item = words.name(row["name"], row["account_id"]), words.name(row["item"], "")
    return Action(
        goal="cross_sell",
        account_id=row["account_id"],
        owner_id=row["owner_id"],
        layer=row["layer"],
        title=words.say("Cross-sell {item} to {name}", item=item, name=name),
        reason=words.join(
            _missing(row, name, item, settings.months, words),
            _why(row, item, words),
            words.say(
                "Customers who buy it spend about {spend} on it in a period; the expected extra "
                "margin is {value}.",
                spend=words.money(row["spend"]),
                value=words.money(value),
            ),
        ),
        due_days=settings.due_days,
        expected_value=value,
        item=row["item"],
        evidence=_evidence(row, shelf, words),
        window_days=settings.success_days,
    )


def _missing(row: CrossSellRow, name: str, item: str, months: int, words: Words) -> str:
    return words.say(
        "{name} bought for {revenue} in this period, but no {item} in the last {months} months.",
        name=name,
        revenue=words.money(row["revenue"]),
        item=item,
        months=words.number(months),
    )


def _why(row: CrossSellRow, item: str, words: Words) -> str:
    if row["because"] is not None:
        return words.say(
            "It buys {because}, and {both} of the {count} customers who buy {because} also buy"
            " {item}.",
            because=words.name(row["because"], ""),
            both=words.number(row["n_both"]),
            count=words.number(row["n_item"]),
            item=item,
        )
    owners, peers = words.number(row["owners"]), words.number(row["peers"])
    if row["kind"] == "industry":
        return words.say(
            "{owners} of {peers} other customers in its industry ({industry}) have bought it.",
            owners=owners,
            peers=peers,
            industry=words.name(row["industry"], ""),
        )
    return words.say(
        "{owners} of {peers} other customers in the {tier} tier have bought it.",
        owners=owners,
        peers=peers,
        tier=words.title(row["layer"]),
    )


def _evidence(row: CrossSellRow, shelf: Shelf, words: Words) -> dict[str, str]:
    evidence = {
        "item": row["item"],
        "not_since": shelf.since.isoformat(),
        "revenue": words.money(row["revenue"]),
        "typical_spend": words.money(row["spend"]),
        "probability": words.percent(row["p"], 1),
    }
    if row["because"] is not None:
        evidence |= _rule_evidence(row, row["because"], words)
    else:
        evidence |= {
            "peers_by": row["kind"] or "",
            "peers": words.number(row["peers"]),
            "owners": words.number(row["owners"]),
        }
    return evidence | ({"also": row["also"]} if row["also"] else {})


def _rule_evidence(row: CrossSellRow, because: str, words: Words) -> dict[str, str]:
    pair = Affinity(because, row["item"], row["n"], row["n_item"], row["n_other"], row["n_both"])
    return {
        "because": because,
        "customers_with_both": words.number(pair.n_both),
        "support": words.percent(pair.support, 1),
        "confidence": words.percent(pair.confidence, 1),
        "lift": words.number(pair.lift, 2),
    }
