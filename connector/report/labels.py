"""Labels: what the names that the rules use are called by people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from connector.report.blocks import Flag, Mark
from connector.report.figures import Figures
from customer_pyramid.settings import NONE
from six_goals.words import Words

_SHARES: Final = ("hit_rate_at_3", "hit_rate_at_3_of_popular_items", "promise_kept")
_FIT: Final = re.compile(r"(auc|lift|brier|base_rate)_(\d+)")


def flag(mark: Mark, words: Words) -> Flag:
    """Return a mark with its word."""
    said: Mapping[Mark, str] = {
        "ok": words.say("in order"),
        "warn": words.say("look into it"),
        "alarm": words.say("act on it"),
        "unknown": words.say("unknown"),
    }
    return Flag(mark, said[mark])


def state(name: str, words: Words) -> str:
    """Return what a layer is called; one who never bought is in none."""
    return words.say("Never bought") if name == NONE else words.title(name)


def check(name: str, words: Words) -> str:
    """Return what a check is called."""
    said = {
        "eighty_twenty": words.say("80/20"),
        "concentration": words.say("Concentration"),
        "dependency": words.say("Dependency"),
        "ninety_ten": words.say("90/10"),
        "budget": words.say("Marketing and sales budget"),
        "profit_audit": words.say("Profit"),
        "upgradable_small": words.say("Customers who could become bigger"),
        "retention": words.say("Customers kept"),
        "plan_cost": words.say("Cost of the contacts"),
        "plan_hours": words.say("Hours for the contacts"),
    }
    return said.get(name, name)


def issue(name: str, words: Words) -> str:
    """Return what is wrong with records, and what that means for the figures."""
    said = {
        "won_without_amount": words.say("Won deals without an amount: they count 0"),
        "won_without_close_date": words.say("Won deals without a close date: they don't count"),
        "won_in_the_future": words.say("Won deals dated after this day: they count later"),
        "without_account": words.say("Deals without an account: they don't count"),
        "unknown_account": words.say("Deals of accounts that the CRM did not send"),
        "missing_rate": words.say("Deals without a rate for their currency: they don't count"),
        "parent_cycle": words.say(
            "Accounts that are their own parent: the smallest id is taken as the first of the group"
        ),
        "missing_parent": words.say(
            "Accounts whose parent the CRM did not send: each stands for itself"
        ),
    }
    return said.get(name, name)


def became(what: str, words: Words) -> str:
    """Return what became of an action, by its decision or the cause of it."""
    said = {
        "create": words.say("new task"),
        "open_task": words.say("still open"),
        "rep_cap": words.say("waits for its owner"),
        "blocked": words.say("account is blocked"),
        "complaint": words.say("customer has reason to complain"),
        "holdout": words.say("held out, to learn what tasks bring"),
        "cooldown": words.say("a task like it was closed lately"),
        "covered": words.say("an open deal covers it"),
        "one_per_account": words.say("another task for the account goes first"),
    }
    return said.get(what, what)


def task_status(status: str, words: Words) -> str:
    """Return what became of tasks."""
    said = {
        "open": words.say("open"),
        "done": words.say("done"),
        "rejected": words.say("rejected"),
        "gone": words.say("gone from the CRM"),
    }
    return said.get(status, status)


def contact(kind: str, words: Words) -> str:
    """Return what a kind of contact is called; one that is the company's own stays as it is."""
    said = {
        "": words.say("Other"),
        "visit": words.say("Visits"),
        "call": words.say("Calls"),
        "email": words.say("E-mails"),
    }
    return said.get(kind, kind)


def field(name: str, words: Words) -> str:
    """Return what a field of an account is called."""
    said = {
        "industry": words.say("Industry"),
        "size_band": words.say("Size"),
        "region": words.say("Region"),
        "wallet": words.say("Total spend"),
        "owner_id": words.say("Owner"),
        "name": words.say("Name"),
        "source": words.say("Source"),
        "contract_end": words.say("End of contract"),
    }
    return said.get(name, name)


def cost(kind: str, words: Words) -> str:
    """Return what a kind of cost is called."""
    said = {
        "goods": words.say("Goods"),
        "marketing": words.say("Marketing"),
        "sales": words.say("Sales"),
        "service": words.say("Service"),
        "overhead": words.say("Overhead"),
    }
    return said.get(kind, kind)


def aim(measure: str, words: Words) -> str:
    """Return what a target is about."""
    said = {
        "customers": words.say("Customers"),
        "revenue": words.say("Revenue"),
        "profit": words.say("Profit"),
        "retained": words.say("Customers kept"),
        "upgrades_in": words.say("Customers who moved up into it"),
        "new": words.say("New customers"),
        "satisfaction": words.say("Satisfied customers"),
        "tier": words.say("Tier"),
    }
    return said.get(measure, measure)


def measure_of_goal(name: str, value: str, figures: Figures) -> tuple[str, str]:
    """Return what a measure of a goal is called, and its value; others' stay as they are."""
    words = figures.words
    said = {
        "hit_rate_at_3": words.say("The next new item was among the first three offered"),
        "hit_rate_at_3_of_popular_items": words.say("The same, if the most popular are offered"),
        "customers_tested": words.say("Customers on whom this was tested"),
        "bad_experiences": words.say("Bad experiences"),
        "good_experiences": words.say("Good experiences"),
        "exposure_index": words.say("People who hear of them, bad less good"),
        "promise_kept": words.say("Deliveries on time"),
    }
    if name in _SHARES:
        return said[name], figures.share(value)
    fit = _FIT.fullmatch(name)
    if fit is None:
        return said.get(name, name), value
    return _measure_of_leads(fit[1], value, figures.number(fit[2]), figures)


def _measure_of_leads(name: str, value: str, days: str, figures: Figures) -> tuple[str, str]:
    words = figures.words
    match name:
        case "auc":
            said = words.say("Leads told apart after {days} days (AUC; 0.5 is guessing)", days=days)
        case "lift":
            said = words.say("How much oftener the best tenth is won, after {days} days", days=days)
        case "base_rate":
            said = words.say("Leads won, of those {days} days old", days=days)
            return said, figures.share(value)
        case _:
            said = words.say("Error of the chances after {days} days (Brier)", days=days)
    return said, figures.number(value, 3)
