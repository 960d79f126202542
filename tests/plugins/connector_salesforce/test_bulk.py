"""A query job: waited for with growing pauses, its pages read as they come, to the byte."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import httpx
import pyarrow as pa
import pytest

from connector import AccessError, RateLimited, Unavailable
from connector.http import NoAnswer
from connector_salesforce.bulk import Gone, QueryJobs, Results
from tests.plugins.connector_salesforce.answers import Answers, Handler, failure, opened

NAMES = ("Id", "Name", "Owner.Name")


def states(*said: str) -> Handler:
    left = iter(said)
    return lambda request: httpx.Response(200, json={"id": "750", "state": next(left)})


def jobs(handler: Handler, path: str = "GET jobs/query/750") -> tuple[QueryJobs, list[float]]:
    slept: list[float] = []
    return QueryJobs(opened(Answers({path: handler})), slept.append), slept


def results(answer: httpx.Response, size: int = 50, names: Sequence[str] = NAMES) -> Results:
    found, _ = jobs(lambda request: answer, "GET jobs/query/750/results")
    return found.results("750", None, size, names)


def csv(text: str, **headers: str) -> httpx.Response:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(200, content=text.encode(), headers={"Content-Type": "text/csv", **told})


def test_it_waits_longer_each_time() -> None:
    found, slept = jobs(states("UploadComplete", *["InProgress"] * 6, "JobComplete"))
    found.wait("750")
    assert slept == [1, 2, 4, 8, 16, 30, 30]


def test_it_does_not_wait_for_ever() -> None:
    found, slept = jobs(lambda request: httpx.Response(200, json={"state": "InProgress"}))
    with pytest.raises(Unavailable, match="query job 750 has not ended in 30 minutes"):
        found.wait("750")
    assert 1_800 <= sum(slept) < 1_860


@pytest.mark.parametrize("state", ["Failed", "Aborted"])
def test_a_job_that_failed_is_gone(state: str) -> None:
    with pytest.raises(Gone, match=f"query job 750: {state}"):
        jobs(states("InProgress", state))[0].wait("750")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(failure(404, "NOT_FOUND", "expired"), id="expired"),
        pytest.param(failure(409, "INVALIDVERSION", "other version"), id="other-version"),
    ],
)
def test_a_job_that_can_no_longer_be_asked_for_is_gone(answer: httpx.Response) -> None:
    with pytest.raises(Gone):
        jobs(lambda request: answer)[0].wait("750")
    with pytest.raises(Gone):
        results(answer)


def test_a_spent_limit_is_not_a_job_that_is_gone() -> None:
    spent = failure(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    with pytest.raises(RateLimited):
        jobs(lambda request: spent)[0].wait("750")


def test_texts_arrive_as_they_are() -> None:
    body = (
        "Id,Name,Owner.Name\n"
        '001A,"first\nsecond ""quoted"", and \u2028 more",Žofie 株式会社 🏔\n'
        '00042,1e5,""\n'
        "003,  two spaces\t,NULL\n"
    )
    found = results(csv(body, sforce_numberofrecords="3", sforce_locator="null"))
    assert found.locator is None
    assert found.rows.to_pylist() == [
        {
            "Id": "001A",
            "Name": 'first\nsecond "quoted", and \u2028 more',
            "Owner.Name": "Žofie 株式会社 🏔",
        },
        {"Id": "00042", "Name": "1e5", "Owner.Name": None},
        {"Id": "003", "Name": "  two spaces\t", "Owner.Name": "NULL"},
    ]


def test_a_text_of_many_lines_may_lie_across_what_is_read_at_once() -> None:
    count, text = 20_000, "a line\n" * 50
    body = "Id,Name,Owner.Name\n" + f'1,"{text}",b\n' * count  # more than a block of 4 MB
    found = results(csv(body, sforce_locator="null"))
    assert found.rows.num_rows == count
    assert set(found.rows.column("Name").to_pylist()) == {text}


def test_columns_are_found_by_name_whatever_their_order_and_case() -> None:
    found = results(csv("OWNER.NAME,id,Name\nAnn,001,Alder\n"))
    assert found.rows.to_pylist() == [{"Id": "001", "Name": "Alder", "Owner.Name": "Ann"}]


@pytest.mark.parametrize("body", ["", "Id,Name,Owner.Name\n"])
def test_no_rows_are_no_rows(body: str) -> None:
    found = results(csv(body, sforce_numberofrecords="0"))
    assert found.rows.num_rows == 0
    assert found.rows.schema == pa.schema([(name, pa.string()) for name in NAMES])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(csv("Id,Name,Owner.Name\n1,a", sforce_locator="x"), "no CSV", id="cut-row"),
        pytest.param(
            csv("Id,Name,Owner.Name\n1,a,b\n", sforce_numberofrecords="2"),
            "1 rows came of 2",
            id="cut-between-rows",
        ),
        pytest.param(csv("Id,Other,Owner.Name\n1,a,b\n"), "other columns", id="other-columns"),
        pytest.param(csv("<html>\n"), "columns", id="page"),
    ],
)
def test_a_page_that_is_not_whole_is_asked_for_again(answer: httpx.Response, words: str) -> None:
    with pytest.raises(NoAnswer, match=words) as failed:
        results(answer)
    assert "1,a" not in str(failed.value)


def test_a_connection_that_breaks_on_the_way_is_no_answer() -> None:
    def body() -> Iterator[bytes]:
        yield b"Id,Name,Owner.Name\n" + b"1,a,b\n" * 1_000
        raise httpx.ReadError("reset")

    with pytest.raises(NoAnswer, match="broke off: ReadError"):
        results(httpx.Response(200, content=body()))


@pytest.mark.parametrize(
    ("headers", "size", "locator"),
    [
        ({"sforce_locator": "MjAw"}, 2, "MjAw"),
        ({"sforce_locator": "null"}, 2, None),
        ({"sforce_locator": ""}, 2, None),
        ({}, 3, None),
    ],
)
def test_a_locator_leads_to_the_next_page(
    headers: dict[str, str], size: int, locator: str | None
) -> None:
    found = results(csv("Id,Name,Owner.Name\n1,a,b\n2,a,b\n", **headers), size)
    assert found.locator == locator


def test_a_full_page_without_a_locator_may_not_be_the_last() -> None:
    with pytest.raises(AccessError, match="something on the way removes its Sforce-Locator"):
        results(csv("Id,Name,Owner.Name\n1,a,b\n2,a,b\n"), 2)


def test_pages_are_asked_for_by_locator_and_size() -> None:
    asked: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        return csv("Id,Name,Owner.Name\n")

    found, _ = jobs(answer, "GET jobs/query/750/results")
    found.results("750", None, 9, NAMES)
    found.results("750", "MjAw", 9, NAMES)
    assert asked == [{"maxRecords": "9"}, {"maxRecords": "9", "locator": "MjAw"}]


@pytest.mark.parametrize(("deleted", "operation"), [(False, "query"), (True, "queryAll")])
def test_a_job_selects_as_csv(deleted: bool, operation: str) -> None:
    answers = Answers({"POST jobs/query": lambda r: httpx.Response(200, json={"id": "750"})})
    made = QueryJobs(opened(answers), lambda pause: None)
    assert made.start("SELECT Id FROM Account", deleted=deleted) == "750"
    assert httpx.Response(200, content=answers.asked[-1].content).json() == {
        "operation": operation,
        "query": "SELECT Id FROM Account",
        "contentType": "CSV",
        "columnDelimiter": "COMMA",
        "lineEnding": "LF",
    }
