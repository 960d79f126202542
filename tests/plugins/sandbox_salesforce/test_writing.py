"""Records are made, changed and deleted, and refused with the right code."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from connector.testing.faults import Clock
from sandbox_salesforce.fields import pick, text
from sandbox_salesforce.ids import make_id
from sandbox_salesforce.sandbox import SalesforceSandbox
from tests.plugins.sandbox_salesforce.asking import client_of

DEAL = {"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-05-01", "Amount": 200}


def row(sobject: str, **values: Any) -> dict[str, Any]:
    return {"attributes": {"type": sobject}, **values}


def test_a_record_lives_and_dies(client: httpx.Client, clock: Clock) -> None:
    made = client.post("sobjects/Account", json={"Name": "Acme", "AnnualRevenue": "12.4"})
    assert made.status_code == 201
    record = made.json()["id"]
    clock.jump(60)
    assert client.patch(f"sobjects/Account/{record[:15]}", json={"Rating": ""}).status_code == 204
    held = client.get(f"sobjects/Account/{record}").json()
    assert (held["AnnualRevenue"], held["Rating"]) == (12.0, None)
    assert held["CreatedDate"] == "2026-03-01T12:00:00.000+0000"
    assert held["SystemModstamp"] == "2026-03-01T12:01:00.000+0000"
    assert client.delete(f"sobjects/Account/{record}").status_code == 204
    assert client.get(f"sobjects/Account/{record}").status_code == 404
    refused = client.patch(f"sobjects/Account/{record}", json={"Rating": "Hot"})
    assert refused.status_code == 404
    assert refused.json()[0]["errorCode"] == "ENTITY_IS_DELETED"


@pytest.mark.parametrize(
    ("values", "code", "fields"),
    [
        pytest.param({}, "REQUIRED_FIELD_MISSING", ["Name"], id="nothing"),
        pytest.param({"Name": "A", "Nope": 1}, "INVALID_FIELD", ["Nope"], id="no such field"),
        pytest.param({"Name": "A", "SystemModstamp": None}, "INVALID_FIELD_FOR_INSERT_UPDATE",
                     ["SystemModstamp"], id="read-only"),
        pytest.param({"Name": "A" * 256}, "STRING_TOO_LONG", ["Name"], id="too long"),
        pytest.param({"Name": "A", "Tier__c": "Huge"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                     ["Tier__c"], id="restricted picklist"),
        pytest.param({"Name": "A", "OwnerId": "me"}, "MALFORMED_ID", ["OwnerId"], id="no id"),
        pytest.param({"Name": "A", "ParentId": make_id("006", 1)}, "MALFORMED_ID", ["ParentId"],
                     id="id of another object"),
        pytest.param({"Name": "A", "ParentId": make_id("001", 99)}, "INVALID_CROSS_REFERENCE_KEY",
                     ["ParentId"], id="id of nothing"),
        pytest.param({"Name": "A", "OwnerId": make_id("005", 2)}, "INACTIVE_OWNER_OR_USER",
                     ["OwnerId"], id="inactive owner"),
        pytest.param({"Name": "A", "AnnualRevenue": "much"}, "JSON_PARSER_ERROR", [], id="no sum"),
        pytest.param({"Name": "rude"}, "FIELD_CUSTOM_VALIDATION_EXCEPTION", [], id="rule"),
        pytest.param({"Name": "A", "Ext__c": "x"}, "DUPLICATE_VALUE", ["Ext__c"], id="twice"),
    ],
)  # fmt: skip
def test_a_record_is_refused_with_its_code(
    sandbox: SalesforceSandbox,
    client: httpx.Client,
    values: dict[str, Any],
    code: str,
    fields: list[str],
) -> None:
    sandbox.add_field("Account", pick("Tier__c", "Top", "Small", restricted=True))
    sandbox.insert("User", Username="gone@x.example", LastName="Gone", IsActive=False)
    sandbox.insert("Account", Name="First", Ext__c="x")
    sandbox.rule("Account", lambda record: "no" if record["Name"] == "rude" else None)
    answer = client.post("sobjects/Account", json=values)
    assert answer.status_code == 400
    (error,) = answer.json()
    assert (error["errorCode"], error.get("fields", [])) == (code, fields)
    assert len(sandbox.records("Account")) == 1


def test_upsert_finds_by_the_key(sandbox: SalesforceSandbox, client: httpx.Client) -> None:
    first = client.patch("sobjects/Account/Ext__c/a%2F1", json={"Name": "Acme"})
    second = client.patch("sobjects/Account/Ext__c/a%2F1", json={"Rating": "Hot"})
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == {**first.json(), "created": False}
    only = client.patch("sobjects/Account/Ext__c/b?updateOnly=true", json={"Name": "B"})
    assert only.status_code == 404
    old = client.patch(
        "https://sandbox.invalid/services/data/v45.0/sobjects/Account/Ext__c/a%2F1", json={}
    )
    assert (old.status_code, old.content) == (204, b"")


def test_a_key_of_several_records_writes_none(
    sandbox: SalesforceSandbox, client: httpx.Client
) -> None:
    for name in ("A", "B"):
        sandbox.insert("Product2", Name="same", ProductCode=name)
    answer = client.patch("sobjects/Product2/Name/same", json={"ProductCode": "C"})
    assert answer.status_code == 300
    assert len(answer.json()) == 2
    assert [one["ProductCode"] for one in sandbox.records("Product2")] == ["A", "B"]


def test_a_record_that_has_changed_meanwhile_is_left(
    sandbox: SalesforceSandbox, client: httpx.Client, clock: Clock
) -> None:
    record = sandbox.insert("Account", Name="A", at=clock.now)
    seen = {"If-Unmodified-Since": format_datetime(clock.now, usegmt=True)}
    path = f"sobjects/Account/{record}"
    assert client.patch(path, json={"Rating": "Hot"}, headers=seen).status_code == 204
    clock.jump(1)
    sandbox.update("Account", record, Rating="Cold")
    assert client.patch(path, json={"Rating": "Hot"}, headers=seen).status_code == 412
    assert sandbox.record("Account", record)["Rating"] == "Cold"


def test_rows_of_a_collection_have_outcomes_of_their_own(
    sandbox: SalesforceSandbox, client: httpx.Client
) -> None:
    held = sandbox.insert("Account", Name="Held")
    sandbox.lock(held, times=1)
    rows = [
        row("Account", Name="A"),
        row("Account"),
        row("Opportunity", **DEAL, AccountId=held),
    ]
    body = {"allOrNone": False, "records": rows}
    answer = client.post("composite/sobjects", json=body)
    assert answer.status_code == 200
    good, missing, locked = answer.json()
    assert good == {"id": make_id("001", 2), "success": True, "errors": []}
    assert missing["errors"] == [
        {"statusCode": "REQUIRED_FIELD_MISSING", "fields": ["Name"],
         "message": "Required fields are missing: [Name]"}
    ]  # fmt: skip
    assert locked["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"
    assert client.post("composite/sobjects", json=body).json()[2]["success"]
    assert sandbox.calls == 2


def test_all_or_none_keeps_nothing(sandbox: SalesforceSandbox, client: httpx.Client) -> None:
    body = {"allOrNone": True, "records": [row("Account", Name="A"), row("Account")]}
    first, second = client.post("composite/sobjects", json=body).json()
    assert first["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert second["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert sandbox.records("Account") == []


def test_a_collection_is_upserted_changed_read_and_deleted(
    sandbox: SalesforceSandbox, client: httpx.Client
) -> None:
    sandbox.insert("Account", Name="Old", Ext__c="1")
    rows = [row("Account", Name=name, Ext__c=key) for name, key in (("A", "1"), ("B", "2"))]
    done = client.patch("composite/sobjects/Account/Ext__c", json={"records": rows}).json()
    assert [one["created"] for one in done] == [False, True]
    ids = [one["id"] for one in done]
    changes = [row("Account", id=one, Rating="Hot") for one in [*ids, make_id("001", 9)]]
    changed = client.patch("composite/sobjects", json={"records": changes}).json()
    assert [one["success"] for one in changed] == [True, True, False]
    assert changed[2]["errors"][0]["statusCode"] == "INVALID_CROSS_REFERENCE_KEY"
    asked = {"ids": ",".join(ids), "fields": "Name,Rating"}
    read = client.get("composite/sobjects/Account", params=asked).json()
    assert [(one["Name"], one["Rating"]) for one in read] == [("A", "Hot"), ("B", "Hot")]
    client.delete("composite/sobjects", params={"ids": asked["ids"]})
    assert all(one["IsDeleted"] for one in sandbox.records("Account"))


def test_two_rows_with_one_key_both_fail(sandbox: SalesforceSandbox, client: httpx.Client) -> None:
    rows = [row("Account", Name=name, Ext__c=name[0]) for name in ("A1", "A2", "B")]
    done = client.patch("composite/sobjects/Account/Ext__c", json={"records": rows}).json()
    codes = [[error["statusCode"] for error in one["errors"]] for one in done]
    assert codes == [["DUPLICATE_VALUE"], ["DUPLICATE_VALUE"], []]
    assert [one["Name"] for one in sandbox.records("Account")] == ["B"]
    sandbox.settings.twice_fails = False
    done = client.patch("composite/sobjects/Account/Ext__c", json={"records": rows}).json()
    assert [one["created"] for one in done] == [True, False, False]


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([row("Account", Name="A")] * 201, id="too many"),
        pytest.param([row("Account", Name="A"), row("Task")] * 6, id="too many chunks"),
        pytest.param([{"Name": "A"}], id="no type"),
        pytest.param([row("Account", Name=["A"])], id="unreadable"),
        pytest.param([], id="none"),
    ],
)
def test_a_collection_is_refused_as_a_whole(
    sandbox: SalesforceSandbox, client: httpx.Client, rows: list[Any]
) -> None:
    answer = client.post("composite/sobjects", json={"records": rows})
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"]
    assert sandbox.records("Account") == []


def test_stages_decide_what_is_won(sandbox: SalesforceSandbox, client: httpx.Client) -> None:
    record = client.post("sobjects/Opportunity", json=DEAL).json()["id"]
    held = sandbox.record("Opportunity", record)
    assert (held["IsClosed"], held["Probability"], held["ExpectedRevenue"]) == (0, 10.0, 20.0)
    client.patch(f"sobjects/Opportunity/{record}", json={"StageName": "Closed Won"})
    held = sandbox.record("Opportunity", record)
    assert (held["IsClosed"], held["IsWon"], held["ExpectedRevenue"]) == (1, 1, 200.0)
    assert (held["FiscalYear"], held["FiscalQuarter"]) == (2026, 2)


def test_line_items_decide_the_amount(sandbox: SalesforceSandbox, client: httpx.Client) -> None:
    sandbox.make_up(0)
    deal = client.post("sobjects/Opportunity", json=DEAL).json()["id"]
    item = {"OpportunityId": deal, "Product2Id": make_id("01t", 2), "Quantity": 3, "UnitPrice": 150}
    made = client.post("sobjects/OpportunityLineItem", json=item)
    assert made.status_code == 201
    changed = client.patch(f"sobjects/Opportunity/{deal}", json={"Amount": 1})
    assert changed.status_code == 204  # accepted, and ignored
    held = sandbox.record("Opportunity", deal)
    assert (held["Amount"], held["HasOpportunityLineItem"]) == (450.0, 1)
    (item_held,) = sandbox.records("OpportunityLineItem")
    assert (item_held["Name"], item_held["ListPrice"]) == ("Product 02", 200.0)


def test_a_task_is_about_the_account_of_its_deal(
    sandbox: SalesforceSandbox, client: httpx.Client
) -> None:
    account = sandbox.insert("Account", Name="A")
    deal = sandbox.insert("Opportunity", Name="D", AccountId=account)
    task = {"WhatId": deal, "Subject": "Call", "ActivityDate": "2026-03-05", "Priority": "High"}
    record = client.post("sobjects/Task", json=task).json()["id"]
    held = sandbox.record("Task", record)
    assert (held["AccountId"], held["IsClosed"], held["IsHighPriority"]) == (account, 0, 1)
    assert client.post("sobjects/Task", json={"AccountId": account}).status_code == 400
    client.patch(f"sobjects/Task/{record}", json={"Status": "Completed"})
    assert sandbox.record("Task", record)["IsClosed"] == 1
    assert sandbox.record("Account", account)["LastActivityDate"] == "2026-03-05"


def test_persons_are_named_by_their_last_name(make: Callable[..., SalesforceSandbox]) -> None:
    sandbox = make(person_accounts=True)
    with client_of(sandbox) as client:
        person = {"FirstName": "Ada", "LastName": "Abel", "PersonEmail": "ada@x.example"}
        assert client.post("sobjects/Account", json=person).status_code == 201
        assert client.post("sobjects/Account", json={"Name": "Acme"}).status_code == 201
        nobody = client.post("sobjects/Account", json={"Rating": "Hot"}).json()
        named = client.post("sobjects/Account", json=person | {"Name": "Ada"}).json()
    assert named[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert nobody[0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert [(one["Name"], one["IsPersonAccount"]) for one in sandbox.records("Account")] == [
        ("Ada Abel", 1),
        ("Acme", 0),
    ]
    kinds = {one["Id"]: one["DeveloperName"] for one in sandbox.records("RecordType")}
    assert [kinds[str(one["RecordTypeId"])] for one in sandbox.records("Account")] == [
        "PersonAccount",
        "Business_Account",
    ]


def test_changes_and_deletions_are_told_for_a_time(
    sandbox: SalesforceSandbox, client: httpx.Client, clock: Clock
) -> None:
    kept = sandbox.insert("Account", Name="A")
    gone = sandbox.insert("Account", Name="B")
    sandbox.delete("Account", gone)
    late = sandbox.insert("Account", Name="late", at=clock.now - timedelta(minutes=5))
    hour = {"start": "2026-03-01T11:00:00+00:00", "end": "2026-03-01T13:00:00+00:00"}
    deleted = client.get("sobjects/Account/deleted/", params=hour).json()
    assert deleted["deletedRecords"] == [
        {"id": gone, "deletedDate": "2026-03-01T12:00:00.000+0000"}
    ]
    assert deleted["earliestDateAvailable"] == "2026-02-14T12:00:00.000+0000"
    assert deleted["latestDateCovered"] == "2026-03-01T12:00:00.000+0000"
    assert client.get("sobjects/Account/updated/", params=hour).json()["ids"] == [late, kept]
    for start in ("2026-01-01T11:00:00Z", "2026-03-01T13:00:00Z", "2026-03-01T11:00:00"):
        answer = client.get("sobjects/Account/updated/", params=hour | {"start": start})
        assert answer.json()[0]["errorCode"] == "INVALID_REPLICATION_DATE"


def test_parts_of_a_composite_use_what_came_before(
    sandbox: SalesforceSandbox, client: httpx.Client
) -> None:
    base = "/services/data/v62.0/sobjects"
    parts = [
        {"method": "POST", "url": f"{base}/Account", "referenceId": "a", "body": {"Name": "A"}},
        {
            "method": "POST",
            "url": f"{base}/Task",
            "referenceId": "t",
            "body": {"WhatId": "@{a.id}"},
        },
        {"method": "GET", "url": f"{base}/Account/@{{a.id}}?fields=Name", "referenceId": "r"},
        {"method": "GET", "url": f"{base}/Nope", "referenceId": "n"},
    ]
    body = {"allOrNone": False, "compositeRequest": parts}
    answers = client.post("composite", json=body).json()["compositeResponse"]
    assert [one["httpStatusCode"] for one in answers] == [201, 201, 200, 404]
    assert answers[2]["body"]["Name"] == "A"
    assert sandbox.records("Task")[0]["AccountId"] == answers[0]["body"]["id"]
    halted = client.post("composite", json=body | {"allOrNone": True}).json()["compositeResponse"]
    assert halted[0]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert len(sandbox.records("Account")) == 1


def test_what_is_forbidden_is_refused(sandbox: SalesforceSandbox, client: httpx.Client) -> None:
    sandbox.permissions.forbid("Task", "create")
    sandbox.permissions.forbid("Lead", "read")
    sandbox.permissions.hide("Account", "Rating", for_edit=True)
    task = client.post("sobjects/Task", json={})
    assert (task.status_code, task.json()[0]["errorCode"]) == (
        403,
        "INSUFFICIENT_ACCESS_OR_READONLY",
    )
    assert client.get("sobjects/Lead/describe").status_code == 404
    rated = client.post("sobjects/Account", json={"Name": "A", "Rating": "Hot"})
    assert rated.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    described = client.get("sobjects/Account/describe").json()["fields"]
    (rating,) = [one for one in described if one["name"] == "Rating"]
    assert (rating["updateable"], rating["createable"]) == (False, False)


def test_fields_of_activities_are_of_both(sandbox: SalesforceSandbox, client: httpx.Client) -> None:
    sandbox.add_field("Task", text("Marker__c", 80))
    for name in ("Task", "Event"):
        made = client.post(f"sobjects/{name}", json={"Marker__c": "m"})
        assert made.status_code == 201


def test_a_task_is_found_by_a_key_only_where_that_is_set(
    sandbox: SalesforceSandbox, client: httpx.Client
) -> None:
    sandbox.add_field("Task", text("Marker__c", 80, external_id=True, unique=True))
    assert client.patch("sobjects/Task/Marker__c/m", json={}).status_code == 404
    sandbox.settings.activity_keys = True
    assert client.patch("sobjects/Task/Marker__c/m", json={}).status_code == 201
