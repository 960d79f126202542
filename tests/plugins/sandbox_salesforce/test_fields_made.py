"""Fields are made through the Tooling API, and seen once somebody is allowed to."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox_salesforce.sandbox import SalesforceSandbox

TIER: dict[str, Any] = {
    "label": "Tier",
    "type": "Picklist",
    "valueSet": {
        "restricted": True,
        "valueSetDefinition": {
            "sorted": False,
            "value": [{"fullName": "TOP", "label": "Top"}, {"valueName": "BIG", "label": "Big"}],
        },
    },
}


def made(client: httpx.Client, name: str, metadata: dict[str, Any]) -> httpx.Response:
    return client.post(
        "tooling/sobjects/CustomField", json={"FullName": name, "Metadata": metadata}
    )


def names(client: httpx.Client, sobject: str = "Account") -> dict[str, Any]:
    fields = client.get(f"sobjects/{sobject}/describe").json()["fields"]
    return {one["name"]: one for one in fields}


def test_a_new_field_is_seen_once_it_is_granted(
    sandbox: SalesforceSandbox, client: httpx.Client
) -> None:
    assert made(client, "Account.Tier__c", TIER).status_code == 201
    assert "Tier__c" not in names(client)
    permissions = client.post("sobjects/PermissionSet", json={"Name": "P", "Label": "P"}).json()
    granted = {"ParentId": permissions["id"], "SobjectType": "Account",
               "Field": "Account.Tier__c", "PermissionsEdit": True}  # fmt: skip
    right = client.post("sobjects/FieldPermissions", json=granted).json()["id"]
    assert sandbox.record("FieldPermissions", right)["PermissionsRead"] == 1
    assert "Tier__c" not in names(client)
    assigned = {"AssigneeId": sandbox.user, "PermissionSetId": permissions["id"]}
    assert client.post("sobjects/PermissionSetAssignment", json=assigned).status_code == 201
    tier = names(client)["Tier__c"]
    assert [one["value"] for one in tier["picklistValues"]] == ["TOP", "BIG"]
    assert (tier["updateable"], tier["custom"], tier["restrictedPicklist"]) == (True, True, True)
    neither = {"PermissionsRead": False, "PermissionsEdit": False}
    client.patch(f"sobjects/FieldPermissions/{right}", json=neither)
    assert "Tier__c" not in names(client)


@pytest.mark.parametrize(
    ("name", "metadata", "code"),
    [
        pytest.param("Account.Tier__c", TIER, "DUPLICATE_DEVELOPER_NAME", id="twice"),
        pytest.param("Account.T", TIER, "FIELD_INTEGRITY_EXCEPTION", id="no suffix"),
        pytest.param("Account.T__c", {"type": "Date"}, "REQUIRED_FIELD_MISSING", id="no label"),
        pytest.param("Account.T__c", {"label": "T", "type": "Checkbox"}, "REQUIRED_FIELD_MISSING",
                     id="no default"),
        pytest.param("Account.T__c", {"label": "T", "type": "Text", "length": 256},
                     "FIELD_INTEGRITY_EXCEPTION", id="too long"),
        pytest.param("Task.T__c", TIER, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", id="of a task"),
        pytest.param("User2.T__c", TIER, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", id="of none"),
    ],
)  # fmt: skip
def test_a_field_is_refused(
    client: httpx.Client, name: str, metadata: dict[str, Any], code: str
) -> None:
    made(client, "Account.Tier__c", TIER)
    answer = made(client, name, metadata)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_a_field_is_found_changed_and_deleted(
    sandbox: SalesforceSandbox, client: httpx.Client
) -> None:
    marker = {"label": "Marker", "type": "Text", "length": 80, "externalId": True}
    record = made(client, "Activity.Marker__c", marker).json()["id"]
    for name in ("Task", "Event"):
        sandbox.grant(name, "Marker__c")
    assert names(client, "Task")["Marker__c"]["externalId"]
    soql = "SELECT Id, TableEnumOrId FROM CustomField WHERE DeveloperName = 'Marker'"
    (found,) = client.get("tooling/query", params={"q": soql}).json()["records"]
    assert (found["Id"], found["TableEnumOrId"]) == (record, "Activity")
    path = f"tooling/sobjects/CustomField/{record}"
    assert client.get(path).json()["Metadata"]["label"] == "Marker"
    changed = {"Metadata": marker | {"label": "Mark"}}
    assert client.patch(path, json=changed).status_code == 204
    assert names(client, "Event")["Marker__c"]["label"] == "Mark"
    assert client.delete(path).status_code == 204
    assert "Marker__c" not in names(client, "Task")
