"""Retention: keep the customers who are about to leave, as far as they are worth keeping."""

from __future__ import annotations

import math
from datetime import date
from fractions import Fraction

from customer_pyramid.money import half_up, show
from six_goals.action import Action
from six_goals.goal import Facts, Proposal
from six_goals.leaving import BILLION, RetentionRow, described, leaving
from six_goals.settings import RetentionSettings
from six_goals.words import Words


def propose(facts: Facts, settings: RetentionSettings) -> Proposal:
    """Propose to call each customer who may leave, or to reprice one who brings a loss.

    Source: domain 3.3.
    """
    signs = leaving(facts, settings)
    best = signs.order_by([signs.value.desc(), signs.account_id]).limit(facts.limit + 1)
    known = described(best, facts.table("standings"))
    rows = facts.rows(known.order_by([known.value.desc(), known.account_id]))
    count = len(rows)
    if count > facts.limit:
        count = facts.rows(signs.aggregate(n=signs.count()))[0]["n"]
        rows = rows[: facts.limit]
    actions = [_action(row, facts.words, settings) for row in rows]
    return Proposal(actions, count, notes=_notes(facts, settings))


def _action(row: RetentionRow, words: Words, settings: RetentionSettings) -> Action:
    name = words.name(row["name"], row["account_id"])
    urgent = row["layer"] in settings.urgent_layers
    keep = row["profit"] >= 0 or row["strategic"]
    reprice = words.say("Reprice {name}, or serve it by a cheaper channel", name=name)
    return Action(
        goal="retention",
        account_id=row["account_id"],
        owner_id=row["owner_id"],
        layer=row["layer"],
        item="" if keep else "reprice",
        title=_title(row, name, words) if keep else reprice,
        reason=words.join(_reason(row, name, words), (_stake if keep else _loss)(row, words)),
        due_days=settings.urgent_due_days if urgent else settings.due_days,
        expected_value=row["value"],
        evidence=_evidence(row),
        window_days=_window(row, settings),
    )


def _window(row: RetentionRow, settings: RetentionSettings) -> int:
    gap = row["median_gap"] or row["usual_gap"] or 0
    return max(settings.min_window_days, math.ceil(2 * gap))


def _title(row: RetentionRow, name: str, words: Words) -> str:
    if row["sign"] == "late":
        late = words.number(_days_late(row["days_since_last"], row["median_gap"]))
        return words.say(
            "Call {name}: the expected order is {days} days late", name=name, days=late
        )
    if row["sign"] == "declining":
        less = 1 - Fraction(max(row["revenue"], 0), row["previous_revenue"])
        return words.say(
            "Call {name}: it buys {percent} less", name=name, percent=words.percent(less)
        )
    if row["sign"] == "contract" and row["contract_end"]:
        day = words.day(row["contract_end"])
        return words.say("Call {name}: its contract ends on {day}", name=name, day=day)
    return words.say(
        "Call {name}: no order for {days} days",
        name=name,
        days=words.number(row["days_since_last"] or 0),
    )


def _reason(row: RetentionRow, name: str, words: Words) -> str:
    days = words.number(row["days_since_last"] or 0)
    match row["sign"]:
        case "late":
            return words.say(
                "{name} usually orders every {gap} days; the last order was {days} days ago.",
                name=name,
                gap=words.number(row["median_gap"] or 0, 1),
                days=days,
            )
        case "silent":
            return words.say(
                "{name} has ordered on {orders} days so far, the last time {days} days ago; most"
                " customers of its tier order again within {gap} days.",
                name=name,
                orders=words.number(row["order_days"] or 0),
                days=days,
                gap=words.number(row["usual_gap"] or 0, 1),
            )
        case "fading":
            return words.say(
                "{name} has ordered on {orders} days, but not for {days} days now; the"
                " probability that it is still a customer is only {percent}.",
                name=name,
                orders=words.number(row["order_days"] or 0),
                days=days,
                percent=words.percent(row["p_alive"] or 0.0),
            )
        case "declining":
            return words.say(
                "{name} bought for {revenue} in this period, after {before} in the one before, and"
                " no deal is open.",
                name=name,
                revenue=words.money(row["revenue"]),
                before=words.money(row["previous_revenue"]),
            )
        case "contract":
            return words.say(
                "The contract of {name} ends on {day}, and no deal is open to renew it.",
                name=name,
                day=words.day(row["contract_end"] or date.min),
            )


def _stake(row: RetentionRow, words: Words) -> str:
    if row["sign"] == "declining":
        lost = words.money(row["value"])
        return words.say("The sales lost are worth a margin of about {value}.", value=lost)
    return words.say(
        "It bought for {revenue} in this period, so a margin of about {value} is at risk.",
        revenue=words.money(row["revenue"]),
        value=words.money(row["value"]),
    )


def _loss(row: RetentionRow, words: Words) -> str:
    return words.say(
        "It brought {revenue} in this period but cost {loss} more than its margin: agree on better"
        " terms before you try to keep it.",
        revenue=words.money(row["revenue"]),
        loss=words.money(-row["profit"]),
    )


def _days_late(days: int | None, gap: float | None) -> int:
    return half_up((days or 0) - Fraction(gap or 0))


def _evidence(row: RetentionRow) -> dict[str, str]:
    figures = {
        "sign": row["sign"],
        "level": "critical" if row["critical"] else "at_risk",
        "order_days": row["order_days"],
        "median_gap_days": None if row["median_gap"] is None else f"{row['median_gap']:g}",
        "days_since_last": row["days_since_last"],
        "p_alive": None if row["p_alive"] is None else f"{row['p_alive']:.4f}",
        "contract_end": row["contract_end"],
        "revenue": show(row["revenue"]),
        "previous_revenue": show(row["previous_revenue"]),
        "gross_margin": show(row["gross"]),
        "profit": show(row["profit"]),
        "share_at_risk": f"{row['at_risk'] / BILLION:.4f}",
    }
    return {name: str(value) for name, value in figures.items() if value is not None}


def _notes(facts: Facts, settings: RetentionSettings) -> list[str]:
    if settings.p_alive > 0 and not facts.has("alive.p_alive"):
        return [
            facts.words.say(
                "The model of purchases (BG/NBD) was not used: it needs"
                " pyramid-connector[models] and enough customers who came back."
            )
        ]
    return []
