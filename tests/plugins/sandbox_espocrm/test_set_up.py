"""What administrators set up: fields and layouts; and the metadata that tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from sandbox_espocrm.sandbox import EspoSandbox
from tests.plugins.sandbox_espocrm.asking import failed, refusal

FIELDS = "/Admin/fieldManager/Account"
TIER = {"type": "enum", "name": "customerTier", "label": "Customer Tier", "options": ["", "Top"]}


def metadata(client: httpx.Client, key: str) -> httpx.Response:
    return client.get("/Metadata", params={"key": f"entityDefs.{key}"})


def test_a_field_gets_a_prefix_and_is_there_at_once(
    sandbox: EspoSandbox, client: httpx.Client, admin: httpx.Client
) -> None:
    account = sandbox.insert("Account", name="Acme")
    answer = admin.post(FIELDS, json=TIER)
    assert answer.status_code == 200
    made = {"type": "enum", "options": ["", "Top"], "isCustom": True}
    assert answer.json() == {**made, "label": "Customer Tier"}
    read = metadata(client, "Account.fields.cCustomerTier").json()
    assert read == made
    path = f"/Account/{account}"
    assert client.get(path).json()["cCustomerTier"] is None
    assert client.put(path, json={"cCustomerTier": "Top"}).json()["cCustomerTier"] == "Top"
    assert failed(client.put(path, json={"cCustomerTier": "X"})) == ("cCustomerTier", "valid")


@pytest.mark.parametrize(
    "field",
    [
        {"type": "float", "name": "score", "min": 0, "max": 100},
        {"type": "int", "name": "rank"},
        {"type": "varchar", "name": "note"},
        {"type": "text", "name": "why"},
        {"type": "bool", "name": "locked"},
        {"type": "date", "name": "day"},
        {"type": "datetime", "name": "at"},
        {"type": "currency", "name": "revenue"},
    ],
    ids=lambda field: field["type"],
)
def test_fields_are_made_of_each_type(
    sandbox: EspoSandbox, client: httpx.Client, admin: httpx.Client, field: Mapping[str, Any]
) -> None:
    sandbox.settings.names_fields = True
    name = admin.post(FIELDS, json=field).json()["name"]
    assert name == f"c{field['name'].capitalize()}"
    record = client.post("/Account", json={"name": "Acme"}).json()
    assert name in record
    assert admin.get(f"{FIELDS}/{name}").json()["type"] == field["type"]


def test_only_administrators_set_up(client: httpx.Client, admin: httpx.Client) -> None:
    admin.post(FIELDS, json=TIER)
    for answer in (
        client.post(FIELDS, json=TIER),
        client.get(f"{FIELDS}/cCustomerTier"),
        client.put(f"{FIELDS}/cCustomerTier", json={}),
        client.delete(f"{FIELDS}/cCustomerTier"),
        client.put("/Account/layout/detail", json=[]),
    ):
        assert (answer.status_code, answer.content) == (403, b"")


def test_fields_are_changed_and_deleted(
    sandbox: EspoSandbox, client: httpx.Client, admin: httpx.Client
) -> None:
    admin.post(FIELDS, json=TIER)
    twice = admin.post(FIELDS, json=TIER)
    assert refusal(twice) == (409, "Field 'cCustomerTier' already exists in 'Account'.")
    assert twice.json()["messageTranslation"]["label"] == "fieldAlreadyExists"
    path = f"{FIELDS}/cCustomerTier"
    more = {"options": ["", "Top", "Big"], "type": "text", "name": "other"}
    changed = admin.put(path, json={**more, "label": "Tier"}).json()
    assert (changed["label"], changed["type"]) == ("Tier", "enum")
    record = client.post("/Account", json={"name": "A", "cCustomerTier": "Big"}).json()
    assert record["cCustomerTier"] == "Big"
    assert admin.delete(path).json() is True
    told = "Can't read field defs Account.cCustomerTier."
    assert refusal(admin.get(path)) == (500, told)
    assert "cCustomerTier" not in client.get(f"/Account/{record['id']}").json()
    assert refusal(admin.delete(f"{FIELDS}/name"))[0] == 500


@pytest.mark.parametrize(
    ("field", "status"),
    [
        pytest.param({"type": "enum"}, 400, id="no name"),
        pytest.param({"name": "x"}, 400, id="no type"),
        pytest.param({"name": "x", "type": "magic"}, 400, id="unknown type"),
        pytest.param({"name": 'x"', "type": "int"}, 500, id="bad name"),
        pytest.param({"name": "x" * 50, "type": "int"}, 500, id="long name"),
    ],
)
def test_fields_that_can_not_be_are_refused(
    admin: httpx.Client, field: Mapping[str, str], status: int
) -> None:
    assert admin.post(FIELDS, json=field).status_code == status


def test_before_8_there_was_no_prefix() -> None:
    assert EspoSandbox("7.5.6").settings.prefix == ""


def test_metadata_say_what_wins(client: httpx.Client) -> None:
    stage = metadata(client, "Opportunity.fields.stage").json()
    assert stage["probabilityMap"]["Closed Won"] == 100
    assert stage["options"] == [*stage["probabilityMap"]]
    links = metadata(client, "Account.links").json()
    assert links["opportunities"]["entity"] == "Opportunity"
    assert metadata(client, "Task.fields.assignedUser.required").json() is True
    whole = client.get("/Metadata").json()["entityDefs"]
    assert whole.keys() >= {"Account", "Opportunity", "Task", "Call", "Meeting", "Case", "Lead"}


def test_of_what_is_not_there_metadata_say_nothing(client: httpx.Client) -> None:
    for key in ("Account.fields.cNone", "None.fields", "Account.fields.name.type.none"):
        answer = metadata(client, key)
        assert (answer.status_code, answer.content) == (200, b"")


def test_a_layout_shows_what_it_is_told_to(client: httpx.Client, admin: httpx.Client) -> None:
    path = "/Account/layout/detail"
    admin.post("/Admin/fieldManager/Account", json={"name": "customerTier", "type": "varchar"})
    layout = admin.get(path).json()
    shown = {cell["name"] for panel in layout for row in panel["rows"] for cell in row if cell}
    assert "name" in shown
    assert "cCustomerTier" not in shown, "somebody has to put it there"
    layout[0]["rows"].append([{"name": "cCustomerTier"}, False])
    assert admin.put(path, json=layout).json() == layout
    assert client.get(path).json() == layout
    assert client.get("/Account/layout/list").json()[0] == {"name": "name", "link": True}
    assert admin.put(path, json={}).status_code == 400
    assert client.get("/Account/layout/other").status_code == 404
