"""Products and orders: what an order comes to is the sum of its lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sandbox_odoo.changes import Ids
from sandbox_odoo.fields import (
    Compute,
    Field,
    Row,
    char,
    flag,
    html,
    lines,
    moment,
    money,
    named,
    number,
    one,
    pick,
    text,
    whole,
)
from sandbox_odoo.model import Model, of_records
from sandbox_odoo.partners import Threaded

if TYPE_CHECKING:
    from sandbox_odoo.org import Env


class Products(Model):
    """What is sold."""

    name = "product.product"
    description = "Product Variant"
    order = "default_code, name, id"

    def declared(self) -> dict[str, Field]:
        """Return its fields."""
        return named(
            name=char("Name", required=True),
            default_code=char("Internal Reference"),
            list_price=number("Sales Price"),
            standard_price=number("Cost"),
            categ_id=one("Product Category", "product.category", gone="restrict"),
            type=pick("Product Type", ("consu", "Goods"), ("service", "Service"),
                      default="consu"),
            sale_ok=flag("Sales", default=True),
            active=flag("Active", default=True),
        )  # fmt: skip

    def display(self, env: Env, row: Row) -> str | None:
        """Return the name behind the code."""
        code = row.get("default_code")
        return f"[{code}] {row['name']}" if code else row["name"]


class Lines(Model):
    """Lines of a document. When they change, its sums do, but not its `write_date`."""

    of: str
    quantity: str

    def derive(self, env: Env, row: Row, before: Row | None, given: Row) -> None:
        """Work out what the line comes to."""
        product = env["product.product"].rows.get(row.get("product_id") or 0)
        if product is not None:
            row["name"] = row.get("name") or product["name"]
            if before is None and "price_unit" not in given:
                row["price_unit"] = product.get("list_price")
        whole_price = (row.get("price_unit") or 0.0) * (row.get(self.quantity) or 0.0)
        row["price_subtotal"] = round(whole_price * (1 - (row.get("discount") or 0.0) / 100), 2)
        row["price_total"] = round(row["price_subtotal"] + (row.get("price_tax") or 0.0), 2)

    def follow(self, env: Env, ids: Ids, vals: Mapping[str, Any]) -> None:
        """Let the document add up again."""
        for document in {self.rows[id_][self.of] for id_ in ids}:
            self._add_up(env, document)

    def remove(self, env: Env, id_: int) -> None:
        """Delete a line, and let the document add up again."""
        document = self.rows[id_][self.of]
        super().remove(env, id_)
        self._add_up(env, document)

    def _add_up(self, env: Env, document: int) -> None:
        there = env[self.fields[self.of].relation]
        if document in there.rows:
            rows = [self.rows[one] for one in self.naming(self.of, document)]
            row = {**there.rows[document]}
            row["amount_untaxed"] = round(sum(line["price_subtotal"] for line in rows), 2)
            row["amount_tax"] = round(sum(line.get("price_tax") or 0.0 for line in rows), 2)
            there.derive(env, row, row, {})
            there.put(document, row)

    def of_document(self, name: str) -> Compute:
        """Return what looks a value up in the document."""
        relation = "sale.order" if self.of == "order_id" else "account.move"

        def found(env: Env, row: Row) -> Any:
            return env[relation].rows[row[self.of]].get(name)

        return found

    def priced(self) -> dict[str, Field]:
        """Return the fields that all kinds of lines have."""
        return {
            "name": text("Description"),
            "product_id": one("Product", "product.product", gone="restrict"),
            "price_unit": number("Unit Price"),
            "discount": number("Discount (%)"),
            "price_subtotal": money("Subtotal", readonly=True),
            "price_tax": number("Total Tax"),
            "price_total": money("Total", readonly=True),
            "sequence": whole("Sequence", default=10),
            "currency_id": one("Currency", "res.currency", readonly=True,
                               compute=self.of_document("currency_id")),
            "company_id": one("Company", "res.company", readonly=True,
                              compute=self.of_document("company_id")),
        }  # fmt: skip


class OrderLines(Lines):
    """Lines of orders."""

    name = "sale.order.line"
    description = "Sales Order Line"
    order = "order_id, sequence, id"
    of = "order_id"
    quantity = "product_uom_qty"

    def declared(self) -> dict[str, Field]:
        """Return its fields."""
        return named(
            order_id=one("Order Reference", "sale.order", required=True, gone="cascade"),
            **self.priced(),
            product_uom_qty=number("Quantity", default=1.0),
            qty_delivered=number("Delivery Quantity"),
            qty_invoiced=number("Invoiced Quantity"),
            order_partner_id=one("Customer", "res.partner", readonly=True,
                                 compute=self.of_document("partner_id")),
            state=pick("Order Status", *_ORDER_STATES, compute=self.of_document("state")),
        )  # fmt: skip


_ORDER_STATES: Final = (
    ("draft", "Quotation"), ("sent", "Quotation Sent"), ("sale", "Sales Order"),
    ("cancel", "Cancelled"),
)  # fmt: skip


class Orders(Threaded):
    """Quotations and orders."""

    name = "sale.order"
    description = "Sales Order"
    order = "date_order desc, id desc"

    def declared(self) -> dict[str, Field]:
        """Return its fields."""
        fields = {
            "name": char("Order Reference", required=True, default=self._next_name),
            "state": pick("Status", *_ORDER_STATES, default="draft"),
            "partner_id": one("Customer", "res.partner", required=True, gone="restrict"),
            "partner_invoice_id": one("Invoice Address", "res.partner", gone="restrict"),
            "partner_shipping_id": one("Delivery Address", "res.partner", gone="restrict"),
            "user_id": one("Salesperson", "res.users", default=lambda env: env.uid),
            "team_id": one("Sales Team", "crm.team", default=1),
            "company_id": one("Company", "res.company", default=1),
            "currency_id": one("Currency", "res.currency",
                               default=lambda env: env.org.currency_id),
            "currency_rate": number("Currency Rate", default=1.0),
            "date_order": moment("Order Date", required=True, default=lambda env: env.now),
            "client_order_ref": char("Customer Reference"),
            "note": html("Terms and conditions"),
            "order_line": lines("Order Lines", "sale.order.line", "order_id"),
            "amount_untaxed": money("Untaxed Amount", readonly=True),
            "amount_tax": money("Taxes", readonly=True),
            "amount_total": money("Total", readonly=True),
            "invoice_status": pick("Invoice Status", ("upselling", "Upselling Opportunity"),
                                   ("invoiced", "Fully Invoiced"), ("to invoice", "To Invoice"),
                                   ("no", "Nothing to Invoice"), compute=self._invoiced),
        }  # fmt: skip
        if "crm" in self.org.apps:
            fields["opportunity_id"] = one("Opportunity", "crm.lead")
        return named(**fields)

    def _next_name(self, env: Env) -> str:
        return f"S{self.last:05d}"

    def _invoiced(self, env: Env, row: Row) -> str:
        if row["state"] != "sale":
            return "no"
        there = env["sale.order.line"]
        found = [there.rows[one] for one in there.naming("order_id", row["id"])]
        if not found:
            return "no"
        due = any(
            (line.get("qty_invoiced") or 0) < (line.get("product_uom_qty") or 0) for line in found
        )
        return "to invoice" if due else "invoiced"

    def derive(self, env: Env, row: Row, before: Row | None, given: Row) -> None:
        """Add up, and take the addresses from the customer."""
        for name in ("partner_invoice_id", "partner_shipping_id"):
            row[name] = row.get(name) or row.get("partner_id")
        row["amount_total"] = round(
            (row.get("amount_untaxed") or 0.0) + (row.get("amount_tax") or 0.0), 2
        )

    @of_records
    def action_confirm(self, env: Env, ids: Ids) -> bool:
        """Make orders of quotations."""
        self.write(env, ids, {"state": "sale", "date_order": env.now})
        return True

    @of_records
    def action_cancel(self, env: Env, ids: Ids) -> bool:
        """Cancel orders."""
        return self.write(env, ids, {"state": "cancel"})
