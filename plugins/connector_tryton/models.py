"""What each stream is in Tryton: its model, its columns, and those that are derived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from connector import Stream

PARTY: Final = "party.party"
WORK: Final = "project.work"
CATEGORY: Final = "party.category"
STAMP: Final = "last_modified_at"
"""When a record was made or last changed; `write_date` is empty until the first change."""

ARCHIVED: Final = "archived"
STATUS: Final = "status"

FIELDS: Final[Mapping[Stream, Mapping[str, str]]] = {
    Stream.ACCOUNTS: {
        "id": "id",
        "name": "name",
        "excluded": ARCHIVED,
        "created_at": "create_date",
        "modified_at": STAMP,
    },
    Stream.OPPORTUNITIES: {
        "id": "id",
        "account_id": "party",
        "name": "description",
        "status": STATUS,
        "stage": "state",
        "amount": "amount",
        "currency": "currency.code",
        "close_date": "end_date",
        "owner_id": "employee",
        "lost_reason": "lost_reason",
        "created_at": "create_date",
        "modified_at": STAMP,
    },
    Stream.USERS: {
        "id": "id",
        "name": "party.name",
        "email": "party.email",
        "manager_id": "supervisor",
        "active": "active",
        "modified_at": STAMP,
    },
    Stream.LINE_ITEMS: {
        "id": "id",
        "opportunity_id": "sale",
        "product": "product.name",
        "quantity": "quantity",
        "amount": "amount",
        "modified_at": STAMP,
    },
}
"""Our names to theirs; those of opportunities stand for the like of a sale too (`Model.alias`)."""

_STATUS: Final[Mapping[str, Mapping[str, str]]] = {
    "sale.opportunity": {"won": "won", "lost": "lost", "cancelled": "lost"},
    "sale.sale": {"confirmed": "won", "processing": "won", "done": "won", "cancelled": "lost"},
}


@dataclass(frozen=True, slots=True)
class Model:
    """What a stream is read from: *domain* says which records, *alias* what a column is there."""

    name: str
    module: str
    domain: Sequence[object] = ()
    alias: Mapping[str, str] = field(default_factory=dict)

    def asked(self, column: str) -> str:
        """Return the field from which *column* comes."""
        match column:
            case "archived":
                return "active"
            case "status" if self.name in _STATUS:
                return "state"
        return self.alias.get(column, column)

    def value(self, record: Mapping[str, Any], column: str) -> object:
        """Return what *record* holds in *column*."""
        held = _at(record, self.asked(column))
        match column:
            case "archived":
                return not held
            case "status" if self.name in _STATUS:
                return _STATUS[self.name].get(str(held), "open")
        return held


def model_of(
    stream: Stream,
    company: int,
    *,
    deals: Literal["opportunities", "sales"],
    parties: Sequence[object],
    deals_where: Sequence[object],
) -> Model | None:
    """Return what *stream* is read from; None if Tryton has nothing of the kind."""
    own = ("company", "=", company)
    match stream:
        case Stream.ACCOUNTS:
            return Model(PARTY, "party", parties)
        case Stream.OPPORTUNITIES if deals == "opportunities":
            return Model("sale.opportunity", "sale_opportunity", [own, deals_where])
        case Stream.OPPORTUNITIES:
            alias = {
                "amount": "untaxed_amount",
                "end_date": "sale_date",
                "employee": "confirmed_by",
            }
            return Model("sale.sale", "sale", [own, deals_where], alias)
        case Stream.USERS:
            return Model("company.employee", "company", [own])
        case Stream.LINE_ITEMS if deals == "sales":
            # Titles and subtotals are lines too.
            lines = [("type", "=", "line"), ("sale", "where", [own, deals_where])]
            return Model("sale.line", "sale", lines)
    return None


def _at(record: Mapping[str, Any], column: str) -> object:
    """Return what lies at a dotted *column*: in its record under `party.`."""
    root, _, leaf = column.partition(".")
    if not leaf:
        return _plain(record.get(root))
    below = record.get(f"{root}.")
    return _at(below, leaf) if isinstance(below, Mapping) else None


def _plain(value: object) -> object:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else value
