"""Clients that others wrote get on with the sandbox: a check of what it imitates.

What they can't do, and why, is in docs/sandboxes.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args
from urllib.parse import urlsplit
from xmlrpc.client import Fault

import httpx
import odoolib
import odoorpc
import pytest
from odoolib.tools import AuthenticationError, JsonRPCException

from sandbox_odoo.sandbox import OdooSandbox
from sandbox_odoo.settings import Version

pytestmark = pytest.mark.long
ACCOUNTS = 60


@pytest.fixture(params=get_args(Version))
def sandbox(request: pytest.FixtureRequest) -> Iterator[OdooSandbox]:
    """Return a sandbox of each version, with a company in it."""
    with OdooSandbox(request.param) as sandbox:
        sandbox.make_up(ACCOUNTS)
        yield sandbox


@pytest.fixture
def newest() -> Iterator[OdooSandbox]:
    """Return a sandbox of 19.0."""
    with OdooSandbox() as sandbox:
        sandbox.make_up(ACCOUNTS)
        yield sandbox


def port_of(sandbox: OdooSandbox) -> int:
    return urlsplit(sandbox.url).port or 0


def by_odoorpc(sandbox: OdooSandbox, password: str | None = None) -> Any:
    known = sandbox.credentials
    odoo = odoorpc.ODOO("127.0.0.1", port=port_of(sandbox))
    odoo.login(known.database, known.login, password or known.password)
    return odoo


def by_odoolib(sandbox: OdooSandbox, protocol: str, password: str = "") -> Any:
    known = sandbox.credentials
    return odoolib.get_connection(
        hostname="127.0.0.1", port=port_of(sandbox), protocol=protocol, database=known.database,
        login=known.login, password=password or known.api_key,
    )  # fmt: skip


def test_odoorpc_logs_in(sandbox: OdooSandbox) -> None:
    for secret in (sandbox.credentials.password, sandbox.credentials.api_key):
        odoo = by_odoorpc(sandbox, secret)
        assert odoo.version == sandbox.org.version
        assert odoo.env.uid == sandbox.user
        assert odoo.env.user.name == "Connector"
    assert odoo.db.list() == [sandbox.credentials.database]
    with pytest.raises(odoorpc.error.RPCError, match="Wrong login"):
        by_odoorpc(sandbox, "wrong")


def test_odoorpc_reads_and_writes(sandbox: OdooSandbox) -> None:
    odoo = by_odoorpc(sandbox)
    partners = odoo.env["res.partner"]
    companies = partners.search([("is_company", "=", True)], order="id")
    assert len(companies) == ACCOUNTS + 1
    first = partners.browse(companies[1])
    # A record is read field by field, as types of fields say.
    assert first.user_id.name.split()
    assert first.commercial_partner_id.id == first.id
    assert first.create_date.year > 2000
    first.ref = "R"  # written at once
    assert sandbox.record("res.partner", first.id)["ref"] == "R"
    made = partners.create({"name": "New", "parent_id": first.id})
    assert partners.browse(made).display_name == f"{first.name}, New"
    assert [one.id for one in partners.browse(first.id).child_ids][-1] == made
    partners.browse(made).unlink()
    assert partners.search([("id", "=", made)]) == []
    assert odoo.env.ref("base.view_partner_form").id == 127
    assert "crm.lead" in odoo.env
    rows = [[str(first.id), "S"]]
    assert partners.load([".id", "ref"], rows)["ids"] == [first.id]


def test_odoorpc_loses_deals_and_plans(sandbox: OdooSandbox) -> None:
    odoo = by_odoorpc(sandbox)
    deals = odoo.env["crm.lead"]
    lost = deals.search([("stage_id.is_won", "=", False)])[0]
    deals.browse(lost).action_set_lost(lost_reason_id=1)
    assert lost not in deals.search([])
    assert lost in deals.with_context(active_test=False).search([("probability", "=", 0)])
    # A record of a deal can be had, too: all its fields can be read.
    assert deals.browse(lost).lost_reason_id.name == "Too expensive"
    planned = (
        odoo.env["res.partner"]
        .browse(1)
        .activity_schedule("mail.mail_activity_data_call", summary="Call")
    )
    assert planned == ([1] if sandbox.org.major == 19 else "mail.activity(1,)")
    activity = odoo.env["mail.activity"].browse(1)
    assert (activity.res_name, activity.state) == ("My Company", "today")
    activity.action_feedback(feedback="Done")
    assert odoo.env["mail.activity"].search([]) == []


def test_odoorpc_makes_fields(sandbox: OdooSandbox) -> None:
    odoo = by_odoorpc(sandbox)
    [model] = odoo.env["ir.model"].search([("model", "=", "res.partner")])
    field = {"name": "x_tier", "ttype": "selection", "model_id": model,
             "selection_ids": [(0, 0, {"value": "top", "name": "Top"})]}  # fmt: skip
    odoo.env["ir.model.fields"].create(field)
    partner = odoo.env["res.partner"].browse(1)
    partner.x_tier = "top"
    assert sandbox.record("res.partner", 1)["x_tier"] == "top"
    with pytest.raises(ValueError, match="possible values"):
        partner.x_tier = "huge"


@pytest.mark.parametrize(
    ("model", "method", "args", "name"),
    [
        ("res.partner", "write", [[9999], {"ref": "A"}], "odoo.exceptions.MissingError"),
        ("res.nope", "search", [[]], "odoo.exceptions.UserError"),
        ("ir.model", "search", [[]], "odoo.exceptions.AccessError"),
        ("res.partner", "nope", [[1]], "builtins.AttributeError"),
    ],
)
def test_both_tell_errors(
    sandbox: OdooSandbox, model: str, method: str, args: list[Any], name: str
) -> None:
    sandbox.revoke()
    with pytest.raises(odoorpc.error.RPCError) as by_rpc:
        by_odoorpc(sandbox).execute(model, method, *args)
    assert by_rpc.value.info["data"]["name"] == name
    with pytest.raises(JsonRPCException) as by_json:
        getattr(by_odoolib(sandbox, "jsonrpc").get_model(model), method)(*args)
    assert by_json.value.error["data"]["name"] == name
    with pytest.raises(Fault) as by_xml:
        getattr(by_odoolib(sandbox, "xmlrpc").get_model(model), method)(*args)
    assert by_json.value.error["data"]["message"].partition("\n")[0] in str(by_xml.value)


@pytest.mark.parametrize("protocol", ["jsonrpc", "xmlrpc"])
def test_odoolib_by_rpc(sandbox: OdooSandbox, protocol: str) -> None:
    connection = by_odoolib(sandbox, protocol)
    connection.check_login()
    with pytest.raises(AuthenticationError):
        by_odoolib(sandbox, protocol, "wrong").check_login()
    works_with_odoolib(sandbox, connection)
    deal = sandbox.insert("crm.lead", name="Deal")
    leads = connection.get_model("crm.lead")
    if protocol == "xmlrpc":
        with pytest.raises(Fault, match="cannot marshal None"):
            leads.action_set_lost([deal])
    else:
        assert leads.action_set_lost([deal]) is False  # its word for an answer without a result
    assert sandbox.record("crm.lead", deal)["active"] is False


def test_odoolib_by_json2(newest: OdooSandbox) -> None:
    connection = by_odoolib(newest, "json2")
    assert connection.check_login()
    assert not by_odoolib(newest, "json2", newest.credentials.password).check_login()
    assert connection.get_user_context()["uid"] == newest.user
    # Arguments by position: it asks for their names.
    works_with_odoolib(newest, connection)
    partners = connection.get_model("res.partner")
    named = partners.search_read(domain=[("id", "=", 1)], fields=["name"])
    assert named == [{"id": 1, "name": "My Company"}]
    with pytest.raises(ValueError, match="Unexpected status code 404"):
        partners.write(ids=[9999], vals={"ref": "A"})
    newest.revoke()
    with pytest.raises(ValueError, match="Unexpected status code 403"):
        connection.get_model("ir.model").search(domain=[])
    with pytest.raises(ValueError, match="Invalid request"):
        partners.write(ids=[1])


def test_odoolib_cannot_use_json2_of_old_versions() -> None:
    with OdooSandbox("18.0") as sandbox, pytest.raises(ValueError, match="status code 404"):
        by_odoolib(sandbox, "json2").check_login()


def works_with_odoolib(sandbox: OdooSandbox, connection: Any) -> None:
    partners = connection.get_model("res.partner")
    found = partners.search([("is_company", "=", True)], 0, 5, "id")
    assert len(found) == 5
    assert [row["id"] for row in partners.read(found, ["name"])] == found
    made = partners.create([{"name": "New"}])
    assert partners.write(made, {"ref": "A"}) is True
    assert sandbox.record("res.partner", made[0])["ref"] == "A"
    rows = [["sandbox_test.new", "Newer"]]
    first, second = (partners.load(["id", "name"], rows)["ids"] for _ in range(2))
    assert first == second
    bad = partners.load([".id", "type"], [[str(made[0]), "diamond"]])
    assert bad["ids"] is False
    model = sandbox.org.model_id("res.partner")
    values = {"res_model_id": model, "res_id": made[0], "summary": "Call"}
    activities = connection.get_model("mail.activity")
    [activity] = activities.create([values])
    activities.action_feedback([activity])
    assert activities.search([]) == []
    assert partners.unlink(made) is True


def test_a_client_can_be_without_a_library(newest: OdooSandbox) -> None:
    headers = {"Authorization": f"bearer {newest.credentials.api_key}"}
    with httpx.Client(base_url=newest.url, headers=headers) as client:
        answers = [client.post("/json/2/res.partner/search_count", json={"domain": []})
                   for _ in range(3)]  # fmt: skip
    assert {answer.headers["Connection"] for answer in answers} == {"close"}
