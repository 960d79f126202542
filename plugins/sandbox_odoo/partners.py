"""Companies and people: `res.partner`, and what may be said and planned about records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox_odoo.changes import Ids
from sandbox_odoo.fields import (
    Field,
    Row,
    char,
    flag,
    html,
    lines,
    many,
    named,
    one,
    pick,
    whole,
)
from sandbox_odoo.model import Model, Records, of_records

if TYPE_CHECKING:
    from sandbox_odoo.activities import Activities
    from sandbox_odoo.base import Messages
    from sandbox_odoo.org import Env


class Threaded(Model):
    """A model whose records have messages and activities. Neither moves their `write_date`."""

    @of_records
    def message_post(self, env: Env, ids: Ids, body: str = "", **more: Any) -> Any:
        """Leave a message about a record."""
        self.must_exist(env, ids)
        messages: Messages = env["mail.message"]  # type: ignore[assignment] # by its name
        return Records(messages.name, (messages.about(env, self.name, ids[0], body),))

    @of_records
    def activity_schedule(
        self, env: Env, ids: Ids, act_type_xmlid: str = "", date_deadline: Any = None,
        summary: str = "", note: str = "", **act_values: Any,
    ) -> Any:  # fmt: skip
        """Plan an activity for each record."""
        activities: Activities = env["mail.activity"]  # type: ignore[assignment] # by its name
        given = {"summary": summary, "note": note, "date_deadline": date_deadline, **act_values}
        return activities.schedule(env, self, ids, act_type_xmlid, given)

    def remove(self, env: Env, id_: int) -> None:
        """Delete a record with its activities and messages."""
        for name in ("mail.activity", "mail.message"):
            there = env[name]
            about = "res_model" if name == "mail.activity" else "model"
            for found in [*there.naming("res_id", id_)]:
                if there.rows[found].get(about) == self.name:
                    there.put(found, None)
        super().remove(env, id_)


class Partners(Threaded):
    """Companies, and the people who work there."""

    name = "res.partner"
    description = "Contact"
    order = "display_name, id desc"

    def declared(self) -> dict[str, Field]:
        """Return its fields, some of which other apps bring."""
        fields = {
            "name": char("Name"),
            "active": flag("Active", default=True),
            "is_company": flag("Is a Company"),
            "company_type": pick(
                "Company Type", ("person", "Individual"), ("company", "Company"),
                compute=lambda env, row: "company" if row.get("is_company") else "person",
            ),
            "type": pick("Address Type", ("contact", "Contact"), ("invoice", "Invoice Address"),
                         ("delivery", "Delivery Address"), ("other", "Other Address"),
                         default="contact"),
            "parent_id": one("Related Company", "res.partner"),
            "child_ids": lines("Contact", "res.partner", "parent_id"),
            "commercial_partner_id": one("Commercial Entity", "res.partner", readonly=True),
            "function": char("Job Position"),
            "vat": char("Tax ID"),
            "ref": char("Reference"),
            "website": char("Website Link"),
            "email": char("Email"),
            "phone": char("Phone"),
            "street": char("Street"),
            "street2": char("Street2"),
            "zip": char("Zip"),
            "city": char("City"),
            "country_id": one("Country", "res.country", gone="restrict"),
            "industry_id": one("Industry", "res.partner.industry"),
            "user_id": one("Salesperson", "res.users"),
            "category_id": many("Tags", "res.partner.category"),
            "company_id": one("Company", "res.company"),
            "lang": char("Language", default="en_US"),
            "comment": html("Notes"),
            "activity_ids": Field("one2many", "Activities", "mail.activity", "res_id",
                                  readonly=True, compute=self._activities),
        }  # fmt: skip
        if self.org.major < 19:
            fields["mobile"] = char("Mobile")
        if "account" in self.org.apps:
            fields["customer_rank"] = whole("Customer Rank", default=0)
            fields["supplier_rank"] = whole("Supplier Rank", default=0)
        if "crm" in self.org.apps:
            fields["opportunity_ids"] = lines("Opportunities", "crm.lead", "partner_id")
        if "sale" in self.org.apps:
            fields["sale_order_ids"] = lines("Sales Order", "sale.order", "partner_id")
        return named(**fields)

    def _activities(self, env: Env, row: Row) -> list[int]:
        there = env["mail.activity"]
        mine = [one for one in there.naming("res_id", row["id"])
                if there.rows[one].get("res_model") == self.name]  # fmt: skip
        return sorted(mine)

    def display(self, env: Env, row: Row) -> str | None:
        """Return the name; of a person, behind that of the company."""
        parent = self.rows.get(row.get("parent_id") or 0)
        if parent is not None and not row.get("is_company"):
            return f"{parent.get('name')}, {row.get('name') or ''}"
        return row.get("name")

    def derive(self, env: Env, row: Row, before: Row | None, given: Row) -> None:
        """Find the company that a person belongs to."""
        parent = self.rows.get(row.get("parent_id") or 0)
        alone = row.get("is_company") or parent is None
        row["commercial_partner_id"] = row["id"] if alone else _commercial(parent)

    def follow(self, env: Env, ids: Ids, vals: Mapping[str, Any]) -> None:
        """Move those below along with a partner that moves. It is no change of theirs."""
        if not {"parent_id", "is_company"} & vals.keys():
            return
        for id_ in ids:
            children = [*self.naming("parent_id", id_)]
            for child in children:
                row = {**self.rows[child]}
                self.derive(env, row, row, {})
                self.put(child, row)
            self.follow(env, children, vals)


def _commercial(parent: Row | None) -> int | None:
    return parent["commercial_partner_id"] if parent else None
