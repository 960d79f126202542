"""Which objects a stream is read from, and which of their fields are which of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from connector import Stream

STATUS: Final = "Status__derived"
KIND: Final = "Kind__derived"
HAPPENED_AT: Final = "HappenedAt__derived"
LEAD: Final = "Lead__derived"
DISCONTINUED: Final = "Discontinued__derived"
"""Columns that the source adds: no field of Salesforce ends like this."""

OBJECTS: Final[Mapping[Stream, Sequence[str]]] = {
    Stream.ACCOUNTS: ("Account",),
    Stream.OPPORTUNITIES: ("Opportunity",),
    Stream.USERS: ("User",),
    Stream.LINE_ITEMS: ("OpportunityLineItem",),
    Stream.CASES: ("Case",),
    Stream.LEADS: ("Lead",),
    Stream.ACTIVITIES: ("Task", "Event"),
}

READ: Final = tuple(name for names in OBJECTS.values() for name in names)
EXPECTED: Final = (*READ, "Product2")
"""All objects that are read, or looked at from others."""

_TIMES: Final = {"created_at": "CreatedDate", "modified_at": "SystemModstamp"}

FIELDS: Final[Mapping[Stream, Mapping[str, str]]] = {
    Stream.ACCOUNTS: {
        "id": "Id",
        "name": "Name",
        "parent_id": "ParentId",
        "owner_id": "OwnerId",
        "industry": "Industry",
        "region": "BillingCountry",
        "size_band": "NumberOfEmployees",
        "source": "AccountSource",
        **_TIMES,
    },
    Stream.OPPORTUNITIES: {
        "id": "Id",
        "account_id": "AccountId",
        "name": "Name",
        "status": STATUS,
        "stage": "StageName",
        "amount": "Amount",
        "currency": "CurrencyIsoCode",
        "close_date": "CloseDate",
        "owner_id": "OwnerId",
        **_TIMES,
    },
    Stream.USERS: {
        "id": "Id",
        "name": "Name",
        "email": "Email",
        "manager_id": "ManagerId",
        "active": "IsActive",
        "modified_at": "SystemModstamp",
    },
    Stream.LINE_ITEMS: {
        "id": "Id",
        "opportunity_id": "OpportunityId",
        "product": "Product2.Name",
        "category": "Product2.Family",
        "quantity": "Quantity",
        "amount": "TotalPrice",
        "list_price": "ListPrice",
        "discontinued": DISCONTINUED,
        "modified_at": "SystemModstamp",
    },
    Stream.CASES: {
        "id": "Id",
        "account_id": "AccountId",
        "name": "Subject",
        "status": STATUS,
        "category": "Type",
        "opened_at": "CreatedDate",
        "closed_at": "ClosedDate",
        "modified_at": "SystemModstamp",
    },
    Stream.LEADS: {
        "id": "Id",
        "account_id": "ConvertedAccountId",
        "name": "Name",
        "status": STATUS,
        "source": "LeadSource",
        "industry": "Industry",
        "region": "Country",
        "size_band": "NumberOfEmployees",
        "owner_id": "OwnerId",
        "closed_on": "ConvertedDate",
        **_TIMES,
    },
    Stream.ACTIVITIES: {
        "id": "Id",
        "account_id": "AccountId",
        "lead_id": LEAD,
        "kind": KIND,
        "outcome": "Status",
        "owner_id": "OwnerId",
        "happened_at": HAPPENED_AT,
        "modified_at": "SystemModstamp",
    },
}
"""Our names to theirs: what is read unless the job says otherwise."""

NEEDED: Final[Mapping[str, Sequence[str]]] = {
    "Account": ("Name",),
    "Opportunity": ("AccountId", "Amount", "CloseDate"),
    "OpportunityLineItem": ("OpportunityId",),
}
"""Fields without which the figures would be wrong: hidden from us, they are an error."""
