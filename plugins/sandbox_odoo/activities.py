"""What is planned: `mail.activity`."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from sandbox_odoo.changes import Ids
from sandbox_odoo.fields import (
    Field,
    Row,
    char,
    day,
    flag,
    html,
    named,
    one,
    pick,
    whole,
)
from sandbox_odoo.model import Model, Records, of_records
from sandbox_odoo.refusal import VALIDATION, Refused

if TYPE_CHECKING:
    from sandbox_odoo.base import Messages
    from sandbox_odoo.org import Env


class Activities(Model):
    """Calls, mails and the like that somebody is to do about a record."""

    name = "mail.activity"
    description = "Activity"
    rec_name = "summary"
    order = "date_deadline, id"

    def declared(self) -> dict[str, Field]:
        """Return its fields."""
        fields = {
            "res_model_id": one("Document Model", "ir.model", gone="cascade"),
            "res_model": char("Related Document Model", readonly=True),
            "res_id": whole("Related Document ID"),
            "res_name": char("Document Name", readonly=True, compute=self._about),
            "activity_type_id": one("Activity Type", "mail.activity.type"),
            "summary": char("Summary"),
            "note": html("Note"),
            "date_deadline": day("Due Date", required=True, default=lambda env: env.now.date()),
            "user_id": one("Assigned to", "res.users", default=lambda env: env.uid),
            "state": pick("State", ("overdue", "Overdue"), ("today", "Today"),
                          ("planned", "Planned"), ("done", "Done"), compute=self._state),
        }  # fmt: skip
        if self.org.major >= 18:
            fields["active"] = flag("Active", default=True)
            fields["date_done"] = day("Done Date")
            fields["feedback"] = html("Feedback")
        return named(**fields)

    def indexed(self) -> tuple[str, ...]:
        """Return what activities are looked up by."""
        return ("res_id",)

    def _about(self, env: Env, row: Row) -> str | None:
        there = env[row["res_model"]] if row.get("res_model") else None
        if there is None or row.get("res_id") not in there.rows:
            return None
        return there.called(env, row["res_id"])

    def _state(self, env: Env, row: Row) -> str | None:
        if row.get("date_done"):
            return "done"
        due: date = row["date_deadline"]
        today = env.now.date()
        return "overdue" if due < today else "today" if due == today else "planned"

    def derive(self, env: Env, row: Row, before: Row | None, given: Row) -> None:
        """Take the model from `res_model_id`: `res_model` can't be written."""
        model = env["ir.model"].rows.get(row.get("res_model_id") or 0)
        row["res_model"] = model["model"] if model else None
        if model is None:
            raise Refused(VALIDATION, self._no_model())
        if not row.get("res_id"):
            raise Refused(VALIDATION, self._no_record())
        if before is None:
            # Who is not allowed to see the record can't plan anything about it.
            env[model["model"]].must_exist(env, [row["res_id"]])

    def _no_model(self) -> str:
        if self.org.major >= 19:
            return self._no_record()
        return (
            "The operation cannot be completed: a mandatory field is not set.\n\n"
            "Model: Activity (mail.activity)\nField: Document Model (res_model_id)"
        )

    def _no_record(self) -> str:
        return "Activities have to be linked to records with a not null res_id."

    def imported(self, vals: Row) -> Row:
        """Leave the user empty, where none is given."""
        return {"user_id": False, **vals}

    def schedule(self, env: Env, model: Model, ids: Ids, type_: str, given: Row) -> Records:
        """Plan one for each record of *model*, also for those who may not read `ir.model`."""
        kind = env.org.xmlid(type_) if type_ else given.pop("activity_type_id", None)
        about = env.org.model_id(model.name)
        vals = {name: value for name, value in given.items() if value not in (None, "")}
        vals |= {"activity_type_id": kind, "res_model_id": about}
        return Records(self.name, tuple(self.create(env, [{**vals, "res_id": id_} for id_ in ids])))

    @of_records
    def action_feedback(
        self, env: Env, ids: Ids, feedback: str | bool = False, attachment_ids: Any = None
    ) -> Any:
        """Mark them as done: they leave a message, and some versions keep them, too."""
        self.must_exist(env, ids)
        messages: Messages = env["mail.message"]  # type: ignore[assignment] # by its name
        message: int | bool = False
        for id_ in ids:
            row = self.rows[id_]
            said = f"{row.get('summary') or 'Activity'} done: {feedback or ''}"
            message = messages.about(env.sudo(), row["res_model"], row["res_id"], said)
            if self.org.settings.keeps_activities and "active" in self.fields:
                done = {"active": False, "date_done": env.now,
                        "feedback": feedback}  # fmt: skip
                self.change(env, [id_], done)
            else:
                self.remove(env, id_)
        return message
