"""The made-up company: its people, its market, and all that happened between the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from connector.demo.cases import Case, cases
from connector.demo.contacts import Contact, contacts
from connector.demo.costs import Cost, Target, costs, targets
from connector.demo.deals import Deal, deals
from connector.demo.dice import Dice
from connector.demo.leads import Lead, leads
from connector.demo.market import Account, Person, market, people


@dataclass(frozen=True, slots=True)
class Company:
    """All records that its CRM would hold today."""

    today: date
    people: Sequence[Person]
    accounts: Sequence[Account]
    leads: Sequence[Lead]
    deals: Sequence[Deal]
    cases: Sequence[Case]
    contacts: Sequence[Contact]
    costs: Sequence[Cost]
    targets: Sequence[Target]


def company(dice: Dice, count: int, today: date) -> Company:
    """Return a company with *count* accounts."""
    team = people(dice)
    accounts = market(dice, count, today)
    found = leads(dice, accounts, today)
    bought = deals(dice, accounts, found, today)
    complaints = cases(dice, accounts, bought, today)
    return Company(
        today=today,
        people=team,
        accounts=accounts,
        leads=found,
        deals=bought,
        cases=complaints,
        contacts=contacts(dice, accounts, bought, found, today),
        costs=costs(dice, accounts, complaints, today),
        targets=targets(accounts),
    )
