"""Columns that no object has as we need them, worked out from those that it has.

They are worked out by flags and types, never by labels, which every org names as it likes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from connector_salesforce.objects import DISCONTINUED, HAPPENED_AT, KIND, LEAD, STATUS

_LEAD_PREFIX: Final = "00Q"


@dataclass(frozen=True, slots=True)
class Derived:
    """How a column is made from those that it *needs*; *vital* are those it makes no sense without.

    *make* gets them as texts, in this order, those that are missing as null.
    """

    needs: Sequence[str]
    make: Callable[..., pa.Array]
    vital: Sequence[str] = ()


def _flag(texts: pa.Array) -> pa.Array:
    return pc.fill_null(pc.equal(pc.utf8_lower(texts), "true"), False)


def _deal(is_won: pa.Array, is_closed: pa.Array) -> pa.Array:
    return pc.if_else(_flag(is_won), "won", pc.if_else(_flag(is_closed), "lost", "open"))


def _case(is_closed: pa.Array) -> pa.Array:
    return pc.if_else(_flag(is_closed), "closed", "open")


def _lead(is_converted: pa.Array) -> pa.Array:
    return pc.if_else(_flag(is_converted), "won", "open")


def _discontinued(is_active: pa.Array) -> pa.Array:
    known = pc.if_else(_flag(is_active), "false", "true")
    return pc.if_else(pc.is_valid(is_active), known, pa.scalar(None, pa.string()))


def _task_kind(subtype: pa.Array) -> pa.Array:
    return pc.fill_null(subtype, "Task")


def _event_kind(ids: pa.Array) -> pa.Array:
    return pa.repeat("Event", len(ids))


def _task_time(is_closed: pa.Array, completed: pa.Array, day: pa.Array) -> pa.Array:
    # What is still to be done has not happened, whatever its day.
    done = pc.coalesce(completed, day)
    return pc.if_else(_flag(is_closed), done, pa.scalar(None, pa.string()))


def _event_time(start: pa.Array, day: pa.Array) -> pa.Array:
    return pc.coalesce(start, day)


def _who_if_lead(who: pa.Array) -> pa.Array:
    is_lead = pc.fill_null(pc.starts_with(who, _LEAD_PREFIX), False)
    return pc.if_else(is_lead, who, pa.scalar(None, pa.string()))


DERIVED: Final[Mapping[str, Mapping[str, Derived]]] = {
    "Opportunity": {STATUS: Derived(("IsWon", "IsClosed"), _deal, vital=("IsWon", "IsClosed"))},
    "Case": {STATUS: Derived(("IsClosed",), _case, vital=("IsClosed",))},
    "Lead": {STATUS: Derived(("IsConverted",), _lead, vital=("IsConverted",))},
    "OpportunityLineItem": {DISCONTINUED: Derived(("Product2.IsActive",), _discontinued)},
    "Task": {
        KIND: Derived(("TaskSubtype",), _task_kind),
        HAPPENED_AT: Derived(
            ("IsClosed", "CompletedDateTime", "ActivityDate"), _task_time, vital=("IsClosed",)
        ),
        LEAD: Derived(("WhoId",), _who_if_lead),
    },
    "Event": {
        KIND: Derived(("Id",), _event_kind),
        HAPPENED_AT: Derived(("StartDateTime", "ActivityDate"), _event_time),
        LEAD: Derived(("WhoId",), _who_if_lead),
    },
}
"""By object and name of the column."""


def with_derived(rows: pa.Table, sobject: str, names: Sequence[str]) -> pa.Table:
    """Return *rows*, all texts, with the derived columns among *names* added."""
    for name, derived in DERIVED.get(sobject, {}).items():
        if name in names:
            given = [_column(rows, needed) for needed in derived.needs]
            rows = rows.append_column(name, derived.make(*given).cast(pa.string()))
    return rows


def _column(rows: pa.Table, name: str) -> pa.Array:
    if name not in rows.column_names:
        return pa.nulls(rows.num_rows, pa.string())
    return rows.column(name).combine_chunks()
