"""Fields that follow from others: what a stage closes, whose account a task is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sandbox_salesforce.moments import read_day
from sandbox_salesforce.objects import STAGES
from sandbox_salesforce.org import Org
from sandbox_salesforce.refusal import ApiError
from sandbox_salesforce.store import Row

_STAGES: Final = {stage.name.lower(): stage for stage in STAGES}
_ABOUT: Final = {"001": "Id", "006": "AccountId", "500": "AccountId", "003": "AccountId"}
"""Where the records that an activity is about, by their prefix, name their account."""


def derive(org: Org, name: str, row: Row, given: Mapping[str, Any], *, new: bool) -> Row:
    """Return what follows from *row*, a record as it will be, of which *given* is what was sent."""
    match name:
        case "Account":
            return _account(org, row, given)
        case "Opportunity":
            return _opportunity(row, given, new=new)
        case "OpportunityLineItem":
            return _line_item(org, row, given)
        case "Contact" | "Lead" | "User":
            return {"Name": _person(row)}
        case "Case":
            return _case(org, row, new=new)
        case "Task":
            return _task(org, row)
        case "FieldPermissions":
            return _field_rights(org, row)
        case "Event":
            return {"AccountId": _account_of(org, row)}
    return {}


def after(org: Org, name: str, row: Row) -> None:
    """Bring up to date what other records say of this one."""
    if name == "OpportunityLineItem" and row["OpportunityId"]:
        _total(org, str(row["OpportunityId"]))
    if name in ("Task", "Event") and row["AccountId"] and row["ActivityDate"]:
        # This field of the account moves without its stamps: nobody has edited the account.
        org.store.run(
            'UPDATE "Account" SET "LastActivityDate" = max(coalesce("LastActivityDate", ?1), ?1)'
            ' WHERE "Id" = ?2 AND ?3',
            [row["ActivityDate"], row["AccountId"], name == "Event" or bool(row["IsClosed"])],
        )


def _field_rights(org: Org, row: Row) -> Row:
    sobject, _, name = str(row["Field"]).partition(".")
    owner = org.schema.find(sobject)
    if owner is None or owner.name != row["SobjectType"] or owner.find(name) is None:
        raise ApiError(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"Field Name: bad value for restricted picklist field: {row['Field']}",
            "Field",
        )
    # Who may edit may read; who may do neither has no row.
    read = bool(row["PermissionsRead"]) or bool(row["PermissionsEdit"])
    return {"PermissionsRead": read, "IsDeleted": not read}


def _account(org: Org, row: Row, given: Mapping[str, Any]) -> Row:
    business: Row = {}
    if org.schema["Account"].find("RecordTypeId"):
        kind = row.get("RecordTypeId") or org.look_up("RecordType", "IsPersonType", False)
        business = {"RecordTypeId": kind}
    if not org.edition.person_accounts:
        return business
    person = org.look_up("RecordType", "IsPersonType", True)
    chosen = row.get("RecordTypeId")
    if chosen == person or (chosen is None and row.get("LastName")):
        return _person_account(row, given) | {"RecordTypeId": person}
    if not row.get("Name"):
        raise _missing("Name")
    return business | {"IsPersonAccount": False}


def _person_account(row: Row, given: Mapping[str, Any]) -> Row:
    if not row.get("LastName"):
        raise _missing("LastName")
    if "Name" in given:
        raise ApiError(
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "Unable to create/update fields: Name. A person account is named by its parts.",
            "Name",
        )
    return {"IsPersonAccount": True, "Name": _person(row)}


def _opportunity(row: Row, given: Mapping[str, Any], *, new: bool) -> Row:
    stage = _STAGES.get(str(row["StageName"]).lower())
    found: Row = {}
    if stage is not None and (new or "StageName" in given):
        found = {"IsClosed": stage.closed, "IsWon": stage.won, "ForecastCategory": stage.forecast}
        if "Probability" not in given:
            found["Probability"] = float(stage.probability)
    amount, chance = row.get("Amount"), found.get("Probability", row.get("Probability"))
    found["ExpectedRevenue"] = (
        None if amount is None else round(float(amount) * float(chance or 0) / 100, 2)
    )
    closes = read_day(str(row["CloseDate"]))
    return found | {"FiscalYear": closes.year, "FiscalQuarter": (closes.month + 2) // 3}


def _line_item(org: Org, row: Row, given: Mapping[str, Any]) -> Row:
    entry = org.schema["PricebookEntry"]
    priced = row.get("PricebookEntryId") or org.look_up(
        "PricebookEntry", "Product2Id", row.get("Product2Id")
    )
    price = org.store.fetch(entry, str(priced)) if priced else None
    if price is None:
        raise _missing("PricebookEntryId")
    product = org.store.fetch(org.schema["Product2"], str(price["Product2Id"])) or {}
    if row.get("UnitPrice") is None and row.get("TotalPrice") is None:
        raise _missing("UnitPrice")
    quantity = float(row["Quantity"] or 0)
    kept = 1 - float(row.get("Discount") or 0) / 100
    unit, total = row.get("UnitPrice"), row.get("TotalPrice")
    if unit is None or ("TotalPrice" in given and "UnitPrice" not in given):
        unit = float(total or 0) / (quantity * kept) if quantity * kept else 0.0
    return {
        "PricebookEntryId": priced,
        "Product2Id": price["Product2Id"],
        "ProductCode": product.get("ProductCode"),
        "Name": product.get("Name"),
        "ListPrice": price["UnitPrice"],
        "UnitPrice": round(float(unit), 2),
        "Subtotal": round(float(unit) * quantity, 2),
        "TotalPrice": round(float(unit) * quantity * kept, 2),
    }


def _total(org: Org, opportunity: str) -> None:
    """Make an opportunity's amount the sum of its items, while it has any."""
    sobject = org.schema["Opportunity"]
    row = org.store.fetch(sobject, opportunity)
    if row is None:
        return
    found = org.store.rows(
        'SELECT count(*), sum("TotalPrice") FROM "OpportunityLineItem"'
        ' WHERE "OpportunityId" = ? AND "IsDeleted" = 0',
        [opportunity],
    )[0]
    changed: Row = {"HasOpportunityLineItem": found[0] > 0, "SystemModstamp": org.stamp()}
    if found[0]:
        changed["Amount"] = round(found[1], 2)
        changed["ExpectedRevenue"] = round(found[1] * float(row["Probability"] or 0) / 100, 2)
    org.store.update(sobject, opportunity, changed)


def _person(row: Row) -> str:
    return " ".join(str(part) for part in (row.get("FirstName"), row.get("LastName")) if part)


def _case(org: Org, row: Row, *, new: bool) -> Row:
    closed = str(row.get("Status") or "").lower() == "closed"
    when = (row.get("ClosedDate") or org.stamp()) if closed else None
    found: Row = {"IsClosed": closed, "ClosedDate": when}
    if new:
        made = org.store.one('SELECT count(*) FROM "Case"')
        found["CaseNumber"] = f"{made + 1:08d}"
    return found


def _task(org: Org, row: Row) -> Row:
    closed = str(row["Status"]).lower() == "completed"
    when = (row.get("CompletedDateTime") or org.stamp()) if closed else None
    return {
        "IsClosed": closed,
        "CompletedDateTime": when,
        "IsHighPriority": str(row["Priority"]).lower() == "high",
        "AccountId": _account_of(org, row),
    }


def _account_of(org: Org, row: Row) -> str | None:
    for link in ("WhatId", "WhoId"):
        about = str(row.get(link) or "")
        sobject, column = org.schema.of_id(about), _ABOUT.get(about[:3])
        found = org.store.fetch(sobject, about) if sobject is not None and column else None
        if found is not None and column is not None and found[column]:
            return str(found[column])
    return None


def _missing(name: str) -> ApiError:
    return ApiError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{name}]", name)
