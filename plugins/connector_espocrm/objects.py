"""Which entities a stream is read from, and which of their attributes are which of our fields.

The attributes of accounts, deals and tasks are those of our sheet of facts. Those of cases, leads,
calls, meetings and users it does not name: they are those that EspoCRM is delivered with, and one
that an installation has not is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from connector import Stream

STATUS: Final = "Status__derived"
KIND: Final = "Kind__derived"
HAPPENED_AT: Final = "HappenedAt__derived"
LEAD: Final = "Lead__derived"
"""Columns that the source adds: no attribute of EspoCRM has two underscores."""

ENTITIES: Final[Mapping[Stream, Sequence[str]]] = {
    Stream.ACCOUNTS: ("Account",),
    Stream.OPPORTUNITIES: ("Opportunity",),
    Stream.USERS: ("User",),
    Stream.CASES: ("Case",),
    Stream.LEADS: ("Lead",),
    Stream.ACTIVITIES: ("Task", "Call", "Meeting"),
}

STAMP: Final = "modifiedAt"
WITHOUT_STAMP: Final = ("User",)
"""Whether users can be asked for by their time of change, our sheet does not say: there are few,
and all are read."""

_TIMES: Final = {"created_at": "createdAt", "modified_at": STAMP}

FIELDS: Final[Mapping[Stream, Mapping[str, str]]] = {
    Stream.ACCOUNTS: {
        "id": "id",
        "name": "name",
        "owner_id": "assignedUserId",
        "industry": "industry",
        "region": "billingAddressCountry",
        **_TIMES,
    },
    Stream.OPPORTUNITIES: {
        "id": "id",
        "account_id": "accountId",
        "name": "name",
        "status": STATUS,
        "stage": "stage",
        "amount": "amount",
        "currency": "amountCurrency",
        "close_date": "closeDate",
        "owner_id": "assignedUserId",
        **_TIMES,
    },
    Stream.USERS: {
        "id": "id",
        "name": "name",
        "email": "emailAddress",
        "active": "isActive",
    },
    Stream.CASES: {
        "id": "id",
        "account_id": "accountId",
        "name": "name",
        "status": STATUS,
        "category": "type",
        "opened_at": "createdAt",
        "modified_at": STAMP,
    },
    Stream.LEADS: {
        "id": "id",
        "account_id": "createdAccountId",
        "name": "name",
        "status": STATUS,
        "source": "source",
        "industry": "industry",
        "region": "addressCountry",
        "owner_id": "assignedUserId",
        **_TIMES,
    },
    Stream.ACTIVITIES: {
        "id": "id",
        "account_id": "accountId",
        "lead_id": LEAD,
        "kind": KIND,
        "direction": "direction",
        "outcome": "status",
        "owner_id": "assignedUserId",
        "happened_at": HAPPENED_AT,
        "modified_at": STAMP,
    },
}
"""Our names to theirs: what is read unless the job says otherwise."""

NEEDED: Final[Mapping[str, Sequence[str]]] = {
    "Account": ("name",),
    "Opportunity": ("accountId", "stage", "amount", "closeDate"),
}
"""Attributes without which the figures would be wrong: hidden from us, they are an error."""

NEEDS: Final[Mapping[str, Mapping[str, Sequence[str]]]] = {
    "Opportunity": {STATUS: ("stage",)},
    "Case": {STATUS: ("status",)},
    "Lead": {STATUS: ("status",)},
    "Task": {
        LEAD: ("parentType", "parentId"),
        KIND: (),
        HAPPENED_AT: ("status", "dateEnd", "dateEndDate"),
    },
    "Call": {
        LEAD: ("parentType", "parentId"),
        KIND: (),
        HAPPENED_AT: ("status", "dateStart"),
    },
    "Meeting": {
        LEAD: ("parentType", "parentId"),
        KIND: (),
        HAPPENED_AT: ("status", "dateStart"),
    },
}
"""For each derived column of an entity the attributes that it is worked out from."""

LACKS: Final[Mapping[str, Sequence[str]]] = {"Task": ("direction",), "Meeting": ("direction",)}
"""What only other entities of the stream have: it is not asked for."""

TIMES: Final = ("createdAt", "modifiedAt", "dateStart", "dateEnd")
"""Attributes that are known to be times, also where definitions can't be read."""
