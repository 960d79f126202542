"""Who may see and change which objects and fields."""

from __future__ import annotations

from typing import Literal, TypeAlias

from sandbox_salesforce.schema import FieldDef, SObject
from sandbox_salesforce.store import Store

Access: TypeAlias = Literal["read", "create", "edit", "delete"]
_GRANTED = """
SELECT lower(f."Field"), max(f."PermissionsEdit") FROM "FieldPermissions" f
JOIN "PermissionSetAssignment" a ON a."PermissionSetId" = f."ParentId" AND a."IsDeleted" = 0
WHERE a."AssigneeId" = ? AND f."SobjectType" = ? AND f."IsDeleted" = 0 AND f."PermissionsRead" = 1
GROUP BY 1
"""


class Permissions:
    """Standard fields are everybody's; custom ones only with a permission set.

    So a field that was just made is nobody's, not even an administrator's. Beside that, anything
    can be taken away.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._hidden: set[tuple[str, str]] = set()
        self._fixed: set[tuple[str, str]] = set()
        self._forbidden: set[tuple[str, Access]] = set()
        self._known: dict[tuple[str, str], tuple[dict[str, FieldDef], set[str]]] = {}

    def forget(self) -> None:
        """Ask the store again: something has changed there."""
        self._known.clear()

    def hide(self, sobject: str, name: str, *, for_edit: bool = False) -> None:
        """Take a field away from everybody, or only the right to change it."""
        (self._fixed if for_edit else self._hidden).add((sobject.lower(), name.lower()))
        self.forget()

    def show(self, sobject: str, name: str) -> None:
        """Take `hide` back."""
        self._hidden.discard((sobject.lower(), name.lower()))
        self._fixed.discard((sobject.lower(), name.lower()))
        self.forget()

    def forbid(self, sobject: str, *access: Access) -> None:
        """Take rights on all records of an object away from everybody."""
        self._forbidden |= {(sobject.lower(), one) for one in access}

    def allow(self, sobject: str, *access: Access) -> None:
        """Take `forbid` back."""
        self._forbidden -= {(sobject.lower(), one) for one in access}

    def may(self, user: str, sobject: SObject, access: Access) -> bool:
        """Say whether *user* may do that with records of *sobject*."""
        return (sobject.name.lower(), access) not in self._forbidden

    def visible(self, user: str, sobject: SObject) -> dict[str, FieldDef]:
        """Return the fields that *user* may see, by their names in small letters."""
        return self._of(user, sobject)[0]

    def may_edit(self, user: str, sobject: SObject, one: FieldDef) -> bool:
        """Say whether *user* may write a field that they see."""
        return one.name.lower() in self._of(user, sobject)[1]

    def _of(self, user: str, sobject: SObject) -> tuple[dict[str, FieldDef], set[str]]:
        key = (user, sobject.name)
        if key not in self._known:
            self._known[key] = self._found(user, sobject)
        return self._known[key]

    def _found(self, user: str, sobject: SObject) -> tuple[dict[str, FieldDef], set[str]]:
        granted: dict[str, int] = {
            row[0].partition(".")[2]: row[1]
            for row in self._store.rows(_GRANTED, [user, sobject.name])
        }
        visible, edited = {}, set()
        for name, one in sobject.fields.items():
            key = (sobject.name.lower(), name)
            if key in self._hidden or (one.custom and name not in granted):
                continue
            visible[name] = one
            if key not in self._fixed and (not one.custom or granted[name]):
                edited.add(name)
        return visible, edited
