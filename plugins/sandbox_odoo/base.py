"""Models that every database has: companies, users, countries and such."""

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
    many,
    named,
    one,
    pick,
    text,
    whole,
)
from sandbox_odoo.model import Model, of_model

if TYPE_CHECKING:
    from sandbox_odoo.org import Env, Org


class Plain(Model):
    """A model with nothing but fields."""

    def __init__(
        self, org: Org, name: str, description: str, order: str = "id", /, **fields: Field
    ) -> None:
        self.name = name
        self.description = description
        self.order = order
        self._fields = named(**fields)
        super().__init__(org)

    def declared(self) -> dict[str, Field]:
        """Return the fields it was made with."""
        return self._fields


class Users(Model):
    """People who can log in. Their passwords are never shown."""

    name = "res.users"
    description = "User"
    order = "name, login"

    def __init__(self, org: Org) -> None:
        super().__init__(org)
        self.passwords: dict[int, str] = {}

    def declared(self) -> dict[str, Field]:
        """Return its fields."""
        groups = {self.org.groups_field: many("Groups", "res.groups")}
        return named(
            name=char("Name", required=True),
            login=char("Login", required=True),
            email=char("Email"),
            active=flag("Active", default=True),
            partner_id=one("Related Partner", "res.partner", gone="restrict"),
            company_id=one("Company", "res.company", default=1),
            lang=char("Language", default="en_US"),
            tz=char("Timezone", default="UTC"),
            share=flag("Share User"),
            # Written, and never read.
            password=char("Password", compute=lambda env, row: None),
            **groups,
        )

    def derive(self, env: Env, row: Row, before: Row | None, given: Row) -> None:
        """Give a new user the partner that he is."""
        if before is None and not row.get("partner_id"):
            partner = {"name": row["name"], "email": row.get("email") or False}
            row["partner_id"] = env["res.partner"].make(env, partner)

    def follow(self, env: Env, ids: Ids, vals: Mapping[str, Any]) -> None:
        """Keep a new password."""
        if password := vals.get("password"):
            self.passwords |= dict.fromkeys(ids, password)

    @of_model
    def context_get(self, env: Env) -> dict[str, Any]:
        """Return what clients of the user are to send as context."""
        row = self.rows[env.uid]
        return {"lang": row["lang"], "tz": row["tz"], "uid": env.uid}


class Messages(Model):
    """What is said about records."""

    name = "mail.message"
    description = "Message"
    order = "id desc"

    def declared(self) -> dict[str, Field]:
        """Return its fields."""
        return named(
            model=char("Related Document Model"),
            res_id=whole("Related Document ID"),
            subject=char("Subject"),
            body=html("Contents"),
            message_type=char("Type", default="comment"),
            author_id=one("Author", "res.partner"),
        )

    def indexed(self) -> tuple[str, ...]:
        """Return what messages are looked up by."""
        return ("res_id",)

    def about(self, env: Env, model: str, id_: int, body: str) -> int:
        """Leave a message about a record; that doesn't count as a change of it."""
        author = env["res.users"].rows[env.uid].get("partner_id") or False
        return self.make(env, {"model": model, "res_id": id_, "body": body, "author_id": author})


def plain_models(org: Org) -> list[Model]:
    """Return the models that have nothing but fields."""
    made = [
        Plain(org, "res.currency", "Currency", name=char("Currency", required=True),
              symbol=char("Symbol"), active=flag("Active", default=True)),
        Plain(org, "res.company", "Companies", name=char("Company Name", required=True),
              currency_id=one("Currency", "res.currency"),
              partner_id=one("Partner", "res.partner")),
        Plain(org, "res.country", "Country", "name", name=char("Country Name", required=True),
              code=char("Country Code")),
        Plain(org, "res.groups", "Access Groups", name=char("Name", required=True)),
        Plain(org, "res.partner.category", "Partner Tags", "name",
              name=char("Name", required=True), parent_id=one("Category", "res.partner.category"),
              active=flag("Active", default=True)),
        Plain(org, "res.partner.industry", "Industry", "name", name=char("Name"),
              full_name=char("Full Name"), active=flag("Active", default=True)),
        Plain(org, "mail.activity.type", "Activity Type", "sequence, id",
              name=char("Name", required=True), summary=char("Default Summary"),
              sequence=whole("Sequence", default=10), active=flag("Active", default=True),
              delay_count=whole("Schedule", default=0), res_model=char("Model"),
              icon=char("Icon"), category=pick("Action", ("default", "None"),
                                               ("upload_file", "Upload Document"),
                                               ("phonecall", "Phonecall"), ("meeting", "Meeting"))),
    ]  # fmt: skip
    if "crm" in org.apps:
        team = (
            {"team_ids": many("Sales Teams", "crm.team")}
            if org.major >= 19
            else {"team_id": one("Sales Team", "crm.team")}
        )
        made += [
            Plain(org, "crm.stage", "CRM Stages", "sequence, name, id",
                  name=char("Stage Name", required=True), sequence=whole("Sequence", default=1),
                  is_won=flag("Is Won Stage?"), requirements=text("Requirements"),
                  fold=flag("Folded in Pipeline"), **team),
            Plain(org, "crm.lost.reason", "Opp. Lost Reason", name=char("Description"),
                  active=flag("Active", default=True)),
            Plain(org, "crm.tag", "CRM Tag", name=char("Tag Name", required=True)),
            Plain(org, "crm.recurring.plan", "CRM Recurring revenue plans",
                  name=char("Plan Name", required=True), number_of_months=whole("# Months"),
                  active=flag("Active", default=True)),
        ]  # fmt: skip
    if {"crm", "sale"} & {*org.apps}:
        made.append(
            Plain(org, "crm.team", "Sales Team", name=char("Sales Team", required=True),
                  active=flag("Active", default=True), company_id=one("Company", "res.company"))
        )  # fmt: skip
    if {"sale", "account"} & {*org.apps}:
        made.append(
            Plain(org, "product.category", "Product Category",
                  name=char("Name", required=True),
                  parent_id=one("Parent Category", "product.category"))
        )  # fmt: skip
    return [*made]
