"""What winning, losing and archiving a deal does, and activities."""

from __future__ import annotations

from typing import Any

import pytest

from connector.testing.faults import Clock
from sandbox_odoo.sandbox import OdooSandbox
from tests.plugins.sandbox_odoo.asking import Rpc, rpc_of
from tests.plugins.sandbox_odoo.conftest import Make

WON_STAGE, NOW = 4, "2026-03-01 12:00:00"
ALL = {"active_test": False}


@pytest.fixture
def deal(sandbox: OdooSandbox) -> int:
    """Return an open deal."""
    return sandbox.insert("crm.lead", name="Deal", expected_revenue=1000.0)


def is_(sandbox: OdooSandbox, deal: int) -> tuple[Any, ...]:
    row = sandbox.record("crm.lead", deal)
    return row["active"], row["probability"], row["date_closed"], row["won_status"]


def test_a_new_deal_is_open(sandbox: OdooSandbox, deal: int) -> None:
    assert is_(sandbox, deal) == (True, 15.0, False, "pending")
    row = sandbox.record("crm.lead", deal)
    assert (row["type"], row["stage_id"], row["prorated_revenue"]) == ("opportunity", 1, 150.0)


def test_winning(sandbox: OdooSandbox, rpc: Rpc, deal: int) -> None:
    rpc("crm.lead", "write", [deal], {"stage_id": WON_STAGE})
    assert is_(sandbox, deal) == (True, 100.0, NOW, "won")
    rpc("crm.lead", "write", [deal], {"stage_id": 1})
    assert is_(sandbox, deal) == (True, 15.0, False, "pending")
    rpc("crm.lead", "action_set_lost", [deal])
    rpc("crm.lead", "action_set_won", [deal])
    assert is_(sandbox, deal) == (True, 100.0, NOW, "won")
    assert rpc("crm.lead", "search", [("stage_id.is_won", "=", True)]) == [deal]


def test_losing(sandbox: OdooSandbox, rpc: Rpc, deal: int) -> None:
    rpc("crm.lead", "action_set_lost", [deal], lost_reason_id=2)
    assert is_(sandbox, deal) == (False, 0.0, NOW, "lost")
    assert sandbox.record("crm.lead", deal)["lost_reason_id"] == 2
    assert rpc("crm.lead", "search", []) == []
    assert rpc("crm.lead", "search", [], context=ALL) == [deal]
    rpc("crm.lead", "toggle_active", [deal])
    assert is_(sandbox, deal) == (True, 15.0, False, "pending")
    assert sandbox.record("crm.lead", deal)["lost_reason_id"] is False


def test_archiving_is_losing_but_by_the_flag_alone_it_is_not(
    sandbox: OdooSandbox, rpc: Rpc, deal: int
) -> None:
    rpc("crm.lead", "write", [deal], {"active": False})
    assert is_(sandbox, deal) == (False, 15.0, NOW, "pending")
    rpc("crm.lead", "action_archive", [deal])
    assert is_(sandbox, deal) == (False, 0.0, NOW, "lost")


def test_archiving_anything_else(sandbox: OdooSandbox, rpc: Rpc) -> None:
    rpc("res.partner", "toggle_active", [1])
    assert sandbox.record("res.partner", 1)["active"] is False
    rpc("res.partner", "action_unarchive", [1])
    assert sandbox.record("res.partner", 1)["active"] is True


def planned(sandbox: OdooSandbox) -> dict[str, Any]:
    return {"res_model_id": sandbox.org.model_id("res.partner"), "res_id": 1,
            "activity_type_id": sandbox.org.xmlid("mail.mail_activity_data_call"),
            "summary": "Call", "note": "<p>Why</p>"}  # fmt: skip


def test_planning(sandbox: OdooSandbox, rpc: Rpc, clock: Clock) -> None:
    values = planned(sandbox)
    made = rpc("mail.activity", "create", [values | {"date_deadline": "2026-03-02"}])
    [row] = rpc("mail.activity", "read", made)
    assert (row["res_model"], row["res_id"], row["res_name"]) == ("res.partner", 1, "My Company")
    assert row["activity_type_id"] == [2, "Call"]
    assert (row["user_id"][0], row["state"]) == (sandbox.user, "planned")
    clock.jump(2 * 86_400)
    assert rpc("mail.activity", "read", made, ["state"])[0]["state"] == "overdue"
    today = rpc("mail.activity", "create", values)
    assert rpc("mail.activity", "read", [today], ["state"])[0]["state"] == "today"


@pytest.mark.parametrize(
    ("version", "said"), [("17.0", "res_model_id"), ("19.0", "with a not null res_id")]
)
def test_the_name_of_the_model_is_not_enough(make: Make, version: str, said: str) -> None:
    values = {"res_model": "res.partner", "res_id": 1, "summary": "Call"}
    name, message = rpc_of(make(version)).error("mail.activity", "create", [values])
    assert name == "odoo.exceptions.ValidationError"
    assert said in message


def test_nothing_is_planned_for_who_is_gone(sandbox: OdooSandbox, rpc: Rpc) -> None:
    values = planned(sandbox) | {"res_id": 9999}
    error = rpc.error("mail.activity", "create", [values])
    assert error[0] == "odoo.exceptions.MissingError"


@pytest.mark.parametrize(
    ("version", "said"), [("17.0", "mail.activity(1,)"), ("18.0", "mail.activity(1,)"),
                          ("19.0", [1])]
)  # fmt: skip
def test_planning_without_a_right_to_models(make: Make, version: str, said: Any) -> None:
    sandbox = make(version)
    sandbox.revoke()
    rpc = rpc_of(sandbox)
    assert rpc.error("ir.model", "search", [])[0] == "odoo.exceptions.AccessError"
    made = rpc("res.partner", "activity_schedule", [1], summary="Call", user_id=2,
               act_type_xmlid="mail.mail_activity_data_todo",
               date_deadline="2026-03-05")  # fmt: skip
    assert made == said
    row = sandbox.record("mail.activity", 1)
    assert (row["user_id"], row["activity_type_id"]) == (2, 4)
    assert (row["date_deadline"], row["res_model"]) == ("2026-03-05", "res.partner")


def test_19_keeps_what_is_done(sandbox: OdooSandbox, rpc: Rpc) -> None:
    made = rpc("mail.activity", "create", planned(sandbox))
    rpc("mail.activity", "action_feedback", [made], feedback="Done")
    assert rpc("mail.activity", "search", []) == []
    row = sandbox.record("mail.activity", made)
    assert (row["active"], row["state"], row["feedback"]) == (False, "done", "Done")
    assert row["date_done"] == "2026-03-01"


@pytest.mark.parametrize(("version", "kept"), [("17.0", False), ("18.0", False), ("18.0", True)])
def test_others_delete_it_and_leave_a_message(make: Make, version: str, kept: bool) -> None:
    sandbox = make(version)
    sandbox.settings.keeps_activities = kept
    rpc = rpc_of(sandbox)
    made = rpc("mail.activity", "create", planned(sandbox))
    rpc("mail.activity", "action_feedback", [made], feedback="Done")
    assert len(rpc("mail.activity", "read", [made])) == kept
    [message] = sandbox.records("mail.message")
    assert (message["model"], message["res_id"]) == ("res.partner", 1)
    assert "Done" in message["body"]


def test_activities_by_load_have_a_key_and_no_user(sandbox: OdooSandbox, rpc: Rpc) -> None:
    fields = ["id", "summary", "date_deadline", "res_id", "res_model_id/.id",
              "activity_type_id/.id"]  # fmt: skip
    model = str(sandbox.org.model_id("res.partner"))

    def load(summary: str) -> Any:
        row = ["crm_tier.act_1", summary, "2026-03-05", "1", model, "4"]
        return rpc("mail.activity", "load", fields, [row])["ids"]

    assert load("Call") == load("Call again")
    row = sandbox.records("mail.activity")[0]
    assert (row["summary"], row["user_id"]) == ("Call again", False)
