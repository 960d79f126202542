"""Makes what a job needs in an org, and the right to see it; what it may not, a person is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from connector import AccessError, FieldSpec, ProvisionStep, Refused
from connector_salesforce import clicks, custom_fields
from connector_salesforce.connection import Org
from connector_salesforce.held import selected, spelled
from connector_salesforce.pages import page_steps
from connector_salesforce.permissions import Grant, PermissionSet
from connector_salesforce.written import lacking

if TYPE_CHECKING:
    import httpx
    from simple_salesforce.metadata import SfdcMetadataApi

    from connector_salesforce.settings import SalesforceSettings
    from connector_salesforce.writing import Writing

_SUFFIX: Final = "__c"
_SET: Final = "Pyramid_Connector"
_SET_LABEL: Final = "Pyramid Connector"
_ABOUT_SET: Final = "Lets the Pyramid Connector see and change the fields that it writes."
_READERS: Final = "Pyramid_Reader"
_READERS_LABEL: Final = "Pyramid Reader"
_ABOUT_READERS: Final = "Lets people see what the Pyramid Connector writes into accounts."


@dataclass(frozen=True, slots=True)
class _Need:
    """A field that must be there. *make* makes or changes it; None where only a right is missing.

    *how* are the clicks that do the same, *grant* is the right to it. One that is *blocked* can't
    be made by us at all.
    """

    what: str
    grant: Grant
    how: str = ""
    present: bool = False
    blocked: bool = False
    make: Callable[[], None] | None = None


class SalesforceProvisioner:
    """An org as a target, before its first run."""

    def __init__(
        self,
        settings: SalesforceSettings,
        writing: Writing,
        *,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._org = Org(settings, transport=transport)
        self._username = settings.jwt.username if settings.jwt else None
        self._marker = writing.marker_field
        self._set = PermissionSet(self._org, _SET, _SET_LABEL, _ABOUT_SET, edit=True)
        self._readers = PermissionSet(
            self._org, _READERS, _READERS_LABEL, _ABOUT_READERS, edit=False
        )

    def provision(self, fields: Sequence[FieldSpec], *, apply: bool) -> Sequence[ProvisionStep]:
        """Return a step for each field, one for our rights, and those for the eyes of reps."""
        seen = _Seen(self._org, [field.name for field in fields], self._marker)
        needs = [*(_field(seen, field) for field in fields), _marker(seen, self._marker)]
        steps = [_made(need) if apply else _planned(need) for need in needs]
        ours = ("done",) if apply else ("to do",)
        to_grant = {n: need for n, need in enumerate(needs) if steps[n].state in ours}
        if to_grant:
            rights, refused = self._rights(list(to_grant.values()), apply=apply)
            for n, need in to_grant.items():
                if need.what in refused:
                    steps[n] = _left(need.what, _how_to_grant(need.grant), refused[need.what])
            steps.append(rights)
        # Of fields that nobody can see yet a page would not be taken.
        shown = [f for n, f in enumerate(fields) if steps[n].state in ("present", *ours)]
        if custom := [field for field in shown if field.name.endswith(_SUFFIX)]:
            steps.append(self._to_readers(custom, apply=apply))
        if shown:
            steps += page_steps(self._org, lambda: seen.metadata, shown, apply=apply)
        return steps

    def close(self) -> None:
        """Let go of the connections."""
        self._org.close()

    def _rights(
        self, needs: Sequence[_Need], *, apply: bool
    ) -> tuple[ProvisionStep, Mapping[str, Exception]]:
        """Return the step of our permission set, and of what right was refused and why."""
        what = f"permission set {_SET!r}, given to the connector's user"
        how = clicks.permission_set(_SET_LABEL, _SET, "the connector's user")
        try:
            there = self._set.find()
            user = self._user()
            has = there and self._set.has(user)
            if not apply:
                return ProvisionStep(what, "present" if has else "to do"), {}
            if not there:
                self._set.make()
            granted = self._set.granted()
            missing = {need.grant.name: need for need in needs if need.grant.name not in granted}
            refused = self._set.grant([need.grant for need in missing.values()])
            if not has:
                self._set.give(user)
        except (AccessError, Refused) as error:
            return _left(what, how, error), {need.what: error for need in needs} if apply else {}
        step = ProvisionStep(what, "present" if has else "done")
        return step, {missing[name].what: error for name, error in refused.items()}

    def _to_readers(self, fields: Sequence[FieldSpec], *, apply: bool) -> ProvisionStep:
        """Return the step of the permission set that reps get: who they are, we can't know."""
        what = f"permission set {_READERS!r}, for those who shall see the fields"
        how = clicks.permission_set(_READERS_LABEL, _READERS, "those who shall see the fields")
        grants = [Grant("Account", field.name) for field in fields]
        try:
            there = self._readers.find()
            granted = self._readers.granted()
            missing = [grant for grant in grants if grant.name not in granted]
            if not missing:
                return ProvisionStep(what, "present")
            if not apply:
                return ProvisionStep(what, "to do")
            if not there:
                self._readers.make()
            for error in self._readers.grant(missing).values():
                raise error
        except (AccessError, Refused) as error:
            return _left(what, f"{how}; there Read Access to the fields", error)
        return ProvisionStep(what, "done", clicks.give(_READERS_LABEL))

    def _user(self) -> str:
        """Return the id of who we are; raise AccessError if nothing tells it."""
        if user := self._org.session().user:
            return user
        if self._username is not None:
            # In a query a backslash and a quote end or bend the text.
            name = self._username.replace("\\", "\\\\").replace("'", "\\'")
            soql = f"SELECT Id FROM User WHERE Username = '{name}'"  # noqa: S608 - escaped
            for record in selected(self._org, soql):
                return str(record["Id"])
        raise AccessError(f"{self._org.host}: the login does not tell which user it is")


class _Seen:
    """What an org has of *names* and of the marker, asked anew: others may have made some of it."""

    def __init__(self, org: Org, names: Sequence[str], marker: str) -> None:
        self._org = org
        self._names = [*(f"Account.{name}" for name in names), f"Activity.{marker}"]
        accounts = org.get("sobjects/Account/describe")
        self.account = _by_name(accounts)
        self.task = _by_name(org.get("sobjects/Task/describe"))
        self.record_types = any(
            one.get("active") and not one.get("master")
            for one in accounts.get("recordTypeInfos") or ()
        )

    @property
    def currencies(self) -> bool:
        """Whether amounts may be in several currencies."""
        return "CurrencyIsoCode" in self.account

    @cached_property
    def metadata(self) -> SfdcMetadataApi:
        """Return what makes fields."""
        return self._org.metadata()

    @cached_property
    def components(self) -> Mapping[str, Any] | None:
        """Return the fields that there are, seen or not; None where our login may not know."""
        ours = [name for name in self._names if name.endswith(_SUFFIX)]
        try:
            return custom_fields.found(self.metadata, "CustomField", ours)
        except (AccessError, Refused):
            return None


def _by_name(described: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {str(field["name"]): field for field in described["fields"]}


def _field(seen: _Seen, field: FieldSpec) -> _Need:
    """Return what a field of accounts needs."""
    need = _Need(f"field Account.{field.name}", Grant("Account", field.name))
    described = seen.account.get(field.name)
    how = clicks.new_field(field, currencies=seen.currencies)
    if described is not None:
        return _described_field(seen, field, described, need)
    if other := spelled(field.name, seen.account):
        how = f"the org has it as {other!r}: write that in target.fields"
        return replace(need, blocked=True, how=how)
    if not field.name.endswith(_SUFFIX):
        name = f"{field.name}{_SUFFIX}"
        how = f"an org has fields of its own only as {name!r}: write that in target.fields"
        return replace(need, blocked=True, how=how)
    if seen.components is None:
        return replace(need, blocked=True, how=how)
    held = seen.components.get(f"Account.{field.name}")
    if held is not None:  # made, and not shown to us
        return _with_choices(seen, field, held, replace(need, how=how))

    def make() -> None:
        wanted = custom_fields.component(
            seen.metadata, field, currencies=seen.currencies, record_types=seen.record_types
        )
        custom_fields.saved(seen.metadata, wanted)

    return replace(need, how=how, make=make)


def _described_field(
    seen: _Seen, field: FieldSpec, described: Mapping[str, Any], need: _Need
) -> _Need:
    """Return what a field needs that is shown to us."""
    if described.get("calculated"):
        how = f"{field.name} is a formula: name another field in target.fields"
        return replace(need, blocked=True, how=how)
    missing = lacking(described, field.choices)
    if not missing:
        return replace(need, present=bool(described["updateable"]), how=_how_to_grant(need.grant))
    need = replace(need, how=clicks.new_choices(field, missing))
    held = (seen.components or {}).get(f"Account.{field.name}")
    if held is None:
        return replace(need, blocked=True)
    return _with_choices(seen, field, held, need)


def _with_choices(seen: _Seen, field: FieldSpec, held: Any, need: _Need) -> _Need:
    if not custom_fields.missing_choices(held, field):
        return need

    def make() -> None:
        wanted = custom_fields.add_choices(seen.metadata, held, field)
        custom_fields.saved(seen.metadata, wanted)

    return replace(need, make=make)


def _marker(seen: _Seen, name: str) -> _Need:
    """Return what the field of activities needs by which our tasks are found again."""
    need = _Need(f"field Activity.{name}", Grant("Task", name), how=clicks.new_marker(name))
    if described := seen.task.get(name):
        return replace(need, present=bool(described["createable"]))
    if seen.components is None or not name.endswith(_SUFFIX):
        return replace(need, blocked=True)
    if f"Activity.{name}" in seen.components:
        return need

    def make() -> None:
        custom_fields.saved(seen.metadata, custom_fields.marker(seen.metadata, name))

    return replace(need, make=make)


def _planned(need: _Need) -> ProvisionStep:
    if need.present:
        return ProvisionStep(need.what, "present")
    if need.blocked:
        return ProvisionStep(need.what, "by hand", need.how)
    return ProvisionStep(need.what, "to do")


def _made(need: _Need) -> ProvisionStep:
    """Return the step of a field that was made; the right to it may still be missing."""
    if need.present or need.blocked:
        return _planned(need)
    try:
        if need.make is not None:
            need.make()
    except (AccessError, Refused) as error:
        return _left(need.what, need.how, error)
    return ProvisionStep(need.what, "done")


def _left(what: str, how: str, error: Exception) -> ProvisionStep:
    """Return the step of what was refused: for a right that is missing what somebody else does."""
    if isinstance(error, AccessError):
        return ProvisionStep(what, "by hand", how)
    words = error.words if isinstance(error, Refused) else str(error)
    return ProvisionStep(what, "failed", f"{words}; by hand: {how}")


def _how_to_grant(grant: Grant) -> str:
    return clicks.grant(f"{grant.sobject}s", grant.field)
