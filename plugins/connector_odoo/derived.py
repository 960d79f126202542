"""Columns that no model has as we need them, worked out from those that it has.

They are worked out by states, flags and numbers, never by labels, which everybody names as they
like.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, TypeAlias

ACCOUNT: Final = "account__derived"
AMOUNT: Final = "amount__derived"
CLOSED: Final = "closed__derived"
COST: Final = "cost__derived"
CURRENCY: Final = "currency__derived"
DEAL: Final = "deal__derived"
DISCONTINUED: Final = "discontinued__derived"
HAPPENED_AT: Final = "happened_at__derived"
LEAD: Final = "lead__derived"
OWNER: Final = "owner__derived"
QUANTITY: Final = "quantity__derived"
SEVERITY: Final = "severity__derived"
STAGE: Final = "stage__derived"
STATUS: Final = "status__derived"

ARCHIVED: Final = "archived"
"""The status of a deal that was put away and is neither won nor lost: it is left out."""

Values: TypeAlias = Mapping[str, Any]

_COMPANY: Final = "partner_id.commercial_partner_id"
_WON: Final = 100


@dataclass(frozen=True, slots=True)
class Derived:
    """How a column is made of those that it *needs*; of these a model may lack some.

    *make* gets what there is of them, by name. *vital* are those it makes no sense without.
    """

    needs: Sequence[str]
    make: Callable[[Values], Any]
    vital: Sequence[str] = ()


def same(name: str, *, vital: bool = False) -> Derived:
    """Return the column that is another one, under a name that all kinds of deals share."""
    return Derived((name,), lambda row: row.get(name), (name,) if vital else ())


def first(*names: str) -> Derived:
    """Return the column that is the first of *names* that holds something."""
    return Derived(names, lambda row: next((row[n] for n in names if row.get(n)), None))


def opportunity_status(row: Values) -> str:
    """Return won, lost, open or archived.

    Lost means put away with a probability of 0, whatever the stage; newer versions say it.
    """
    if row.get("won_status") in ("won", "lost"):
        return str(row["won_status"])
    if not row.get("active", True) and not row.get("probability"):
        return "lost"
    if row.get("stage_id.is_won") or row.get("probability") == _WON:
        return "won"
    return "open" if row.get("active", True) else ARCHIVED


def _opportunity_closed(row: Values) -> Any:
    if opportunity_status(row) in ("won", "lost"):
        return row.get("date_closed") or row.get("date_deadline")
    return row.get("date_deadline")


def _converted(row: Values) -> Any:
    return row.get("id") if row.get("date_conversion") else None


def _lead_status(row: Values) -> str:
    status = opportunity_status(row)
    if status in ("won", "lost"):
        return status
    if status == ARCHIVED:
        return "disqualified"
    return "open" if row.get("type") == "lead" else "qualified"


def _lead_closed(row: Values) -> Any:
    return row.get("date_closed") if _lead_status(row) in ("won", "lost") else None


def _order_status(row: Values) -> str:
    return {"sale": "won", "done": "won", "cancel": "lost"}.get(str(row.get("state")), "open")


def _order_closed(row: Values) -> Any:
    return row.get("validity_date") if _order_status(row) == "open" else row.get("date_order")


def _invoice_status(row: Values) -> str:
    return {"posted": "won", "cancel": "lost"}.get(str(row.get("state")), "open")


def _invoice_line(name: str) -> Callable[[Values], Any]:
    """Return what a line brings: of a credit note it is what is given back."""

    def make(row: Values) -> Any:
        value = row.get(name)
        return -value if value and row.get("move_id.move_type") == "out_refund" else value

    return make


def _invoice_line_amount(row: Values) -> Any:
    # In the currency of the company, as the invoice is; on the books sales are negative.
    return -row["balance"] if "balance" in row else _invoice_line("price_subtotal")(row)


def _order_line_cost(row: Values) -> Any:
    price, quantity = row.get("purchase_price"), row.get("product_uom_qty")
    return None if price is None or quantity is None else Decimal(price) * Decimal(quantity)


def _discontinued(row: Values) -> Any:
    known = row.get("product_id.active")
    return None if known is None else not known


def _ticket_status(row: Values) -> str:
    return "closed" if row.get("close_date") or row.get("stage_id.fold") else "open"


def _ticket_severity(row: Values) -> str:
    return {"0": "low", "2": "high", "3": "high"}.get(str(row.get("priority")), "normal")


def _happened_at(row: Values) -> Any:
    # A day: which hour of it nobody notes.
    done: date | None = row.get("date_done")
    return done if not row.get("active", True) else None


_OF_LEADS: Final = (
    "won_status", "active", "probability", "stage_id.is_won", "type",
)  # fmt: skip

OPPORTUNITY: Final[Mapping[str, Derived]] = {
    ACCOUNT: same(_COMPANY, vital=True),
    AMOUNT: same("expected_revenue", vital=True),
    CLOSED: Derived((*_OF_LEADS, "date_closed", "date_deadline"), _opportunity_closed),
    CURRENCY: same("company_currency.name"),
    LEAD: Derived(("id", "date_conversion"), _converted),
    OWNER: same("user_id"),
    STAGE: same("stage_id.name"),
    STATUS: Derived(_OF_LEADS, opportunity_status, ("active", "probability")),
}
LEADS: Final[Mapping[str, Derived]] = {
    ACCOUNT: same(_COMPANY),
    CLOSED: Derived((*_OF_LEADS, "date_closed"), _lead_closed),
    STATUS: Derived(_OF_LEADS, _lead_status, ("active", "probability")),
}
ORDER: Final[Mapping[str, Derived]] = {
    ACCOUNT: same(_COMPANY, vital=True),
    AMOUNT: same("amount_untaxed", vital=True),
    CLOSED: Derived(("state", "date_order", "validity_date"), _order_closed, ("date_order",)),
    CURRENCY: same("currency_id.name"),
    LEAD: same("opportunity_id"),
    OWNER: same("user_id"),
    STAGE: same("state"),
    STATUS: Derived(("state",), _order_status, ("state",)),
}
INVOICE: Final[Mapping[str, Derived]] = {
    ACCOUNT: same(_COMPANY, vital=True),
    AMOUNT: same("amount_untaxed_signed", vital=True),
    CLOSED: same("invoice_date", vital=True),
    CURRENCY: same("company_currency_id.name"),
    OWNER: first("invoice_user_id", "user_id"),
    STAGE: first("payment_state", "state"),
    STATUS: Derived(("state",), _invoice_status, ("state",)),
}
ORDER_LINE: Final[Mapping[str, Derived]] = {
    DEAL: same("order_id", vital=True),
    QUANTITY: same("product_uom_qty"),
    AMOUNT: same("price_subtotal"),
    COST: Derived(("purchase_price", "product_uom_qty"), _order_line_cost),
    DISCONTINUED: Derived(("product_id.active",), _discontinued),
}
INVOICE_LINE: Final[Mapping[str, Derived]] = {
    DEAL: same("move_id", vital=True),
    QUANTITY: Derived(("quantity", "move_id.move_type"), _invoice_line("quantity")),
    AMOUNT: Derived(("balance", "price_subtotal", "move_id.move_type"), _invoice_line_amount),
    DISCONTINUED: Derived(("product_id.active",), _discontinued),
}
TICKET: Final[Mapping[str, Derived]] = {
    ACCOUNT: same(_COMPANY),
    STATUS: Derived(("close_date", "stage_id.fold"), _ticket_status),
    SEVERITY: Derived(("priority",), _ticket_severity),
}
ACTIVITY: Final[Mapping[str, Derived]] = {
    ACCOUNT: first("partner.commercial_partner_id", "lead.partner_id.commercial_partner_id"),
    LEAD: same("lead.id"),
    HAPPENED_AT: Derived(("date_done", "active"), _happened_at),
}
