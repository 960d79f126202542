"""What an object says of itself."""

from __future__ import annotations

from typing import Any, Final

from sandbox_salesforce.org import Org
from sandbox_salesforce.schema import FieldDef, SObject

MASTER: Final = "012000000000000AAA"
"""The record type of those that have none."""
_SOAP: Final = {
    "boolean": "xsd:boolean", "int": "xsd:int", "double": "xsd:double", "currency": "xsd:double",
    "percent": "xsd:double", "date": "xsd:date", "datetime": "xsd:dateTime", "id": "tns:ID",
    "reference": "tns:ID", "address": "urn:address",
}  # fmt: skip


def brief(org: Org, user: str, one: SObject, version: int) -> dict[str, Any]:
    """Return what stands in the list of objects."""
    may = org.permissions.may
    base = f"/services/data/v{version}.0/sobjects/{one.name}"
    urls = {"sobject": base, "describe": f"{base}/describe", "rowTemplate": f"{base}/{{ID}}"}
    return {
        "name": one.name,
        "label": one.label,
        "labelPlural": f"{one.label}s",
        "keyPrefix": one.prefix,
        "custom": one.custom,
        "createable": one.createable and may(user, one, "create"),
        "updateable": one.updateable and may(user, one, "edit"),
        "deletable": one.deletable and may(user, one, "delete"),
        "queryable": True,
        "retrieveable": True,
        "replicateable": one.replicateable,
        "searchable": True,
        "undeletable": one.deletable,
        "mergeable": one.name in ("Account", "Contact", "Lead"),
        "layoutable": True,
        "triggerable": True,
        "customSetting": False,
        "deprecatedAndHidden": False,
        "feedEnabled": False,
        "urls": urls,
    }


def whole(org: Org, user: str, one: SObject, version: int) -> dict[str, Any]:
    """Return all that describe says of an object, with the fields that *user* may see."""
    visible = org.permissions.visible(user, one).values()
    return {
        **brief(org, user, one, version),
        "fields": [_field(org, user, one, field) for field in visible],
        "recordTypeInfos": _record_types(org, one),
        "childRelationships": _children(org, one),
        "supportedScopes": [],
        "namedLayoutInfos": [],
    }


def _field(org: Org, user: str, sobject: SObject, one: FieldDef) -> dict[str, Any]:
    edit = org.permissions.may_edit(user, sobject, one)
    text = one.type not in ("boolean", "int", "double", "currency", "percent", "date", "datetime")
    return {
        "name": one.name,
        "label": one.label,
        "type": one.type,
        "soapType": _SOAP.get(one.type, "xsd:string"),
        "length": one.length,
        "byteLength": one.length * 3 if text else 0,
        "precision": one.precision,
        "scale": one.scale,
        "digits": 0,
        "nillable": one.nillable,
        "createable": one.createable and edit,
        "updateable": one.updateable and edit,
        "defaultedOnCreate": one.defaulted,
        "defaultValue": one.default if one.type == "boolean" else None,
        "filterable": one.filterable,
        "sortable": one.sortable,
        "groupable": one.sortable and one.type not in ("double", "currency", "percent", "datetime"),
        "aggregatable": one.filterable and one.type != "boolean",
        "externalId": one.external_id,
        "idLookup": one.id_lookup,
        "unique": one.unique,
        "caseSensitive": one.case_sensitive,
        "custom": one.custom,
        "calculated": one.calculated,
        "autoNumber": one.name == "CaseNumber",
        "nameField": one.name == ("CaseNumber" if sobject.name == "Case" else "Name"),
        "restrictedPicklist": one.restricted,
        "picklistValues": [
            {
                "active": option.active,
                "defaultValue": option.default,
                "label": option.label,
                "value": option.value,
                "validFor": None,
            }
            for option in one.options
        ],
        "referenceTo": [name for name in one.refers_to if org.schema.find(name)],
        "relationshipName": one.relationship,
        "polymorphicForeignKey": len(one.refers_to) > 1,
        "compoundFieldName": one.compound,
        "permissionable": one.custom or (one.nillable and one.createable),
        "deprecatedAndHidden": False,
    }


def _record_types(org: Org, sobject: SObject) -> list[dict[str, Any]]:
    found = org.store.rows(
        'SELECT "Id", "DeveloperName", "Name", "IsActive" FROM "RecordType"'
        ' WHERE "SobjectType" = ? AND "IsDeleted" = 0',
        [sobject.name],
    )
    types = [
        _record_type(row["Id"], row["DeveloperName"], row["Name"], active=bool(row["IsActive"]))
        for row in found
    ]
    return [*types, _record_type(MASTER, "Master", "Master", active=True, default=not types)]


def _record_type(
    record: str, developer: str, name: str, *, active: bool, default: bool = False
) -> dict[str, Any]:
    return {
        "recordTypeId": record,
        "developerName": developer,
        "name": name,
        "master": record == MASTER,
        "available": active,
        "active": active,
        "defaultRecordTypeMapping": default,
        "urls": {},
    }


def _children(org: Org, sobject: SObject) -> list[dict[str, Any]]:
    return [
        {
            "childSObject": child.name,
            "field": link.name,
            "relationshipName": None,
            "cascadeDelete": False,
            "deprecatedAndHidden": False,
        }
        for child in org.schema
        for link in child
        if sobject.name in link.refers_to
    ]
