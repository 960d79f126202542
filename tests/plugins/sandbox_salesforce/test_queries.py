"""What queries find, and how they are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from connector.testing.faults import Clock
from sandbox_salesforce.fields import text
from sandbox_salesforce.ids import make_id
from sandbox_salesforce.sandbox import SalesforceSandbox
from tests.plugins.sandbox_salesforce.asking import client_of

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def shop() -> Iterator[tuple[SalesforceSandbox, httpx.Client]]:
    """Return a small organisation that no test changes."""
    sandbox = SalesforceSandbox(clock=lambda: datetime(2026, 3, 1, 12, tzinfo=UTC))
    acme = sandbox.insert("Account", at=START, Name="Acme", AnnualRevenue=500.0, Industry="Energy")
    sandbox.insert("Account", at=START, Name="Bolt", ParentId=acme)
    sandbox.insert("Account", at=START + timedelta(days=1), Name="100%", AnnualRevenue=20.0)
    gone = sandbox.insert("Account", at=START, Name="Gone")
    sandbox.delete("Account", gone, merged_into=acme)
    for number in range(3):
        sandbox.insert(
            "Opportunity", Name=f"Deal {number}", AccountId=acme, Amount=10.0 * number,
            CloseDate=f"2026-02-0{number + 1}", StageName="Closed Won", IsWon=number > 0,
        )  # fmt: skip
    with client_of(sandbox) as client:
        yield sandbox, client
    sandbox.close()


Shop = tuple[SalesforceSandbox, httpx.Client]


def asked(client: httpx.Client, soql: str, path: str = "query") -> Any:
    answer = client.get(path, params={"q": soql})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("where", "names"),
    [
        pytest.param("Name = 'ACME'", ["Acme"], id="text in any case"),
        pytest.param("Name != 'Acme'", ["100%", "Bolt"], id="not equal"),
        pytest.param("Industry != 'Energy'", ["100%", "Bolt"], id="null is not equal"),
        pytest.param("Industry = ''", ["100%", "Bolt"], id="empty is null"),
        pytest.param("AnnualRevenue >= 20 AND AnnualRevenue < 500.5", ["100%", "Acme"], id="range"),
        pytest.param("(NOT AnnualRevenue > 100)", ["100%", "Bolt"], id="not, of null"),
        pytest.param("Name LIKE 'b_L%'", ["Bolt"], id="like"),
        pytest.param(r"Name LIKE '%\%'", ["100%"], id="like an escaped sign"),
        pytest.param("Industry IN ('Energy', null)", ["100%", "Acme", "Bolt"], id="in"),
        pytest.param("Name NOT IN ('Acme', 'Bolt')", ["100%"], id="not in"),
        pytest.param("Parent.Name = 'Acme'", ["Bolt"], id="of the parent"),
        pytest.param("ParentId = '{acme15}'", ["Bolt"], id="an id of 15 characters"),
        pytest.param("CreatedDate = YESTERDAY OR CreatedDate < LAST_N_DAYS:58", ["Acme", "Bolt"],
                     id="named dates"),
        pytest.param("SystemModstamp > 2026-01-01T01:00:00+02:00", ["100%", "Acme", "Bolt"],
                     id="a time with its zone"),
        pytest.param(
            "SystemModstamp > 2026-01-01T00:00:00Z"
            " OR (SystemModstamp = 2026-01-01T00:00:00Z AND Id > '{acme}')",
            ["100%", "Bolt"],
            id="after a record",
        ),
        pytest.param("Id IN (SELECT AccountId FROM Opportunity WHERE IsWon = true)", ["Acme"],
                     id="within a query"),
    ],
)  # fmt: skip
def test_a_condition_finds_what_it_means(shop: Shop, where: str, names: list[str]) -> None:
    acme = make_id("001", 1)
    where = where.replace("{acme15}", acme[:15]).replace("{acme}", acme)
    found = asked(shop[1], f"SELECT Name FROM Account WHERE {where} ORDER BY Name")
    assert [row["Name"] for row in found["records"]] == names


def test_a_record_says_what_it_is_and_holds_its_parents(shop: Shop) -> None:
    soql = "select id, parent.name, PARENT.Owner.Name from account order by Name desc limit 2"
    bolt, acme = asked(shop[1], soql)["records"]
    assert bolt["attributes"] == {
        "type": "Account",
        "url": f"/services/data/v62.0/sobjects/Account/{bolt['Id']}",
    }
    assert bolt["Parent"]["Name"] == "Acme"
    assert bolt["Parent"]["Owner"]["Name"] == "Integration"
    assert acme["Parent"] is None


def test_nulls_come_first_unless_they_are_sent_last(shop: Shop) -> None:
    soql = "SELECT Name FROM Account ORDER BY AnnualRevenue DESC"
    first = [row["Name"] for row in asked(shop[1], soql)["records"]]
    last = [row["Name"] for row in asked(shop[1], f"{soql} NULLS LAST")["records"]]
    assert first == ["Bolt", "Acme", "100%"]
    assert last == ["Acme", "100%", "Bolt"]


def test_counts_and_sums(shop: Shop) -> None:
    assert asked(shop[1], "SELECT count() FROM Opportunity") == {
        "totalSize": 3, "done": True, "records": [],
    }  # fmt: skip
    soql = "SELECT IsWon, count(Id), sum(Amount) total FROM Opportunity GROUP BY IsWon"
    assert [
        (row["IsWon"], row["expr0"], row["total"]) for row in asked(shop[1], soql)["records"]
    ] == [(False, 1, 0.0), (True, 2, 30.0)]


def test_deleted_and_merged_records_are_in_query_all(shop: Shop) -> None:
    soql = "SELECT Name, MasterRecordId FROM Account WHERE IsDeleted = true"
    assert asked(shop[1], soql)["totalSize"] == 0
    (gone,) = asked(shop[1], soql, "queryAll")["records"]
    assert (gone["Name"], gone["MasterRecordId"]) == ("Gone", make_id("001", 1))


@pytest.mark.parametrize(
    ("soql", "code", "said"),
    [
        pytest.param("SELECT Foo FROM Account", "INVALID_FIELD",
                     "No such column 'Foo' on sobject of type Account", id="no such field"),
        pytest.param("SELECT Id FROM Foo", "INVALID_TYPE", "'Foo' is not supported", id="object"),
        pytest.param("SELECT Id FROM CustomField", "INVALID_TYPE", "is not supp", id="tooling"),
        pytest.param("SELECT Foo.Name FROM Account", "INVALID_FIELD", "'Foo'", id="relationship"),
        pytest.param("SELECT Id, Name, id FROM Account", "INVALID_FIELD", "duplicate field",
                     id="field twice"),
        pytest.param("SELECT Id FORM Account", "MALFORMED_QUERY", "unexpected token", id="form"),
        pytest.param("SELECT Id FROM Account WHERE", "MALFORMED_QUERY", "<EOF>", id="end"),
        pytest.param("SELECT Id FROM Account WHERE Id IN ()", "MALFORMED_QUERY", "')'", id="in ()"),
        pytest.param("SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'",
                     "MALFORMED_QUERY", "unexpected token: 'OR'", id="and with or"),
        pytest.param("SELECT Id FROM Account WHERE CreatedDate > '2026-01-01T00:00:00Z'",
                     "INVALID_FIELD", "should not be enclosed in quotes", id="quoted time"),
        pytest.param("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD",
                     "should be enclosed in quotes", id="number for text"),
        pytest.param("SELECT Id FROM Account WHERE OwnerId = 'me'", "INVALID_QUERY_FILTER_OPERATOR",
                     "invalid ID field", id="no id"),
        pytest.param("SELECT Id FROM Account WHERE Description = 'a'", "INVALID_FIELD",
                     "field 'Description' can not be filtered in a query call", id="long text"),
        pytest.param("SELECT Id FROM Account ORDER BY Description", "MALFORMED_QUERY",
                     "can not be sorted", id="long text to sort by"),
        pytest.param("SELECT Id FROM Account OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "2000",
                     id="offset"),
        pytest.param("SELECT Name, count(Id) FROM Account", "MALFORMED_QUERY",
                     "must be grouped", id="not grouped"),
    ],
)  # fmt: skip
def test_a_query_is_refused_with_its_code(shop: Shop, soql: str, code: str, said: str) -> None:
    answer = shop[1].get("query", params={"q": soql})
    (error,) = answer.json()
    assert answer.status_code == 400
    assert error["errorCode"] == code
    assert said in error["message"]


def test_pages_follow_their_url_and_each_is_a_call(
    sandbox: SalesforceSandbox, client: httpx.Client
) -> None:
    sandbox.make_up(450)
    page = client.get(
        "query",
        params={"q": "SELECT Id FROM Account ORDER BY Id"},
        headers={"Sforce-Query-Options": "batchSize=200"},
    ).json()
    sizes, ids = [len(page["records"])], [row["Id"] for row in page["records"]]
    while not page["done"]:
        page = client.get(f"https://sandbox.invalid{page['nextRecordsUrl']}").json()
        sizes.append(len(page["records"]))
        ids += [row["Id"] for row in page["records"]]
    assert sizes == [200, 200, 50]
    assert page["totalSize"] == len({*ids}) == 450
    assert sandbox.calls == 3


def test_a_cursor_dies_after_two_days(
    sandbox: SalesforceSandbox, client: httpx.Client, clock: Clock
) -> None:
    sandbox.make_up(3)
    sandbox.settings.page_size = 2
    sandbox.settings.session = timedelta(days=9)
    page = client.get("query", params={"q": "SELECT Id FROM Account"}).json()
    url = f"https://sandbox.invalid{page['nextRecordsUrl']}"
    assert client.get(url).status_code == 200
    clock.jump(2 * 86_400)
    assert client.get(url).json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_a_field_that_may_not_be_seen_is_not_there(
    sandbox: SalesforceSandbox, client: httpx.Client
) -> None:
    sandbox.add_field("Account", text("Hidden__c", 20), visible=False)
    sandbox.permissions.hide("Account", "Rating")
    names = {one["name"] for one in client.get("sobjects/Account/describe").json()["fields"]}
    assert "Industry" in names
    for name in ("Hidden__c", "Rating"):
        assert name not in names
        answer = client.get("query", params={"q": f"SELECT {name} FROM Account"})
        assert answer.json()[0]["errorCode"] == "INVALID_FIELD"
    sandbox.grant("Account", "Hidden__c")
    assert asked(client, "SELECT Hidden__c FROM Account")["totalSize"] == 0


@pytest.mark.parametrize(
    "edition",
    [
        pytest.param({}, id="plain"),
        pytest.param(
            dict.fromkeys(
                ("multi_currency", "dated_rates", "person_accounts", "record_types"), True
            ),
            id="all",
        ),
    ],
)
def test_every_object_is_described_as_it_is_read(
    make: Callable[..., SalesforceSandbox], edition: dict[str, bool]
) -> None:
    sandbox = make(**edition)
    sandbox.make_up(5)
    with client_of(sandbox) as client:
        for listed in client.get("sobjects").json()["sobjects"]:
            name = listed["name"]
            fields = {
                one["name"]: one for one in client.get(f"sobjects/{name}/describe").json()["fields"]
            }
            soql = f"SELECT FIELDS(ALL) FROM {name} ORDER BY Id LIMIT 200"
            for record in asked(client, soql)["records"]:
                assert record.keys() == fields.keys() | {"attributes"}
                empty = {key for key, value in record.items() if value is None}
                always = {key for key, one in fields.items() if not one["nillable"]}
                assert not empty & always, name


def test_currencies_are_there_only_where_there_are_several(
    make: Callable[..., SalesforceSandbox],
) -> None:
    soql = "SELECT IsoCode, ConversionRate FROM CurrencyType"
    with client_of(make()) as single, client_of(make(multi_currency=True)) as several:
        assert single.get("query", params={"q": soql}).json()[0]["errorCode"] == "INVALID_TYPE"
        (rate,) = asked(several, soql)["records"]
        answer = single.get("query", params={"q": "SELECT CurrencyIsoCode FROM Account"})
        assert answer.json()[0]["errorCode"] == "INVALID_FIELD"
        assert asked(several, "SELECT CurrencyIsoCode FROM Opportunity")["totalSize"] == 0
    assert rate["IsoCode"] == "EUR"
