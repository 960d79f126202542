"""The made-up company: always the same, and it adds up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from sandbox_salesforce.sandbox import SalesforceSandbox
from sandbox_salesforce.seed import Company


def test_the_same_number_makes_the_same_company() -> None:
    def company() -> tuple[Company, Mapping[str, object], int]:
        sandbox = SalesforceSandbox(clock=lambda: datetime(2026, 3, 1, tzinfo=UTC))
        made = sandbox.make_up(60)
        last = sandbox.records("Opportunity")[-1]
        whole = sandbox.sql('SELECT CAST(sum("Amount") * 100 AS INTEGER) FROM "Opportunity"')
        sandbox.close()
        return made, last, whole[0][0]

    first, second = company(), company()
    assert first == second
    assert (first[0].accounts, first[0].opportunities) == (60, 180)
    assert first[2] > 0


def test_items_are_priced_and_make_up_the_amounts(make: Callable[..., SalesforceSandbox]) -> None:
    sandbox = make()
    # It may come into an organisation that holds something already.
    for name in ("Account", "Product2", "Opportunity"):
        sandbox.insert(name, Name="Before")
    sandbox.make_up(30)
    wrong = sandbox.sql(
        'SELECT count(*) FROM "Opportunity" WHERE "HasOpportunityLineItem" AND "Amount" <>'
        ' (SELECT sum("TotalPrice") FROM "OpportunityLineItem" WHERE "OpportunityId" ='
        ' "Opportunity"."Id")'
    )
    right = sandbox.sql(
        'SELECT count(*) FROM "OpportunityLineItem" i JOIN "Opportunity" o ON o."Id" ='
        ' i."OpportunityId" JOIN "PricebookEntry" e ON e."Id" = i."PricebookEntryId" AND'
        ' e."Product2Id" = i."Product2Id" AND e."UnitPrice" = i."UnitPrice" JOIN "Product2" p ON'
        ' p."Id" = i."Product2Id" AND p."Name" = i."Name" JOIN "Account" a ON a."Id" ='
        ' o."AccountId" JOIN "User" u ON u."Id" = o."OwnerId"'
    )
    assert (wrong, right) == ([(0,)], [(23,)])
