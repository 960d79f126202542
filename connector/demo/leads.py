"""Makes up the leads: those that became customers, those that came to nothing, and the open ones.

Who is keen answers, and comes on recommendation: that is what can be learned from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from connector.demo.dice import Dice
from connector.demo.market import HISTORY, Account
from connector.demo.words import ENDS, INDUSTRIES, REGIONS, SOURCES, STARTS

_KEEN: Final = {
    "Trade Fair": 0.18,
    "Website": 0.18,
    "Referral": 0.46,
    "Cold Call": 0.04,
    "Partner": 0.14,
}
"""Where the keen come from; the others come from wherever accounts do."""
_CHANNELS: Final = {
    "Trade Fair": "Visit",
    "Website": "Web",
    "Referral": "Phone",
    "Cold Call": "Phone",
    "Partner": "Email",
}
_STRANGERS: Final = 0.45
"""Leads that came to nothing, for each account."""


@dataclass(frozen=True, slots=True)
class Lead:
    """Somebody who may buy; *account* is empty as long as there is none."""

    id: str
    account: str
    name: str
    status: str
    source: str
    channel: str
    industry: str
    region: str
    employees: str
    owner: str
    created: datetime
    closed: date | None
    keen: bool


def leads(dice: Dice, accounts: Sequence[Account], today: date) -> Sequence[Lead]:
    """Return all leads, by the time at which we heard of them."""
    found = [*_of_accounts(dice, accounts, today), *_strangers(dice, accounts, today)]
    found.sort(key=lambda lead: (lead.created, lead.name))
    return [replace(lead, id=f"LD{number:04}") for number, lead in enumerate(found, start=1)]


def _of_accounts(dice: Dice, accounts: Sequence[Account], today: date) -> Iterator[Lead]:
    for account in accounts:
        if account.buys and account.first < HISTORY and dice.chance(0.8):
            won = today - timedelta(days=account.first)
            created = won - timedelta(days=dice.whole(35, 130))
            yield _lead(dice, account, "Won", created, won, keen=dice.chance(0.8))
        elif account.role == "prospect" and dice.chance(0.7):
            created = today - timedelta(days=dice.whole(3, 120))
            status = dice.weighted({"New": 0.2, "Working": 0.5, "Qualified": 0.3})
            yield _lead(dice, account, status, created, None, keen=dice.chance(0.4))
        elif account.role == "suspect" and dice.chance(0.2):
            created = today - timedelta(days=dice.whole(3, 90))
            yield _lead(dice, account, "New", created, None, keen=dice.chance(0.15))


def _strangers(dice: Dice, accounts: Sequence[Account], today: date) -> Iterator[Lead]:
    owners = sorted({account.owner for account in accounts if account.owner})
    for _ in range(int(len(accounts) * _STRANGERS)):
        likeness = dice.one_of(accounts)
        closed = today - timedelta(days=dice.whole(0, HISTORY))
        lead = _lead(
            dice,
            replace(likeness, id="", region=dice.weighted(REGIONS), owner=dice.one_of(owners)),
            dice.weighted({"Lost": 0.75, "Unqualified": 0.25}),
            closed - timedelta(days=dice.whole(20, 120)),
            closed,
            keen=dice.chance(0.16),
        )
        word = dice.one_of(INDUSTRIES[lead.industry])
        name = f"{dice.one_of(STARTS)}{dice.one_of(ENDS)} {word}"
        yield replace(lead, name=name)


def _lead(
    dice: Dice, account: Account, status: str, created: date, closed: date | None, *, keen: bool
) -> Lead:
    source = dice.weighted(_KEEN) if keen else dice.weighted(SOURCES)
    return Lead(
        id="",
        account=account.id,
        name=account.name,
        status=status,
        source=source,
        channel=_CHANNELS[source],
        industry=account.industry,
        region=account.region,
        employees=account.employees,
        owner=account.owner,
        created=dice.moment(created),
        closed=closed,
        keen=keen,
    )
