"""Up-sell: customers within reach of a higher tier, or of the next step of a product line."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import ibis
import ibis.expr.types as ir

from customer_pyramid.exact import at_least, wide
from six_goals.action import Action
from six_goals.climbed import stepped_up, target_reached
from six_goals.goal import Facts, Proposal
from six_goals.ladder import ladder_candidates
from six_goals.settings import UpSellSettings
from six_goals.up_sell_words import Rule, UpSellRow, evidence, reason, title
from six_goals.upgradable import upgradable_candidates
from six_goals.worth import margin_on

LADDER: Final = "ladder:"
"""Begins the item of an action for the next step; the step follows."""

_CANDIDATE: Final = {
    "account_id": "string",
    "rule": "string",
    "gain": "int64",
    "potential": "int64",
    "likes": "string",
    "like": "int64",
    "step": "string",
    "next_step": "string",
    "spend": "int64",
    "own_spend": "int64",
    "peers": "int64",
    "stepped": "int64",
    "after_days": "float64",
    "last_bought": "date",
}
_KNOWN: Final = (
    "account_id",
    "name",
    "owner_id",
    "layer",
    "revenue",
    "previous_revenue",
    "orders",
    "previous_orders",
    "next_tier",
)


def propose(facts: Facts, settings: UpSellSettings) -> Proposal:
    """Return for each customer within reach of more the action that is worth most.

    Source: domain 3.2.
    """
    best = facts.keep("up_sell_best", _best(_all_candidates(facts, settings)))
    found = best.join(facts.table("standings").select(*_KNOWN), "account_id")
    rows = facts.rows(found.order_by(found.gain.desc(), "account_id").limit(facts.limit))
    return Proposal(
        actions=[_action(row, facts, settings) for row in rows],
        candidates=_count(facts, best) if len(rows) == facts.limit else None,
        notes=_unknown_steps(facts, settings),
    )


def up_sell_candidates(standings: ir.Table, settings: UpSellSettings) -> ir.Table:
    """Return active customers near the next tier, or growing towards it: account_id and gain.

    The gain is the revenue that is missing for that tier. Growth needs sales in the previous
    period. Source: domain 3.2, the minimal rule.
    """
    rows = standings.filter(
        standings.tier.notnull(),
        standings.inherited_from.isnull(),
        standings.next_tier_gap > 0,
        standings.revenue > 0,
    )
    gap, revenue, before = rows.next_tier_gap, rows.revenue, rows.previous_revenue
    growing = (before > 0) & at_least(revenue, before, 1 + Fraction(settings.growth))
    reachable = growing & _within(gap, revenue, Fraction(settings.growing_gap))
    near = _within(gap, revenue, Fraction(settings.gap))
    return rows.filter(near | reachable).select("account_id", gain="next_tier_gap")


def succeeded(facts: Facts, trials: ir.Table, settings: UpSellSettings) -> ir.Table:
    """Return the trials after which the target was reached, or the step or a higher one bought."""
    by_revenue = trials.filter(trials.target.notnull())
    steps = trials.filter(trials.item.startswith(LADDER))
    return ibis.union(
        target_reached(facts, by_revenue), stepped_up(facts, steps, LADDER, settings.ladder)
    )


def _within(gap: ir.IntegerValue, revenue: ir.IntegerValue, part: Fraction) -> ir.BooleanValue:
    return wide(gap) * part.denominator <= wide(revenue) * part.numerator


def _all_candidates(facts: Facts, settings: UpSellSettings) -> ir.Table:
    standings, last = facts.table("standings"), facts.pyramid.tiers[-1]
    found = [
        _shaped(up_sell_candidates(standings, settings), "tier"),
        _shaped(upgradable_candidates(standings, last, settings), "upgradable"),
    ]
    if settings.ladder:
        baskets = facts.table("baskets")
        steps = ladder_candidates(standings, baskets, facts.as_of, settings)
        found.append(_shaped(steps, "ladder"))
    return ibis.union(*found)


def _shaped(rows: ir.Table, rule: Rule) -> ir.Table:
    columns = {
        name: rows[name].cast(kind) if name in rows.columns else ibis.null(kind)
        for name, kind in _CANDIDATE.items()
    }
    return rows.select(**{**columns, "rule": ibis.literal(rule)})


def _best(rows: ir.Table) -> ir.Table:
    """Return the candidate of the highest gain for each account; of equals, the nearest tier."""
    order = ibis.cases((rows.rule == "tier", 0), (rows.rule == "upgradable", 1), else_=2)
    place = ibis.row_number().over(group_by=rows.account_id, order_by=[rows.gain.desc(), order])
    placed = rows.mutate(place=place)
    return placed.filter(placed.place == 0).drop("place")


def _count(facts: Facts, best: ir.Table) -> int:
    (row,) = facts.rows(best.aggregate(accounts=best.count()))
    return int(row["accounts"])


def _unknown_steps(facts: Facts, settings: UpSellSettings) -> list[str]:
    if not settings.ladder:
        return []
    baskets = facts.table("baskets")
    bought = baskets.filter(baskets.item.isin(settings.ladder)).select("item").distinct()
    known = {row["item"] for row in facts.rows(bought)}
    return [
        facts.words.say(
            "Nobody has bought {item}, a step of the ladder; check its name.", item=step
        )
        for step in settings.ladder
        if step not in known
    ]


def _action(row: UpSellRow, facts: Facts, settings: UpSellSettings) -> Action:
    words, ladder = facts.words, row["rule"] == "ladder"
    name = words.name(row["name"], row["account_id"])
    value = margin_on(row["gain"] * Fraction(settings.probability), facts.margin)
    return Action(
        goal="up_sell",
        account_id=row["account_id"],
        owner_id=row["owner_id"],
        layer=row["layer"],
        title=title(row, name, words),
        reason=reason(row, name, value, words),
        due_days=settings.due_days,
        expected_value=value,
        item=LADDER + row["next_step"] if ladder else row["rule"],
        evidence=evidence(row, words),
        window_days=settings.success_days,
        target=None if ladder else row["revenue"] + row["gain"],
    )
