"""Three ways in: what each answers, and how each says that something is wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from xmlrpc.client import Fault

import httpx
import pytest

from connector.testing.faults import Clock
from sandbox_odoo.sandbox import OdooSandbox
from tests.plugins.sandbox_odoo.asking import Rpc, by_xml, json2_of, rpc_of
from tests.plugins.sandbox_odoo.conftest import Make

VERSIONS = ("17.0", "18.0", "19.0")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_version_is_said_without_a_login(make: Make, version: str) -> None:
    sandbox = make(version)
    said = rpc_of(sandbox).service("common", "version")["result"]
    assert said["server_version"] == version
    assert said["server_version_info"] == [int(version[:2]), 0, 0, "final", 0, ""]
    assert by_xml(sandbox, "common", "version") == said
    web = rpc_of(sandbox).http.get("/web/version")
    if version == "19.0":
        assert web.json() == {"version_info": [19, 0, 0, "final", 0, ""], "version": "19.0"}
    else:
        assert web.status_code == 404


def test_logging_in(sandbox: OdooSandbox, rpc: Rpc) -> None:
    known = sandbox.credentials
    for secret in (known.password, known.api_key):
        args = (known.database, known.login, secret)
        assert rpc.service("common", "login", *args)["result"] == sandbox.user
        assert by_xml(sandbox, "common", "authenticate", *args, {}) == sandbox.user
    wrong = (known.database, known.login, "wrong")
    assert rpc.service("common", "login", *wrong)["result"] is False
    assert by_xml(sandbox, "common", "login", *wrong) is False
    assert rpc.service("db", "list")["result"] == [known.database]
    no_database = rpc.service("common", "login", "nope", known.login, known.password)
    assert no_database["error"]["data"]["name"] == "psycopg2.OperationalError"


def test_json2_is_new_and_takes_keys_alone(make: Make, sandbox: OdooSandbox) -> None:
    for version in ("17.0", "18.0"):
        assert json2_of(make(version)).post("res.users/context_get").status_code == 404
    with json2_of(sandbox) as client:
        assert client.post("res.users/context_get", json={}).json()["uid"] == sandbox.user
        for header in (f"bearer {sandbox.credentials.password}", ""):
            refused = client.post("res.users/context_get", headers={"Authorization": header})
            assert refused.status_code == 401
            assert refused.json()["name"] == "werkzeug.exceptions.Unauthorized"
            assert refused.json()["message"] == "Invalid apikey"
            assert refused.json()["arguments"] == ["Invalid apikey", 401]


def test_a_key_ends(sandbox: OdooSandbox, clock: Clock, json2: httpx.Client) -> None:
    sandbox.settings.key_expires = clock.now + timedelta(hours=1)
    by_key = rpc_of(sandbox, sandbox.credentials.api_key)
    assert by_key("res.users", "context_get")["uid"] == sandbox.user
    clock.sleep(3600)
    assert json2.post("res.users/context_get").status_code == 401
    assert by_key.error("res.users", "context_get")[0] == "odoo.exceptions.AccessDenied"
    assert rpc_of(sandbox)("res.users", "context_get")["uid"] == sandbox.user


def test_json2_may_have_to_be_told_the_database(sandbox: OdooSandbox, json2: httpx.Client) -> None:
    name = sandbox.credentials.database
    assert json2.post("res.users/context_get").status_code == 200
    sandbox.settings.several_databases = True
    assert json2.post("res.users/context_get").status_code == 404
    for said, status in ((name, 200), ("other", 404)):
        headers = {"X-Odoo-Database": said}
        assert json2.post("res.users/context_get", headers=headers).status_code == status


def test_json2_returns_bare_results(sandbox: OdooSandbox, json2: httpx.Client) -> None:
    made = json2.post("res.partner/create", json={"vals_list": [{"name": "Acme"}]}).json()
    assert len(made) == 1
    body = {"ids": made, "vals": {"ref": "A"}}
    assert json2.post("res.partner/write", json=body).json() is True
    body = {"domain": [["id", "in", made]], "fields": ["name", "ref"], "context": {"lang": "en_US"}}
    read = json2.post("res.partner/search_read", json=body)
    assert read.json() == [{"id": made[0], "name": "Acme", "ref": "A"}]
    lead = sandbox.insert("crm.lead", name="Deal")
    lost = json2.post("crm.lead/action_set_lost", json={"ids": [lead], "lost_reason_id": 1})
    assert (lost.status_code, lost.text) == (200, "null")


def test_xml_cannot_say_none_but_does_it(sandbox: OdooSandbox, rpc: Rpc) -> None:
    lead = sandbox.insert("crm.lead", name="Deal")
    known = sandbox.credentials
    user = (known.database, sandbox.user, known.password)
    with pytest.raises(Fault, match="cannot marshal None") as caught:
        by_xml(sandbox, "object", "execute_kw", *user, "crm.lead", "action_set_lost", [[lead]], {})
    assert caught.value.faultCode == 1
    assert sandbox.record("crm.lead", lead)["active"] is False
    # JSON-RPC leaves it out.
    assert "result" not in rpc.whole("crm.lead", "action_set_lost", [lead])


CASES: dict[str, tuple[str, str, list[Any], dict[str, Any]]] = {
    "no rights": ("sale.order", "search_read", [], {"domain": []}),
    "missing": ("res.partner", "write", [[9999]], {"vals": {"name": "A"}}),
    "bad field, read": ("res.partner", "read", [[1]], {"fields": ["nope"]}),
    "bad field, domain": ("res.partner", "search", [], {"domain": [["nope", "=", 1]]}),
    "bad field, create": ("res.partner", "create", [], {"vals_list": [{"nope": 1}]}),
    "bad field, write": ("res.partner", "write", [[1]], {"vals": {"nope": 1}}),
    "bad value": ("res.partner", "write", [[1]], {"vals": {"type": "diamond"}}),
    "no model": ("res.nope", "read", [[1]], {}),
    "no method": ("res.partner", "nope", [[1]], {}),
    "no argument": ("res.partner", "write", [[1]], {}),
    "wrong argument": ("res.partner", "read", [[1]], {"colour": 1}),
    "validation": ("mail.activity", "create", [], {"vals_list": [{"res_id": 1}]}),
}  # fmt: skip


@pytest.mark.parametrize(
    ("case", "name", "fault", "status"),
    [
        ("no rights", "odoo.exceptions.AccessError", 4, 403),
        ("missing", "odoo.exceptions.MissingError", 2, 404),
        ("validation", "odoo.exceptions.ValidationError", 2, 422),
        ("bad field, read", "builtins.ValueError", 1, 500),
        ("bad field, domain", "builtins.ValueError", 1, 500),
        ("bad field, create", "builtins.ValueError", 1, 500),
        ("bad field, write", "builtins.KeyError", 1, 500),
        ("bad value", "builtins.ValueError", 1, 500),
        ("no model", "odoo.exceptions.UserError", 2, 404),
        ("no method", "builtins.AttributeError", 1, 404),
        ("no argument", "builtins.TypeError", 1, 422),
        ("wrong argument", "builtins.TypeError", 1, 422),
    ],
)
def test_each_error_has_its_name_in_each_transport(
    sandbox: OdooSandbox, rpc: Rpc, json2: httpx.Client, case: str, name: str, fault: int,
    status: int,
) -> None:  # fmt: skip
    sandbox.revoke("read", model="sale.order")
    model, method, args, named = CASES[case]
    data = rpc.whole(model, method, *args, **named)["error"]
    assert (data["code"], data["message"]) == (0, "Odoo Server Error")
    assert data["data"]["name"] == name
    assert data["data"]["debug"].startswith("Traceback")
    user = (sandbox.credentials.database, sandbox.user, sandbox.credentials.password)
    with pytest.raises(Fault) as caught:
        by_xml(sandbox, "object", "execute_kw", *user, model, method, args, named)
    assert caught.value.faultCode == fault
    assert caught.value.faultString.startswith("Traceback") == (fault == 1)
    ids = {"ids": args[0]} if args else {}
    answer = json2.post(f"{model}/{method}", json={**named, **ids})
    assert answer.status_code == status
    assert answer.json()["message"] == data["data"]["message"]
    assert answer.json()["debug"].startswith("Traceback")


def test_a_wrong_password_is_refused_everywhere(sandbox: OdooSandbox) -> None:
    error = rpc_of(sandbox, "wrong").error("res.partner", "read", [1])
    assert error == ("odoo.exceptions.AccessDenied", "Access Denied")
    user = (sandbox.credentials.database, sandbox.user, "wrong")
    with pytest.raises(Fault) as caught:
        by_xml(sandbox, "object", "execute_kw", *user, "res.partner", "read", [[1]])
    assert caught.value.faultCode == 3


def test_17_numbers_and_names_its_errors_otherwise(make: Make) -> None:
    rpc = rpc_of(make("17.0"))
    assert rpc.whole("res.nope", "read", [1])["error"]["code"] == 200
    name, message = rpc.error("res.partner", "write", [1], {"nope": 1})
    assert (name, message) == ("builtins.ValueError", "Invalid field 'nope' on model 'res.partner'")


def test_private_methods_are_not_for_clients(rpc: Rpc) -> None:
    assert rpc.error("res.partner", "_put", [1])[0] == "odoo.exceptions.AccessError"
    # Nor is what no client can call in Odoo.
    assert rpc.error("res.partner", "remove", [1])[0] == "builtins.AttributeError"


def test_requests_are_noted(sandbox: OdooSandbox, rpc: Rpc, json2: httpx.Client) -> None:
    rpc("res.partner", "search", [])
    rpc.service("common", "version")
    json2.post("res.partner/nope", json={})
    said = [(one.transport, one.model, one.method, one.status) for one in sandbox.requests]
    assert said == [
        ("jsonrpc", "res.partner", "search", 200),
        ("jsonrpc", "", "version", 200),
        ("json2", "res.partner", "nope", 404),
    ]


def test_connections_are_closed_unless_set_otherwise(sandbox: OdooSandbox, rpc: Rpc) -> None:
    assert rpc.http.get("/web/version").headers["Connection"] == "close"
    sandbox.settings.keep_alive = True
    assert "Connection" not in rpc.http.get("/web/version").headers


def test_a_model_of_an_app_that_is_not_installed(make: Make) -> None:
    sandbox = make(apps=("crm",))
    error = rpc_of(sandbox).error("sale.order", "search", [])
    assert error == ("odoo.exceptions.UserError", "Object sale.order doesn't exist")
    assert json2_of(sandbox).post("account.move/search", json={"domain": []}).status_code == 404
    assert rpc_of(sandbox)("ir.model", "search", [("model", "=", "sale.order")]) == []
    assert "customer_rank" not in rpc_of(sandbox)("res.partner", "fields_get")
