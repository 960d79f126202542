"""A made-up company: the same number of accounts, the same company."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Final, Literal, TypeAlias

FIRST: Final = ("Aurora", "Baltic", "Cedar", "Delta", "Ember", "Falcon", "Granite", "Harbor",
                "Indigo", "Juniper", "Keystone", "Lumen", "Meridian", "Nordic", "Orchard",
                "Pioneer")  # fmt: skip
SECOND: Final = ("Analytics", "Bearings", "Chemicals", "Dynamics", "Foods", "Logistics", "Medical",
                 "Optics", "Packaging", "Robotics", "Systems", "Textiles", "Tools")  # fmt: skip
FORM: Final = ("AG", "GmbH", "Inc", "Ltd", "SA", "Srl")
"""A company's name is one of each."""
PEOPLE: Final = ("Abel", "Brandt", "Conti", "Duval", "Eriksen", "Fischer", "Garcia", "Hansen",
                 "Ito", "Jansen", "Kowalski", "Larsen")  # fmt: skip
GIVEN: Final = ("Ada", "Ben", "Clara", "David", "Emma", "Felix", "Greta", "Hugo", "Ida", "Jonas")
COUNTRIES: Final = ("Germany", "France", "Italy", "Poland", "Spain", "Sweden", "Austria")
INDUSTRIES: Final = ("Agriculture", "Construction", "Education", "Electronics", "Finance",
                     "Healthcare", "Manufacturing", "Retail")  # fmt: skip
PRODUCTS: Final = 24
DEALS: Final = 3
"""How many deals there are for an account; some have none, some many."""
YEARS: Final = 4
Outcome: TypeAlias = Literal["won", "lost", "open"]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who sells; by *at*, the position in the list, others refer to it."""

    at: int
    given: str
    last: str

    @property
    def name(self) -> str:
        """The whole name."""
        return f"{self.given} {self.last}"


@dataclass(frozen=True, slots=True)
class Firm:
    """An account; *owner* and *parent* are positions in their lists."""

    at: int
    name: str
    country: str
    industry: str
    employees: int
    owner: int
    parent: int | None
    made: datetime
    changed: datetime


@dataclass(frozen=True, slots=True)
class Sold:
    """A line of a deal: *product* is a position, *price* for one."""

    product: int
    quantity: int
    price: Decimal


@dataclass(frozen=True, slots=True)
class Deal:
    """An opportunity; what it brings is the sum of its lines, where it has any."""

    at: int
    name: str
    account: int
    owner: int
    outcome: Outcome
    amount: Decimal
    closes: date
    made: datetime
    changed: datetime
    lines: tuple[Sold, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """The whole company."""

    people: tuple[Person, ...]
    products: tuple[str, ...]
    firms: tuple[Firm, ...]
    deals: tuple[Deal, ...]


def make_up(accounts: int, now: datetime) -> Made:
    """Return a company of so many *accounts*, whose last years end at *now*."""
    chance = Random(accounts)  # noqa: S311 - it is to be the same every time
    now = now.astimezone(UTC).replace(microsecond=0)
    people = tuple(
        Person(at, chance.choice(GIVEN), chance.choice(PEOPLE))
        for at in range(max(2, min(40, math.isqrt(accounts) // 4)))
    )
    firms = tuple(_firm(at, accounts, len(people), chance, now) for at in range(accounts))
    deals = tuple(_deal(at, firms, chance, now) for at in range(accounts * DEALS))
    products = tuple(f"Product {at + 1:02d}" for at in range(PRODUCTS))
    return Made(people, products, firms, deals)


def _firm(at: int, accounts: int, people: int, chance: Random, now: datetime) -> Firm:
    age = timedelta(days=365 * YEARS * (1 - at / accounts))
    name = " ".join(chance.choice(part) for part in (FIRST, SECOND, FORM))
    made = now - age
    return Firm(
        at=at,
        name=f"{name} {at + 1}",
        country=chance.choice(COUNTRIES),
        industry=chance.choice(INDUSTRIES),
        employees=int(10 * 1000 ** chance.random()),
        owner=chance.randrange(people),
        parent=chance.randrange(at) if at and chance.random() < 0.05 else None,
        made=made.replace(microsecond=0),
        changed=(made + chance.random() * age).replace(microsecond=0),
    )


def _deal(at: int, firms: tuple[Firm, ...], chance: Random, now: datetime) -> Deal:
    # Squared: the first accounts have many deals, the last ones few, and some none.
    firm = firms[int(len(firms) * chance.random() ** 2)]
    outcome: Outcome = chance.choices(("won", "lost", "open"), (55, 25, 20))[0]
    days = round(365 * YEARS * chance.random())
    today = now.date()
    closes = (
        today + timedelta(days=days % 120) if outcome == "open" else today - timedelta(days=days)
    )
    lines: tuple[Sold, ...] = ()
    if at % 4 == 0:
        lines = (Sold(which := chance.randrange(PRODUCTS), 1 + chance.randrange(9), _price(which)),)
    amount = Decimal(round(50 * 2000 ** chance.random())) * (1 + firm.employees // 1000)
    made = datetime.combine(closes, time(9), UTC) - timedelta(days=200)
    changed = min(now, made + timedelta(days=200))
    return Deal(
        at=at,
        name=f"{firm.name} - deal {at + 1}",
        account=firm.at,
        owner=firm.owner,
        outcome=outcome,
        amount=sum((one.price * one.quantity for one in lines), Decimal(0)) or amount,
        closes=closes,
        made=min(made, now),
        changed=changed,
        lines=lines,
    )


def _price(product: int) -> Decimal:
    return Decimal(100 * (product + 1))
