"""Makes up what the company spends on its customers, and how often it means to see them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from connector.demo.cases import YEARS, Case
from connector.demo.contacts import campaigns
from connector.demo.dice import Dice
from connector.demo.market import Account

_OVERHEAD: Final = 0.26
"""Part of what customers spend."""
_PRICES: Final = {"Email": 85, "Visit": 140}
"""What a campaign costs for each account there is, by its kind."""
_PLAN: Final = (
    ("Top", 12, 24, 24),
    ("Big", 6, 12, 24),
    ("Medium", 2, 6, 12),
    ("Small", 0, 2, 12),
)
"""Visits, calls and emails in a year with a customer of each tier."""
UNIT_COSTS: Final = {"Visit": Decimal(320), "Call": Decimal(25), "Email": Decimal("1.50")}


@dataclass(frozen=True, slots=True)
class Cost:
    """Money that was spent, in whole dollars; on no account in particular if none is named."""

    account: str
    kind: str
    amount: int
    day: date
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """How often a layer, or one account, is to be contacted in a year."""

    layer: str
    account: str
    kind: str
    per_year: int
    unit_cost: Decimal


def costs(
    dice: Dice, accounts: Sequence[Account], cases: Sequence[Case], today: date
) -> Sequence[Cost]:
    """Return all costs, by day."""
    found = [
        *_of_campaigns(dice, len(accounts), today),
        *_of_service(dice, cases),
        *_of_sales(dice, accounts, today),
        *_of_the_house(accounts, today),
    ]
    return sorted(found, key=lambda cost: (cost.day, cost.kind, cost.account, cost.campaign))


def targets(accounts: Sequence[Account]) -> Sequence[Target]:
    """Return the contact plan of the tiers, and of the largest strategic account."""
    planned = [
        Target(layer, "", kind, count, UNIT_COSTS[kind])
        for layer, *counts in _PLAN
        for kind, count in zip(UNIT_COSTS, counts, strict=True)
    ]
    strategic = [one for one in accounts if one.strategic and one.buys]
    largest = max(strategic, key=lambda one: (one.yearly, one.id), default=None)
    return [
        *planned,
        *([Target("", largest.id, "Visit", 18, UNIT_COSTS["Visit"])] if largest else []),
    ]


def _of_campaigns(dice: Dice, accounts: int, today: date) -> Iterator[Cost]:
    for campaign in campaigns(today):
        amount = int(accounts * _PRICES[campaign.kind] * dice.between(0.8, 1.2))
        yield Cost("", "Marketing", amount, campaign.start, campaign.name)
    for month in _months(today):
        yield Cost("", "Marketing", accounts, month, "Search Advertising")


def _of_service(dice: Dice, cases: Sequence[Case]) -> Iterator[Cost]:
    for case in cases:
        if case.severity == "Critical" or case.reopened:
            day = case.opened.date()
            yield Cost(case.account, "Service", dice.whole(4, 40) * 50, day)


def _of_sales(dice: Dice, accounts: Sequence[Account], today: date) -> Iterator[Cost]:
    for account in accounts:
        if account.buys and account.yearly > 80_000 and dice.chance(0.5):
            day = today - timedelta(days=dice.whole(1, YEARS))
            yield Cost(account.id, "Sales", dice.whole(4, 30) * 100, day)


def _of_the_house(accounts: Sequence[Account], today: date) -> Iterator[Cost]:
    yearly = sum(one.yearly for one in accounts if one.buys and one.role != "lapsed")
    for month in _months(today):
        yield Cost("", "Overhead", int(yearly * _OVERHEAD / 12 / 100) * 100, month)


def _months(today: date) -> Sequence[date]:
    """Return the first day of each of the last 24 months."""
    number = today.year * 12 + today.month - 1
    return [date(one // 12, one % 12 + 1, 1) for one in range(number - 23, number + 1)]
