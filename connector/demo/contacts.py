"""Makes up who was in touch with whom: two years of visits, calls, emails and campaigns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from connector.demo.cases import YEARS
from connector.demo.deals import Deal
from connector.demo.dice import Dice
from connector.demo.leads import Lead
from connector.demo.market import Account

_VISITED: Final = (
    (250_000, 12.0, 26.0),
    (80_000, 7.0, 14.0),
    (25_000, 2.5, 8.0),
    (8_000, 1.6, 4.0),
    (0, 1.4, 3.0),
)
"""Visits and calls in a year, from what yearly revenue on."""
_REACHED: Final = {"prospect": 0.7, "suspect": 0.8, "lapsed": 0.6}
"""How many a campaign reaches; of all others a quarter."""
_SEASONS: Final = {2: "Spring", 5: "Summer", 8: "Autumn", 11: "Winter"}


@dataclass(frozen=True, slots=True)
class Contact:
    """A visit, call or email; with an account or with a lead."""

    account: str
    lead: str
    kind: str
    direction: str
    outcome: str
    campaign: str
    owner: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Campaign:
    """A mailing or a fair, and how many visits or emails it was made of."""

    name: str
    kind: str
    start: date


def campaigns(today: date) -> Sequence[Campaign]:
    """Return the campaigns of the last two years: four mailings a year and a fair in September."""
    found = []
    for year in range(today.year - 2, today.year + 1):
        for month, season in _SEASONS.items():
            found.append(Campaign(f"{season} Mailing {year}", "Email", date(year, month, 10)))
        found.append(Campaign(f"Pump Fair {year}", "Visit", date(year, 9, 15)))
    begun = [one for one in found if one.start <= today - timedelta(days=7)]
    return [one for one in begun if (today - one.start).days <= YEARS]


def contacts(
    dice: Dice,
    accounts: Sequence[Account],
    deals: Sequence[Deal],
    leads: Sequence[Lead],
    today: date,
) -> Sequence[Contact]:
    """Return all contacts until *today*, by time."""
    by_lead = {lead.account for lead in leads if not lead.closed}
    alone = [account for account in accounts if account.id not in by_lead]
    found = [
        *_after_orders(dice, deals, today),
        *(one for account in alone for one in _with(dice, account, today)),
        *(one for lead in leads for one in _with_lead(dice, lead, today)),
        *(one for each in campaigns(today) for one in _reached(dice, each, alone, today)),
    ]
    known = [one for one in found if one.at.date() <= today]
    return sorted(known, key=lambda one: (one.at, one.account, one.lead, one.kind))


def _contact(
    dice: Dice,
    account: Account,
    day: date,
    kind: str,
    outcome: str = "",
    *,
    inbound: bool = False,
    campaign: str = "",
) -> Contact:
    return Contact(
        account=account.id,
        lead="",
        kind=kind,
        direction="Inbound" if inbound else "Outbound",
        outcome=outcome,
        campaign=campaign,
        owner=account.owner,
        at=dice.moment(day),
    )


def _after_orders(dice: Dice, deals: Sequence[Deal], today: date) -> Iterator[Contact]:
    for deal in deals:
        is_order = deal.stage == "Closed Won" and (today - deal.close).days <= YEARS
        if is_order and dice.chance(0.985):
            yield Contact(
                account=deal.account,
                lead="",
                kind="Call" if dice.chance(0.1) else "Email",
                direction="Outbound",
                outcome="Order confirmed",
                campaign="",
                owner=deal.owner,
                at=dice.moment(deal.close + timedelta(days=dice.whole(0, 6))),
            )


def _with(dice: Dice, account: Account, today: date) -> Iterator[Contact]:
    match account.role:
        case "partner" | "competitor" | "disqualified":
            return
        case "prospect":
            yield from _courted(dice, account, today)
        case "suspect":
            if dice.chance(0.3):
                day = today - timedelta(days=dice.whole(5, 300))
                yield _contact(dice, account, day, "Call", "No answer")
        case _:
            yield from _looked_after(dice, account, today)


def _courted(dice: Dice, account: Account, today: date) -> Iterator[Contact]:
    for kind, often in (("Visit", 1.3), ("Call", 2.5), ("Email", 2.0)):
        for _ in range(dice.about(often)):
            day = today - timedelta(days=dice.whole(1, 300))
            yield _contact(dice, account, day, kind, "Interested" if dice.chance(0.4) else "")
    if dice.chance(0.5):
        yield from _answered(dice, account, today - timedelta(days=dice.whole(2, 250)))


def _looked_after(dice: Dice, account: Account, today: date) -> Iterator[Contact]:
    first, last = min(account.first, YEARS), account.last if account.role == "lapsed" else 0
    years = max(first - last, 0) / 365
    visits, calls = next(often for least, *often in _VISITED if account.yearly >= least)
    for kind, often in (("Visit", visits), ("Call", calls)):
        for _ in range(dice.about(often * years)):
            yield _contact(dice, account, today - timedelta(days=dice.whole(last, first)), kind)
    for _ in range(dice.about(calls / 3 * years)):
        yield from _answered(dice, account, today - timedelta(days=dice.whole(last, first)))


def _answered(dice: Dice, account: Account, day: date) -> Iterator[Contact]:
    """Yield a message of the account and, nearly always, our answer the next day."""
    asked = _contact(dice, account, day, "Email", "Question", inbound=True)
    yield asked
    if dice.chance(0.97):
        answer = asked.at + timedelta(hours=dice.whole(2, 30))
        yield replace(asked, direction="Outbound", outcome="Answered", at=answer)


def _with_lead(dice: Dice, lead: Lead, today: date) -> Iterator[Contact]:
    end = ((lead.closed or today) - lead.created.date()).days
    said = {"Interested": 0.45, "Meeting booked": 0.25, "No answer": 0.3}
    if not lead.keen:
        said = {"Interested": 0.12, "Meeting booked": 0.03, "No answer": 0.85}
    for often, kind, inbound in (
        (2.6, "Call", False),
        (1.4, "Email", False),
        (1.8 if lead.keen else 0.35, "Email", True),
        (0.8 if lead.keen else 0.15, "Visit", False),
    ):
        for _ in range(dice.about(often)):
            # Most of it in the first weeks; nothing after the end.
            ago = min(dice.whole(0, 20 if dice.chance(0.7) else 90), end)
            yield Contact(
                account="",
                lead=lead.id,
                kind=kind,
                direction="Inbound" if inbound else "Outbound",
                outcome=dice.weighted(said) if kind != "Email" else "",
                campaign="",
                owner=lead.owner,
                at=dice.moment(lead.created.date() + timedelta(days=ago)),
            )


def _reached(
    dice: Dice, campaign: Campaign, accounts: Sequence[Account], today: date
) -> Iterator[Contact]:
    share = 0.12 if campaign.kind == "Visit" else 1.0
    for account in accounts:
        is_new = account.buys and today - timedelta(days=account.first) > campaign.start
        if is_new or account.role in ("partner", "competitor", "disqualified"):
            continue
        if dice.chance(share * _REACHED.get(account.role, 0.25)):
            day = campaign.start + timedelta(days=dice.whole(0, 5))
            outcome = "Sent" if campaign.kind == "Email" else "Met"
            yield _contact(dice, account, day, campaign.kind, outcome, campaign=campaign.name)
