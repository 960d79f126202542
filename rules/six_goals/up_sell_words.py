"""What an up-sell action says: its title, its reason and the figures behind it."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Literal, TypeAlias, TypedDict

from six_goals.shorten import shorten
from six_goals.upgradable import Likes
from six_goals.words import Words

Rule: TypeAlias = Literal["tier", "upgradable", "ladder"]

_STEP_LIMIT = 60  # characters: two of them and a name fit into a title


class UpSellRow(TypedDict):
    """One account with the rule that is worth most, and what the rules know of it.

    *gain* is the extra revenue. Columns that belong to another rule are null: *potential*, *likes*
    and *like* are those of `upgradable_candidates`, from *step* on those of `ladder_candidates`.
    """

    account_id: str
    name: str | None
    owner_id: str | None
    layer: str
    revenue: int
    previous_revenue: int
    orders: int
    previous_orders: int
    next_tier: str
    rule: Rule
    gain: int
    potential: int
    likes: Likes
    like: int
    step: str
    next_step: str
    spend: int
    own_spend: int
    peers: int
    stepped: int
    after_days: float
    last_bought: date


def title(row: UpSellRow, name: str, words: Words) -> str:
    """Return what the task is called."""
    if row["rule"] != "ladder":
        tier = words.title(row["next_tier"])
        return words.say("Grow {name} towards {tier}", name=name, tier=tier)
    return words.say(
        "Offer {name} the step from {step} to {next_step}",
        name=name,
        step=shorten(row["step"], _STEP_LIMIT),
        next_step=shorten(row["next_step"], _STEP_LIMIT),
    )


def reason(row: UpSellRow, name: str, value: int, words: Words) -> str:
    """Return why the customer is asked; *value* is the expected margin."""
    return words.join(
        _step_reason(row, name, words)
        if row["rule"] == "ladder"
        else _tier_reason(row, name, words),
        words.say("The expected extra margin is {value}.", value=words.money(value)),
    )


def evidence(row: UpSellRow, words: Words) -> dict[str, str]:
    """Return the figures behind the reason."""
    known: dict[str, str] = {
        "rule": row["rule"],
        "revenue": words.money(row["revenue"]),
        "previous_revenue": words.money(row["previous_revenue"]),
        "orders": words.number(row["orders"]),
        "previous_orders": words.number(row["previous_orders"]),
    }
    if row["rule"] == "ladder":
        return known | {
            "step": row["step"],
            "next_step": row["next_step"],
            "peers": words.number(row["peers"]),
            "peers_with_next_step": words.number(row["stepped"]),
            "median_days": words.number(row["after_days"], 1),
            "last_bought": row["last_bought"].isoformat(),
            "typical_spend": words.money(row["spend"]),
            "own_spend": words.money(row["own_spend"]),
        }
    known |= {"next_tier": row["next_tier"], "next_tier_gap": words.money(row["gain"])}
    if row["rule"] == "tier":
        return known
    return known | {
        "potential": words.money(row["potential"]),
        "customers_like_it": words.number(row["like"]),
    }


def _tier_reason(row: UpSellRow, name: str, words: Words) -> str:
    missing = words.say(
        "{name} bought for {revenue} in this period, {gap} short of the {tier} tier.",
        name=name,
        revenue=words.money(row["revenue"]),
        gap=words.money(row["gain"]),
        tier=words.title(row["next_tier"]),
    )
    likes = _likes(row, words) if row["rule"] == "upgradable" else ""
    return words.join(missing, _growth(row, words), _orders(row, words), likes)


def _likes(row: UpSellRow, words: Words) -> str:
    like, potential = words.number(row["like"]), words.money(row["potential"])
    match row["likes"]:
        case "size":
            return words.say(
                "A quarter of the {like} customers of its size and industry buy for {potential} "
                "or more.",
                like=like,
                potential=potential,
            )
        case "industry":
            return words.say(
                "A quarter of the {like} customers in its industry buy for {potential} or more.",
                like=like,
                potential=potential,
            )
        case "all":
            return words.say(
                "A quarter of all {like} customers buy for {potential} or more.",
                like=like,
                potential=potential,
            )


def _growth(row: UpSellRow, words: Words) -> str:
    before = row["previous_revenue"]
    if before <= 0:
        return ""
    change = Fraction(row["revenue"] - before, before)
    if change >= 0:
        return words.say(
            "That is {change} more than in the period before.", change=words.percent(change)
        )
    return words.say(
        "That is {change} less than in the period before.", change=words.percent(-change)
    )


def _orders(row: UpSellRow, words: Words) -> str:
    if not 0 < row["previous_orders"] < row["orders"]:
        return ""
    return words.say(
        "Its orders rose from {before} to {orders}.",
        before=words.number(row["previous_orders"]),
        orders=words.number(row["orders"]),
    )


def _step_reason(row: UpSellRow, name: str, words: Words) -> str:
    step, next_step = words.name(row["step"], ""), words.name(row["next_step"], "")
    return words.join(
        words.say(
            "{name} last bought {step} on {day}, and nothing above it.",
            name=name,
            step=step,
            day=words.day(row["last_bought"]),
        ),
        words.say(
            "{stepped} of {peers} other customers with {step} went on to {next_step}, half of them "
            "within {days} days.",
            stepped=words.number(row["stepped"]),
            peers=words.number(row["peers"]),
            step=step,
            next_step=next_step,
            days=words.number(row["after_days"]),
        ),
        words.say(
            "Customers who buy {next_step} spend about {spend} on it in a period; this one spends "
            "{own} on {step}.",
            next_step=next_step,
            spend=words.money(row["spend"]),
            own=words.money(row["own_spend"]),
            step=step,
        ),
    )
