"""Makes up what the accounts bought, nearly bought and may buy: three years of opportunities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import floor
from typing import Final

from connector.demo.dice import Dice
from connector.demo.market import HISTORY, Account
from connector.demo.words import PRODUCTS, SEASONS
from six_goals.action import SATURDAY

RATES: Final = {"EUR": 1.08, "GBP": 1.27}
"""US dollars for one unit, about which the rates table moves."""

_AWAY: Final = range(280, 780)
"""For how many days before today those who came back did not buy."""
_OPEN_STAGES: Final = {
    "Prospecting": 0.25,
    "Qualification": 0.35,
    "Proposal": 0.25,
    "Negotiation": 0.15,
}
_WORDS: Final = ("replacement", "extension", "new line", "call-off", "repeat order", "upgrade")


@dataclass(frozen=True, slots=True)
class Deal:
    """An opportunity; *amount* in cents."""

    account: str
    name: str
    stage: str
    amount: int
    currency: str
    close: date
    product: str
    owner: str
    created: date


def deals(dice: Dice, accounts: Sequence[Account], today: date) -> Sequence[Deal]:
    """Return all opportunities, by the day on which they close."""
    found = [deal for account in accounts for deal in _of(dice, account, today)]
    return sorted(found, key=lambda deal: (deal.close, deal.account, deal.name, deal.amount))


def _of(dice: Dice, account: Account, today: date) -> Iterator[Deal]:
    lines = dice.shuffled(tuple(PRODUCTS))[: dice.whole(1, 4)]
    if account.buys:
        for deal in _orders(dice, account, lines, today):
            yield deal
            if dice.chance(0.18):
                yield _lost(dice, deal)
            if dice.chance(0.006):
                yield from _credit(dice, deal, today)
    is_open = 1.0 if account.role == "prospect" else 0.2 if account.buys else 0.0
    if account.role != "late" and dice.chance(is_open):
        yield _open(dice, account, dice.one_of(lines), today)


def _orders(dice: Dice, account: Account, lines: Sequence[str], today: date) -> Iterator[Deal]:
    season = [int(tenths) / 10 for tenths in SEASONS[account.industry].split()]
    ago = account.first - dice.whole(0, account.rhythm if account.first == HISTORY else 0)
    while ago >= account.last:
        day = _workday(today - timedelta(days=ago))
        usual = account.yearly * account.rhythm / 365
        trend = _power(account.growth, (HISTORY / 2 - ago) / 365)
        value = usual * trend * season[day.month - 1] * dice.spread(0.35)
        if day <= today and not (account.role == "returned" and ago in _AWAY):
            yield _deal(dice, account, dice.one_of(lines), "Closed Won", value, day)
        ago -= max(1, int(account.rhythm * dice.between(0.8, 1.2) + 0.5))


def _deal(
    dice: Dice, account: Account, product: str, stage: str, value: float, close: date
) -> Deal:
    amount = int(value / RATES.get(account.currency, 1.0) * 20) * 5 + 500
    return Deal(
        account=account.id,
        name=f"{product}, {dice.one_of(_WORDS)}",
        stage=stage,
        amount=amount,
        currency=account.currency,
        close=close,
        product=product,
        owner=account.owner,
        created=close - timedelta(days=dice.whole(3, 60)),
    )


def _lost(dice: Dice, deal: Deal) -> Deal:
    close = deal.close - timedelta(days=dice.whole(1, 25))
    amount = int(deal.amount * dice.between(0.5, 2.5))
    created = close - timedelta(days=dice.whole(3, 60))
    return replace(deal, stage="Closed Lost", amount=amount, close=close, created=created)


def _credit(dice: Dice, deal: Deal, today: date) -> Iterator[Deal]:
    close = deal.close + timedelta(days=dice.whole(5, 30))
    if close <= today:
        amount = -int(deal.amount * dice.between(0.1, 0.7))
        yield replace(deal, name=f"Credit note: {deal.name}", amount=amount, close=close)


def _open(dice: Dice, account: Account, product: str, today: date) -> Deal:
    value = account.yearly * dice.between(0.1, 0.6)
    close = _workday(today + timedelta(days=dice.whole(-10, 120)))
    stage = dice.weighted(_OPEN_STAGES)
    deal = _deal(dice, account, product, stage, value, close)
    return replace(deal, created=today - timedelta(days=dice.whole(5, 90)))


def _workday(day: date) -> date:
    return day + timedelta(days=7 - day.weekday() if day.weekday() >= SATURDAY else 0)


def _power(base: float, exponent: float) -> float:
    """Return *base* to the *exponent*, straight between whole exponents: exact arithmetic only."""
    whole = floor(exponent)
    low = 1.0
    for _ in range(abs(whole)):
        low = low * base if whole > 0 else low / base
    return low + (low * base - low) * (exponent - whole)
