"""Makes what a job needs in an Odoo; what our login may not make, a person is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from connector import AccessError, FieldSpec, ProvisionStep, Refused
from connector_odoo import custom_fields
from connector_odoo.connection import Odoo
from connector_odoo.held import PARTNER
from connector_odoo.tasks import ACTIVITY
from connector_odoo.views import view_steps, views

if TYPE_CHECKING:
    import httpx

    from connector_odoo.settings import OdooSettings

_PREFIX: Final = "x_"
_AFTERWARDS: Final = (
    "the connector's user needs no Settings right to run: Settings > Users > the user > Access"
    " Rights: Sales 'User: All Documents', Contact Creation"
)


@dataclass(frozen=True, slots=True)
class _Need:
    """A field that must be there. *make* makes or changes it; None where only a person can.

    *how* are the clicks that do the same, *after* what is for a person to do once it is made.
    """

    what: str
    present: bool = False
    make: Callable[[], None] | None = None
    how: str = ""
    after: str = ""


class OdooProvisioner:
    """An Odoo as a target, before its first run."""

    def __init__(
        self, settings: OdooSettings, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._odoo = Odoo(settings, transport=transport)
        self._writing = settings.writing

    def provision(self, fields: Sequence[FieldSpec], *, apply: bool) -> Sequence[ProvisionStep]:
        """Return a step for each field, those for our tasks, and those for the eyes of people."""
        self._odoo.forget()  # others may have made some of it
        models = self._models()
        needs = [self._field(models, field) for field in fields]
        needs.append(self._of_tasks(models, ACTIVITY, self._writing.marker_field, "char"))
        needs.append(self._of_tasks(models, PARTNER, self._writing.memory_field, "text"))
        steps = [_step(need, apply=apply) for need in needs]
        self._odoo.forget()
        # A view that names a field that is not there would not be taken.
        there = [f for f, step in zip(fields, steps, strict=False) if step.state in _THERE]
        return [*steps, *view_steps(self._odoo, views(there), apply=apply)]

    def close(self) -> None:
        """Let go of the connections."""
        self._odoo.close()

    def _models(self) -> Mapping[str, int]:
        """Return the numbers of the models that get fields; none if we may not look them up."""
        domain = [["model", "in", [PARTNER, ACTIVITY]]]
        try:
            found = self._odoo.found("ir.model", domain, ["id", "model"])
        except AccessError:
            return {}
        return {str(record["model"]): int(record["id"]) for record in found}

    def _field(self, models: Mapping[str, int], field: FieldSpec) -> _Need:
        what = f"field {PARTNER}.{field.name}"
        described = self._odoo.needed(PARTNER, "Contacts").get(field.name)
        if described is not None:
            return self._there(models, what, field, described)
        if not field.name.startswith(_PREFIX):
            name = f"{_PREFIX}{field.name}"
            how = f"fields of one's own begin with {_PREFIX!r}: write {name!r} in target.fields"
            return _Need(what, how=how)
        type_ = custom_fields.TYPES[field.kind]
        about = (field.name, field.label, type_, field.choices)
        return _Need(what, make=self._maker(models, PARTNER, *about),
                     how=custom_fields.clicks(PARTNER, *about))  # fmt: skip

    def _there(
        self, models: Mapping[str, int], what: str, field: FieldSpec, described: Mapping[str, Any]
    ) -> _Need:
        if not custom_fields.holds(field.kind, described):
            how = (
                f"{field.name} is of type {described.get('type')!r}, which can't hold"
                f" {field.result}: name another field in target.fields"
            )
            return _Need(what, how=how)
        missing = custom_fields.missing_choices(field, described)
        if not missing:
            return _Need(what, present=True)
        make = partial(custom_fields.add_choices, self._odoo, PARTNER, field, described)
        how = custom_fields.clicks_for_choices(PARTNER, field.name, missing)
        return _Need(what, make=make if models else None, how=how)

    def _of_tasks(self, models: Mapping[str, int], model: str, name: str, type_: str) -> _Need:
        what = f"field {model}.{name}"
        about = (name, _LABELS[model], type_)
        return _Need(
            what,
            present=name in self._odoo.needed(model, "Discuss"),
            make=self._maker(models, model, *about),
            how=custom_fields.clicks(model, *about),
            after=_AFTERWARDS if model == PARTNER else "",
        )

    def _maker(
        self,
        models: Mapping[str, int],
        model: str,
        name: str,
        label: str,
        type_: str,
        choices: Sequence[str] = (),
    ) -> Callable[[], None] | None:
        if model not in models:
            return None
        return partial(custom_fields.make, self._odoo, models[model], name, label, type_, choices)


_LABELS: Final = {ACTIVITY: "Pyramid marker", PARTNER: "Pyramid tasks"}
_THERE: Final = ("present", "done", "to do")


def _step(need: _Need, *, apply: bool) -> ProvisionStep:
    """Return the step of a need, made where *apply* says so."""
    if need.present:
        return ProvisionStep(need.what, "present")
    if need.make is None:
        return ProvisionStep(need.what, "by hand", need.how)
    if not apply:
        return ProvisionStep(need.what, "to do")
    try:
        need.make()
    except AccessError:
        return ProvisionStep(need.what, "by hand", need.how)
    except Refused as error:
        return ProvisionStep(need.what, "failed", f"{error.words}; by hand: {need.how}")
    return ProvisionStep(need.what, "done", need.after)
