"""What follows from what was written: names of people, accounts of tasks, chances of stages.

The fact sheet has the accounts of tasks; the rest is what the source of 8.4.2 says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox_espocrm.schema import Entity
from sandbox_espocrm.store import Row


def derive(
    entity: Entity, values: Row, before: Row, *, currency: str, now: str, look_up: LookUp
) -> Row:
    """Return *values* with what follows from them for the record that was *before*.

    *look_up* returns the account of a record, by entity and id.
    """
    after = before | values
    derived: Row = {}
    for name, field in entity.fields.items():
        match field["type"]:
            case "personName":
                parts = (after.get("firstName"), after.get("lastName"))
                derived[name] = " ".join(part for part in parts if part) or None
            case "currency" if after.get(name) is not None and not after.get(f"{name}Currency"):
                derived[f"{name}Currency"] = currency
            case "datetimeOptional" if values.get(f"{name}Date"):
                # The whole day: in records it begins as days do in the company's time zone, UTC.
                derived[name] = f"{values[f'{name}Date']} 00:00:00"
            case "linkParent" if entity.is_set(name, values):
                derived["accountId"] = look_up(after.get(f"{name}Type"), after.get(f"{name}Id"))
    if entity.name == "Opportunity" and not before and values.get("probability") is None:
        # Only when it is new: whoever moves it on later says its chance, or it stays.
        derived["probability"] = entity.fields["stage"]["probabilityMap"].get(values["stage"], 0)
    if entity.name == "Task" and values.get("status", before.get("status")) != before.get("status"):
        derived["dateCompleted"] = now if values["status"] == "Completed" else None
    return values | derived


LookUp = Callable[[Any, Any], str | None]
