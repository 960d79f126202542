"""Figures as a reader wants them: money with two decimals, shares in percent, none as a dash."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

NOTHING: Final = "-"

CAUSES: Final[Mapping[str, str]] = {
    "create": "new: a task is written",
    "update": "kept: its task is still open",
    "open_task": "kept: its task is still open",
    "blocked": "left out: the account is blocked",
    "complaint": "left out: the customer has reason to complain",
    "holdout": "held out: left alone on purpose, to learn what tasks are worth",
    "cooldown": "left out: a task like it was closed lately",
    "covered": "left out: an open opportunity covers it",
    "one_per_account": "left out: another task for the account goes first",
    "rep_cap": "queued: the owner has enough new tasks this week",
}
"""What became of an action, in plain words, by its decision or the cause of it."""

WARNINGS: Final[Mapping[str, str]] = {
    "small_base": "fewer than 100 active customers: 1% is less than one of them, so read the"
    " first tier with care, or use fewer tiers or fixed thresholds",
    "left_censored": "the history starts inside the period, so that old customers look new",
    "depends_on_largest": "more than 20% of revenue hangs on the largest customer",
    "depends_on_first_tier": "more than 50% of revenue hangs on the first tier",
}
"""Warnings of the statistics in plain words."""

ISSUES: Final[Mapping[str, str]] = {
    "won_without_amount": "won opportunities without an amount; they count 0",
    "won_without_close_date": "won opportunities without a close date; they count nothing",
    "won_in_the_future": "won opportunities dated after this day; they count later",
    "without_account": "opportunities without an account; they count nothing",
    "unknown_account": "opportunities of accounts that the source did not send",
    "missing_rate": "opportunities without a rate for their currency; they count nothing",
    "parent_cycle": "accounts that are their own parent; the smallest id was taken as the root",
    "missing_parent": "accounts whose parent the source did not send; each is its own root",
}
"""Data issues in plain words."""


def money(amount: Decimal | str | None) -> str:
    """Return an amount with two decimals and marks between thousands."""
    return NOTHING if amount is None else f"{Decimal(amount):,.2f}"


def short_money(amount: Decimal | str | None) -> str:
    """Return an amount in whole units of the currency."""
    if amount is None:
        return NOTHING
    return f"{Decimal(amount).quantize(Decimal(1), ROUND_HALF_UP):,}"


def percent(share: Decimal | str | None, places: int = 1) -> str:
    """Return a share as a percentage."""
    if share is None:
        return NOTHING
    step = Decimal(1).scaleb(-places)
    return f"{(Decimal(share) * 100).quantize(step, ROUND_HALF_UP)}%"


def signed_percent(share: Decimal | str | None) -> str:
    """Return a share as a percentage that shows which way it goes."""
    if share is None:
        return NOTHING
    return ("+" if Decimal(share) > 0 else "") + percent(share)


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return *count* and what is counted, in the singular or plural."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def plain(value: object) -> str:
    """Return a value of a field as a reader writes it; empty is a dash."""
    return NOTHING if value in (None, "") else str(value)
