"""One client for all: a token is renewed once, whoever meets its end, and nothing shows it."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from connector import Allowance, AuthError, RateLimited, Unavailable
from connector.http import NoAnswer
from connector.redaction import without_secrets
from connector_salesforce.connection import Org, allowances
from tests.plugins.connector_salesforce.answers import (
    SECRET,
    Answers,
    failure,
    opened,
    settings,
)

RECORD = {"attributes": {"type": "Account"}, "Id": "001A", "Name": "r3cord-body", "Amount": 0.1}


SOAP = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns="http://soap.sforce.com/2006/04/metadata"><soapenv:Body>{}</soapenv:Body>'
    "</soapenv:Envelope>"
)
FAULT = SOAP.format(
    '<soapenv:Fault><faultcode xmlns:sf="x">sf:INVALID_SESSION_ID</faultcode>'
    "<faultstring>INVALID_SESSION_ID: Invalid Session ID found</faultstring></soapenv:Fault>"
)
CREATED = SOAP.format(
    "<createMetadataResponse><result><fullName>Account.T__c</fullName><success>true</success>"
    "</result></createMetadataResponse>"
)


class Soap(Answers):
    """Takes any metadata that comes with a good token."""

    def _answer(self, request: httpx.Request) -> httpx.Response | Exception:
        if not request.url.path.startswith("/services/Soap/"):
            return super()._answer(request)
        good = f"<ns0:sessionId>{self.token}</ns0:sessionId>".encode() in request.content
        status, text = (200, CREATED) if good else (500, FAULT)
        return httpx.Response(status, text=text, headers={"Content-Type": "text/xml"})


def a_field(api: Any) -> Any:
    kind = api.FieldType("Text")
    return api.CustomField(fullName="Account.T__c", label="r3cord-body", type=kind, length=9)


def answering() -> Answers:
    good = {"records": [RECORD], "done": True, "totalSize": 1}
    return Answers({"GET query": lambda request: httpx.Response(200, json=good)})


def test_a_token_that_ran_out_is_renewed_once_and_the_request_sent_again() -> None:
    org = opened(answers := answering())
    assert org.query("SELECT Id FROM Account")["totalSize"] == 1
    answers.expire()
    assert org.query("SELECT Id FROM Account")["totalSize"] == 1
    assert answers.logins == 2
    assert [one.url.path.rpartition("/")[2] for one in answers.asked[-3:]] == [
        "query",
        "token",
        "query",
    ]


def test_headers_and_body_are_sent_again_too() -> None:
    answers = Answers({"POST composite": lambda request: httpx.Response(200, json=[])})
    org = opened(answers)
    org.session()
    answers.expire()
    org.request("POST", "composite", json={"a": 1}, headers={"Sforce-Query-Options": "x"})
    first, _, second = answers.asked[-3:]
    assert first.content == second.content == b'{"a":1}'
    assert second.headers["sforce-query-options"] == "x"
    assert second.headers["content-length"] == "7"


@pytest.mark.parametrize("through", ["ours", "simple-salesforce"])
def test_a_token_that_is_never_taken_is_no_loop(through: str) -> None:
    answers = Answers()
    answers.login = lambda request: httpx.Response(
        200, json={"access_token": "00Dbad", "instance_url": "https://acme.my.salesforce.com"}
    )
    org = opened(answers)
    with pytest.raises(AuthError, match="a new token was refused too: check that the user has"):
        org.describe("Account") if through != "ours" else org.query("SELECT Id FROM Account")
    assert answers.logins == 2
    assert len(answers.asked) == 5  # versions, and the request twice


def test_a_token_is_known_as_a_secret() -> None:
    token = opened(Answers()).session().token
    assert without_secrets(f"it is {token}, is it?") == "it is ***, is it?"


def test_another_401_is_not_renewed() -> None:
    refused = {"GET query": lambda request: failure(401, "SOMETHING_ELSE", "no")}
    org = opened(answers := Answers(refused))
    with pytest.raises(AuthError, match="SOMETHING_ELSE: no"):
        org.query("SELECT Id FROM Account")
    assert answers.logins == 1


@pytest.mark.parametrize("body", ["not json", '"text"', "[]", '["text"]', "{}"])
def test_a_401_without_a_code_is_not_renewed(body: str) -> None:
    refused = {"GET query": lambda request: httpx.Response(401, text=body)}
    org = opened(answers := Answers(refused))
    with pytest.raises(AuthError):
        org.query("SELECT Id FROM Account")
    assert answers.logins == 1


def test_of_many_threads_one_logs_in_again() -> None:
    threads = 8
    gate = threading.Barrier(threads)

    class Late(Answers):
        def _answer(self, request: httpx.Request) -> httpx.Response | Exception:
            answer = super()._answer(request)
            if isinstance(answer, httpx.Response) and answer.status_code == 401:
                gate.wait(timeout=60)
            return answer

    answers = Late(answering().paths)
    org = opened(answers)
    org.session()
    answers.expire()
    with ThreadPoolExecutor(threads) as pool:
        asked = [pool.submit(org.query, "SELECT Id FROM Account") for _ in range(threads)]
        assert [one.result()["totalSize"] for one in asked] == [1] * threads
    assert answers.logins == 2


def test_a_new_login_may_name_another_instance() -> None:
    org = opened(answers := answering())
    org.session()
    answers.expire()
    moved, login = "https://new.my.salesforce.com", answers.login

    def to_there(request: httpx.Request) -> httpx.Response:
        login(request)
        return httpx.Response(200, json={"access_token": answers.token, "instance_url": moved})

    answers.login = to_there
    org.query("SELECT Id FROM Account")
    assert answers.asked[-1].url.host == "new.my.salesforce.com"
    assert org.host == "new.my.salesforce.com"


def test_simple_salesforce_goes_through_our_client() -> None:
    described = {"fields": [{"name": "Id"}]}
    paths = {"GET sobjects/Account/describe": lambda request: httpx.Response(200, json=described)}
    org = opened(answers := Answers(paths))
    org.session()
    answers.expire()
    assert org.describe("Account")["fields"][0]["name"] == "Id"
    assert org.describe("Account") is org.describe("Account")
    assert answers.logins == 2
    assert answers.asked[-1].headers["authorization"] == f"Bearer {answers.token}"


def test_our_errors_pass_through_simple_salesforce() -> None:
    daily = failure(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    org = opened(Answers({"GET sobjects/Account/describe": lambda request: daily}))
    with pytest.raises(RateLimited, match="API calls of 24 hours are spent") as failed:
        org.describe("Account")
    assert failed.value.retry_after == 3600
    lost = {"GET sobjects/Account/describe": lambda request: httpx.ReadTimeout("slow")}
    with pytest.raises(NoAnswer):
        opened(Answers(lost)).describe("Account")


@pytest.mark.parametrize("body", ['{"fields": [', "<html><title>Log in</title></html>", ""])
def test_a_description_that_is_none_is_no_answer(body: str) -> None:
    answer = httpx.Response(200, text=body)
    org = opened(Answers({"GET sobjects/Account/describe": lambda request: answer}))
    with pytest.raises(NoAnswer, match="the description of Account is no JSON"):
        org.describe("Account")


def test_simple_salesforce_reaches_an_instance_on_this_computer_by_http() -> None:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            asked.append(self.path)
            body = b'{"fields": []}' if "describe" in self.path else b'[{"version": "62.0"}]'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"access_token": "x-y-z", "instance_url": "https://elsewhere"}')

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.005,))
    thread.start()
    try:
        org = Org(settings(instance_url=f"http://127.0.0.1:{server.server_port}"))
        assert org.describe("Account") == {"fields": []}
        org.close()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert asked == ["/services/data/", "/services/data/v62.0/sobjects/Account/describe"]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("api-usage=10018/100000", [Allowance(100_000, 89_982)]),
        (
            "api-usage=25/5000; per-app-api-usage=17/250(appName=x)",
            [Allowance(5_000, 4_975)],
        ),
        ("api-usage=5001/5000", [Allowance(5_000, 0)]),
        ("per-app-api-usage=17/250(appName=x)", []),
        ("api-usage=many", []),
        (None, []),
    ],
)
def test_what_an_answer_tells_of_limits(header: str | None, told: list[Allowance]) -> None:
    headers = {} if header is None else {"Sforce-Limit-Info": header}
    assert list(allowances(httpx.Response(200, headers=headers))) == told


def test_usage_and_clock_are_those_of_the_last_answer_that_told_them() -> None:
    said = {"Sforce-Limit-Info": "api-usage=18/5000", "Date": "Sun, 22 Nov 2026 12:00:00 GMT"}
    told = iter([said, {}])
    org = opened(Answers({"GET x": lambda r: httpx.Response(200, json={}, headers=next(told))}))
    assert org.usage is None
    for _ in range(2):
        org.get("x")
        assert org.usage == (18, 5_000)
        assert org.now == datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_amounts_are_exact() -> None:
    org = opened(answering())
    assert org.query("SELECT Amount FROM Account")["records"][0]["Amount"] == Decimal("0.1")


def test_an_answer_that_breaks_off_while_it_is_read_is_no_answer() -> None:
    def half(request: httpx.Request) -> httpx.Response:
        def body() -> object:
            yield b"Id\n"
            raise httpx.ReadError("reset")

        return httpx.Response(200, content=body())  # type: ignore[arg-type] # a generator of bytes

    org = opened(Answers({"GET jobs/query/1/results": half}))
    with (
        pytest.raises(NoAnswer, match="the answer broke off: ReadError"),
        org.stream("jobs/query/1/results") as answer,
    ):
        list(answer.iter_bytes())


def test_the_network_may_be_gone() -> None:
    org = opened(answers := answering())
    org.session()
    answers.paths["GET query"] = lambda request: httpx.ConnectError("no route")
    with pytest.raises(Unavailable):
        org.query("SELECT Id FROM Account")


def test_no_log_at_any_level_shows_a_token_a_key_or_a_record(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name in ("", "httpx", "httpcore", "requests", "urllib3", "simple_salesforce", "zeep"):
        caplog.set_level(logging.DEBUG, logger=name)
    answers = Soap(answering().paths)
    answers.paths["GET sobjects/Account/describe"] = lambda r: httpx.Response(200, json=RECORD)
    org = opened(answers)
    org.query("SELECT Id FROM Account")
    caplog.set_level(logging.DEBUG, logger="zeep.transports")
    answers.expire()
    org.describe("Account")
    api = org.metadata()
    api.CustomField.create([a_field(api)])
    assert caplog.records
    for secret in ("00Dt0ken", SECRET, "r3cord-body", "Bearer", "Basic "):
        assert secret not in caplog.text


def test_the_metadata_api_gets_the_token_only_on_the_wire_and_a_new_one_too() -> None:
    org = opened(answers := Soap())
    api = org.metadata()
    answers.expire()
    api.CustomField.create([a_field(api)])
    assert answers.logins == 2
    first, _, second = answers.asked[-3:]
    assert b"00Dt0ken!1<" in first.content
    assert b"00Dt0ken!2<" in second.content
