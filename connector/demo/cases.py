"""Makes up the cases: complaints and questions about orders, and how customers rated the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from connector.demo.deals import Deal
from connector.demo.dice import Dice
from connector.demo.market import Account
from connector.demo.words import SUBJECTS

YEARS: Final = 2 * 365
"""Days for which cases and contacts were kept: less than sales."""

_SEVERITIES: Final = {"Critical": 0.10, "Normal": 0.62, "Low": 0.28}
_DAYS: Final = {"Critical": 2, "Normal": 6, "Low": 12}
"""Days until a case of each severity has to be solved."""
_RATINGS: Final = {5: 0.42, 4: 0.34, 3: 0.13, 2: 0.07, 1: 0.04}
_RECOMMENDATIONS: Final = {10: 0.20, 9: 0.22, 8: 0.24, 7: 0.16, 6: 0.07, 5: 0.06, 3: 0.03, 0: 0.02}
_NOT_SOLVED: Final = 0.04
"""Cases that nobody gets to the end of, if they are not old."""


@dataclass(frozen=True, slots=True)
class Case:
    """Something a customer came to us with; the scores are 0 where none was given."""

    id: str
    account: str
    name: str
    category: str
    severity: str
    opened: datetime
    due: datetime
    answered: datetime | None
    closed: datetime | None
    reopened: bool
    csat: int | None
    nps: int | None


def cases(
    dice: Dice, accounts: Sequence[Account], deals: Sequence[Deal], today: date
) -> Sequence[Case]:
    """Return all cases, by the time at which they were opened."""
    by_id = {account.id: account for account in accounts}
    found = [case for deal in deals for case in _about(dice, deal, by_id, today)]
    found.sort(key=lambda case: (case.opened, case.account, case.name))
    return [replace(case, id=f"{number:05}") for number, case in enumerate(found, start=1)]


def _about(dice: Dice, deal: Deal, accounts: Mapping[str, Account], today: date) -> Iterator[Case]:
    if deal.stage != "Closed Won" or (today - deal.close).days > YEARS:
        return
    account = accounts[deal.account]
    was_late = bool(deal.promised and deal.delivered and deal.delivered > deal.promised)
    opened = deal.close + timedelta(days=dice.whole(3, 50))
    if dice.chance(0.3 if was_late else 0.04 + account.trouble) and opened <= today:
        category = "Delivery" if was_late else dice.one_of(tuple(SUBJECTS))
        yield _case(dice, account, category, dice.moment(opened), today)


def _case(dice: Dice, account: Account, category: str, opened: datetime, today: date) -> Case:
    severity = dice.weighted(_SEVERITIES)
    days = _DAYS[severity]
    answered = opened + timedelta(
        hours=dice.whole(1, 20 * days if dice.chance(0.95) else 90 * days)
    )
    took = dice.between(0.1, 0.9) if dice.chance(0.93) else dice.between(1.2, 3.0)
    closed: datetime | None = max(answered, opened + timedelta(hours=int(24 * days * took)))
    is_recent = (today - opened.date()).days < 60
    if (is_recent and dice.chance(_NOT_SOLVED)) or (closed and closed.date() > today):
        closed = None
    unhappy = took > 1 or dice.chance(0.05)
    return Case(
        id="",
        account=account.id,
        name=dice.one_of(SUBJECTS[category]),
        category=category,
        severity=severity,
        opened=opened,
        due=opened + timedelta(days=days),
        answered=answered if answered.date() <= today else None,
        closed=closed,
        reopened=dice.chance(0.03),
        csat=_score(dice, _RATINGS, 0.45, 2, unhappy=unhappy) if closed else None,
        nps=_score(dice, _RECOMMENDATIONS, 0.25, 5, unhappy=unhappy) if closed else None,
    )


def _score(
    dice: Dice, scores: Mapping[int, float], asked: float, low: int, *, unhappy: bool
) -> int | None:
    if not dice.chance(asked):
        return None
    return dice.whole(min(1, low - 1), low) if unhappy else dice.weighted(scores)
