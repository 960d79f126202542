"""Writing: values, batches, imports, deleting, and what moves `write_date`."""

from __future__ import annotations

from typing import Any

import pytest

from connector.testing.faults import Clock
from sandbox_odoo.sandbox import OdooSandbox
from tests.plugins.sandbox_odoo.asking import Rpc

EARLY, LATE = "2026-03-01 12:00:00", "2026-03-01 12:01:00"


@pytest.fixture
def acme(sandbox: OdooSandbox, clock: Clock) -> int:
    """Return a partner of a minute ago."""
    made = sandbox.insert("res.partner", name="Acme", is_company=True)
    clock.jump(60)
    return made


def stamp(sandbox: OdooSandbox, id_: int) -> object:
    return sandbox.record("res.partner", id_)["write_date"]


def test_one_or_several_are_made(rpc: Rpc) -> None:
    one = rpc("res.partner", "create", {"name": "A"})
    assert rpc("res.partner", "create", [{"name": "B"}, {"name": "C"}]) == [one + 1, one + 2]


def test_the_same_value_again_is_a_change(sandbox: OdooSandbox, rpc: Rpc, acme: int) -> None:
    assert stamp(sandbox, acme) == EARLY
    assert rpc("res.partner", "write", [acme], {"name": "Acme"}) is True
    row = sandbox.record("res.partner", acme)
    assert (row["write_date"], row["write_uid"]) == (LATE, sandbox.user)


def test_what_is_said_and_planned_is_no_change(sandbox: OdooSandbox, rpc: Rpc, acme: int) -> None:
    rpc("res.partner", "message_post", [acme], body="Hello")
    rpc("res.partner", "activity_schedule", [acme], "mail.mail_activity_data_todo", summary="Call")
    rpc("crm.lead", "create", {"name": "Deal", "partner_id": acme})
    assert stamp(sandbox, acme) == EARLY
    about = [("model", "=", "res.partner"), ("res_id", "=", acme)]
    assert rpc("mail.message", "search_count", about) == 1


@pytest.mark.parametrize(
    ("values", "error"),
    [
        pytest.param({"type": "diamond"}, "builtins.ValueError", id="not an option"),
        pytest.param({"user_id": 9999}, "odoo.exceptions.ValidationError", id="no such user"),
        pytest.param({"customer_rank": "many"}, "builtins.ValueError", id="no number"),
    ],
)
def test_a_batch_is_kept_whole_or_not_at_all(
    sandbox: OdooSandbox, rpc: Rpc, acme: int, values: dict[str, Any], error: str
) -> None:
    before = len(sandbox.records("res.partner"))
    wrong = {"name": "B", **values}
    assert rpc.error("res.partner", "create", [{"name": "A"}, wrong])[0] == error
    assert len(sandbox.records("res.partner")) == before
    assert rpc.error("res.partner", "write", [acme], {"ref": "R", **values})[0] == error
    missing = rpc.error("res.partner", "write", [acme, 9999], {"ref": "R"})
    assert missing[0] == "odoo.exceptions.MissingError"
    row = sandbox.record("res.partner", acme)
    assert (row["ref"], row["write_date"]) == (False, EARLY)
    assert rpc("res.partner", "search", [("ref", "=", "R")]) == []


@pytest.mark.parametrize("value", ["2026-03-02T10:00:00", "2026-03-02 10:00:00Z", "soon"])
def test_times_are_written_in_one_form(sandbox: OdooSandbox, rpc: Rpc, value: str) -> None:
    order = {"partner_id": 1, "date_order": value}
    assert rpc.error("sale.order", "create", order)[0] == "builtins.ValueError"
    made = rpc("sale.order", "create", order | {"date_order": "2026-03-02 10:00:00"})
    assert sandbox.record("sale.order", made)["date_order"] == "2026-03-02 10:00:00"


def test_stamps_are_not_for_clients(sandbox: OdooSandbox, rpc: Rpc) -> None:
    made = rpc("res.partner", "create", {"name": "A", "write_date": "2001-01-01 00:00:00"})
    assert sandbox.record("res.partner", made)["write_date"] == EARLY


def test_lines_are_written_with_what_they_belong_to(sandbox: OdooSandbox, rpc: Rpc) -> None:
    product = sandbox.insert("product.product", name="Bolt", list_price=10.0)
    lines = [(0, 0, {"product_id": product, "product_uom_qty": 3}),
             (0, 0, {"name": "Work", "price_unit": 50.0, "discount": 10.0})]  # fmt: skip
    order = rpc("sale.order", "create", {"partner_id": 1, "order_line": lines})
    [row] = rpc("sale.order", "read", [order])
    assert (row["amount_untaxed"], row["amount_total"], row["state"]) == (75.0, 75.0, "draft")
    assert row["name"].startswith("S0")
    first, second = row["order_line"]
    changes = [(1, first, {"product_uom_qty": 1}), (2, second)]
    rpc("sale.order", "write", [order], {"order_line": changes})
    [row] = rpc("sale.order", "read", [order])
    assert (row["order_line"], row["amount_total"]) == ([first], 10.0)
    assert rpc("sale.order.line", "read", [first], ["price_subtotal", "order_partner_id"]) == [
        {"id": first, "price_subtotal": 10.0, "order_partner_id": [1, "My Company"]}
    ]
    rpc("sale.order", "action_confirm", [order])
    assert rpc("sale.order", "read", [order], ["invoice_status"])[0]["invoice_status"] == (
        "to invoice"
    )
    rpc("sale.order", "action_cancel", [order])
    assert rpc("sale.order", "read", [order], ["state"])[0]["state"] == "cancel"


def test_tags_are_linked(rpc: Rpc, acme: int) -> None:
    def tags() -> list[int]:
        linked: list[int] = rpc("res.partner", "read", [acme], ["category_id"])[0]["category_id"]
        return linked

    first, second = rpc("res.partner.category", "create", [{"name": "A"}, {"name": "B"}])
    rpc("res.partner", "write", [acme], {"category_id": [(4, first)]})
    rpc("res.partner", "write", [acme], {"category_id": [(4, second)]})
    assert tags() == [first, second]
    assert rpc("res.partner", "search", [("category_id.name", "=", "B")]) == [acme]
    rpc("res.partner", "write", [acme], {"category_id": [(3, first)]})
    assert tags() == [second]
    rpc("res.partner", "write", [acme], {"category_id": [(6, 0, [first])]})
    assert tags() == [first]
    rpc("res.partner.category", "unlink", [first])
    assert tags() == []


def test_refunds_count_against(sandbox: OdooSandbox, rpc: Rpc, acme: int) -> None:
    carl = sandbox.insert("res.partner", name="Carl", parent_id=acme)
    lines = [(0, 0, {"name": "Work", "price_unit": 100.0})]
    for kind, signed in (("out_invoice", 100.0), ("out_refund", -100.0)):
        move = {"move_type": kind, "partner_id": carl, "invoice_line_ids": lines}
        made = rpc("account.move", "create", move)
        rpc("account.move", "action_post", [made])
        row = sandbox.record("account.move", made)
        assert (row["amount_untaxed"], row["amount_untaxed_signed"]) == (100.0, signed)
        assert (row["state"], row["invoice_date"]) == ("posted", "2026-03-01")
        assert row["commercial_partner_id"] == acme


def test_deleting(sandbox: OdooSandbox, rpc: Rpc, acme: int) -> None:
    lead = rpc("crm.lead", "create", {"name": "Deal", "partner_id": acme})
    rpc("res.partner", "activity_schedule", [acme], "mail.mail_activity_data_todo")
    order = rpc("sale.order", "create", {"partner_id": acme})
    assert rpc.error("res.partner", "unlink", [acme])[0] == "odoo.exceptions.ValidationError"
    rpc("sale.order", "unlink", [order])
    assert rpc("res.partner", "unlink", [acme]) is True
    assert rpc("crm.lead", "read", [lead], ["partner_id"])[0]["partner_id"] is False
    assert sandbox.records("mail.activity") == []
    assert rpc.error("res.partner", "unlink", [acme])[0] == "odoo.exceptions.MissingError"


def loaded(rpc: Rpc, fields: list[str], *rows: list[Any]) -> Any:
    return rpc("res.partner", "load", fields, rows)


def test_load_gives_each_row_its_values(sandbox: OdooSandbox, rpc: Rpc, acme: int) -> None:
    beta = sandbox.insert("res.partner", name="Beta")
    done = loaded(
        rpc, [".id", "type", "customer_rank", "parent_id"],
        [str(acme), "Other Address", "3", ""], [str(beta), "invoice", "", "Acme"],
    )  # fmt: skip
    assert done == {"ids": [acme, beta], "messages": [], "nextrow": 0}
    rows = [sandbox.record("res.partner", one) for one in (acme, beta)]
    assert [(row["type"], row["customer_rank"]) for row in rows] == [("other", 3), ("invoice", 0)]
    assert [row["parent_id"] for row in rows] == [False, acme]


def test_load_with_the_same_name_changes_the_same_record(sandbox: OdooSandbox, rpc: Rpc) -> None:
    first = loaded(rpc, ["id", "name"], ["crm_tier.p1", "A"], ["p2", "B"])["ids"]
    assert loaded(rpc, ["id", "name"], ["crm_tier.p1", "C"])["ids"] == first[:1]
    assert sandbox.record("res.partner", first[0])["name"] == "C"
    data = rpc("ir.model.data", "search_read", [("model", "=", "res.partner")], ["complete_name"])
    names = {row["complete_name"] for row in data}
    assert {"crm_tier.p1", "__import__.p2"} <= names
    # Once it is gone, the name stands for a new one.
    rpc("res.partner", "unlink", first[:1])
    assert loaded(rpc, ["id", "name"], ["crm_tier.p1", "D"])["ids"] != first[:1]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("type", "diamond", "Value 'diamond' not found in selection field 'Address Type'"),
        ("customer_rank", "x", "'x' does not seem to be an integer for field 'Customer Rank'"),
        ("user_id/.id", "99", "No matching record found for database id '99' in field"),
        ("user_id/id", "a.b", "No matching record found for external id 'a.b' in field"),
        ("user_id", "Nobody", "No matching record found for name 'Nobody' in field"),
    ],
)
def test_load_changes_nothing_if_one_row_is_bad(
    sandbox: OdooSandbox, rpc: Rpc, acme: int, field: str, value: str, said: str
) -> None:
    beta = sandbox.insert("res.partner", name="Beta")
    failed = loaded(rpc, [".id", "name", field], [str(acme), "N", ""], [str(beta), "N", value])
    assert failed["ids"] is False
    [message] = failed["messages"]
    assert (message["type"], message["record"]) == ("error", 1)
    assert message["field"] == field.partition("/")[0]
    assert message["message"].startswith(said)
    assert [sandbox.record("res.partner", one)["name"] for one in (acme, beta)] == ["Acme", "Beta"]
    assert stamp(sandbox, acme) == EARLY


def test_load_into_records_that_are_gone(rpc: Rpc) -> None:
    failed = loaded(rpc, [".id", "name"], ["9999", "N"])
    assert failed["messages"][0]["message"] == "Unknown database identifier '9999'"


def test_load_needs_rights_and_leaves_a_message(sandbox: OdooSandbox, rpc: Rpc, acme: int) -> None:
    sandbox.revoke("write", "create", model="res.partner")
    for cell in (str(acme), ""):
        failed = loaded(rpc, [".id", "name"], [cell, "N"])
        assert "You are not allowed to" in failed["messages"][0]["message"]
