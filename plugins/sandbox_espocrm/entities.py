"""The entities of a new EspoCRM, as its Metadata tells of them (`entityDefs`).

Options and what is required are the fact sheet's where it has them; the rest is what 8.4.2 ships.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

Defs: TypeAlias = dict[str, Any]

_STAGES: Final = {
    "Prospecting": 10, "Qualification": 20, "Proposal": 50, "Negotiation": 80,
    "Closed Won": 100, "Closed Lost": 0,
}  # fmt: skip
_PRIORITIES: Final = ["Low", "Normal", "High", "Urgent"]
_PARENTS: Final = ["Account", "Contact", "Lead", "Opportunity", "Case"]
_INDUSTRIES: Final = [
    "", "Advertising", "Aerospace", "Agriculture", "Apparel & Accessories", "Architecture",
    "Automotive", "Banking", "Biotechnology", "Building Materials & Equipment", "Chemical",
    "Construction", "Consulting", "Computer", "Culture", "Creative", "Defense", "Education",
    "Electronics", "Electric Power", "Energy", "Entertainment & Leisure", "Finance",
    "Food & Beverage", "Grocery", "Healthcare", "Hospitality", "Insurance", "Legal",
    "Manufacturing", "Mass Media", "Marketing", "Mining", "Music", "Publishing", "Petroleum",
    "Real Estate", "Retail", "Service", "Sports", "Software", "Support", "Shipping", "Travel",
    "Technology", "Telecommunications", "Television", "Transportation",
    "Testing, Inspection & Certification", "Venture Capital", "Wholesale", "Water",
]  # fmt: skip
_SOURCES: Final = ["", "Call", "Email", "Existing Customer", "Partner", "Public Relations",
                   "Web Site", "Campaign", "Other"]  # fmt: skip


def _enum(options: list[str], default: str | None = None, **more: Any) -> Defs:
    return {"type": "enum", "options": options, "default": default, **more}


def _required(kind: str, **more: Any) -> Defs:
    return {"type": kind, "required": True, **more}


def _varchar(length: int | None = None, **more: Any) -> Defs:
    return {"type": "varchar", **({"maxLength": length} if length else {}), **more}


CLEAN: Final = "$noBadCharacters"
"""The pattern of names: without `<`, `>` and `=`."""
_NAME: Final = _varchar(required=True, pattern=CLEAN)
_TEXT: Final = {"type": "text"}
_ADDRESS: Final = {"type": "address"}
_OWNER: Final = {"type": "link"}
_DERIVED: Final = {"type": "link", "readOnly": True}
_STAMPS: Final[Mapping[str, Defs]] = {
    "createdAt": {"type": "datetime", "readOnly": True},
    "modifiedAt": {"type": "datetime", "readOnly": True},
    "createdBy": _DERIVED,
    "modifiedBy": _DERIVED,
}
_PERSON: Final[Mapping[str, Defs]] = {
    "name": {"type": "personName"},
    "salutationName": _enum(["", "Mr.", "Ms.", "Mrs.", "Dr."]),
    "firstName": _varchar(100),
    "lastName": _varchar(100, required=True),
    "title": _varchar(100),
    "emailAddress": {"type": "email"},
    "phoneNumber": {"type": "phone"},
    "address": _ADDRESS,
    "description": _TEXT,
}

_FIELDS: Final[Mapping[str, Mapping[str, Defs]]] = {
    "Account": {
        "name": _NAME | {"maxLength": 249},
        "website": {"type": "url"},
        "emailAddress": {"type": "email"},
        "phoneNumber": {"type": "phone"},
        "type": _enum(["", "Customer", "Investor", "Partner", "Reseller"]),
        "industry": _enum(_INDUSTRIES),
        "sicCode": _varchar(40, pattern=CLEAN),
        "billingAddress": _ADDRESS,
        "shippingAddress": _ADDRESS,
        "description": _TEXT,
        "assignedUser": _OWNER,
    },
    "Contact": {**_PERSON, "account": {"type": "link"}, "assignedUser": _OWNER},
    "Opportunity": {
        "name": _NAME,
        "amount": _required("currency", min=0),
        "amountConverted": {"type": "currencyConverted", "readOnly": True},
        "account": {"type": "link"},
        "stage": _enum([*_STAGES], "Prospecting", probabilityMap=_STAGES),
        "probability": {"type": "int", "min": 0, "max": 100},
        "leadSource": _enum(_SOURCES),
        "closeDate": _required("date"),
        "description": _TEXT,
        "assignedUser": _OWNER,
    },
    "Lead": {
        **_PERSON,
        "status": _enum(["New", "Assigned", "In Process", "Converted", "Recycled", "Dead"], "New"),
        "source": _enum(_SOURCES),
        "industry": _enum(_INDUSTRIES),
        "opportunityAmount": {"type": "currency"},
        "opportunityAmountConverted": {"type": "currencyConverted", "readOnly": True},
        "website": {"type": "url"},
        "accountName": _varchar(),
        "createdAccount": _DERIVED,
        "assignedUser": _OWNER,
    },
    "Case": {
        "name": _NAME,
        "number": {"type": "autoincrement", "readOnly": True},
        "status": _enum(
            ["New", "Assigned", "Pending", "Closed", "Rejected", "Duplicate"], "New"
        ),
        "priority": _enum(_PRIORITIES, "Normal"),
        "type": _enum(["", "Question", "Incident", "Problem"]),
        "account": {"type": "link"},
        "contact": {"type": "link"},
        "description": _TEXT,
        "assignedUser": _OWNER,
    },
    "Task": {
        "name": _NAME,
        "status": _enum(["Not Started", "Started", "Completed", "Canceled", "Deferred"],
                        "Not Started"),
        "priority": _enum(_PRIORITIES, "Normal"),
        "dateStart": {"type": "datetimeOptional"},
        "dateEnd": {"type": "datetimeOptional"},
        "dateCompleted": {"type": "datetime", "readOnly": True},
        "parent": {"type": "linkParent", "entityList": _PARENTS},
        "account": _DERIVED,
        "description": _TEXT,
        "assignedUser": _required("link"),
    },
    "Call": {
        "name": _NAME,
        "status": _enum(["Planned", "Held", "Not Held"], "Planned"),
        "dateStart": _required("datetime"),
        "dateEnd": _required("datetime"),
        "direction": _enum(["Outbound", "Inbound"], "Outbound"),
        "parent": {"type": "linkParent", "entityList": _PARENTS},
        "account": _DERIVED,
        "description": _TEXT,
        "assignedUser": _required("link"),
    },
    "Meeting": {
        "name": _NAME,
        "status": _enum(["Planned", "Held", "Not Held"], "Planned"),
        "dateStart": _required("datetime"),
        "dateEnd": _required("datetime"),
        "parent": {"type": "linkParent", "entityList": _PARENTS},
        "account": _DERIVED,
        "description": _TEXT,
        "assignedUser": _required("link"),
    },
    "User": {
        "userName": _varchar(50, required=True),
        "type": _enum(["regular", "admin", "api"], "regular"),
        "name": {"type": "personName"},
        "firstName": _varchar(100),
        "lastName": _varchar(100, required=True),
        "title": _varchar(100),
        "emailAddress": {"type": "email"},
        "isActive": {"type": "bool", "default": True},
    },
    "Role": {"name": _NAME},
}  # fmt: skip
_TARGETS: Final = {
    "createdBy": "User", "modifiedBy": "User", "assignedUser": "User", "account": "Account",
    "contact": "Contact", "createdAccount": "Account",
}  # fmt: skip
_ORDERS: Final = {"Case": "number"}
_CHILDREN: Final = {"tasks": "Task", "calls": "Call", "meetings": "Meeting"}
_LINKED: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "Account": {
        "opportunities": ("Opportunity", "account"),
        "contacts": ("Contact", "account"),
        "cases": ("Case", "account"),
    },
    "Contact": {"cases": ("Case", "contact")},
}


def entity_defs() -> dict[str, Defs]:
    """Return the fields and links of all entities, to be changed by whoever owns them."""
    made = {
        name: {
            "fields": {**fields, **_STAMPS},
            "links": _links(name, {**fields, **_STAMPS}),
            "collection": {"orderBy": _ORDERS.get(name, "createdAt"), "order": "desc"},
        }
        for name, fields in _FIELDS.items()
    }
    return copy.deepcopy(made)


def _links(entity: str, fields: Mapping[str, Defs]) -> Defs:
    links: Defs = {}
    for name, field in fields.items():
        if field["type"] == "link":
            links[name] = {"type": "belongsTo", "entity": _TARGETS[name]}
        elif field["type"] == "linkParent":
            links[name] = {"type": "belongsToParent", "entityList": field["entityList"]}
    for name, (target, foreign) in _LINKED.get(entity, {}).items():
        links[name] = {"type": "hasMany", "entity": target, "foreign": foreign}
    if entity in _PARENTS:
        for name, target in _CHILDREN.items():
            links[name] = {"type": "hasChildren", "entity": target, "foreign": "parent"}
    return links
