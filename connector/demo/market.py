"""Makes up the accounts: who they are, who looks after them, and how they buy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from connector.demo.dice import Dice
from connector.demo.goods import SERVICES, needs
from connector.demo.words import (
    ENDS,
    FIRST_NAMES,
    FORMS,
    INDUSTRIES,
    LAST_NAMES,
    REGIONS,
    SOURCES,
    STARTS,
    WEALTH,
)

DIRECTOR: Final = "U01"
LEFT: Final = "U09"
"""The sales rep who has left; the manager gets the tasks."""
HISTORY: Final = 3 * 365
"""Days of sales history."""

_ROLES: Final = {
    "regular": 0.47,
    "returned": 0.015,
    "late": 0.045,
    "new": 0.06,
    "tried": 0.02,
    "lapsed": 0.115,
    "prospect": 0.095,
    "suspect": 0.125,
    "partner": 0.025,
    "competitor": 0.012,
    "disqualified": 0.018,
}
_TYPES: Final = {
    "prospect": "Prospect",
    "suspect": "Target",
    "partner": "Partner",
    "competitor": "Competitor",
    "disqualified": "Disqualified",
}
_TERRITORIES: Final = {
    "Northeast": ("U04", "U05", "U06"),
    "Midwest": ("U07", "U08", "U09"),
    "South": ("U10", "U11", "U12"),
    "West": ("U13", "U14"),
    "Europe": ("U15",),
}
_BANDS: Final = ((400_000, "1000+"), (60_000, "250-999"), (12_000, "50-249"), (0, "1-49"))
_RHYTHMS: Final = (
    (250_000, 9, 18),
    (80_000, 14, 28),
    (25_000, 22, 45),
    (8_000, 38, 80),
    (0, 70, 170),
)
"""From what yearly revenue on a customer orders every so many to so many days."""
_COSTLY: Final = 0.03
"""How many customers were promised a discount on which nothing is earned."""
_STRATEGIC: Final = 0.02
_BLOCKED: Final = 0.012


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who owns accounts and tasks, or manages who does."""

    id: str
    name: str
    manager: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class Account:
    """A company, and how it buys.

    *yearly* is what it spends in a usual year, *growth* the factor from year to year. It orders
    every *rhythm* days or so from *first* to *last*, both counted in days before today, at a
    *discount* in percent, and each category from as many days before today on as *needs* says.
    *trouble* is the share of its orders with which something goes wrong. *wallet* is 0 if unknown.
    """

    id: str
    name: str
    parent: str
    role: str
    industry: str
    region: str
    employees: str
    owner: str
    currency: str
    created: date
    yearly: float
    growth: float
    rhythm: int
    first: int
    last: int
    needs: Mapping[str, int]
    discount: int
    trouble: float
    source: str
    wallet: int
    strategic: bool
    blocked: bool
    contract_end: date | None

    @property
    def kind(self) -> str:
        """Return what the CRM calls it."""
        return _TYPES.get(self.role, "Customer")

    @property
    def buys(self) -> bool:
        """Say whether it ever bought."""
        return self.role not in _TYPES


def people(dice: Dice) -> Sequence[Person]:
    """Return a sales director, two managers and twelve reps, one of whom has left."""
    first, last = dice.shuffled(FIRST_NAMES), dice.shuffled(LAST_NAMES)
    found = []
    for number, name in enumerate(zip(first, last, strict=True), start=1):
        manager = "U02" if number < 10 else "U03"
        manager = "" if number == 1 else DIRECTOR if number < 4 else manager
        key = f"U{number:02}"
        found.append(Person(key, " ".join(name), manager, active=key != LEFT))
    return found


def market(dice: Dice, count: int, today: date) -> Sequence[Account]:
    """Return *count* accounts, the roles among them in fixed shares."""
    roles = dice.shuffled(list(_roles(count)))
    names: set[str] = set()
    accounts: list[Account] = []
    for number, role in enumerate(roles, start=1):
        parent = accounts[-1] if accounts and dice.chance(0.05) else None
        if parent is not None and (parent.parent or not parent.buys):
            parent = None
        account = _account(dice, f"A{number:04}", role, parent, names, today)
        names.add(account.name)
        accounts.append(account)
    return accounts


def _roles(count: int) -> Iterator[str]:
    share = 0.0
    made = 0
    for role, part in _ROLES.items():
        share += part
        upto = int(share * count + 0.5)
        yield from [role] * (upto - made)
        made = upto


def _account(
    dice: Dice, key: str, role: str, parent: Account | None, names: set[str], today: date
) -> Account:
    industry = parent.industry if parent else dice.one_of(tuple(INDUSTRIES))
    region = dice.weighted(REGIONS)
    currency = "USD" if region != "Europe" else dice.weighted({"EUR": 0.6, "GBP": 0.4})
    source = dice.weighted(SOURCES)
    yearly = 6_000 * dice.spread(1.75) * WEALTH[industry]
    if role == "late":
        yearly *= 2.5  # they are the tasks to show: large enough to be missed
    if source == "Referral":
        yearly *= 1.7
    if role in ("prospect", "suspect"):
        yearly *= 0.6  # of the largest companies most have been customers for long
    owner = "" if dice.chance(0.01) else dice.one_of(_TERRITORIES[region])
    rhythm = next(dice.whole(low, high) for least, low, high in _RHYTHMS if yearly >= least)
    first, last = _span(dice, role, rhythm)
    wanted = needs(dice, first, last)
    is_costly, is_strategic = dice.chance(_COSTLY), dice.chance(_STRATEGIC)
    return Account(
        id=key,
        name=_name(dice, industry, currency, parent, names),
        parent=parent.id if parent else "",
        role=role,
        industry=industry,
        region=region,
        employees=next(band for least, band in _BANDS if yearly >= least),
        owner=owner,
        currency=currency,
        created=today - timedelta(days=first + dice.whole(10, 200)),
        yearly=yearly,
        growth=_growth(dice, role),
        rhythm=rhythm,
        first=first,
        last=last,
        needs=wanted,
        discount=dice.whole(34, 46) if is_costly else dice.whole(2, 16),
        trouble=0.20 if is_costly or dice.chance(0.04) else 0.018,
        source=source,
        wallet=int(yearly * dice.between(1.05, 3.5) / 100) * 100 if dice.chance(0.6) else 0,
        strategic=is_strategic,
        blocked=dice.chance(_BLOCKED),
        contract_end=_contract_end(dice, wanted, last, today),
    )


def _span(dice: Dice, role: str, rhythm: int) -> tuple[int, int]:
    match role:
        case "new":
            return dice.whole(20, 340), 0
        case "tried":
            first = dice.whole(300, 350)
            return first, first - rhythm
        case "lapsed":
            return HISTORY, dice.whole(380, 900)
        case "late":
            return HISTORY, min(int(rhythm * dice.between(2.2, 5.0)), 330)
    if role == "regular" and dice.chance(0.25):
        return dice.whole(380, HISTORY), 0  # won as a customer since the history begins
    return HISTORY, 0


def _contract_end(dice: Dice, wanted: Mapping[str, int], last: int, today: date) -> date | None:
    """Return when the service contract of those who have one ends."""
    if SERVICES.isdisjoint(wanted):
        return None
    return today + timedelta(days=dice.whole(15, 720) - last)


def _growth(dice: Dice, role: str) -> float:
    trend = dice.weighted({"up": 0.22, "down": 0.18, "steady": 0.60})
    if trend == "up":
        return dice.between(1.2, 1.6)
    return dice.between(0.6, 0.85) if trend == "down" else dice.between(0.93, 1.12)


def _name(dice: Dice, industry: str, currency: str, parent: Account | None, names: set[str]) -> str:
    for _ in range(1000):
        root = parent.name.split()[0] if parent else dice.one_of(STARTS) + dice.one_of(ENDS)
        word, form = dice.one_of(INDUSTRIES[industry]), dice.one_of(FORMS[currency])
        name = f"{root} {word} {form}"
        if name not in names:
            return name
        parent = None
    return f"{name} {len(names)}"
