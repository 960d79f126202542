"""A made-up company in a new database: the same number of accounts, the same company."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from connector.sandbox import made_up
from sandbox_odoo.org import ADMIN, Env, Org

_PEOPLE: Final = 4
"""One company of so many has a contact, who is then the customer of its deals."""


def make_up(org: Org, accounts: int) -> None:
    """Fill *org* with a company of that many accounts."""
    made = made_up.make_up(accounts, org.clock())
    with org.transaction(ADMIN, su=True) as env:
        _Maker(env).make(made)


class _Maker:
    """Makes the records; each list has the ids in the order of what was made up."""

    def __init__(self, env: Env) -> None:
        self._env = env
        self._users: list[int] = []
        self._partners: list[int] = []
        self._contacts: dict[int, int] = {}
        self._products: list[int] = []

    def _put(self, model: str, made: datetime, changed: datetime, **values: Any) -> int:
        stamps = {"create_date": made, "write_date": changed}
        return self._env[model].make(self._env, values | stamps)

    def make(self, made: made_up.Made) -> None:
        """Make all records of a company."""
        env = self._env
        countries = {name: env["res.country"].make(env, {"name": name})
                     for name in made_up.COUNTRIES}  # fmt: skip
        industries = {name: env["res.partner.industry"].make(env, {"name": name})
                      for name in made_up.INDUSTRIES}  # fmt: skip
        for person in made.people:
            login = f"user{person.at}@sandbox.example"
            user = {"name": person.name, "login": login, "email": login}
            self._users.append(env["res.users"].make(env, user))
        for firm in made.firms:
            self._firm(firm, countries[firm.country], industries[firm.industry])
        if "product.product" in env.org.models:
            self._products = [
                env["product.product"].make(
                    env, {"name": name, "default_code": f"P-{at:03d}", "list_price": 100.0 * at}
                )
                for at, name in enumerate(made.products, 1)
            ]
        for deal in made.deals:
            self._deal(deal)

    def _firm(self, firm: made_up.Firm, country: int, industry: int) -> None:
        ids = {"country_id": country, "industry_id": industry, "user_id": self._users[firm.owner]}
        if firm.parent is not None:
            ids["parent_id"] = self._partners[firm.parent]
        if "account" in self._env.org.apps:
            ids["customer_rank"] = 1
        made, changed = firm.made, firm.changed
        self._partners.append(
            self._put("res.partner", made, changed, name=firm.name, is_company=True, **ids)
        )
        if firm.at % _PEOPLE == 0:
            at, count = firm.at, len(made_up.GIVEN)
            name = f"{made_up.GIVEN[at % count]} {made_up.PEOPLE[at % len(made_up.PEOPLE)]}"
            company = {"parent_id": self._partners[-1], "email": f"contact{at}@example.com"}
            self._contacts[at] = self._put("res.partner", made, changed, name=name, **company)

    def _deal(self, deal: made_up.Deal) -> None:
        env = self._env
        partner = self._contacts.get(deal.account, self._partners[deal.account])
        owner = {"partner_id": partner, "user_id": self._users[deal.owner]}
        lead: dict[str, Any] = {}
        if "crm" in env.org.apps:
            lead = {"opportunity_id": self._lead(deal, owner)}
        if deal.outcome != "won" or not deal.lines:
            return
        if "sale" in env.org.apps:
            self._order(deal, owner | lead)
        if "account" in env.org.apps:
            self._put(
                "account.move", deal.changed, deal.changed, move_type="out_invoice",
                state="posted", name=f"INV/{deal.closes:%Y}/{deal.at:05d}", partner_id=partner,
                invoice_user_id=owner["user_id"], invoice_date=deal.closes, date=deal.closes,
                invoice_line_ids=self._lines(deal, "quantity"), payment_state="paid",
            )  # fmt: skip

    def _lead(self, deal: made_up.Deal, owner: dict[str, int]) -> int:
        values: dict[str, Any] = {"date_deadline": deal.closes}
        if deal.outcome == "open":
            values |= {"stage_id": 1 + deal.at % 3}
        elif deal.outcome == "won":
            values |= {"stage_id": self._env.org.xmlid("crm.stage_lead4")}
        else:
            values |= {"active": False, "probability": 0.0, "lost_reason_id": 1 + deal.at % 3}
        if deal.outcome != "open":
            values["date_closed"] = deal.changed
        return self._put(
            "crm.lead", deal.made, deal.changed, name=deal.name, type="opportunity",
            expected_revenue=float(deal.amount), date_open=deal.made,
            date_last_stage_update=deal.changed, **owner, **values,
        )  # fmt: skip

    def _lines(self, deal: made_up.Deal, *quantities: str) -> list[tuple[int, int, Any]]:
        """Return the commands that make the lines; *quantities* are fields for how much it is."""
        return [
            (0, 0, {
                "product_id": self._products[line.product],
                "price_unit": float(line.price),
                **dict.fromkeys(quantities, float(line.quantity)),
            })
            for line in deal.lines
        ]  # fmt: skip

    def _order(self, deal: made_up.Deal, linked: dict[str, Any]) -> None:
        at = datetime.combine(deal.closes, deal.made.time())
        self._put(
            "sale.order", deal.changed, deal.changed, state="sale", date_order=at,
            order_line=self._lines(deal, "product_uom_qty", "qty_invoiced"), **linked,
        )  # fmt: skip
