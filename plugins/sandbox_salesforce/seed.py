"""A made-up company in a new organisation: the same number of accounts, the same company.

The database makes up the records itself, from the number of each; so a million accounts take a
minute. What looks like chance is a number mixed by multiplication.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from connector.sandbox.made_up import (
    COUNTRIES,
    DEALS,
    FIRST,
    FORM,
    GIVEN,
    PEOPLE,
    PRODUCTS,
    SECOND,
    YEARS,
)
from sandbox_salesforce.moments import said
from sandbox_salesforce.objects import INDUSTRIES, SOURCES, STAGES
from sandbox_salesforce.org import Org

_WITH_ITEMS: Final = 4
"""One deal of so many has a line item, which is then its amount."""


@dataclass(frozen=True, slots=True)
class Company:
    """How many of each were made up."""

    accounts: int
    opportunities: int
    users: int
    line_items: int
    cases: int
    leads: int


def make_up(org: Org, accounts: int, deals: int = DEALS) -> Company:
    """Fill *org* with a company of that many accounts, with so many *deals* for each on average."""
    users = max(2, min(40, math.isqrt(accounts) // 4))
    company = Company(
        accounts=accounts,
        opportunities=accounts * deals,
        users=users,
        line_items=-(-accounts * deals // _WITH_ITEMS),
        cases=accounts // 5,
        leads=accounts // 5,
    )
    maker = _Maker(org)
    with org.store.filling():
        owner = _owner(maker.make("User", users, _users(org)), users)
        product = maker.make("Product2", PRODUCTS, _products())
        entry = maker.make("PricebookEntry", PRODUCTS, _prices(org, product))
        first = maker.make("Account", accounts, _accounts(org, owner))
        account = _by_number("001", f"{first} + {_mixed(71, max(1, accounts))}")
        sold = {"AccountId": account, "OwnerId": owner, **_opportunities()}
        deal = maker.make("Opportunity", company.opportunities, sold, **_of_deals(org, company))
        maker.make("OpportunityLineItem", company.line_items, _items(deal, product, entry))
        maker.make("Case", company.cases, {"AccountId": account, "OwnerId": owner, **_cases()})
        maker.make("Lead", company.leads, {"OwnerId": owner, **_leads()})
    return company


class _Maker:
    """Makes records of a description: SQL for each column, where `n` is 0 for the first record."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def make(self, name: str, count: int, columns: Mapping[str, str], **computed: str) -> int:
        """Make *count* records; *computed* are values that several columns use.

        Return the number of the first: ids are made of it.
        """
        sobject, store = self._org.schema[name], self._org.store
        first = store.next_number(sobject, count)
        # In the order of their numbers they were made over the years, some changed since.
        computed |= {
            "made_at": self._moment(f"(n * 1.0 / {max(1, count)}) * {365 * YEARS - 30}"),
            "changed_at": self._moment(f"{365 * YEARS - 30} + {_mixed(11, 2_500_000)} / 86400.0"),
        }
        defaults = {one.name: one.default for one in sobject if one.default is not None}
        whole = {
            **{name: f"'{one}'" if isinstance(one, str) else f"{one:d}"
               for name, one in defaults.items()},
            "_n": f"n + {first}",
            "Id": f"sf_id('{sobject.prefix}', n + {first})",
            "CreatedDate": "made_at", "LastModifiedDate": "changed_at",
            "SystemModstamp": "changed_at",
            "CreatedById": f"'{self._org.user}'", "LastModifiedById": f"'{self._org.user}'",
            "IsDeleted": "0",
        }  # fmt: skip
        if self._org.edition.multi_currency and sobject.find("CurrencyIsoCode"):
            whole["CurrencyIsoCode"] = f"'{self._org.currency}'"
        whole |= columns
        names = ", ".join(f'"{column}"' for column in whole)
        told = ", ".join(computed)
        with store.without_indexes(sobject):
            store.run(
                "WITH RECURSIVE counted(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted"
                f" WHERE n + 1 < {count}), made(n, {told}) AS MATERIALIZED"
                f" (SELECT n, {', '.join(computed.values())} FROM counted WHERE {count} > 0)"
                f' INSERT INTO "{name}" ({names}) SELECT {", ".join(whole.values())} FROM made'
            )
        return first

    def _moment(self, days: str) -> str:
        start = self._org.clock() - timedelta(days=365 * YEARS)
        return (
            f"strftime('%Y-%m-%dT%H:%M:%S', '{said(start)[:19]}', '+' ||"
            f" CAST(({days}) * 86400 AS INTEGER) || ' seconds') || '.000+0000'"
        )


def _mixed(salt: int, below: int, number: str = "n") -> str:
    """Return SQL for a number from 0 to *below* - 1 that looks like chance."""
    # A product of both halves: multiples alone follow each other in steps.
    spread = f"(({number} + {salt}) * 2654435761 % 4294967291)"
    return f"(({spread} % 65521) * ({spread} / 65521 + {salt}) / 7 % {below})"


def _one_of(values: tuple[str, ...], salt: int) -> str:
    cases = " ".join(f"WHEN {at} THEN '{value}'" for at, value in enumerate(values))
    return f"CASE {_mixed(salt, len(values))} {cases} END"


def _by_number(prefix: str, number: str) -> str:
    return f"sf_id('{prefix}', {number})"


def _owner(first: int, users: int) -> str:
    return _by_number("005", f"{first} + {_mixed(1, users)}")


def _users(org: Org) -> Mapping[str, str]:
    given, last = _one_of(GIVEN, 3), _one_of(PEOPLE, 5)
    return {
        "FirstName": given,
        "LastName": last,
        "Name": f"{given} || ' ' || {last}",
        "Username": "'user' || n || '@sandbox.example'",
        "Email": "'user' || n || '@sandbox.example'",
        "Alias": "'user' || n",
        "UserType": "'Standard'",
        "IsActive": "n % 17 != 16",
        "ManagerId": f"CASE WHEN n THEN '{org.user}' END",
    }


def _products() -> Mapping[str, str]:
    return {
        "Name": "'Product ' || printf('%02d', n + 1)",
        "ProductCode": "'P-' || printf('%03d', n + 1)",
        "Family": _one_of(("Hardware", "Software", "Service"), 0),
        "IsActive": "1",
    }


def _prices(org: Org, product: int) -> Mapping[str, str]:
    book = org.store.one('SELECT "Id" FROM "Pricebook2"')
    return {
        "Pricebook2Id": f"'{book}'",
        "Product2Id": _by_number("01t", f"n + {product}"),
        "Name": "'Product ' || printf('%02d', n + 1)",
        "ProductCode": "'P-' || printf('%03d', n + 1)",
        "UnitPrice": "100.0 * (n + 1)",
        "IsActive": "1",
    }


def _accounts(org: Org, owner: str) -> Mapping[str, str]:
    # Its id is that of the record before: numbers grow by one.
    before = org.store.last_number(org.schema["Account"])
    business = org.look_up("RecordType", "IsPersonType", False)
    kind = {"RecordTypeId": f"'{business}'"} if business else {}
    name = f"{_one_of(FIRST, 7)} || ' ' || {_one_of(SECOND, 13)} || ' ' || {_one_of(FORM, 17)}"
    return {
        "Name": f"{name} || ' ' || (n + 1)",
        "Type": f"CASE WHEN {_mixed(19, 10)} < 7 THEN 'Customer - Direct' ELSE 'Prospect' END",
        "Industry": _one_of(INDUSTRIES, 23),
        "Rating": _one_of(("Hot", "Warm", "Cold"), 29),
        "AccountNumber": "'A' || printf('%07d', n + 1)",
        "BillingCountry": _one_of(COUNTRIES, 31),
        "NumberOfEmployees": f"1 + {_mixed(37, 5000)}",
        "AnnualRevenue": f"1000.0 * {_mixed(41, 90_000)}",
        # One in fifty belongs to the one before.
        "ParentId": f"CASE WHEN n % 50 = 49 THEN {_by_number('001', f'n + {before}')} END",
        "OwnerId": owner,
        **kind,
    }


def _of_deals(org: Org, company: Company) -> Mapping[str, str]:
    """Return what other fields of deals follow from."""
    start = (org.clock() - timedelta(days=365 * YEARS)).date()
    days = f"(n * {365 * YEARS} / {max(1, company.opportunities)})"
    closed = f"date('{start}', '+' || {days} || ' days')"
    due = f"date('{org.clock().date()}', '+' || {_mixed(59, 120)} || ' days')"
    # Seven of ten are closed, two of three of them won.
    is_closed = f"{_mixed(43, 10)} < 7"
    # Few are large.
    size = f"({_mixed(61, 100)} * {_mixed(61, 100)} * {_mixed(67, 100)} * 1.0)"
    item = f"n / {_WITH_ITEMS}"
    return {
        "stage": f"CASE WHEN {is_closed} THEN 8 + {_mixed(47, 3)} / 2 ELSE {_mixed(53, 8)} END",
        "closes": f"CASE WHEN {is_closed} THEN {closed} ELSE {due} END",
        "amount": f"CASE WHEN n % {_WITH_ITEMS} = 0 THEN 100.0 * {_product(item)}"
        f" * {_quantity(item)} ELSE round(500 + {size} / 10, 2) END",
    }


def _opportunities() -> Mapping[str, str]:
    def of_stage(values: Sequence[object]) -> str:
        cases = " ".join(f"WHEN {at} THEN {value!r}" for at, value in enumerate(values))
        return f"CASE stage {cases} END"

    chance = of_stage([float(one.probability) for one in STAGES])
    return {
        "Name": "'Deal ' || (n + 1)",
        "StageName": of_stage([one.name for one in STAGES]),
        "Probability": chance,
        "IsClosed": of_stage([int(one.closed) for one in STAGES]),
        "IsWon": of_stage([int(one.won) for one in STAGES]),
        "ForecastCategory": of_stage([one.forecast for one in STAGES]),
        "HasOpportunityLineItem": f"n % {_WITH_ITEMS} = 0",
        "Amount": "amount",
        "ExpectedRevenue": f"round(amount * {chance} / 100, 2)",
        "CloseDate": "closes",
        "FiscalYear": "CAST(substr(closes, 1, 4) AS INTEGER)",
        "FiscalQuarter": "(CAST(substr(closes, 6, 2) AS INTEGER) + 2) / 3",
        "Type": _one_of(("New Customer", "Existing Customer - Upgrade"), 73),
        "LeadSource": _one_of(SOURCES, 79),
    }


def _product(item: str) -> str:
    return f"(1 + {_mixed(83, PRODUCTS, item)})"


def _quantity(item: str) -> str:
    return f"(1 + {_mixed(89, 9, item)})"


def _items(deal: int, product: int, entry: int) -> Mapping[str, str]:
    which, quantity = _product("n"), _quantity("n")
    return {
        "OpportunityId": _by_number("006", f"{deal} + n * {_WITH_ITEMS}"),
        "Product2Id": _by_number("01t", f"{product} - 1 + {which}"),
        "PricebookEntryId": _by_number("01u", f"{entry} - 1 + {which}"),
        "Name": f"'Product ' || printf('%02d', {which})",
        "ProductCode": f"'P-' || printf('%03d', {which})",
        "Quantity": f"{quantity} * 1.0",
        "UnitPrice": f"100.0 * {which}",
        "ListPrice": f"100.0 * {which}",
        "Subtotal": f"100.0 * {which} * {quantity}",
        "TotalPrice": f"100.0 * {which} * {quantity}",
    }


def _cases() -> Mapping[str, str]:
    status = _one_of(("New", "Working", "Escalated", "Closed", "Closed"), 97)
    closed = f"({status}) = 'Closed'"
    return {
        "CaseNumber": "printf('%08d', n + 1)",
        "Status": status,
        "Priority": _one_of(("High", "Medium", "Low"), 103),
        "Origin": _one_of(("Phone", "Email", "Web"), 107),
        "Subject": "'Case ' || (n + 1)",
        "IsClosed": closed,
        "ClosedDate": f"CASE WHEN {closed} THEN changed_at END",
    }


def _leads() -> Mapping[str, str]:
    given, last = _one_of(GIVEN, 109), _one_of(PEOPLE, 113)
    return {
        "FirstName": given,
        "LastName": last,
        "Name": f"{given} || ' ' || {last}",
        "Company": f"{_one_of(FIRST, 127)} || ' ' || {_one_of(SECOND, 131)}",
        "Email": "'lead' || n || '@example.com'",
        "Status": _one_of(("Open - Not Contacted", "Working - Contacted",
                           "Closed - Not Converted"), 137),
        "Rating": _one_of(("Hot", "Warm", "Cold"), 139),
        "LeadSource": _one_of(SOURCES, 149),
        "IsConverted": "0",
    }  # fmt: skip
