"""Writing: what is checked, dropped, derived, stamped and refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from connector.testing.faults import Clock
from sandbox_espocrm.sandbox import EspoSandbox
from tests.plugins.sandbox_espocrm.asking import failed, refusal

START = datetime(2026, 1, 1, tzinfo=UTC)
TIERS = ("", "Top", "Big")


@pytest.fixture
def account(sandbox: EspoSandbox) -> str:
    """Return an account, of an installation that has fields for tiers."""
    sandbox.add_field("Account", "cTier", "enum", options=TIERS)
    sandbox.add_field("Account", "cScore", "float", min=0, max=100)
    sandbox.add_field("Account", "cRank", "int")
    sandbox.add_field("Account", "cAt", "datetime")
    sandbox.add_field("Account", "cDay", "date")
    sandbox.add_field("Account", "cNote", "varchar", maxLength=5)
    sandbox.add_field("Account", "cLocked", "bool")
    sandbox.add_field("Account", "cText", "text")
    sandbox.add_field("Account", "cKind", "enum", options=["A", "B"])
    return sandbox.insert("Account", name="Acme", at=START)


@pytest.fixture
def seller(sandbox: EspoSandbox) -> str:
    """Return a user."""
    return sandbox.insert("User", userName="ada", firstName="Ada", lastName="Abel")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_an_update_merges_and_answers_with_the_whole_record(
    sandbox: EspoSandbox, client: httpx.Client, account: str, method: str
) -> None:
    values = {"cTier": "Top", "cScore": 81.5, "cAt": "2026-03-01 10:00:00", "cLocked": True}
    client.request(method, f"/Account/{account}", json={"cNote": "kept"})
    answer = client.request(method, f"/Account/{account}", json=values)
    assert answer.status_code == 200
    record = answer.json()
    assert record.items() >= {**values, "name": "Acme", "cNote": "kept"}.items()
    assert record == client.get(f"/Account/{account}").json()
    assert record["modifiedAt"] == "2026-03-01 12:00:00"
    assert record["modifiedByName"] == "Connector"
    assert record["createdAt"] == "2026-01-01 00:00:00"


def test_every_update_moves_the_time_whatever_it_says(
    client: httpx.Client, account: str, clock: Clock
) -> None:
    path, body = f"/Account/{account}", {"cTier": "Top"}
    first = client.put(path, json=body).json()["modifiedAt"]
    clock.now += timedelta(seconds=1.7)
    stale = {"X-Version-Number": "0"}
    assert first == "2026-03-01 12:00:00"
    assert client.put(path, json=body, headers=stale).json()["modifiedAt"] == "2026-03-01 12:00:01"


def test_a_deal_does_not_move_its_account(
    sandbox: EspoSandbox, client: httpx.Client, account: str
) -> None:
    deal = {"name": "D", "amount": 5, "closeDate": "2026-04-01", "accountId": account}
    made = client.post("/Opportunity", json=deal).json()
    client.put(f"/Opportunity/{made['id']}", json={"stage": "Closed Won"})
    assert sandbox.record("Account", account)["modifiedAt"] == "2026-01-01 00:00:00"
    assert sandbox.record("Opportunity", made["id"])["modifiedAt"] == "2026-03-01 12:00:00"


def test_what_is_unknown_or_not_theirs_is_dropped_without_a_word(
    client: httpx.Client, account: str
) -> None:
    body = {
        "noSuch": 1, "id": "mine", "deleted": True, "createdAt": "2020-01-01 00:00:00",
        "modifiedAt": "2020-01-01 00:00:00", "assignedUserName": "Nobody", "cRank": "7",
    }  # fmt: skip
    record = client.put(f"/Account/{account}", json=body).json()
    assert "noSuch" not in record
    assert (record["id"], record["cRank"]) == (account, 7)
    assert (record["createdAt"], record["modifiedAt"][:4]) == ("2026-01-01 00:00:00", "2026")
    assert client.post("/Account", json={"name": "B", "id": "mine"}).json()["id"] != "mine"


@pytest.mark.parametrize(
    ("values", "check"),
    [
        pytest.param({"cTier": "Diamond"}, "valid", id="option"),
        pytest.param({"cTier": 1}, "valid", id="no text"),
        pytest.param({"cScore": "abc"}, "valid", id="number"),
        pytest.param({"cScore": True}, "valid", id="flag"),
        pytest.param({"cScore": 100.5}, "max", id="too much"),
        pytest.param({"cScore": -1}, "min", id="too little"),
        pytest.param({"cTier": ["Top"]}, "valid", id="options"),
        pytest.param({"cKind": None}, "valid", id="nothing is no option"),
        pytest.param({"cRank": 3e9}, "rangeInternal", id="too large"),
        pytest.param({"cRank": "1_0"}, "valid", id="digits"),
        pytest.param({"cAt": "2026-03-01T10:00"}, "valid", id="half a time"),
        pytest.param({"cAt": "2026-02-30 10:00:00"}, "valid", id="no time"),
        pytest.param({"cAt": 17}, "valid", id="epoch"),
        pytest.param({"cDay": "01.03.2026"}, "valid", id="date"),
        pytest.param({"cNote": "longer"}, "maxLength", id="length"),
        pytest.param({"cNote": ["x"]}, "valid", id="list"),
        pytest.param({"cText": {}}, "valid", id="object"),
        pytest.param({"name": "A > B"}, "pattern", id="pattern"),
        pytest.param({"sicCode": "1" * 41}, "maxLength", id="own length"),
        pytest.param({"website": "w" * 256}, "maxLength", id="any length"),
        pytest.param({"name": ""}, "required", id="required"),
        pytest.param({"name": "  "}, "required", id="blank"),
        pytest.param({"name": None}, "required", id="null"),
    ],
)
def test_bad_values_are_refused_and_nothing_is_written(
    sandbox: EspoSandbox, client: httpx.Client, account: str, values: Mapping[str, Any], check: str
) -> None:
    answer = client.put(f"/Account/{account}", json={"cRank": 5, **values})
    assert failed(answer) == (next(iter(values)), check)
    assert sandbox.record("Account", account)["cRank"] is None
    assert sandbox.record("Account", account)["modifiedAt"] == "2026-01-01 00:00:00"


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        pytest.param({"cTier": "Big", "cScore": 0, "cDay": "2026-03-01"}, None, id="as they are"),
        pytest.param({"cTier": None, "cScore": None, "cAt": None, "cDay": None}, None, id="none"),
        pytest.param({"cTier": "", "cAt": "", "cText": ""}, (None, None, None), id="empty"),
        pytest.param({"cNote": "  ab "}, ("ab",), id="blanks around"),
        pytest.param({"cAt": "2026-03-01T10:00:00Z"}, ("2026-03-01 10:00:00",), id="iso"),
        pytest.param({"cAt": "2026-03-01T10:00:00+02:00"}, ("2026-03-01 08:00:00",), id="zone"),
        pytest.param({"cScore": "7.5", "cRank": "7"}, (7.5, 7), id="numbers as text"),
        pytest.param({"cText": "x" * 20_000}, None, id="long text"),
        pytest.param({"name": "A & B \u00e9"}, None, id="name"),
    ],
)
def test_good_values_are_kept(
    sandbox: EspoSandbox,
    client: httpx.Client,
    account: str,
    values: Mapping[str, Any],
    kept: tuple[Any, ...] | None,
) -> None:
    assert client.put(f"/Account/{account}", json=values).status_code == 200
    record = sandbox.record("Account", account)
    assert tuple(record[name] for name in values) == (kept or tuple(values.values()))


@pytest.mark.parametrize(
    ("entity", "body", "field"),
    [
        pytest.param("Account", {}, "name", id="account"),
        pytest.param("Opportunity", {"name": "D", "closeDate": "2026-1-1"}, "amount", id="amount"),
        pytest.param("Opportunity", {"name": "D", "amount": 1}, "closeDate", id="close date"),
        pytest.param("Task", {"name": "T"}, "assignedUser", id="task"),
        pytest.param(
            "Call", {"name": "C", "dateEnd": "2026-01-01 00:00:00"}, "dateStart", id="call"
        ),
        pytest.param("Lead", {"firstName": "Kim"}, "lastName", id="lead"),
    ],
)
def test_what_is_required_must_be_there(
    client: httpx.Client, entity: str, body: Mapping[str, Any], field: str
) -> None:
    assert failed(client.post(f"/{entity}", json=body)) == (field, "required")


@pytest.mark.parametrize("value", [["Rome"], {"name": "Rome"}], ids=["list", "object"])
def test_an_attribute_is_one_value(client: httpx.Client, account: str, value: Any) -> None:
    answer = client.put(f"/Account/{account}", json={"billingAddressCity": value})
    assert failed(answer) == ("billingAddress", "valid")


def test_a_currency_must_be_known(client: httpx.Client) -> None:
    deal = {"name": "D", "amount": 10.25, "closeDate": "2026-04-01"}
    bad = client.post("/Opportunity", json={**deal, "amountCurrency": "XXX"})
    assert failed(bad) == ("amount", "valid")
    below = client.post("/Opportunity", json={**deal, "amount": -1})
    assert failed(below) == ("amount", "min")
    made = client.post("/Opportunity", json={**deal, "amountCurrency": "USD"}).json()
    assert (made["amount"], made["amountConverted"]) == (10.25, pytest.approx(9.225))
    assert client.post("/Opportunity", json=deal).json()["amountCurrency"] == "EUR"


def test_a_task_is_made_and_found(
    sandbox: EspoSandbox, client: httpx.Client, account: str, seller: str
) -> None:
    body = {
        "name": "Call Acme", "status": "Not Started", "priority": "High",
        "dateEnd": "2026-11-28 10:00:00", "description": "Why", "parentType": "Account",
        "parentId": account, "assignedUserId": seller,
    }  # fmt: skip
    answer = client.post("/Task", json=body)
    assert answer.status_code == 200
    made = answer.json()
    assert made.items() >= body.items()
    assert made["parentName"] == made["accountName"] == "Acme"
    assert (made["accountId"], made["assignedUserName"]) == (account, "Ada Abel")
    asked = {"where[0][type]": "equals", "where[0][attribute]": "parentId",
             "where[0][value]": account}  # fmt: skip
    assert client.get("/Task", params=asked).json()["list"] == [made]
    done = client.put(f"/Task/{made['id']}", json={"status": "Completed"}).json()
    assert done["dateCompleted"] == "2026-03-01 12:00:00"
    assert client.put(f"/Task/{made['id']}", json={"status": "Started"}).json()[
        "dateCompleted"
    ] is None  # fmt: skip


def test_the_account_of_a_task_is_that_of_its_deal(
    sandbox: EspoSandbox, client: httpx.Client, account: str, seller: str
) -> None:
    deal = sandbox.insert("Opportunity", name="D", amount=1, accountId=account)
    body = {"name": "T", "assignedUserId": seller, "accountId": "mine", "dateEndDate": "2026-11-28"}
    made = client.post("/Task", json={**body, "parentType": "Opportunity", "parentId": deal}).json()
    assert (made["accountId"], made["parentName"]) == (account, "D")
    assert (made["dateEnd"], made["dateEndDate"]) == ("2026-11-28 00:00:00", "2026-11-28")
    # The kind of a parent may be known already.
    assert client.put(f"/Task/{made['id']}", json={"parentId": deal}).status_code == 200
    loose = client.put(f"/Task/{made['id']}", json={"parentType": None, "parentId": None}).json()
    assert loose["accountId"] is None


@pytest.mark.parametrize(("status", "found"), [("New", False), ("Converted", True)])
def test_a_lead_has_an_account_once_it_is_converted(
    sandbox: EspoSandbox, client: httpx.Client, account: str, seller: str, status: str, found: bool
) -> None:
    lead = sandbox.insert("Lead", lastName="Lee", status=status, createdAccountId=account)
    body = {"name": "T", "assignedUserId": seller, "parentType": "Lead", "parentId": lead}
    made = client.post("/Task", json=body).json()
    assert made["accountId"] == (account if found else None)


@pytest.mark.parametrize(
    ("link", "target"),
    [
        pytest.param({"parentType": "Account", "parentId": "none"}, "Account", id="parent"),
        pytest.param({"parentType": "Nothing", "parentId": "none"}, "Nothing", id="kind"),
        pytest.param({"assignedUserId": "none"}, "User", id="user"),
    ],
)
def test_links_lead_to_what_is_there(
    client: httpx.Client, seller: str, link: Mapping[str, str], target: str
) -> None:
    answer = client.post("/Task", json={"name": "T", "assignedUserId": seller, **link})
    assert answer.status_code == 403
    assert answer.headers["X-Status-Reason"].startswith("Can't relate with non-existing record.")
    said = answer.json()["messageTranslation"]
    assert said["label"] == "cannotRelateNonExisting"
    assert said["data"] == {"foreignEntityType": target}


def test_two_of_a_name_are_refused_unless_they_are_wanted(client: httpx.Client) -> None:
    first = client.post("/Account", json={"name": "Acme", "website": "acme.example"}).json()
    answer = client.post("/Account", json={"name": "acme"})
    assert refusal(answer) == (409, "duplicate")
    assert answer.json() == [first]
    wanted = {"X-Skip-Duplicate-Check": "true"}
    assert client.post("/Account", json={"name": "Acme"}, headers=wanted).status_code == 200


def test_two_of_an_address_are_refused(client: httpx.Client) -> None:
    kim = {"firstName": "Kim", "lastName": "Lee", "emailAddress": "kim@acme.example"}
    for body, status in (
        (kim, 200),
        ({"lastName": "Lee"}, 200),
        ({"firstName": "Kim", "lastName": "Lee"}, 409),
        ({"lastName": "Other", "emailAddress": "kim@acme.example"}, 409),
    ):
        assert client.post("/Lead", json=body).status_code == status


def test_a_deleted_record_is_never_seen_again(
    sandbox: EspoSandbox, client: httpx.Client, admin: httpx.Client, account: str
) -> None:
    assert refusal(client.delete(f"/Account/{account}")) == (403, "No delete access.")
    sandbox.role["Account"]["delete"] = "all"
    assert client.delete(f"/Account/{account}").json() is True
    assert client.get("/Account").json() == {"total": 0, "list": []}
    for answer in (
        client.get(f"/Account/{account}"),
        client.put(f"/Account/{account}", json={}),
        client.delete(f"/Account/{account}"),
        admin.get("/Account/none"),
    ):
        assert (answer.status_code, answer.content) == (404, b"")
    assert sandbox.record("Account", account)["deleted"] is True


@pytest.mark.parametrize("action", ["create", "edit"])
def test_the_role_decides_what_is_written(
    sandbox: EspoSandbox, client: httpx.Client, account: str, action: str
) -> None:
    sandbox.role["Account"][action] = "no"
    answers = {
        "create": client.post("/Account", json={"name": "B"}),
        "edit": client.put(f"/Account/{account}", json={"name": "B"}),
    }
    assert refusal(answers.pop(action)) == (403, f"No {action} access.")
    assert [answer.status_code for answer in answers.values()] == [200]


def test_a_body_that_can_not_be_read_is_their_own_fault(client: httpx.Client, account: str) -> None:
    for answer in (
        client.post("/Account", content="{"),
        client.put(f"/Account/{account}", content="{"),
    ):
        assert (answer.status_code, answer.content) == (500, b"")
    assert client.post("/Account", json=[]).status_code == 400


def test_many_at_once_are_refused(client: httpx.Client, account: str) -> None:
    body = {"entityType": "Account", "action": "update", "params": {"ids": [account]},
            "data": {"cTier": "Top"}}  # fmt: skip
    assert client.post("/MassAction", json=body).status_code == 403


def test_the_chance_of_a_new_deal_is_that_of_its_stage(client: httpx.Client) -> None:
    deal = {"amount": 1, "closeDate": "2026-04-01"}
    made = client.post("/Opportunity", json={**deal, "name": "D"}).json()
    assert (made["stage"], made["probability"]) == ("Prospecting", 10)
    won = client.post("/Opportunity", json={**deal, "name": "E", "stage": "Closed Won"}).json()
    assert won["probability"] == 100
    own = client.post("/Opportunity", json={**deal, "name": "F", "probability": 70}).json()
    assert own["probability"] == 70
    # That of an old one stays, whatever becomes of it.
    path = f"/Opportunity/{made['id']}"
    assert client.put(path, json={"stage": "Closed Won"}).json()["probability"] == 10


def test_an_administrator_is_who_a_task_is_for_if_nobody_is_named(admin: httpx.Client) -> None:
    assert admin.post("/Task", json={"name": "T"}).json()["assignedUserName"] == "Admin"


def test_cases_are_numbered(client: httpx.Client) -> None:
    numbers = [client.post("/Case", json={"name": "C"}).json()["number"] for _ in range(2)]
    assert numbers == [1, 2]


def test_others_change_records_too(sandbox: EspoSandbox, clock: Clock) -> None:
    made = sandbox.insert(
        "Opportunity", name="D", amount=Decimal("10.5"), closeDate=date(2026, 4, 1),
        createdAt=START,
    )  # fmt: skip
    kept = sandbox.record("Opportunity", made)
    assert (kept["amount"], kept["closeDate"]) == (10.5, "2026-04-01")
    assert (kept["createdAt"], kept["modifiedAt"]) == ("2026-01-01 00:00:00", "2026-03-01 12:00:00")
    sandbox.update("Opportunity", made, at=START, stage="Closed Lost")
    kept = sandbox.record("Opportunity", made)
    assert (kept["stage"], kept["modifiedAt"]) == ("Closed Lost", "2026-01-01 00:00:00")
    sandbox.delete("Opportunity", made)
    assert [one["deleted"] for one in sandbox.records("Opportunity")] == [True]
    with pytest.raises(ValueError, match="'noSuch'"):
        sandbox.insert("Account", noSuch=1)
    with pytest.raises(KeyError):
        sandbox.update("Account", "none", name="B")
    with pytest.raises(KeyError):
        sandbox.record("Account", "none")
