"""Components of metadata: custom fields, permission sets, layouts and list views.

A custom field becomes a column, and a permission set rows of rights; the others are kept as they
were sent. A component is the tree that the Metadata API sends: texts, trees and lists of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sandbox_salesforce.org import Org
from sandbox_salesforce.refusal import ApiError
from sandbox_salesforce.schema import FieldDef, Option, SObject, Value

_KINDS: Final = {
    "Text": "string", "TextArea": "textarea", "LongTextArea": "textarea", "Number": "double",
    "Currency": "currency", "Percent": "percent", "Date": "date", "DateTime": "datetime",
    "Checkbox": "boolean", "Picklist": "picklist", "Email": "email", "Url": "url",
    "Phone": "phone",
}  # fmt: skip
_LENGTHS: Final = {"Email": 80, "Url": 255, "Phone": 40, "Picklist": 255, "TextArea": 255}
_ACTIVITY: Final = ("Task", "Event")
"""Fields of an activity are made once, for both."""
TYPES: Final = ("CustomField", "PermissionSet", "Layout", "ListView")


class Components:
    """The components of an organisation, by their kind and full name."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._kept: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._keep("Layout", {
            "fullName": "Account-Account Layout",
            "layoutSections": [{
                "customLabel": "false", "detailHeading": "false", "editHeading": "true",
                "label": "Account Information",
                "layoutColumns": [{"layoutItems": [{"behavior": "Required", "field": "Name"}]},
                                  {"layoutItems": [{"behavior": "Edit", "field": "Rating"}]}],
                "style": "TwoColumnsTopToBottom",
            }],
        })  # fmt: skip

    def _keep(self, kind: str, component: Mapping[str, Any]) -> None:
        self._kept[kind, str(component["fullName"]).lower()] = component

    def names(self, kind: str) -> list[str]:
        """Return the full names of all components of a *kind*."""
        return [str(one["fullName"]) for (of, _), one in self._kept.items() if of == kind]

    def find(self, kind: str, name: str) -> Mapping[str, Any] | None:
        """Return a component; None if there is none."""
        return self._kept.get((kind, name.lower()))

    def create(self, kind: str, component: Mapping[str, Any]) -> None:
        """Make a component; refuse one that is there."""
        name = _name(component)
        if self.find(kind, name) is not None:
            # The text is not confirmed.
            raise ApiError(
                "DUPLICATE_DEVELOPER_NAME",
                f"There is already a {kind} named {name.partition('.')[2] or name}.",
            )
        self._make(kind, component)

    def upsert(self, kind: str, component: Mapping[str, Any]) -> bool:
        """Make a component, or change the one that is there; return whether it was made."""
        if self.find(kind, _name(component)) is None:
            self._make(kind, component)
            return True
        self.update(kind, component)
        return False

    def update(self, kind: str, component: Mapping[str, Any]) -> None:
        """Change a component that is there."""
        name = _name(component)
        before = self.find(kind, name)
        if before is None:
            raise ApiError("INVALID_CROSS_REFERENCE_KEY", f"no {kind} named {name} found")
        if kind == "CustomField":
            for sobject in self._owners(name):
                old, new = sobject.find(_field_name(name)), _field(component)
                if old is not None and old.type != new.type:
                    raise ApiError("FIELD_INTEGRITY_EXCEPTION", f"{name}: the type can't change")
                sobject.add(new)
        if kind == "PermissionSet":
            self._grant(component)
        self._keep(kind, {**before, **component})
        self._org.permissions.forget()

    def delete(self, kind: str, name: str) -> None:
        """Take a component away, with what it holds."""
        if self.find(kind, name) is None:
            raise ApiError("INVALID_CROSS_REFERENCE_KEY", f"no {kind} named {name} found")
        del self._kept[kind, name.lower()]
        if kind == "CustomField":
            for sobject in self._owners(name):
                one = sobject.fields.pop(_field_name(name).lower())
                self._org.store.drop_column(sobject, one)
            self._org.store.run('DELETE FROM "CustomField" WHERE "FullName" = ?', [name])
            self._org.store.run('DELETE FROM "FieldPermissions" WHERE "Field" = ?', [name])
        self._org.permissions.forget()

    def _make(self, kind: str, component: Mapping[str, Any]) -> None:
        match kind:
            case "CustomField":
                self.add_field(_name(component), _field(component))
            case "PermissionSet":
                label = component.get("label")
                if not label:
                    raise ApiError("REQUIRED_FIELD_MISSING", "Required field is missing: label")
                self._org.seed("PermissionSet", {"Name": _name(component), "Label": str(label)})
                self._grant(component)
            case "Layout" | "ListView":
                pass
            case _:
                raise ApiError("INVALID_TYPE", f"{kind} is not kept by this sandbox")
        self._keep(kind, component)

    def add_field(self, name: str, one: FieldDef) -> None:
        """Add a field to its object; nobody sees it yet."""
        for sobject in self._owners(name):
            if not sobject.custom_fields:
                raise ApiError("INVALID_TYPE", f"{sobject.name} takes no custom fields")
            sobject.add(one)
            self._org.store.add_column(sobject, one)
        owner, _, field = name.partition(".")
        self._org.seed(
            "CustomField",
            {"FullName": name, "TableEnumOrId": owner, "DeveloperName": field.removesuffix("__c")},
        )
        kind = next(known for known, of in _KINDS.items() if of == one.type)
        self._keep("CustomField", {"fullName": name, "label": one.label, "type": kind})

    def _owners(self, name: str) -> list[SObject]:
        owner = name.partition(".")[0]
        if owner == "Activity":
            return [self._org.schema[one] for one in _ACTIVITY]
        found = self._org.schema.find(owner)
        if found is None or owner in _ACTIVITY:
            raise ApiError(
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                f"Entity Enumeration Or ID: bad value for restricted picklist field: {owner}",
            )
        return [found]

    def _grant(self, component: Mapping[str, Any]) -> None:
        parent = self._org.look_up("PermissionSet", "Name", _name(component))
        for one in _list(component.get("fieldPermissions")):
            edit = str(one.get("editable")) == "true"
            granted: Mapping[str, Value] = {
                "ParentId": parent,
                "SobjectType": str(one["field"]).partition(".")[0],
                "Field": str(one["field"]),
                "PermissionsRead": edit or str(one.get("readable")) == "true",
                "PermissionsEdit": edit,
            }
            self._org.store.run(
                'DELETE FROM "FieldPermissions" WHERE "ParentId" = ? AND "Field" = ?',
                [granted["ParentId"], granted["Field"]],
            )
            self._org.seed("FieldPermissions", granted)


def _name(component: Mapping[str, Any]) -> str:
    name = component.get("fullName")
    if not isinstance(name, str) or not name:
        raise ApiError("REQUIRED_FIELD_MISSING", "Required field is missing: fullName")
    return name


def _field_name(name: str) -> str:
    return name.partition(".")[2]


def _field(component: Mapping[str, Any]) -> FieldDef:
    """Return the field that a component describes; refuse what is missing."""
    name, kind = _field_name(_name(component)), component.get("type")
    if not name.endswith("__c") or kind not in _KINDS:
        raise ApiError("FIELD_INTEGRITY_EXCEPTION", f"Custom field {name!r} of type {kind!r}")
    needed = {"Text": ["length"], "LongTextArea": ["length", "visibleLines"],
              "Checkbox": ["defaultValue"], "Picklist": ["valueSet"]}  # fmt: skip
    needed |= {one: ["precision", "scale"] for one in ("Number", "Currency", "Percent")}
    for key in ["label", *needed.get(str(kind), [])]:
        if component.get(key) in (None, ""):
            raise ApiError("REQUIRED_FIELD_MISSING", f"Required field is missing: {key}", key)
    length = int(component.get("length") or _LENGTHS.get(str(kind), 0))
    if kind == "Text" and length > 255:
        raise ApiError("FIELD_INTEGRITY_EXCEPTION", "Text must be no longer than 255", "length")
    precision = int(component.get("precision") or 0)
    if precision > 18:
        raise ApiError("FIELD_INTEGRITY_EXCEPTION", "Precision must be at most 18", "precision")
    options, restricted = _options(component)
    picked = next((one.value for one in options if one.default), None)
    checked = str(component.get("defaultValue")) == "true" if kind == "Checkbox" else picked
    required = _true(component, "required")
    return FieldDef(
        name,
        _KINDS[str(kind)],
        str(component["label"]),
        length=length,
        # What a client sends is how many digits there are in all.
        precision=precision,
        scale=int(component.get("scale") or 0),
        nillable=not required and kind != "Checkbox",
        filterable=kind != "LongTextArea",
        sortable=kind != "LongTextArea",
        defaulted=checked is not None,
        default=checked,
        external_id=_true(component, "externalId"),
        id_lookup=_true(component, "externalId"),
        unique=_true(component, "unique"),
        case_sensitive=_true(component, "caseSensitive"),
        custom=True,
        restricted=restricted,
        options=options,
    )


def _options(component: Mapping[str, Any]) -> tuple[tuple[Option, ...], bool]:
    chosen = component.get("valueSet") or {}
    defined = chosen.get("valueSetDefinition") or {}
    options = []
    for one in _list(defined.get("value")):
        # Both names of the value are about; which the service demands is not confirmed.
        value = str(one.get("fullName") or one.get("valueName") or "")
        if not value:
            raise ApiError("REQUIRED_FIELD_MISSING", "Required field is missing: fullName")
        options.append(Option(value, str(one.get("label") or value), _true(one, "default")))
    return tuple(options), _true(chosen, "restricted")


def _true(component: Mapping[str, Any], key: str) -> bool:
    return str(component.get(key)).lower() == "true"


def _list(value: Any) -> list[Mapping[str, Any]]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
