"""Makes the fields that a job needs in EspoCRM; what our login may not, a person is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from connector import AccessError, FieldSpec, ProvisionStep, Refused
from connector_espocrm import clicks, custom_fields
from connector_espocrm.connection import Espo
from connector_espocrm.layouts import layout_steps

if TYPE_CHECKING:
    import httpx

    from connector_espocrm.settings import EspoSettings

_MANAGER: Final = "Admin/fieldManager"


@dataclass(frozen=True, slots=True)
class _Need:
    """A field *name* of *entity* that must be there. *make* makes or changes it; None where that
    can't be done by us. *how* are the clicks that do the same."""

    entity: str
    name: str
    how: str = ""
    present: bool = False
    make: Callable[[], None] | None = None

    @property
    def what(self) -> str:
        """Return what the step is called."""
        return f"field {self.entity}.{self.name}"


class EspoProvisioner:
    """An EspoCRM as a target, before its first run."""

    def __init__(
        self, settings: EspoSettings, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._espo = Espo(settings, transport=transport, admin=True)
        self._prefix = settings.field_prefix
        self._marker = settings.writing.marker_field

    def provision(self, fields: Sequence[FieldSpec], *, apply: bool) -> Sequence[ProvisionStep]:
        """Return a step for each field, one for the marker, and those for the eyes of reps."""
        accounts = self._espo.fields("Account", anew=True)
        tasks = self._espo.fields("Task", anew=True)
        needs = [self._need(field, accounts) for field in fields]
        needs.append(self._marker_need(tasks))
        steps = [_made(need) if apply else _planned(need) for need in needs]
        if any(step.state == "done" for step in steps):
            steps = self._seen(needs, steps)
        shown = [f for n, f in enumerate(fields) if steps[n].state in ("present", "done", "to do")]
        return [*steps, *layout_steps(self._espo, shown)]

    def close(self) -> None:
        """Let go of the connections."""
        self._espo.close()

    def _need(self, field: FieldSpec, defined: Mapping[str, Mapping[str, Any]] | None) -> _Need:
        """Return what a field of accounts needs."""
        need = _Need("Account", field.name)
        name = custom_fields.asked_name(field.name, self._prefix)
        held = (defined or {}).get(field.name)
        if held is not None:
            return self._with_choices(need, field, held)
        if name is None:
            return replace(need, how=clicks.another_name(field.name, self._prefix))
        need = replace(need, how=clicks.new_field(name, field))
        if defined is None:  # not shown to us: it may be there
            return need
        return self._to_make(need, custom_fields.definition(name, field))

    def _with_choices(self, need: _Need, field: FieldSpec, held: Mapping[str, Any]) -> _Need:
        """Return what a field that is there needs."""
        if held.get("readOnly") or held.get("disabled"):
            return replace(need, how=clicks.to_write(field.name))
        missing = custom_fields.missing_choices(held, field)
        if not missing:
            return replace(need, present=True)
        path = f"{_MANAGER}/Account/{field.name}"
        # Those that are there stay, also if the job no longer writes them: records hold them.
        values = {**held, "options": [*held["options"], *missing]}

        def make() -> None:
            self._espo.request("PUT", path, json=values)

        return replace(need, how=clicks.new_choices(field.name, missing), make=make)

    def _marker_need(self, defined: Mapping[str, Mapping[str, Any]] | None) -> _Need:
        need = _Need("Task", self._marker)
        if defined is not None and self._marker in defined:
            return replace(need, present=True)
        name = custom_fields.asked_name(self._marker, self._prefix)
        if name is None:
            how = f"{clicks.another_name(self._marker, self._prefix)}, and in writing.marker_field"
            return replace(need, how=how)
        need = replace(need, how=clicks.new_marker(name))
        if defined is None:
            return need
        return self._to_make(need, custom_fields.marker(name))

    def _to_make(self, need: _Need, values: Mapping[str, object]) -> _Need:
        def make() -> None:
            self._espo.request("POST", f"{_MANAGER}/{need.entity}", json=values)

        return replace(need, make=make)

    def _seen(self, needs: Sequence[_Need], steps: Sequence[ProvisionStep]) -> list[ProvisionStep]:
        """Return *steps* as they stand once it was looked at what has been made."""
        seen = []
        for need, step in zip(needs, steps, strict=True):
            there = self._espo.fields(need.entity, anew=step.state == "done") or {}
            if step.state == "done" and need.name not in there:
                how = (
                    f"EspoCRM took it and has no field {need.name!r}: see what it is called"
                    f" (Administration > Entity Manager > {need.entity} > Fields), write that in"
                    " the job, and set field_prefix to what stands before the name"
                )
                step = ProvisionStep(step.what, "failed", how)
            seen.append(step)
        return seen


def _planned(need: _Need) -> ProvisionStep:
    if need.present:
        return ProvisionStep(need.what, "present")
    if need.make is None:
        return ProvisionStep(need.what, "by hand", need.how)
    return ProvisionStep(need.what, "to do")


def _made(need: _Need) -> ProvisionStep:
    if need.present or need.make is None:
        return _planned(need)
    try:
        need.make()
    except AccessError:
        return ProvisionStep(need.what, "by hand", need.how)
    except Refused as error:
        return ProvisionStep(need.what, "failed", f"{error.words}; by hand: {need.how}")
    return ProvisionStep(need.what, "done")
