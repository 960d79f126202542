"""Makes the categories that a job's results are kept as; says what else a person has to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from connector import AccessError, ConfigError, FieldSpec, ProvisionStep, Refused
from connector_tryton.accounts import Accounts
from connector_tryton.models import CATEGORY, WORK
from connector_tryton.server import Tryton
from connector_tryton.tasks import Tasks

if TYPE_CHECKING:
    import httpx

    from connector_tryton.settings import TrytonSettings


class TrytonProvisioner:
    """A database of Tryton as a target, before its first run."""

    def __init__(
        self, settings: TrytonSettings, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._settings = settings
        self._tryton = Tryton(settings, transport=transport)

    def provision(self, fields: Sequence[FieldSpec], *, apply: bool) -> Sequence[ProvisionStep]:
        """Return a step for each field, and one for the module of tasks."""
        accounts = Accounts(self._tryton, self._settings.categories)
        steps = [self._step(accounts, field, apply=apply) for field in fields]
        return [*steps, *([self._module()] if self._settings.tasks else [])]

    def close(self) -> None:
        """Let go of the connections."""
        self._tryton.close()

    def _step(self, accounts: Accounts, field: FieldSpec, *, apply: bool) -> ProvisionStep:
        choices = accounts.choices.get(field.name)
        if choices is None:
            return _field(accounts, field)
        what = f"party category {choices.path!r} for {field.name}"
        if field.kind != "choice":
            how = f"a category holds one of a few texts, not a {field.kind}: take {field.name!r}"
            how = f"{how} out of settings.categories, and write the result to a field"
            return ProvisionStep(what, "by hand", how)
        missing = [name for name in field.choices if name not in choices.children]
        if not missing and not choices.missing:
            return ProvisionStep(what, "present")
        if not apply:
            return ProvisionStep(what, "to do")
        try:
            # One call makes all of it or nothing.
            self._tryton.call(CATEGORY, "create", choices.made(missing))
        except AccessError as error:
            clicks = "Parties > Categories: make"
            names = ", ".join(missing)
            how = f"{clicks} {choices.path!r} with the children {names}; we may not: {error}"
            return ProvisionStep(what, "by hand", how)
        except Refused as error:
            return ProvisionStep(what, "failed", error.words)
        return ProvisionStep(what, "done")

    def _module(self) -> ProvisionStep:
        what = "module project, for tasks"
        try:
            self._tryton.may(WORK, module="project", rights=("read", "write", "create"))
            _ = Tasks(self._tryton, self._settings).statuses
        except (AccessError, ConfigError) as error:
            return ProvisionStep(what, "by hand", str(error))
        return ProvisionStep(what, "present")


def _field(accounts: Accounts, field: FieldSpec) -> ProvisionStep:
    what = f"field {field.name} of parties"
    problem = accounts.problem(field.name)
    if problem is None:
        return ProvisionStep(what, "present")
    return ProvisionStep(what, "by hand", f"for {field.label!r} ({field.kind}): {problem}")
