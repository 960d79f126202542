"""A seventh goal: congratulate customers on a round number of years with us."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connector import hookimpl
from six_goals import Action, Facts, Goal, Proposal


@dataclass(frozen=True, slots=True)
class Settings:
    years: int = 5
    due_days: int = 3


def propose(facts: Facts, settings: Settings) -> Proposal:
    rows = facts.table("standings")
    years = facts.as_of.year - rows.first_order.year()
    this_month = rows.first_order.month() == facts.as_of.month
    is_round = (years > 0) & (years % settings.years == 0)
    due = rows.filter(rows.tier.notnull(), this_month, is_round).mutate(years=years)
    found = facts.rows(due.order_by("rank").limit(facts.limit))
    return Proposal([_action(row, facts, settings) for row in found])


def _action(row: dict[str, Any], facts: Facts, settings: Settings) -> Action:
    words, who = facts.words, (row["account_id"], row["owner_id"], row["layer"])
    figures = {"years": words.number(row["years"]), "day": words.day(row["first_order"])}
    figures["name"] = words.name(row["name"], row["account_id"])
    title = words.say("Congratulate {name} on {years} years with us", **figures)
    reason = words.say("{name} first ordered on {day}, {years} years ago.", **figures)
    return Action("jubilee", *who, title, reason, settings.due_days, expected_value=0)


@hookimpl
def goals() -> Sequence[Goal[Any]]:
    return [Goal("jubilee", "Jubilee", "say thank you in time", Settings, propose, nature="other")]
