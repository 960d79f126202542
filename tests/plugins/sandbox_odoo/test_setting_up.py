"""Fields and views made by clients, and rights."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox_odoo.sandbox import OdooSandbox
from tests.plugins.sandbox_odoo.asking import Rpc, rpc_of
from tests.plugins.sandbox_odoo.conftest import Make

OPTIONS = [(0, 0, {"value": "top", "name": "Top", "sequence": 1}),
           (0, 0, {"value": "big", "name": "Big", "sequence": 2})]  # fmt: skip
TIER = {"name": "x_tier", "field_description": "Tier", "ttype": "selection", "state": "manual",
        "selection_ids": OPTIONS}  # fmt: skip


@pytest.fixture
def model(rpc: Rpc) -> int:
    """Return the id of the partner's model."""
    [found] = rpc("ir.model", "search", [("model", "=", "res.partner")])
    return int(found)


@pytest.fixture
def field(rpc: Rpc, model: int) -> int:
    """Return a field of ours."""
    return int(rpc("ir.model.fields", "create", TIER | {"model_id": model}))


def test_a_field_can_be_used_at_once(sandbox: OdooSandbox, rpc: Rpc, field: int) -> None:
    said = rpc("res.partner", "fields_get", ["x_tier"], attributes=["type", "selection"])
    assert said == {"x_tier": {"type": "selection", "selection": [["top", "Top"], ["big", "Big"]]}}
    rpc("res.partner", "write", [1], {"x_tier": "big"})
    assert rpc("res.partner", "search", [("x_tier", "=", "big")]) == [1]
    error = rpc.error("res.partner", "write", [1], {"x_tier": "huge"})
    assert error == ("builtins.ValueError", "Wrong value for res.partner.x_tier: 'huge'")
    load = rpc("res.partner", "load", [".id", "x_tier"], [["1", "Top"]])
    assert load["ids"] == [1]
    assert sandbox.record("res.partner", 1)["x_tier"] == "top"
    known = rpc(
        "ir.model.fields", "search", [("model", "=", "res.partner"), ("name", "=", "x_tier")]
    )
    assert known == [field]


@pytest.mark.parametrize(
    "kind", ["char", "text", "float", "integer", "boolean", "date", "datetime"]
)
def test_fields_of_all_types(rpc: Rpc, model: int, kind: str) -> None:
    rpc("ir.model.fields", "create", {"name": "x_a", "ttype": kind, "model_id": model})
    value: Any = {"float": 1.5, "integer": 2, "boolean": True, "date": "2026-03-01",
                  "datetime": "2026-03-01 10:00:00"}.get(kind, "text")  # fmt: skip
    rpc("res.partner", "write", [1], {"x_a": value})
    assert rpc("res.partner", "read", [1], ["x_a"]) == [{"id": 1, "x_a": value}]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": "tier"}, "Custom fields must have a name that starts with 'x_'!"),
        ({"name": "x_tier"}, "Field names must be unique per model."),
    ],
)
def test_fields_that_cannot_be(
    rpc: Rpc, model: int, field: int, values: dict[str, str], said: str
) -> None:
    wrong = {"ttype": "char", "model_id": model, **values}
    error = rpc.error("ir.model.fields", "create", wrong)
    assert error == ("odoo.exceptions.ValidationError", said)
    assert "tier" not in rpc("res.partner", "fields_get")


def test_a_field_that_fails_is_not_there(rpc: Rpc, model: int) -> None:
    options = [OPTIONS[0], (0, 0, {"value": "big"})]  # the second without a label
    wrong = TIER | {"model_id": model, "selection_ids": options}
    assert rpc.error("ir.model.fields", "create", wrong)[0].endswith("ValidationError")
    assert "x_tier" not in rpc("res.partner", "fields_get")
    assert rpc("ir.model.fields", "search", [("name", "=", "x_tier")]) == []


def test_options_come_and_go(sandbox: OdooSandbox, rpc: Rpc, field: int) -> None:
    more = (0, 0, {"value": "small", "name": "Small", "sequence": 3})
    rpc("ir.model.fields", "write", [field], {"selection_ids": [more]})
    rpc("res.partner", "write", [1], {"x_tier": "small"})
    options = rpc("ir.model.fields.selection", "search_read", [("field_id", "=", field)], ["value"])
    assert [one["value"] for one in options] == ["top", "big", "small"]
    rpc("ir.model.fields.selection", "unlink", [options[2]["id"]])
    assert sandbox.record("res.partner", 1)["x_tier"] is False
    assert len(rpc("res.partner", "fields_get", ["x_tier"])["x_tier"]["selection"]) == 2


def test_a_field_goes_with_its_values(rpc: Rpc, model: int, field: int) -> None:
    rpc("res.partner", "write", [1], {"x_tier": "top"})
    rpc("ir.model.fields", "unlink", [field])
    assert "x_tier" not in rpc("res.partner", "fields_get")
    rpc("ir.model.fields", "create", TIER | {"model_id": model})
    assert rpc("res.partner", "read", [1], ["x_tier"])[0]["x_tier"] is False


def extension(rpc: Rpc, inner: str) -> dict[str, Any]:
    names = [("module", "=", "base"), ("name", "=", "view_partner_form")]
    [base] = rpc("ir.model.data", "search_read", names, ["res_id"])
    return {"name": "tier", "model": "res.partner", "type": "form", "mode": "extension",
            "inherit_id": base["res_id"], "priority": 99,
            "arch": f"<data>{inner}</data>"}  # fmt: skip


@pytest.mark.parametrize(
    "place",
    [
        '<field name="category_id" position="before">{}</field>',
        '<xpath expr="//field[@name=\'category_id\']" position="before">{}</xpath>',
    ],
)
@pytest.mark.parametrize("version", ["17.0", "19.0"])
def test_a_view_shows_a_field(make: Make, version: str, place: str) -> None:
    rpc = rpc_of(make(version))
    [model] = rpc("ir.model", "search", [("model", "=", "res.partner")])
    rpc("ir.model.fields", "create", TIER | {"model_id": model})
    view = extension(rpc, place.format('<field name="x_tier"/>'))
    rpc("ir.ui.view", "create", view)
    shown = rpc("res.partner", "get_views", [[view["inherit_id"], "form"]])["views"]["form"]
    assert shown["id"] == view["inherit_id"] == 127
    assert shown["arch"].index("x_tier") < shown["arch"].index("category_id")
    # A field that is shown stays.
    [field] = rpc("ir.model.fields", "search", [("name", "=", "x_tier")])
    assert rpc.error("ir.model.fields", "unlink", [field])[0] == "odoo.exceptions.UserError"
    [made] = rpc("ir.ui.view", "search", [("name", "=", "tier")])
    rpc("ir.ui.view", "unlink", [made])
    rpc("ir.model.fields", "unlink", [field])


@pytest.mark.parametrize(
    ("inner", "said"),
    [
        ('<field name="vat" position="after"><field name="x_nope"/></field>',
         'Field "x_nope" does not exist in model "res.partner"'),
        ('<field name="nope" position="after"/>', "cannot be located in parent view"),
        ("<field", "Error while parsing"),
    ],
)  # fmt: skip
def test_views_that_cannot_be_shown(rpc: Rpc, inner: str, said: str) -> None:
    name, message = rpc.error("ir.ui.view", "create", extension(rpc, inner))
    assert name == "odoo.exceptions.ValidationError"
    assert said in message
    assert rpc("ir.ui.view", "search", [("name", "=", "tier")]) == []


def test_other_places_in_a_view(rpc: Rpc) -> None:
    after = '<field name="vat" position="after"><field name="ref"/></field>'
    replaced = '<field name="phone" position="replace"><field name="website"/></field>'
    inside = '<xpath expr="//group" position="inside"><field name="city"/></xpath>'
    set_ = ('<field name="email" position="attributes"><attribute name="readonly">1</attribute>'
            "</field>")  # fmt: skip
    view = extension(rpc, after + replaced + inside + set_)
    rpc("ir.ui.view", "create", view)
    arch = rpc("res.partner", "get_views", [[False, "form"]])["views"]["form"]["arch"]
    assert '<field name="vat" /><field name="ref" />' in arch
    assert "phone" not in arch
    assert arch.index("website") < arch.index("city")
    assert '<field name="email" readonly="1" />' in arch


SETTINGS = ("ir.model", "ir.model.fields", "ir.ui.view", "ir.model.data")


def test_without_settings_fields_and_views_are_closed(
    sandbox: OdooSandbox, rpc: Rpc, model: int
) -> None:
    sandbox.revoke()
    denied = "odoo.exceptions.AccessError"
    assert [rpc.error(name, "search", [])[0] for name in SETTINGS] == [denied] * 4
    made = TIER | {"model_id": model}
    assert rpc.error("ir.model.fields", "create", made)[0] == denied
    # The rest goes on: these rights are enough for everyday work.
    rpc("res.partner", "write", [1], {"ref": "A"})
    rpc("crm.lead", "create", {"name": "Deal"})
    assert rpc("res.partner", "fields_get", ["ref"])
    load = rpc("res.partner", "load", ["id", "name"], [["crm.p1", "A"]])
    assert load["ids"]


@pytest.mark.parametrize("version", ["17.0", "19.0"])
def test_rights_come_from_groups(make: Make, version: str) -> None:
    sandbox = make(version)
    groups = "group_ids" if version == "19.0" else "groups_id"
    user = sandbox.org.xmlid("base.group_user")
    rpc = rpc_of(sandbox)
    rpc("res.users", "write", [sandbox.user], {groups: [(6, 0, [user])]})
    denied = "odoo.exceptions.AccessError"
    assert rpc("res.partner", "search", [("id", "=", 1)]) == [1]
    assert rpc.error("res.partner", "write", [1], {"ref": "A"})[0] == denied
    assert rpc.error("res.partner", "create", {"name": "A"})[0] == denied
    assert rpc.error("crm.lead", "search", [])[0] == denied
    rpc("res.partner", "activity_schedule", [1], "mail.mail_activity_data_todo")


def test_single_rights_are_taken_away(sandbox: OdooSandbox, rpc: Rpc) -> None:
    sandbox.revoke("write", "read", model="res.partner")
    assert rpc.error("res.partner", "write", [1], {"ref": "A"})[0].endswith("AccessError")
    name, message = rpc.error("res.partner", "search_read", [])
    assert name == "odoo.exceptions.AccessError"
    assert "'Contact' (res.partner)" in message
    assert rpc("res.partner", "has_access", [], "read") is False
    assert rpc("res.partner", "has_access", [], "create") is True
    # Others may know what a partner is called.
    lead = sandbox.insert("crm.lead", name="Deal", partner_id=1)
    assert rpc("crm.lead", "read", [lead], ["partner_id"])[0]["partner_id"] == [1, "My Company"]


def test_somebody_else_logs_in(sandbox: OdooSandbox, rpc: Rpc) -> None:
    group = sandbox.org.xmlid("base.group_user")
    user = {"name": "Sam", "login": "sam", "password": "secret", "group_ids": [(6, 0, [group])]}
    made = rpc("res.users", "create", user)
    known = sandbox.credentials
    assert rpc.service("common", "login", known.database, "sam", "secret")["result"] == made
    assert "secret" not in str(rpc("res.users", "read", [made]))
    sandbox.update("res.users", made, active=False)
    assert rpc.service("common", "login", known.database, "sam", "secret")["result"] is False
