"""Queries: field names come from descriptions, values are quoted by simple-salesforce."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from simple_salesforce.format import format_soql


def select(fields: Sequence[str], sobject: str, where: Sequence[str] = (), after: str = "") -> str:
    """Return a SELECT; *after* is what follows the conditions, such as ORDER BY."""
    conditions = f" WHERE {' AND '.join(where)}" if where else ""
    return f"SELECT {', '.join(fields)} FROM {sobject}{conditions}{after}"  # noqa: S608 - as said above


def above_id(record: str) -> str:
    """Return the condition that a record comes after *record* by its id."""
    return format_soql("Id > {}", record)


def above(stamp_field: str, stamp: str, record: str) -> str:
    """Return the condition that a record comes after *record*, by its stamp and then by its id."""
    return format_soql(
        "({0:literal} > {1:literal} OR ({0:literal} = {1:literal} AND Id > {2}))",
        stamp_field,
        literal(stamp),
        record,
    )


def one_of(field: str, values: Sequence[str]) -> str:
    """Return the condition that a field holds one of *values*, of which there is one at least."""
    return format_soql("{:literal} IN {}", field, list(values))


def literal(stamp: str | datetime) -> str:
    """Return a time as a query writes it, with its milliseconds: a cut one would be read again.

    Salesforce gives `+0000`, which a query does not take.
    """
    time = datetime.fromisoformat(stamp) if isinstance(stamp, str) else stamp
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
