"""The sheets of the made-up CRM's export: for each file its columns and its rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeAlias

from connector.demo.company import Company
from connector.demo.deals import RATES
from connector.demo.dice import Dice
from connector.demo.goods import DISCONTINUED

Rows: TypeAlias = Iterable[Sequence[object]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file: its name, its columns, separated by commas, and its rows."""

    name: str
    columns: str
    rows: Rows


def sheets(made: Company) -> Iterator[Sheet]:
    """Yield all sheets of the company."""
    yield Sheet("users.csv", "UserID,Name,Email,ManagerID,Active", _users(made))
    yield Sheet(
        "accounts.csv",
        "AccountID,Name,ParentID,Type,Industry,Region,Employees,Source,OwnerID,Strategic,"
        "NoContact,Wallet,ContractEnd,Created",
        _accounts(made),
    )
    yield Sheet(
        "opportunities.csv",
        "OpportunityID,AccountID,Name,Stage,Amount,Currency,CloseDate,Product,OwnerID,"
        "Promised,Delivered,LostReason,LeadID,Created",
        _opportunities(made),
    )
    yield Sheet(
        "line_items.csv",
        "LineID,OpportunityID,Product,Category,Quantity,Amount,Cost,ListPrice,Discontinued",
        _line_items(made),
    )
    yield Sheet(
        "cases.csv",
        "CaseID,AccountID,Subject,Status,Severity,Category,Opened,Due,FirstResponse,Closed,"
        "Reopened,CSAT,NPS",
        _cases(made),
    )
    yield Sheet(
        "leads.csv",
        "LeadID,AccountID,Company,Status,Source,Channel,Industry,Region,Employees,OwnerID,"
        "Created,Closed",
        _leads(made),
    )
    yield Sheet(
        "activities.csv",
        "ActivityID,AccountID,LeadID,Type,Direction,Outcome,Campaign,OwnerID,At",
        _activities(made),
    )
    yield Sheet("costs.csv", "CostID,AccountID,Type,Amount,Date,Campaign", _costs(made))
    yield Sheet(
        "contact_plan.csv", "LineID,Layer,AccountID,Type,PerYear,UnitCost", _contact_plan(made)
    )


def rates(dice: Dice, today: date) -> Sheet:
    """Return the currency rates of each quarter."""
    return Sheet("rates.csv", "currency,valid_from,rate", _rates(dice, today))


def _users(made: Company) -> Rows:
    for person in made.people:
        email = f"{person.name.lower().replace(' ', '.')}@example.com"
        yield person.id, person.name, email, person.manager, _flag(person.active)


def _accounts(made: Company) -> Rows:
    for one in made.accounts:
        yield (
            *(one.id, one.name, one.parent, one.kind, one.industry, one.region, one.employees),
            *(one.source, one.owner, _flag(one.strategic), _flag(one.blocked), one.wallet or ""),
            *(one.contract_end or "", one.created),
        )


def _opportunities(made: Company) -> Rows:
    for one in made.deals:
        yield (
            *(one.id, one.account, one.name, one.stage, _money(one.amount), one.currency),
            *(one.close, one.product, one.owner, one.promised or "", one.delivered or ""),
            *(one.lost_reason, one.lead, one.created),
        )
    yield from _typed_in_by_hand(made)


def _typed_in_by_hand(made: Company) -> Rows:
    """Yield rows that can't be read, as there are some in every CRM."""
    customer = next(one for one in made.accounts if one.buys)
    day = made.today - timedelta(days=30)
    for number, (amount, currency, close) in enumerate(
        (
            ("ca. 4,500", "USD", f"{day}"),
            ("2150.00", "USD", f"{day.year}-02-30"),
            ("3980.00", "CHF", f"{day}"),
        ),
        start=len(made.deals) + 1,
    ):
        yield (
            *(f"O{number:06}", customer.id, "Typed in by hand", "Closed Won", amount, currency),
            *(close, "Spare Parts", customer.owner, "", "", "", "", day),
        )


def _line_items(made: Company) -> Rows:
    number = 0
    for deal in made.deals:
        for line in deal.lines:
            number += 1
            yield (
                *(f"L{number:06}", deal.id, line.product, line.category, line.quantity),
                *(_money(line.amount), _money(line.cost), _money(line.price)),
                _flag(line.category == DISCONTINUED),
            )


def _cases(made: Company) -> Rows:
    for one in made.cases:
        yield (
            *(one.id, one.account, one.name, "Closed" if one.closed else "Open", one.severity),
            *(one.category, _time(one.opened), _time(one.due), _time(one.answered)),
            *(_time(one.closed), _flag(one.reopened), _known(one.csat), _known(one.nps)),
        )


def _leads(made: Company) -> Rows:
    for one in made.leads:
        yield (
            *(one.id, one.account, one.name, one.status, one.source, one.channel, one.industry),
            *(one.region, one.employees, one.owner, _time(one.created), one.closed or ""),
        )


def _activities(made: Company) -> Rows:
    for number, one in enumerate(made.contacts, start=1):
        yield (
            *(f"T{number:06}", one.account, one.lead, one.kind, one.direction, one.outcome),
            *(one.campaign, one.owner, _time(one.at)),
        )


def _costs(made: Company) -> Rows:
    for number, one in enumerate(made.costs, start=1):
        yield f"K{number:05}", one.account, one.kind, one.amount, one.day, one.campaign


def _contact_plan(made: Company) -> Rows:
    for number, one in enumerate(made.targets, start=1):
        yield f"P{number:02}", one.layer, one.account, one.kind, one.per_year, one.unit_cost


def _rates(dice: Dice, today: date) -> Rows:
    for currency, usual in RATES.items():
        for year in range(today.year - 4, today.year + 1):
            for month in (1, 4, 7, 10):
                rate = int(usual * dice.between(0.96, 1.04) * 10_000)
                yield currency, date(year, month, 1), f"{rate // 10_000}.{rate % 10_000:04}"


def _money(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"


def _flag(value: bool) -> str:
    return "yes" if value else "no"


def _known(score: int | None) -> object:
    return "" if score is None else score


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else ""
