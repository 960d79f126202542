"""Which model a stream is read from, which of its records, and which fields are which of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from connector import Stream
from connector_odoo import derived
from connector_odoo.derived import Derived

if TYPE_CHECKING:
    from connector_odoo.settings import OdooSettings

_TIMES: Final = {"created_at": "create_date", "modified_at": "write_date"}

FIELDS: Final[Mapping[Stream, Mapping[str, str]]] = {
    Stream.ACCOUNTS: {
        "id": "id",
        "name": "name",
        "parent_id": "parent_id",
        "owner_id": "user_id",
        "industry": "industry_id.name",
        "region": "country_id.name",
        **_TIMES,
    },
    Stream.OPPORTUNITIES: {
        "id": "id",
        "account_id": derived.ACCOUNT,
        "name": "name",
        "status": derived.STATUS,
        "stage": derived.STAGE,
        "amount": derived.AMOUNT,
        "currency": derived.CURRENCY,
        "close_date": derived.CLOSED,
        "owner_id": derived.OWNER,
        "lost_reason": "lost_reason_id.name",
        "lead_id": derived.LEAD,
        **_TIMES,
    },
    Stream.USERS: {
        "id": "id",
        "name": "name",
        "email": "email",
        "active": "active",
        "modified_at": "write_date",
    },
    Stream.LINE_ITEMS: {
        "id": "id",
        "opportunity_id": derived.DEAL,
        "product": "product_id.name",
        "category": "product_id.categ_id.name",
        "quantity": derived.QUANTITY,
        "amount": derived.AMOUNT,
        "cost": derived.COST,
        "list_price": "price_unit",
        "discontinued": derived.DISCONTINUED,
        "modified_at": "write_date",
    },
    Stream.CASES: {
        "id": "id",
        "account_id": derived.ACCOUNT,
        "name": "name",
        "status": derived.STATUS,
        "severity": derived.SEVERITY,
        "category": "ticket_type_id.name",
        "opened_at": "create_date",
        "closed_at": "close_date",
        "modified_at": "write_date",
    },
    Stream.LEADS: {
        "id": "id",
        "account_id": derived.ACCOUNT,
        "name": "name",
        "status": derived.STATUS,
        "source": "source_id.name",
        "channel": "medium_id.name",
        "region": "country_id.name",
        "owner_id": "user_id",
        "closed_on": derived.CLOSED,
        **_TIMES,
    },
    Stream.ACTIVITIES: {
        "id": "id",
        "account_id": derived.ACCOUNT,
        "lead_id": derived.LEAD,
        "kind": "activity_type_id.name",
        "outcome": "feedback",
        "owner_id": "user_id",
        "happened_at": derived.HAPPENED_AT,
        "modified_at": "write_date",
    },
}
"""Our names to theirs: what is read unless the job says otherwise."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A model that a stream is read from, the *domain* of what is read, and the *app* it is of.

    *virtual* are relations that the model has by two fields, a model's name and a number: by our
    name of it the model it is to. *needed* are fields without which nothing would be right.
    """

    model: str
    app: str
    domain: Sequence[Any] = ()
    derived: Mapping[str, Derived] = field(default_factory=dict)
    virtual: Mapping[str, str] = field(default_factory=dict)
    needed: Sequence[str] = ()


_PEOPLE_TOO: Final = ["|", ["is_company", "=", True], ["parent_id", "=", False]]
_SALES: Final = ["out_invoice", "out_refund"]

_DEALS: Final[Mapping[str, Origin]] = {
    "opportunities": Origin("crm.lead", "CRM", [["type", "=", "opportunity"]], derived.OPPORTUNITY),
    "orders": Origin("sale.order", "Sales", [], derived.ORDER),
    "invoices": Origin("account.move", "Invoicing", [["move_type", "in", _SALES]], derived.INVOICE),
}
_LINES: Final[Mapping[str, Origin]] = {
    "orders": Origin("sale.order.line", "Sales", [["product_id", "!=", False]], derived.ORDER_LINE),
    "invoices": Origin(
        "account.move.line",
        "Invoicing",
        [["move_id.move_type", "in", _SALES], ["product_id", "!=", False]],
        derived.INVOICE_LINE,
    ),
}


def origin_of(stream: Stream, settings: OdooSettings) -> Origin | None:
    """Return what a stream is read from; None if an Odoo has nothing of the kind."""
    match stream:
        case Stream.ACCOUNTS:
            companies = settings.partners == "companies"
            domain: Sequence[Any] = [["is_company", "=", True]] if companies else _PEOPLE_TOO
            return Origin("res.partner", "Contacts", domain, needed=("name",))
        case Stream.OPPORTUNITIES:
            return _DEALS[settings.deals]
        case Stream.LINE_ITEMS:
            return _LINES.get(settings.deals)
        case Stream.USERS:
            return Origin("res.users", "Settings")
        case Stream.CASES:
            # Helpdesk is of the Enterprise edition: its fields are not in our sheet of facts.
            return Origin("helpdesk.ticket", "Helpdesk", [], derived.TICKET)
        case Stream.LEADS:
            terms = ["|", ["type", "=", "lead"], ["date_conversion", "!=", False]]
            return Origin("crm.lead", "CRM", terms, derived.LEADS)
        case Stream.ACTIVITIES:
            virtual = {"partner": "res.partner", "lead": "crm.lead"}
            documents: Sequence[Any] = [["res_model", "in", list(virtual.values())]]
            return Origin("mail.activity", "Discuss", documents, derived.ACTIVITY, virtual)
    return None
