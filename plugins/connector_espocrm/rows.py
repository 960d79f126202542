"""Records of EspoCRM as rows: what we ask for under its name, and the columns worked out here."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from connector_espocrm.moments import moment_of
from connector_espocrm.objects import HAPPENED_AT, KIND, LEAD, STATUS, TIMES
from connector_espocrm.stages import Stages, stages_of

if TYPE_CHECKING:
    from connector_espocrm.connection import Espo
    from connector_espocrm.search import Record

_TIME_TYPES: Final = ("datetime", "datetimeOptional")


@dataclass(frozen=True, slots=True)
class Derived:
    """A column worked out from a record, and *by* what."""

    by: str
    of: Callable[[Record], object]


@dataclass(frozen=True, slots=True)
class Shape:
    """How the records of one entity become rows: its *attributes*, those that are *times*, and
    the *derived* columns."""

    attributes: Sequence[str]
    times: frozenset[str]
    derived: Mapping[str, Derived]

    @property
    def meaning(self) -> str:
        """Return what the rows hold, and what the derived columns are taken to mean."""
        derived = [f"{name}: {one.by}" for name, one in self.derived.items()]
        return ", ".join([*self.attributes, *derived])

    def row(self, record: Record) -> dict[str, object]:
        """Return a record as a row; what it does not hold is not in the row either."""
        held = [name for name in self.attributes if name in record]
        row = {name: self._value(name, record[name]) for name in held}
        return row | {name: one.of(record) for name, one in self.derived.items()}

    def _value(self, name: str, value: Any) -> object:
        if name in self.times and (moment := moment_of(value)):
            return moment.isoformat()
        if isinstance(value, dict | list):
            return json.dumps(value, ensure_ascii=False, default=str)
        return value


def shape_of(espo: Espo, entity: str, asked: Sequence[str], usual: Sequence[str]) -> Shape:
    """Return how records of *entity* become rows of what is *asked* for.

    The definitions of fields are read only where there are names besides the *usual*.
    """
    times = set(TIMES)
    if not set(asked) <= {*usual}:
        defined = espo.fields(entity) or {}
        times |= {name for name, field in defined.items() if field.get("type") in _TIME_TYPES}
    known = _derived(espo, entity)
    derived = {name: known[name]() for name in asked if name in known}
    return Shape([name for name in asked if name not in known], frozenset(times), derived)


def _derived(espo: Espo, entity: str) -> Mapping[str, Callable[[], Derived]]:
    settings = espo.settings
    match entity:
        case "Opportunity":
            return {STATUS: lambda: _status_of_deal(stages_of(espo))}
        case "Case":
            return {STATUS: lambda: _status_of_case(settings.closed_case_statuses)}
        case "Lead":
            return {STATUS: lambda: _status_of_lead(settings.lead_statuses)}
        case "Task" | "Call" | "Meeting":
            return {
                KIND: lambda: Derived("entity", lambda record: entity),
                LEAD: lambda: Derived("parent", _lead),
                HAPPENED_AT: lambda: _happened_at(settings.held_statuses),
            }
    return {}


def _status_of_deal(stages: Stages) -> Derived:
    return Derived(f"{stages}", lambda record: stages.status_of(record.get("stage")))


def _status_of_case(closed: Sequence[str]) -> Derived:
    def status(record: Record) -> object:
        return "closed" if record.get("status") in closed else "open"

    return Derived(f"{closed}", status)


def _status_of_lead(meant: Mapping[str, str]) -> Derived:
    said = {**meant}
    return Derived(f"{said}", lambda record: said.get(str(record.get("status")), "open"))


def _lead(record: Record) -> object:
    return record.get("parentId") if record.get("parentType") == "Lead" else None


def _happened_at(held: Sequence[str]) -> Derived:
    def happened(record: Record) -> object:
        if record.get("status") not in held:
            return None
        begun = record.get("dateStart") or record.get("dateEnd")
        moment: datetime | None = moment_of(begun)
        return moment.isoformat() if moment else record.get("dateEndDate")

    return Derived(f"{held}", happened)
