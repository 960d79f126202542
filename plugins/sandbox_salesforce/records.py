"""Writing records: what is checked, what follows, and what is stamped.

Each function works on one record and either does all of it or raises why not. Rows of Collections,
parts of Composite and lines of a job of Bulk API 2.0 all come through here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from sandbox_salesforce.derive import after, derive
from sandbox_salesforce.ids import whole_id
from sandbox_salesforce.org import Org
from sandbox_salesforce.refusal import ApiError, no_such_column
from sandbox_salesforce.schema import FieldDef, SObject, Value
from sandbox_salesforce.store import Row
from sandbox_salesforce.values import from_json

Reader: TypeAlias = Callable[[FieldDef, Any], Value]
"""How a value is read: `from_json` or `from_csv`."""

_ACTIVITIES: Final = ("Task", "Event")
_RIGHTS: Final = frozenset({"FieldPermissions", "PermissionSetAssignment", "PermissionSet"})


@dataclass(frozen=True, slots=True)
class Written:
    """A record that was written."""

    id: str
    created: bool


class ManyFound(Exception):
    """Several records have the external id; nothing is written."""

    def __init__(self, ids: list[str]) -> None:
        super().__init__(f"{len(ids)} records")
        self.ids = ids


@dataclass(frozen=True, slots=True)
class Records:
    """The records of an organisation, as *user* may write them; *read* understands the values."""

    org: Org
    user: str
    read: Reader = from_json

    def create(self, sobject: SObject, values: Mapping[str, Any]) -> Written:
        """Make a record."""
        if not sobject.createable or not self.org.permissions.may(self.user, sobject, "create"):
            raise _no_access(sobject)
        with self.org.store.transaction():
            given = self._given(sobject, values, "create")
            row: Row = {one.name: one.default for one in sobject if one.is_stored}
            row |= self.org.stamps(self.org.stamp(), self.user)
            row["IsDeleted"] = False
            if sobject.find("OwnerId"):
                row["OwnerId"] = self.user
            if sobject.find("CurrencyIsoCode"):
                row["CurrencyIsoCode"] = self.org.currency
            # Null stands for "not given" where there must be a value.
            row |= {k: v for k, v in given.items() if v is not None or row.get(k) is None}
            missing = [one.name for one in sobject if one.required and row.get(one.name) is None]
            if missing:
                raise _missing(missing)
            self._check(sobject, row, given, None)
            row |= derive(self.org, sobject.name, row, given, new=True)
            record = self.org.store.insert(sobject, row)
            after(self.org, sobject.name, row)
            self._rights_changed(sobject)
        return Written(record, created=True)

    def update(self, sobject: SObject, record: Any, values: Mapping[str, Any]) -> Written:
        """Change a record."""
        if not sobject.updateable or not self.org.permissions.may(self.user, sobject, "edit"):
            raise _no_access(sobject)
        with self.org.store.transaction():
            before = self.find(sobject, record)
            given = self._given(sobject, values, "update")
            row = before | given
            emptied = [
                one.name
                for one in sobject
                if one.name in given and given[one.name] is None and not one.nillable
                and one.type != "boolean"
            ]  # fmt: skip
            if emptied:
                raise _missing(emptied)
            self._check(sobject, row, given, before)
            given |= derive(self.org, sobject.name, before | given, given, new=False)
            given |= {
                "LastModifiedDate": self.org.stamp(),
                "LastModifiedById": self.user,
                "SystemModstamp": self.org.stamp(),
            }
            self.org.store.update(sobject, str(before["Id"]), given)
            after(self.org, sobject.name, before | given)
            self._rights_changed(sobject)
        return Written(str(before["Id"]), created=False)

    def upsert(
        self,
        sobject: SObject,
        key: str,
        value: Any,
        values: Mapping[str, Any],
        *,
        update_only: bool = False,
    ) -> Written:
        """Change the record with *value* in its field *key*, or make one.

        Raise ManyFound where there are several.
        """
        one = self.key_field(sobject, key)
        if one.name == "Id" and value in (None, ""):
            return self.create(sobject, values)
        wanted = self.read(one, value)
        if wanted is None:
            raise ApiError("MISSING_ARGUMENT", f"{one.name} not specified", one.name)
        found = self.having(sobject, one, wanted)
        if len(found) > 1:
            raise ManyFound(found)
        if found:
            return self.update(sobject, found[0], values)
        if update_only or one.name == "Id":
            raise ApiError("NOT_FOUND", "The requested resource does not exist")
        return self.create(sobject, {**values, one.name: value})

    def delete(self, sobject: SObject, record: Any) -> Written:
        """Put a record into the recycle bin."""
        if not sobject.deletable or not self.org.permissions.may(self.user, sobject, "delete"):
            raise _no_access(sobject)
        with self.org.store.transaction():
            before = self.find(sobject, record)
            self._check_locks(before)
            changed: Row = {"IsDeleted": True, "SystemModstamp": self.org.stamp()}
            self.org.store.update(sobject, str(before["Id"]), changed)
            after(self.org, sobject.name, before | changed)
            self._rights_changed(sobject)
        return Written(str(before["Id"]), created=False)

    def find(self, sobject: SObject, record: Any) -> Row:
        """Return the record of that id; refuse ids that are none, or of a record that is gone."""
        whole = whole_id(record) if isinstance(record, str) else None
        if whole is None or not whole.startswith(sobject.prefix):
            raise ApiError(
                "MALFORMED_ID", f"{sobject.label} ID: id value of incorrect type: {record}", "Id"
            )
        found = self.org.store.fetch(sobject, whole)
        if found is None:
            raise ApiError("NOT_FOUND", "The requested resource does not exist")
        if found["IsDeleted"]:
            raise ApiError("ENTITY_IS_DELETED", "entity is deleted")
        return found

    def key_field(self, sobject: SObject, key: str) -> FieldDef:
        """Return the field *key*; refuse one by which records can't be told apart."""
        one = self.org.permissions.visible(self.user, sobject).get(key.lower())
        if one is None or not (one.external_id or one.id_lookup):
            raise _no_key(key)
        if one.custom and sobject.name in _ACTIVITIES and not self.org.settings.activity_keys:
            raise _no_key(key)
        return one

    def having(self, sobject: SObject, one: FieldDef, value: Value) -> list[str]:
        """Return the ids of the records with *value* in a key field."""
        found = self.org.store.rows(
            f'SELECT "Id" FROM "{sobject.name}" WHERE "{one.name}" = ? AND "IsDeleted" = 0'
            " ORDER BY _n LIMIT 10",
            [value],
        )
        return [row[0] for row in found]

    def _given(
        self, sobject: SObject, values: Mapping[str, Any], what: Literal["create", "update"]
    ) -> Row:
        """Return what was sent under the names of our columns; refuse what may not be sent."""
        visible = self.org.permissions.visible(self.user, sobject)
        given: Row = {}
        for name, value in values.items():
            if name in ("attributes", "Id", "id"):
                continue
            one = visible.get(name.lower())
            if one is None:
                given |= self._parent(sobject, name, value)
                continue
            allowed = one.createable if what == "create" else one.updateable
            if not allowed or not self.org.permissions.may_edit(self.user, sobject, one):
                raise ApiError(
                    "INVALID_FIELD_FOR_INSERT_UPDATE",
                    f"Unable to create/update fields: {one.name}. Please check the security"
                    " settings of this field and verify that it is read/write for your profile or"
                    " permission set.",
                    one.name,
                )
            given[one.name] = self.read(one, value)
        return given

    def _parent(self, sobject: SObject, name: str, value: Any) -> Row:
        """Return the reference that is given by a key of the parent: `Owner.Email`, or nested."""
        relation, _, key = name.partition(".")
        link = sobject.relationship(relation)
        if link is None or not (key or isinstance(value, dict)):
            raise no_such_column(name, sobject.name)
        if isinstance(value, dict):
            ((key, value),) = [(k, v) for k, v in value.items() if k != "attributes"][:1]
        parent = self.org.schema[link.refers_to[-1]]
        one = self.key_field(parent, key)
        wanted = self.read(one, value)
        if wanted is None:
            return {link.name: None}
        found = self.having(parent, one, wanted)
        if len(found) != 1:
            raise ApiError(
                "INVALID_FIELD",
                f"Foreign key external ID: {value} not found for field {one.name} in entity"
                f" {parent.name}",
            )
        return {link.name: found[0]}

    def _check(self, sobject: SObject, row: Row, given: Row, before: Row | None) -> None:
        self._check_locks(row)
        if row.get("HasOpportunityLineItem"):
            given.pop("Amount", None)  # silently: the sum of the items stands
        for name, value in given.items():
            one = sobject.fields[name.lower()]
            if value is None:
                continue
            if one.restricted and one.type == "picklist":
                _check_picked(one, value)
            if one.type == "reference":
                self._check_link(one, str(value))
            if one.unique:
                self._check_unique(sobject, one, value, before)
        for rule in self.org.settings.rules.get(sobject.name, ()):
            problem = rule(row)
            if problem:
                raise ApiError("FIELD_CUSTOM_VALIDATION_EXCEPTION", problem)

    def _check_link(self, one: FieldDef, value: str) -> None:
        parent = self.org.schema.of_id(value)
        if parent is None or parent.name not in one.refers_to:
            if parent is None and not any(self.org.schema.find(name) for name in one.refers_to):
                return  # leads to an object that is not here, such as a profile
            raise ApiError(
                "MALFORMED_ID", f"{one.label} ID: id value of incorrect type: {value}", one.name
            )
        found = self.org.store.fetch(parent, value)
        if found is None:
            raise ApiError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", one.name)
        if found["IsDeleted"]:
            raise ApiError("ENTITY_IS_DELETED", "entity is deleted", one.name)
        if one.name == "OwnerId" and parent.name == "User" and not found["IsActive"]:
            raise ApiError(
                "INACTIVE_OWNER_OR_USER",
                f"operation performed with inactive user [{value}] as owner of the record",
                one.name,
            )

    def _check_unique(
        self, sobject: SObject, one: FieldDef, value: Value, before: Row | None
    ) -> None:
        for record in self.having(sobject, one, value):
            if before is None or record != before["Id"]:
                raise ApiError(
                    "DUPLICATE_VALUE",
                    f"duplicate value found: {one.name} duplicates value on record with id:"
                    f" {record}",
                    one.name,
                )

    def _check_locks(self, row: Row) -> None:
        """Refuse a record that is locked, or whose account or deal is: writing it locks them."""
        for name in ("Id", "AccountId", "WhatId"):
            self._try_lock(row.get(name))

    def _try_lock(self, record: Value) -> None:
        locked = self.org.settings.locked
        if not isinstance(record, str) or record not in locked:
            return
        left = locked[record]
        if left is not None:
            if left <= 1:
                del locked[record]
            else:
                locked[record] = left - 1
        raise ApiError(
            "UNABLE_TO_LOCK_ROW", f"unable to obtain exclusive access to this record: {record}"
        )

    def _rights_changed(self, sobject: SObject) -> None:
        if sobject.name in _RIGHTS:
            self.org.permissions.forget()


def _check_picked(one: FieldDef, value: Value) -> None:
    if not any(option.value == value for option in one.options if option.active):
        raise ApiError(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"{one.label}: bad value for restricted picklist field: {value}",
            one.name,
        )


def _missing(names: list[str]) -> ApiError:
    return ApiError(
        "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(names)}]", *names
    )


def _no_key(key: str) -> ApiError:
    message = f"Provided external ID field does not exist or is not accessible: {key}"
    return ApiError("NOT_FOUND", message)


def _no_access(sobject: SObject) -> ApiError:
    return ApiError(
        "INSUFFICIENT_ACCESS_OR_READONLY",
        f"insufficient access rights on object id: {sobject.name}",
    )
