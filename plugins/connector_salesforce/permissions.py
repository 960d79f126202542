"""Permission sets: a field that was just made is seen by nobody, not even by who made it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from connector import AccessError, Applied, Refused, Rejected, Unavailable
from connector_salesforce.held import selected
from connector_salesforce.sending import Row, send

if TYPE_CHECKING:
    from connector_salesforce.connection import Org

_NO_RIGHT: Final = "INSUFFICIENT_ACCESS"


@dataclass(frozen=True, slots=True)
class Grant:
    """The right to a field of an object, as `FieldPermissions` calls it."""

    sobject: str
    field: str

    @property
    def name(self) -> str:
        """Return the field with its object."""
        return f"{self.sobject}.{self.field}"


class PermissionSet:
    """A permission set of ours, by its name; *edit* lets who has it change the fields too."""

    def __init__(self, org: Org, name: str, label: str, about: str, *, edit: bool) -> None:
        self._org = org
        self.name = name
        self.label = label
        self._about = about
        self._edit = edit
        self._id: str | None = None

    def find(self) -> bool:
        """Say whether there is one."""
        soql = f"SELECT Id FROM PermissionSet WHERE Name = '{self.name}'"  # noqa: S608 - a name of ours
        self._id = next((str(record["Id"]) for record in selected(self._org, soql)), None)
        return self._id is not None

    def make(self) -> None:
        """Make it."""
        values = {"Name": self.name, "Label": self.label, "Description": self._about}
        answer = self._org.request("POST", "sobjects/PermissionSet", json=values).json()
        self._id = str(answer["id"])

    def granted(self) -> set[str]:
        """Return the fields, with their objects, to which it gives the right."""
        return {field for field, (_, enough) in self._held().items() if enough}

    def grant(self, grants: Sequence[Grant]) -> dict[str, AccessError | Refused]:
        """Give the right to fields; return why it could not be given, by field."""
        held = self._held()
        rows = [self._row(one, held.get(one.name)) for one in grants]
        refusals: dict[str, AccessError | Refused] = {}
        made = send(self._org, [row for row in rows if row.id is None], "POST")
        # The right to read alone stands there already; one of each field is all it may have.
        widened = send(self._org, [row for row in rows if row.id is not None], "PATCH")
        for answer in chain(made, widened):
            outcome = answer.outcome
            if isinstance(outcome, Rejected):
                refusals[outcome.marker] = _refusal(outcome)
            elif not isinstance(outcome, Applied):
                raise Unavailable(f"{self._org.host}: {outcome.marker}: {outcome}")
        return refusals

    def _held(self) -> dict[str, tuple[str, bool]]:
        """Return the id of the right to each field, and whether it is enough."""
        if self._id is None:
            return {}
        soql = (
            "SELECT Id, Field, PermissionsEdit FROM FieldPermissions"  # noqa: S608 - an id
            f" WHERE ParentId = '{self._id}'"
        )
        return {
            str(one["Field"]): (str(one["Id"]), bool(one["PermissionsEdit"]) or not self._edit)
            for one in selected(self._org, soql)
        }

    def has(self, user: str) -> bool:
        """Say whether *user* has been given it."""
        soql = (
            f"SELECT Id FROM PermissionSetAssignment WHERE AssigneeId = '{user}'"  # noqa: S608 - ids
            f" AND PermissionSetId = '{self._id}'"
        )
        return self._id is not None and any(True for _ in selected(self._org, soql))

    def give(self, user: str) -> None:
        """Give it to *user*."""
        values = {"AssigneeId": user, "PermissionSetId": self._id}
        self._org.request("POST", "sobjects/PermissionSetAssignment", json=values)

    def _row(self, grant: Grant, held: tuple[str, bool] | None) -> Row:
        rights: dict[str, Any] = {"PermissionsRead": True, "PermissionsEdit": self._edit}
        if held is not None:
            return Row(grant.name, "FieldPermissions", held[0], rights)
        about = {"ParentId": self._id, "SobjectType": grant.sobject, "Field": grant.name}
        return Row(grant.name, "FieldPermissions", None, about | rights)


def _refusal(outcome: Rejected) -> AccessError | Refused:
    if outcome.code.startswith(_NO_RIGHT):
        return AccessError(outcome.message)
    return Refused(outcome.message, code=outcome.code, words=outcome.message)
