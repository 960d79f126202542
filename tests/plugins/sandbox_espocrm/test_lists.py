"""Lists: which records, how many, in which order, and what of each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from sandbox_espocrm.sandbox import EspoSandbox
from tests.plugins.sandbox_espocrm.asking import client_of, refusal

START = datetime(2026, 1, 1, tzinfo=UTC)
Asked = dict[str, str | int]


@pytest.fixture
def filled(sandbox: EspoSandbox) -> EspoSandbox:
    """Return a sandbox with three accounts: A, B and C, a day apart, and deals of A."""
    for at, name in enumerate("ABC"):
        made = sandbox.insert("Account", name=name, at=START + timedelta(days=at))
        if name == "A":
            for amount in (10, 20.5):
                sandbox.insert(
                    "Opportunity", name=f"Deal {amount}", amount=amount, accountId=made,
                    closeDate="2026-02-01", amountCurrency="USD",
                )  # fmt: skip
    return sandbox


def item(kind: str, attribute: str = "name", value: Any = None) -> dict[str, Any]:
    return {"type": kind, "attribute": attribute, "value": value}


def names(answer: httpx.Response) -> str:
    assert answer.status_code == 200, refusal(answer)
    return "".join(sorted(one["name"] for one in answer.json()["list"]))


CONDITIONS = [
    pytest.param([item("equals", value="A")], "A", id="equals"),
    pytest.param([item("equals", value="a")], "A", id="case"),
    pytest.param([item("notEquals", value="A")], "BC", id="not equals"),
    pytest.param([item("in", value=["A", "C"])], "AC", id="in"),
    pytest.param([item("notIn", value=["A", "C"])], "B", id="not in"),
    pytest.param([item("isNull", "website")], "ABC", id="null"),
    pytest.param([item("isNotNull", "website")], "", id="not null"),
    pytest.param([item("like", value="%B%")], "B", id="like"),
    pytest.param([item("notContains", value="B")], "AC", id="not contains"),
    pytest.param([item("startsWith", value="C")], "C", id="starts with"),
    pytest.param([item("greaterThan", "modifiedAt", "2026-01-02 00:00:00")], "C", id="greater"),
    pytest.param([item("after", "modifiedAt", "2026-01-02 00:00:00")], "C", id="after"),
    pytest.param(
        [item("greaterThanOrEquals", "modifiedAt", "2026-01-02 00:00:00")], "BC", id="from"
    ),
    pytest.param(
        [item("greaterThanOrEquals", "modifiedAt", "2026-01-02T00:00:00Z")], "BC", id="iso"
    ),
    pytest.param([item("before", "modifiedAt", "2026-01-02 00:00:00")], "A", id="before"),
    pytest.param([item("lessThan", "modifiedAt", "2026-01-02 00:00:00")], "A", id="less"),
    pytest.param(
        [item("between", "modifiedAt", ["2026-01-02 00:00:00", "2026-01-03 00:00:00"])],
        "BC",
        id="between",
    ),
    pytest.param([item("greaterThan", "modifiedAt", "yesterday-ish")], "ABC", id="garbage"),
    pytest.param([item("lessThan", "modifiedAt", "2026-02-31 00:00:00")], "ABC", id="no day"),
    pytest.param([item("equals", value="A"), item("equals", value="B")], "", id="all of them hold"),
    pytest.param(
        [
            {
                "type": "or",
                "value": [
                    item("equals", value="A"),
                    {
                        "type": "and",
                        "value": [
                            item("greaterThan", value="A"),
                            item("lessThan", value="C"),
                        ],
                    },
                ],
            }
        ],
        "AB",
        id="nested",
    ),
]


def bracketed(value: Any, key: str) -> dict[str, str]:
    """Return a value as it stands in a query, part by part."""
    if isinstance(value, list):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return {} if value is None else {key: str(value)}
    parts = [bracketed(part, f"{key}[{name}]") for name, part in value.items()]
    return {name: part for found in parts for name, part in found.items()}


@pytest.mark.parametrize(("where", "found"), CONDITIONS)
def test_conditions_choose_records(
    filled: EspoSandbox, client: httpx.Client, where: list[Mapping[str, Any]], found: str
) -> None:
    assert names(client.get("/Account", params=bracketed(where, "where"))) == found
    whole = {"searchParams": json.dumps({"where": where, "select": ["name"]})}
    assert names(client.get("/Account", params=whole)) == found


def test_numbers_and_nulls_are_compared_as_such(filled: EspoSandbox, client: httpx.Client) -> None:
    deals = "/Opportunity"
    more = bracketed([item("greaterThan", "amount", 9.5)], "where")
    assert names(client.get(deals, params=more)) == "Deal 10Deal 20.5"
    # In the company's currency they are worth less.
    less = bracketed([item("lessThan", "amountConverted", 9.5)], "where")
    assert names(client.get(deals, params=less)) == "Deal 10"
    none = {"searchParams": json.dumps({"where": [item("equals", "leadSource", None)]})}
    assert client.get(deals, params=none).json()["total"] == 2


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        pytest.param(
            bracketed([item("equals", "noSuch", 1)], "where"),
            "Not existing attribute 'noSuch' in where.",
            id="attribute",
        ),
        pytest.param({"orderBy": "none"}, "Order by non-existing field 'none'.", id="order"),
        pytest.param({"searchParams": "{"}, "Invalid search params JSON.", id="json"),
        pytest.param({"searchParams": "[]"}, "Invalid search params JSON.", id="no object"),
        pytest.param({"searchParams": '{"maxSize":"2"}'}, "maxSize must be integer.", id="size"),
        pytest.param(
            bracketed([item("near", "name", 1)], "where"), "Unknown where item type 'near'.",
            id="type",
        ),
        pytest.param({"where[0]": "x"}, "No 'type' in where item.", id="item"),
        pytest.param({"where[0][type]": "equals"}, "No 'attribute' in where item.", id="of what"),
        pytest.param(
            {"where[0][type]": "isNull", "where[0][attribut]": "name"},
            "Unknown parameter 'attribut'.", id="part",
        ),
        pytest.param({"where[1][type]": "and"}, "Bad 'value'.", id="numbers"),
        pytest.param(bracketed([item("in", value=[[1]])], "where"), "Bad 'value'.", id="deep"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(
    client: httpx.Client, query: Mapping[str, str], reason: str
) -> None:
    answer = client.get("/Account", params=query)
    assert refusal(answer) == (400, reason)
    assert answer.content == b""


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"where": '[{"type":"equals","attribute":"name","value":"A"}]'}, id="json"),
        pytest.param({"whereGroup": "x", "filter": "name = 'A'"}, id="other names"),
    ],
)
def test_a_condition_in_no_brackets_is_none(
    filled: EspoSandbox, client: httpx.Client, query: Mapping[str, str]
) -> None:
    assert names(client.get("/Account", params=query)) == "ABC"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        pytest.param({"searchParams": '{"orderBy":["name"]}'}, 400, id="order"),
        pytest.param({"searchParams": '{"select":[{}],"offset":-5}'}, 200, id="select"),
        pytest.param({"where[0][type][x]": "a", "where[0][attribute]": "name"}, 400, id="type"),
        pytest.param({"offset": "9" * 30}, 200, id="offset"),
        pytest.param({"maxSize": "-1"}, 200, id="size"),
    ],
)
def test_nonsense_never_breaks_it(
    client: httpx.Client, asked: Mapping[str, str], status: int
) -> None:
    assert client.get("/Account", params=asked).status_code == status
    assert client.get("/Metadata", params={"key[x]": "a"}).content == b""


@pytest.mark.parametrize("name", ["primaryFilter", "textFilter", "q", "boolFilterList[]"])
def test_what_the_sandbox_does_not_know_is_not_passed_over(client: httpx.Client, name: str) -> None:
    assert client.get("/Account", params={name: "x"}).status_code == 501


def test_a_reason_fits_into_a_header(client: httpx.Client) -> None:
    asked = bracketed([item("equals", "näme\r\nX: y", 1)], "where")
    reason = "Not existing attribute 'n me  X: y' in where."
    assert refusal(client.get("/Account", params=asked)) == (400, reason)


def test_pages_have_an_end(filled: EspoSandbox, client: httpx.Client) -> None:
    asked: Asked = {"maxSize": 2, "orderBy": "modifiedAt", "order": "asc", "select": "name"}
    first = client.get("/Account", params=asked).json()
    assert (first["total"], [one["name"] for one in first["list"]]) == (3, ["A", "B"])
    assert first["list"][0].keys() == {"id", "name"}
    second = client.get("/Account", params={**asked, "offset": 2}).json()
    assert (second["total"], [one["name"] for one in second["list"]]) == (3, ["C"])
    assert client.get("/Account", params={**asked, "offset": 4}).json()["list"] == []
    downwards = client.get("/Account", params={**asked, "order": "desc"}).json()
    assert [one["name"] for one in downwards["list"]] == ["C", "B"]


def test_who_asks_for_more_than_200_is_told(client: httpx.Client) -> None:
    assert client.get("/Account", params={"maxSize": 200}).status_code == 200
    told = (403, "Max size should not exceed 200. Use offset and limit.")
    assert refusal(client.get("/Account", params={"maxSize": 201})) == told


def test_a_list_need_not_be_counted(filled: EspoSandbox, client: httpx.Client) -> None:
    uncounted = {"X-No-Total": "true"}
    page = client.get("/Account", params={"maxSize": 2}, headers=uncounted).json()
    assert (page["total"], len(page["list"])) == (-1, 2)
    assert client.get("/Account", headers=uncounted).json()["total"] == -2
    filled.settings.total_at_end = -1
    assert client.get("/Account", headers=uncounted).json()["total"] == -1


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_records_of_one_second_come_by_their_ids(
    sandbox: EspoSandbox, client: httpx.Client, order: str
) -> None:
    for record in "bdac":
        sandbox.insert("Account", name="A", id=record, at=START)
    asked = {"orderBy": "modifiedAt", "order": order, "select": "id"}
    listed = "".join(one["id"] for one in client.get("/Account", params=asked).json()["list"])
    assert listed == ("abcd" if order == "asc" else "dcba")


def test_lists_have_an_order_of_their_own(sandbox: EspoSandbox, client: httpx.Client) -> None:
    for at, name in enumerate("ACB"):
        sandbox.insert("Account", name=name, at=START + timedelta(days=at))
    listed = client.get("/Account").json()["list"]
    assert [one["name"] for one in listed] == ["B", "C", "A"]


def test_what_is_selected_and_unknown_is_left_out(
    filled: EspoSandbox, client: httpx.Client
) -> None:
    asked: Asked = {
        "select": "accountName,noSuch,amountConverted",
        "orderBy": "amount",
        "maxSize": 1,
    }
    (deal,) = client.get("/Opportunity", params=asked).json()["list"]
    # Whole numbers have no decimals.
    assert deal == {"id": deal["id"], "accountName": "A", "amountConverted": 9}
    assert isinstance(deal["amountConverted"], int)


def test_what_hangs_on_a_record_is_listed(filled: EspoSandbox, client: httpx.Client) -> None:
    first = filled.records("Account")[0]["id"]
    other = filled.records("Account")[1]["id"]
    filled.insert("Task", name="T", parentType="Account", parentId=first)
    assert names(client.get(f"/Account/{first}/opportunities")) == "Deal 10Deal 20.5"
    asked: Asked = {"maxSize": 1, **bracketed([item("greaterThan", "amount", 10)], "where")}
    assert names(client.get(f"/Account/{first}/opportunities", params=asked)) == "Deal 20.5"
    assert names(client.get(f"/Account/{other}/opportunities")) == ""
    assert names(client.get(f"/Account/{first}/tasks")) == "T"
    assert refusal(client.get(f"/Account/{first}/nothing")) == (404, "")
    assert refusal(client.get("/Account/none/opportunities")) == (404, "")


def test_users_are_in_no_list_of_the_api_user(client: httpx.Client, admin: httpx.Client) -> None:
    assert client.get("/User").json() == {"total": 0, "list": []}
    assert refusal(client.get("/Role")) == (403, "No read access.")
    assert [one["userName"] for one in admin.get("/User").json()["list"]] == ["admin"]


def test_the_role_decides_what_is_seen(sandbox: EspoSandbox, client: httpx.Client) -> None:
    me = client.get("/App/user").json()["user"]["id"]
    mine = sandbox.insert("Account", name="Mine", assignedUserId=me)
    theirs = sandbox.insert("Account", name="Theirs")
    sandbox.role["Account"]["read"] = "own"
    assert names(client.get("/Account")) == "Mine"
    assert client.get(f"/Account/{mine}").status_code == 200
    assert refusal(client.get(f"/Account/{theirs}")) == (403, "No read access.")
    sandbox.role["Account"]["read"] = "no"
    assert refusal(client.get("/Account")) == (403, "No read access.")
    assert refusal(client.get(f"/Account/{mine}")) == (403, "No read access.")
    del sandbox.role["Task"]
    assert refusal(client.get("/Task")) == (403, "No read access.")


@pytest.mark.parametrize(("version", "found"), [("8.4.2", 3), ("9.0.0", 1)])
def test_other_names_of_parameters_came_with_9(version: str, found: int) -> None:
    sandbox = EspoSandbox(version)
    for name in "ABC":
        sandbox.insert("Account", name=name)
    asked = {**bracketed([item("equals", value="A")], "whereGroup"), "attributeSelect": "name"}
    with client_of(sandbox, {"X-Api-Key": sandbox.credentials.api_key}) as client:
        listed = client.get("/Account", params=asked).json()["list"]
    assert len(listed) == found
    assert (len(listed[0]) == 2) == (found == 1)
    sandbox.close()
