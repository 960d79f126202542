"""Opportunities: `crm.lead`, and what winning and losing one means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sandbox_odoo.changes import Ids
from sandbox_odoo.fields import (
    Field,
    Row,
    char,
    day,
    flag,
    html,
    lines,
    many,
    moment,
    money,
    named,
    number,
    one,
    pick,
)
from sandbox_odoo.model import of_records
from sandbox_odoo.partners import Threaded

if TYPE_CHECKING:
    from sandbox_odoo.org import Env

_CHANCES: Final = (15.0, 40.0, 65.0)
"""How likely deals of the first stages are. Odoo learns it from other deals."""


class Leads(Threaded):
    """Leads and opportunities. A lost one is archived, with a probability of 0."""

    name = "crm.lead"
    description = "Lead"
    order = "priority desc, id desc"

    def declared(self) -> dict[str, Field]:
        """Return its fields."""
        fields = {
            "name": char("Opportunity", required=True),
            "type": pick("Type", ("lead", "Lead"), ("opportunity", "Opportunity"), required=True,
                         default="opportunity"),
            "active": flag("Active", default=True),
            "partner_id": one("Customer", "res.partner"),
            "partner_name": char("Company Name"),
            "contact_name": char("Contact Name"),
            "email_from": char("Email"),
            "phone": char("Phone"),
            "description": html("Notes"),
            "priority": pick("Priority", ("0", "Low"), ("1", "Medium"), ("2", "High"),
                             ("3", "Very High"), default="0"),
            "stage_id": one("Stage", "crm.stage", gone="restrict", default=self._first_stage),
            "user_id": one("Salesperson", "res.users", default=lambda env: env.uid),
            "team_id": one("Sales Team", "crm.team", default=1),
            "company_id": one("Company", "res.company", default=1),
            "company_currency": one("Currency", "res.currency", readonly=True,
                                    compute=lambda env, row: env.org.currency_id),
            "expected_revenue": money("Expected Revenue"),
            "prorated_revenue": money("Prorated Revenue", readonly=True),
            "recurring_revenue": money("Recurring Revenues"),
            "recurring_plan": one("Recurring Plan", "crm.recurring.plan"),
            "recurring_revenue_monthly": money("Expected MRR", readonly=True),
            "probability": number("Probability"),
            "automated_probability": number("Automated Probability", readonly=True),
            "lost_reason_id": one("Lost Reason", "crm.lost.reason", gone="restrict"),
            "tag_ids": many("Tags", "crm.tag"),
            "date_deadline": day("Expected Closing"),
            "date_closed": moment("Closed Date", readonly=True),
            "date_open": moment("Assignment Date", readonly=True),
            "date_conversion": moment("Conversion Date", readonly=True),
            "date_last_stage_update": moment("Last Stage Update", readonly=True),
        }  # fmt: skip
        if "sale" in self.org.apps:
            fields["order_ids"] = lines("Orders", "sale.order", "opportunity_id")
        if self.org.major >= 19:
            fields["won_status"] = pick(
                "Is Won", ("won", "Won"), ("lost", "Lost"), ("pending", "Pending"), readonly=True
            )
        return named(**fields)

    def _first_stage(self, env: Env) -> int | None:
        return next(iter(_in_order(env)), None)

    def derive(self, env: Env, row: Row, before: Row | None, given: Row) -> None:
        """Keep stage, probability and the time of closing in step."""
        stages = env["crm.stage"].rows
        stage = stages.get(row.get("stage_id") or 0, {})
        moved = before is None or before.get("stage_id") != row.get("stage_id")
        if moved:
            row["date_last_stage_update"] = env.now
            self._likely(env, row, given)
        closed = _closed(stage, row, given, moved=moved)
        if closed is not None and not (env.su and given.get("date_closed")):
            row["date_closed"] = env.now if closed else None
        if row.get("user_id") and (before is None or before.get("user_id") != row["user_id"]):
            row["date_open"] = env.now
        if before is not None and before["type"] == "lead" and row["type"] == "opportunity":
            row["date_conversion"] = env.now
        if env.su:
            row |= {name: value for name, value in given.items() if name.startswith("date_")}
        chance = row.get("probability") or 0.0
        row["prorated_revenue"] = round((row.get("expected_revenue") or 0.0) * chance / 100, 2)
        plan = env["crm.recurring.plan"].rows.get(row.get("recurring_plan") or 0, {})
        months = plan.get("number_of_months") or 1
        row["recurring_revenue_monthly"] = (row.get("recurring_revenue") or 0.0) / months
        if self.org.major >= 19:
            row["won_status"] = _status(stage, row)

    def _likely(self, env: Env, row: Row, given: Row) -> None:
        """Set the probability that goes with the stage, where none is given."""
        chance = 0.0
        if stage := env["crm.stage"].rows.get(row.get("stage_id") or 0):
            at = _in_order(env).index(stage["id"])
            chance = 100.0 if stage.get("is_won") else _CHANCES[min(at, len(_CHANCES) - 1)]
        row["automated_probability"] = chance
        if "probability" not in given or chance == 100:
            row["probability"] = chance

    @of_records
    def action_set_won(self, env: Env, ids: Ids) -> bool:
        """Win deals: they come out of the archive and into the stage that is won."""
        stages = env["crm.stage"].rows
        won = next(one for one in _in_order(env) if stages[one].get("is_won"))
        self.write(env, ids, {"active": True, "stage_id": won, "probability": 100})
        return True

    @of_records
    def action_set_lost(self, env: Env, ids: Ids, **additional_values: Any) -> None:
        """Lose deals: they go into the archive. Nothing is returned, which XML-RPC can't say."""
        self.action_archive(env, ids)
        if additional_values:
            self.write(env, ids, additional_values)

    @of_records
    def action_archive(self, env: Env, ids: Ids) -> Any:
        """Put deals away: they are then lost."""
        self.write(env, ids, {"active": False, "probability": 0, "automated_probability": 0})
        return True

    @of_records
    def action_unarchive(self, env: Env, ids: Ids) -> Any:
        """Take deals out again, as likely as their stage is."""
        self.write(env, ids, {"active": True, "lost_reason_id": False})
        for id_ in ids:
            row = {**self.rows[id_]}
            self._likely(env, row, {})
            self.change(env, [id_], {"probability": row["probability"]})
        return True


def _in_order(env: Env) -> list[int]:
    """Return the stages from the first to the last."""
    stages = env["crm.stage"].rows.values()
    rows = sorted(stages, key=lambda row: (row.get("sequence") or 0, row["id"]))
    return [row["id"] for row in rows]


def _closed(stage: Row, row: Row, given: Row, *, moved: bool) -> bool | None:
    """Return whether a change closes the deal, or opens it again; None for neither."""
    chance = row.get("probability") or 0.0
    if chance >= 100 and (moved or "probability" in given):
        return True
    if given.get("active") is False:
        return True
    if "probability" in given:
        return False if chance > 0 else None
    return False if moved and not stage.get("is_won") else None


def _status(stage: Row, row: Row) -> str:
    if row.get("probability") == 100 and stage.get("is_won"):
        return "won"
    return "lost" if not row.get("active") and not row.get("probability") else "pending"
