"""Jobs of Bulk API 2.0: written and read by files."""

from __future__ import annotations

import csv
import io
from typing import Any

import httpx
import pytest

from sandbox_salesforce.ids import make_id
from sandbox_salesforce.sandbox import SalesforceSandbox


def job(
    client: httpx.Client, data: str | bytes, operation: str = "insert", **more: str
) -> dict[str, Any]:
    """Send a file through a job, and return what is said of the job at its end."""
    body = {"object": "Account", "operation": operation, "contentType": "CSV", **more}
    made = client.post("jobs/ingest", json=body).json()
    path = f"jobs/ingest/{made['id']}"
    sent = client.put(
        f"{path}/batches",
        content=data if isinstance(data, bytes) else data.encode(),
        headers={"Content-Type": "text/csv"},
    )
    assert (sent.status_code, sent.content) == (201, b"")
    client.patch(path, json={"state": "UploadComplete"})
    while (said := client.get(path).json())["state"] in ("UploadComplete", "InProgress"):
        pass
    return dict(said)


def rows(client: httpx.Client, job: dict[str, Any], which: str) -> list[dict[str, str]]:
    answer = client.get(f"jobs/ingest/{job['id']}/{which}")
    assert answer.headers["Content-Type"] == "text/csv"
    return [*csv.DictReader(io.StringIO(answer.content.decode()))]


def test_rows_succeed_and_fail_by_themselves_in_another_order(
    sandbox: SalesforceSandbox, client: httpx.Client
) -> None:
    sandbox.insert("Account", Name="Old", Ext__c="1", Rating="Hot", Industry="Energy")
    data = 'Ext__c,Name,Rating,Industry\n1,Ä,,#N/A\n2,"B, ""b""",Hot,\n3,,,\n4,D,,\n'
    done = job(client, data, "upsert", externalIdFieldName="Ext__c")
    assert (done["state"], done["numberRecordsProcessed"]) == ("JobComplete", 4)
    assert done["numberRecordsFailed"] == 1
    good = rows(client, done, "successfulResults")
    assert sorted(one["Ext__c"] for one in good) == ["1", "2", "4"]
    assert [one["Ext__c"] for one in good] != ["1", "2", "4"]
    assert {one["Ext__c"]: one["sf__Created"] for one in good}["1"] == "false"
    (bad,) = rows(client, done, "failedResults")
    assert bad["sf__Error"] == (
        "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"
    )
    assert bad["Ext__c"] == "3"
    # An empty cell leaves alone, #N/A clears.
    held = sandbox.records("Account")[0]
    assert (held["Name"], held["Rating"], held["Industry"]) == ("Ä", "Hot", None)


def test_a_job_that_fails_keeps_what_it_has_written(
    sandbox: SalesforceSandbox, client: httpx.Client
) -> None:
    sandbox.settings.bulk_fails_after = 2
    done = job(client, "Name\nA\nB\nC\n")
    assert done["state"] == "Failed"
    assert len(rows(client, done, "successfulResults")) == 2
    assert [one["Name"] for one in rows(client, done, "unprocessedrecords")] == ["C"]


@pytest.mark.parametrize(
    ("data", "more", "said"),
    [
        pytest.param("Name\r\nA\r\n", {}, "LineEnding", id="other line ends"),
        pytest.param("Name\nA\n", {"lineEnding": "CRLF"}, "LineEnding", id="none of those"),
        pytest.param("Name\n\xe4\n".encode("latin-1"), {}, "utf-8", id="other letters"),
        pytest.param("Name,Nope\nA,b\n", {}, "Nope", id="no such field"),
        pytest.param("Id,Name\n1,A\n", {"operation": "delete"}, "ids", id="more than ids"),
    ],
)
def test_a_file_is_refused_as_a_whole(
    client: httpx.Client, data: str | bytes, more: dict[str, str], said: str
) -> None:
    done = job(client, data, **more)
    assert done["state"] == "Failed"
    assert said in done["errorMessage"]
    assert len(rows(client, done, "unprocessedrecords")) == 1


def test_parents_are_named_by_their_keys(sandbox: SalesforceSandbox, client: httpx.Client) -> None:
    parent = sandbox.insert("Account", Name="Old", Ext__c="1")
    data = "Name;Parent.Ext__c;name\nA;1;x\nB;2;x\n"
    done = job(client, data, columnDelimiter="SEMICOLON")
    answer = client.get(f"jobs/ingest/{done['id']}/failedResults").text
    assert "Foreign key external ID: 2 not found for field Ext__c in entity Account" in answer
    (_, made) = sandbox.records("Account")
    # A column in other letters than the field's is not looked at.
    assert (made["Name"], made["ParentId"]) == ("A", parent)


def test_a_job_takes_one_file_and_says_how_far_it_is(client: httpx.Client) -> None:
    body = {"object": "Account", "operation": "insert"}
    made = client.post("jobs/ingest", json=body).json()
    assert (made["state"], made["createdDate"]) == ("Open", "2026-03-01T12:00:00.000+0000")
    path, media = f"jobs/ingest/{made['id']}", {"Content-Type": "text/csv"}
    assert client.put(f"{path}/batches", content=b"Name\n", headers=media).status_code == 201
    assert client.put(f"{path}/batches", content=b"Name\n", headers=media).status_code == 400
    assert client.get(f"{path}/successfulResults").status_code == 400
    assert client.patch(path, json={"state": "UploadComplete"}).json()["state"] == "UploadComplete"
    assert client.get(path).json()["state"] == "InProgress"
    assert client.get(path).json()["state"] == "JobComplete"
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


def test_a_query_is_a_job_with_pages(sandbox: SalesforceSandbox, client: httpx.Client) -> None:
    for number in range(5):
        sandbox.insert("Account", Name=f'"{number}"', AnnualRevenue=number * 1.5)
    soql = "SELECT Id, Name, Owner.Name, AnnualRevenue, IsDeleted, CreatedDate FROM Account"
    made = client.post("jobs/query", json={"operation": "query", "query": soql}).json()
    path = f"jobs/query/{made['id']}"
    assert made["state"] == "UploadComplete"
    assert client.get(f"{path}/results").status_code == 400
    assert [client.get(path).json()["state"] for _ in range(2)] == ["InProgress", "JobComplete"]
    locator, found, counts = "", [], []
    while locator != "null":
        asked = {"maxRecords": "2"} | ({"locator": locator} if locator else {})
        page = client.get(f"{path}/results", params=asked)
        locator = page.headers["Sforce-Locator"]
        counts.append(page.headers["Sforce-NumberOfRecords"])
        found += [*csv.DictReader(io.StringIO(page.text))]
    assert counts == ["2", "2", "1"]
    assert found[3] == {
        "Id": make_id("001", 4), "Name": '"3"', "Owner.Name": "Integration",
        "AnnualRevenue": "4.5", "IsDeleted": "false", "CreatedDate": "2026-03-01T12:00:00.000Z",
    }  # fmt: skip
    other = f"https://sandbox.invalid/services/data/v61.0/{path}/results"
    assert client.get(other).status_code == 409


@pytest.mark.parametrize(
    "soql",
    [
        pytest.param("SELECT count() FROM Account", id="count"),
        pytest.param("SELECT count(Id) FROM Account", id="aggregate"),
        pytest.param("SELECT Id FROM Account OFFSET 5", id="offset"),
        pytest.param("SELECT BillingAddress FROM Account", id="compound"),
        pytest.param("SELECT Foo FROM Account", id="no such field"),
    ],
)
def test_some_queries_are_no_jobs(client: httpx.Client, soql: str) -> None:
    answer = client.post("jobs/query", json={"operation": "query", "query": soql})
    assert answer.status_code == 400
