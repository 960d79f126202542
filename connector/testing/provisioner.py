"""The conformance suite for provisioners: what `connector provision` relies on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Protocol

import pytest

from connector.contract import (
    Adapter,
    Applied,
    FieldSpec,
    ProvisionStep,
    Ref,
    Scalar,
    SetFields,
    WriteOutcome,
)
from connector.errors import AuthError, Transient
from connector.model import Stream
from connector.poison import apart
from connector.testing.suite import Suite, expect_no_secret, means, records

if TYPE_CHECKING:
    from pydantic import BaseModel


class ProvisionerBackend(Protocol):
    """How the suite sees the CRM. What can't be done goes into `cannot`."""

    def put(self, stream: Stream, rows: Sequence[Mapping[str, object]]) -> None:
        """Create these records, or change those that exist, under the CRM's field names."""
        ...

    def schema(self) -> object:
        """Return what the CRM has of fields, rights and the like, to be compared for equality."""
        ...

    def refuse_provisioning(self) -> None:
        """Take the right to make fields away from the login of the settings."""
        ...

    def refuse_logins(self) -> None:
        """Stop accepting the credentials of the settings."""
        ...

    def cut_network(self) -> None:
        """Become unreachable."""
        ...


_TIERS: Final = ("Top", "Big", "Medium")
_NOON: Final = datetime(2026, 6, 30, 12, tzinfo=UTC)
_EXAMPLES: Final[Mapping[str, tuple[FieldSpec, Scalar]]] = {
    spec.result: (spec, value)
    for spec, value in (
        (FieldSpec("", "tier", "Customer tier", "choice", choices=_TIERS), "Big"),
        (FieldSpec("", "tier_since", "Customer tier since", "date"), date(2026, 6, 30)),
        (FieldSpec("", "rank", "Pyramid rank", "integer"), 4711),
        (FieldSpec("", "profit", "Profit", "money", scale=2), Decimal("-1200345.67")),
        (FieldSpec("", "share", "Share", "decimal", scale=6), Decimal("0.012345")),
        (FieldSpec("", "computed_at", "Pyramid computed at", "time"), _NOON),
        (FieldSpec("", "run_id", "Pyramid run", "text", length=64), "20260630T1200-ä"),
        (FieldSpec("", "tier_locked", "Customer tier locked", "flag"), True),
    )
}
"""A field of every kind, by its result, and a value that it must take."""


class ProvisionerContract(Suite):
    """Subclass, give `adapter`, `backend` (a `ProvisionerBackend`) and `settings`.

    The CRM must not have the fields of `name` yet. Besides the backend's methods the keys of
    *cannot* may be `choices`: the CRM takes any text into a field of choices.
    """

    may_lack = frozenset({"refuse_provisioning", "refuse_logins", "cut_network", "choices"})

    def name(self, result: str) -> str:
        """Return what the CRM shall call the field of a result, as a job would say it."""
        return f"pyramid_{result}"

    def account(self, adapter: Adapter[Any]) -> dict[str, object]:
        """Return an account under the CRM's names."""
        theirs = adapter.fields[Stream.ACCOUNTS]
        return {theirs["id"]: "0001", theirs["name"]: "Account 1"}

    @pytest.fixture
    def fields(self) -> list[FieldSpec]:
        """Return a field of every kind, none of which the CRM has yet."""
        return [replace(spec, name=self.name(of)) for of, (spec, _) in _EXAMPLES.items()]

    @pytest.fixture
    def crm(self, adapter: Adapter[Any], settings: BaseModel) -> Provisioned:
        """Return what provisions and writes through connections opened anew for each call."""
        return Provisioned(adapter, settings)

    def test_a_plan_changes_nothing(
        self, crm: Provisioned, backend: ProvisionerBackend, fields: list[FieldSpec]
    ) -> None:
        """It says what would be made, and says it again."""
        before = backend.schema()
        steps = crm.plan(fields)
        assert backend.schema() == before
        assert crm.plan(fields) == steps
        assert {step.state for step in steps} <= {"present", "to do", "by hand"}
        assert sum(step.state != "present" for step in steps) >= len(fields)
        crm.expect_named(steps, fields)

    def test_what_was_planned_is_made(
        self, crm: Provisioned, backend: ProvisionerBackend, fields: list[FieldSpec]
    ) -> None:
        """Each step is there or is somebody's work, and the writer accepts the fields."""
        planned = {step.what for step in crm.plan(fields) if step.state == "to do"}
        steps = crm.apply(fields)
        assert {step.what for step in steps if step.state == "done"} == planned
        assert {step.state for step in steps} <= {"present", "done", "by hand"}
        crm.expect_named(steps, fields)
        assert crm.check([field.name for field in fields]).strip()

    def test_a_second_time_does_nothing(
        self, crm: Provisioned, backend: ProvisionerBackend, fields: list[FieldSpec]
    ) -> None:
        """Whoever is not sure whether it was done does it again."""
        crm.apply(fields)
        before = backend.schema()
        assert {step.state for step in crm.apply(fields)} <= {"present", "by hand"}
        assert backend.schema() == before
        assert "to do" not in {step.state for step in crm.plan(fields)}

    def test_only_what_is_missing_is_made(self, crm: Provisioned, fields: list[FieldSpec]) -> None:
        """The first half is there: by hand, or because the first time was cut off."""
        half = len(fields) // 2
        crm.apply(fields[:half])
        done = [step.what for step in crm.apply(fields) if step.state == "done"]
        assert not [field.name for field in fields[:half] if _is_named(field, done)]
        assert not [field.name for field in fields[half:] if not _is_named(field, done)]

    def test_each_field_takes_a_value_of_its_kind(
        self,
        crm: Provisioned,
        backend: ProvisionerBackend,
        adapter: Adapter[Any],
        fields: list[FieldSpec],
    ) -> None:
        """And gives it back as it was written."""
        account = self.account(adapter)
        backend.put(Stream.ACCOUNTS, [account])
        crm.apply(fields)
        key = str(account[adapter.fields[Stream.ACCOUNTS]["id"]])
        values = {field.name: _EXAMPLES[field.result][1] for field in fields}
        assert isinstance(crm.set(key, values), Applied)
        held = crm.held(key, list(values))
        assert not {name: held[name] for name, put in values.items() if not means(held[name], put)}

    def test_a_choice_that_a_job_adds_is_made(
        self,
        crm: Provisioned,
        backend: ProvisionerBackend,
        adapter: Adapter[Any],
        fields: list[FieldSpec],
    ) -> None:
        """A company gives its pyramid one tier more."""
        self.need("choices")
        account = self.account(adapter)
        backend.put(Stream.ACCOUNTS, [account])
        key = str(account[adapter.fields[Stream.ACCOUNTS]["id"]])
        tier = fields[0]
        crm.apply([tier])
        more = replace(tier, choices=(*tier.choices, "Bronze"))
        assert not isinstance(crm.set(key, {tier.name: "Bronze"}), Applied)
        assert [s.state for s in crm.plan([more]) if _is_named(more, [s.what])].count("to do") == 1
        crm.apply([more])
        assert isinstance(crm.set(key, {tier.name: "Bronze"}), Applied)

    def test_a_missing_right_is_work_for_a_person(
        self, crm: Provisioned, backend: ProvisionerBackend, fields: list[FieldSpec]
    ) -> None:
        """Not an error: somebody else has the right, and is told what to do."""
        self.need("refuse_provisioning")
        backend.refuse_provisioning()
        before = backend.schema()
        by_hand = [step for step in crm.apply(fields) if step.state == "by hand"]
        assert backend.schema() == before
        assert not [f.name for f in fields if not _is_named(f, [step.what for step in by_hand])]

    def test_nothing_is_wanted_of_accounts(self, crm: Provisioned) -> None:
        """A job that writes tasks alone."""
        crm.apply([])
        assert "done" not in {step.state for step in crm.apply([])}

    def test_refused_credentials_are_an_auth_error(
        self,
        crm: Provisioned,
        backend: ProvisionerBackend,
        settings: BaseModel,
        fields: list[FieldSpec],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """From a plan too, and none shows the secret."""
        self.need("refuse_logins")
        backend.refuse_logins()
        for call in (crm.plan, crm.apply):
            with pytest.raises(AuthError) as failure:
                call(fields)
            expect_no_secret(settings, str(failure.value), caplog.text)

    def test_a_dead_network_is_transient(
        self,
        crm: Provisioned,
        backend: ProvisionerBackend,
        settings: BaseModel,
        fields: list[FieldSpec],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Nothing is taken for missing because it can't be seen."""
        self.need("cut_network")
        backend.cut_network()
        for call in (crm.plan, crm.apply):
            with pytest.raises(Transient) as failure:
                call(fields)
            expect_no_secret(settings, str(failure.value), caplog.text)


class Provisioned:
    """Provisions and writes through what is opened for each call and closed after it."""

    def __init__(self, adapter: Adapter[Any], settings: BaseModel) -> None:
        self.adapter = adapter
        self.settings = settings

    def plan(self, fields: Sequence[FieldSpec]) -> list[ProvisionStep]:
        """Return what would be made."""
        return self._provision(fields, apply=False)

    def apply(self, fields: Sequence[FieldSpec]) -> list[ProvisionStep]:
        """Return what was made."""
        return self._provision(fields, apply=True)

    def _provision(self, fields: Sequence[FieldSpec], *, apply: bool) -> list[ProvisionStep]:
        assert self.adapter.provisioner is not None, "the adapter has no provisioner"
        with closing(self.adapter.provisioner(self.settings)) as provisioner:
            steps = list(provisioner.provision(fields, apply=apply))
        named = [step.what for step in steps]
        assert len(set(named)) == len(named), "two steps are called the same"
        unsaid = [s.what for s in steps if s.state in ("by hand", "failed") and not s.how.strip()]
        assert not unsaid, "what is left to a person says how"
        return steps

    def expect_named(self, steps: Sequence[ProvisionStep], fields: Sequence[FieldSpec]) -> None:
        """Fail if one of *fields* is in no step."""
        named = [step.what for step in steps]
        assert not [field.name for field in fields if not _is_named(field, named)]

    def check(self, names: Sequence[str]) -> str:
        """Return what a new writer says of itself."""
        assert self.adapter.writer is not None, "the adapter has no writer"
        with closing(self.adapter.writer(self.settings)) as writer:
            return writer.check(names)

    def set(self, account: str, values: Mapping[str, Scalar]) -> WriteOutcome:
        """Return what became of writing *values*."""
        assert self.adapter.writer is not None, "the adapter has no writer"
        with closing(self.adapter.writer(self.settings)) as writer:
            held = dict(records(writer.current([account], list(values)).accounts)[0])
            old: dict[str, Scalar] = {name: held.get(name) for name in values}  # type: ignore[misc]  # rows hold anything
            (outcome,) = apart(writer.write, [SetFields(Ref(account), values, old)])
        return outcome

    def held(self, account: str, names: Sequence[str]) -> dict[str, object]:
        """Return what the CRM holds of an account."""
        assert self.adapter.writer is not None, "the adapter has no writer"
        with closing(self.adapter.writer(self.settings)) as writer:
            (row,) = records(writer.current([account], names).accounts)
        return row


def _is_named(field: FieldSpec, named: Sequence[str]) -> bool:
    return any(field.name in re.findall(r"\w+", what) for what in named)
