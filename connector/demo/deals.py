"""Makes up what the accounts bought, nearly bought and may buy: three years of opportunities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import floor
from typing import Final

from connector.demo.dice import Dice
from connector.demo.goods import SERVICES, Line, chosen, lines, offered
from connector.demo.leads import Lead
from connector.demo.market import HISTORY, Account
from connector.demo.words import LEFT_FOR, LOST_FOR, SEASONS
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
    """An opportunity; a lost one has no lines, and *product* is the category it is mostly about."""

    id: str
    account: str
    name: str
    stage: str
    currency: str
    close: date
    product: str
    owner: str
    created: date
    amount: int
    """Cents: the sum of the lines where there are any."""
    lines: Sequence[Line] = ()
    promised: date | None = None
    delivered: date | None = None
    lost_reason: str = ""
    lead: str = ""


def deals(
    dice: Dice, accounts: Sequence[Account], leads: Sequence[Lead], today: date
) -> Sequence[Deal]:
    """Return all opportunities, by the day on which they close; a lead is with the first one."""
    found = [deal for account in accounts for deal in _of(dice, account, today)]
    found.sort(key=lambda deal: (deal.close, deal.account, deal.name, deal.amount))
    came_from = {lead.account: lead.id for lead in leads if lead.status == "Won"}
    return [
        replace(deal, id=f"O{number:06}", lead=came_from.pop(deal.account, ""))
        for number, deal in enumerate(found, start=1)
    ]


def _of(dice: Dice, account: Account, today: date) -> Iterator[Deal]:
    if account.buys:
        for deal in _orders(dice, account, today):
            yield deal
            if dice.chance(0.18):
                yield _lost(dice, deal, LOST_FOR, deal.close - timedelta(days=dice.whole(1, 25)))
            if dice.chance(0.006):
                yield from _credit(dice, deal, today)
        if account.role == "lapsed" and dice.chance(0.7):
            close = _workday(deal.close + timedelta(days=dice.whole(10, 60)))
            yield _lost(dice, deal, LEFT_FOR, close)
    is_open = 1.0 if account.role == "prospect" else 0.2 if account.buys else 0.0
    if account.role != "late" and dice.chance(is_open):
        yield _open(dice, account, today)


def _orders(dice: Dice, account: Account, today: date) -> Iterator[Deal]:
    season = [int(tenths) / 10 for tenths in SEASONS[account.industry].split()]
    ago = account.first - dice.whole(0, account.rhythm if account.first == HISTORY else 0)
    while ago >= account.last:
        day = _workday(today - timedelta(days=ago))
        usual = account.yearly * account.rhythm / 365
        trend = _power(account.growth, (HISTORY / 2 - ago) / 365)
        value = usual * trend * season[day.month - 1] * dice.spread(0.35)
        if day <= today and not (account.role == "returned" and ago in _AWAY):
            categories = chosen(dice, account.needs, ago)
            deal = _deal(dice, account, categories, "Closed Won", value, day)
            yield _delivered(dice, deal, account.trouble, today)
        ago -= max(1, int(account.rhythm * dice.between(0.8, 1.2) + 0.5))


def _deal(
    dice: Dice, account: Account, categories: Sequence[str], stage: str, value: float, close: date
) -> Deal:
    local = value / RATES.get(account.currency, 1.0)
    bought = tuple(lines(dice, categories, local, account.discount))
    return Deal(
        id="",
        account=account.id,
        name=f"{categories[0]}, {dice.one_of(_WORDS)}",
        stage=stage,
        currency=account.currency,
        close=close,
        product=categories[0],
        owner=account.owner,
        created=close - timedelta(days=dice.whole(3, 60)),
        amount=sum(line.amount for line in bought),
        lines=bought,
    )


def _delivered(dice: Dice, deal: Deal, trouble: float, today: date) -> Deal:
    """Return the order with the day for which delivery was promised, and that of delivery."""
    if deal.product in SERVICES:
        return deal
    promised = _workday(deal.close + timedelta(days=dice.whole(10, 35)))
    late = dice.whole(1, 16) if dice.chance(trouble) else -dice.whole(0, 4)
    delivered = promised + timedelta(days=late)
    return replace(deal, promised=promised, delivered=delivered if delivered <= today else None)


def _lost(dice: Dice, deal: Deal, reasons: Mapping[str, float], close: date) -> Deal:
    return replace(
        deal,
        stage="Closed Lost",
        amount=int(deal.amount * dice.between(0.5, 2.5)),
        close=close,
        created=close - timedelta(days=dice.whole(3, 60)),
        lines=(),
        promised=None,
        delivered=None,
        lost_reason=dice.weighted(reasons),
    )


def _credit(dice: Dice, deal: Deal, today: date) -> Iterator[Deal]:
    """Yield the credit note for an order of which something came back."""
    close = deal.close + timedelta(days=dice.whole(5, 30))
    line = deal.lines[0]
    back = dice.whole(1, line.quantity)
    returned = replace(
        line,
        quantity=-back,
        amount=-(line.amount // line.quantity) * back,
        cost=-(line.cost // line.quantity) * back,
    )
    if close <= today:
        yield replace(
            deal,
            name=f"Credit note: {deal.name}",
            close=close,
            amount=returned.amount,
            lines=(returned,),
            promised=None,
            delivered=None,
        )


def _open(dice: Dice, account: Account, today: date) -> Deal:
    value = account.yearly * dice.between(0.1, 0.6)
    close = _workday(today + timedelta(days=dice.whole(-10, 120)))
    stage = dice.weighted(_OPEN_STAGES)
    known = chosen(dice, account.needs, 0)
    categories = [offered(dice)] if dice.chance(0.3) else known
    deal = _deal(dice, account, categories, stage, value, close)
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
