"""Invoices and refunds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sandbox_odoo.changes import Ids
from sandbox_odoo.fields import Field, Row, char, day, lines, money, named, number, one, pick
from sandbox_odoo.model import of_records
from sandbox_odoo.partners import Threaded
from sandbox_odoo.sales import Lines

if TYPE_CHECKING:
    from sandbox_odoo.org import Env

_REFUNDS: Final = ("out_refund", "in_invoice")
"""What counts against the company."""
_MOVE_STATES: Final = (("draft", "Draft"), ("posted", "Posted"), ("cancel", "Cancelled"))


class InvoiceLines(Lines):
    """Lines of invoices."""

    name = "account.move.line"
    description = "Journal Item"
    order = "move_id, sequence, id"
    of = "move_id"
    quantity = "quantity"

    def declared(self) -> dict[str, Field]:
        """Return its fields."""
        return named(
            move_id=one("Journal Entry", "account.move", required=True, gone="cascade"),
            **self.priced(),
            quantity=number("Quantity", default=1.0),
            display_type=pick("Display Type", ("product", "Product"), ("line_note", "Note"),
                              ("line_section", "Section"), default="product"),
            date=day("Date", compute=self.of_document("invoice_date")),
            partner_id=one("Partner", "res.partner", compute=self.of_document("partner_id")),
            parent_state=pick("Status", *_MOVE_STATES, compute=self.of_document("state")),
        )  # fmt: skip


class Invoices(Threaded):
    """Invoices and refunds."""

    name = "account.move"
    description = "Journal Entry"
    order = "date desc, name desc, invoice_date desc, id desc"

    def declared(self) -> dict[str, Field]:
        """Return its fields."""
        return named(
            name=char("Number"),
            ref=char("Reference"),
            state=pick("Status", *_MOVE_STATES, default="draft"),
            move_type=pick("Type", ("entry", "Journal Entry"), ("out_invoice", "Customer Invoice"),
                           ("out_refund", "Customer Credit Note"), ("in_invoice", "Vendor Bill"),
                           ("in_refund", "Vendor Credit Note"), required=True, default="entry"),
            partner_id=one("Partner", "res.partner", gone="restrict"),
            commercial_partner_id=one("Commercial Entity", "res.partner", readonly=True),
            invoice_user_id=one("Salesperson", "res.users", default=lambda env: env.uid),
            invoice_date=day("Invoice/Bill Date"),
            invoice_date_due=day("Due Date"),
            invoice_origin=char("Origin"),
            date=day("Date", required=True, default=lambda env: env.now.date()),
            company_id=one("Company", "res.company", default=1),
            company_currency_id=one("Company Currency", "res.currency",
                                    compute=lambda env, row: env.org.currency_id),
            currency_id=one("Currency", "res.currency", default=lambda env: env.org.currency_id),
            invoice_line_ids=lines("Invoice lines", "account.move.line", "move_id"),
            line_ids=lines("Journal Items", "account.move.line", "move_id"),
            amount_untaxed=money("Untaxed Amount", readonly=True),
            amount_tax=money("Tax", readonly=True),
            amount_total=money("Total", readonly=True),
            amount_residual=money("Amount Due", readonly=True),
            amount_untaxed_signed=money("Untaxed Amount Signed", readonly=True),
            amount_total_signed=money("Total Signed", readonly=True),
            payment_state=pick("Payment Status", ("not_paid", "Not Paid"), ("paid", "Paid"),
                               ("in_payment", "In Payment"), ("partial", "Partially Paid"),
                               ("reversed", "Reversed"), default="not_paid"),
        )  # fmt: skip

    def derive(self, env: Env, row: Row, before: Row | None, given: Row) -> None:
        """Add up, signed as seen from the company, and find the customer's company."""
        partner = env["res.partner"].rows.get(row.get("partner_id") or 0, {})
        row["commercial_partner_id"] = partner.get("commercial_partner_id")
        untaxed = row.get("amount_untaxed") or 0.0
        row["amount_total"] = round(untaxed + (row.get("amount_tax") or 0.0), 2)
        sign = -1 if row["move_type"] in _REFUNDS else 1
        row["amount_untaxed_signed"] = sign * untaxed
        row["amount_total_signed"] = sign * row["amount_total"]
        row["amount_residual"] = 0.0 if row["payment_state"] == "paid" else row["amount_total"]

    @of_records
    def action_post(self, env: Env, ids: Ids) -> bool:
        """Post drafts: they get a day and a number."""
        for id_ in ids:
            self.must_exist(env, [id_])
            row = self.rows[id_]
            day_ = row.get("invoice_date") or env.now.date()
            name = row.get("name") or f"INV/{day_:%Y}/{id_:05d}"
            self.write(env, [id_], {"state": "posted", "invoice_date": day_, "name": name})
        return False
