"""Each row of the advice is reached by what Salesforce says, and names what to click."""

from __future__ import annotations

import httpx
import pytest

from connector import AccessError, AuthError, RateLimited, Refused, Transient, Unavailable
from connector.errors import RemoteError
from connector.http import NoAnswer, NotFound, outcome_of
from connector_salesforce.advice import ADVICE, LATER, QueryTimeout, advice_for
from tests.plugins.connector_salesforce.answers import SECRET, Answers, failure, opened

LOGIN = [
    ("invalid_grant", "user hasn't approved this consumer", "pre-authorized"),
    ("invalid_app_access", "user is not admin approved to access this app", "policies"),
    ("invalid_client_id", "client identifier invalid", "copy the consumer key"),
    ("invalid_client", "invalid client credentials", "client_id or client_secret is wrong"),
    ("invalid_grant", "inactive user", "the user is not active: Setup > Users"),
    ("invalid_grant", "ip restricted or invalid login hours", "Login IP Ranges"),
    ("invalid_grant", "audience is invalid", "set audience"),
    ("invalid_grant", "invalid assertion", "upload the certificate"),
    ("invalid_assertion", "", "upload the certificate"),
    ("invalid_grant", "expired access/refresh token", "grant the app anew"),
    ("invalid_grant", "no client credentials user enabled", "Run As"),
    ("invalid_grant", "request not supported on this domain", "put its My Domain into domain"),
    ("unsupported_grant_type", "grant type not supported", "Flow Enablement"),
    ("invalid_scope", "the requested scope is not allowed", "Manage user data via APIs"),
    ("invalid_grant", "authentication failure", "check username"),
]
PASSWORD: list[tuple[str, str, type[RemoteError], str]] = [
    ("INVALID_LOGIN", "Invalid username, password, security token", AuthError, "second factor"),
    ("LOGIN_MUST_USE_SECURITY_TOKEN", "use a token", AuthError, "give security_token too"),
    ("INVALID_OPERATION", "SOAP API login() is disabled", AuthError, "log in by jwt"),
    ("UNSUPPORTED_API_VERSION", "login() is not in this version", AccessError, "64.0 or lower"),
]
API: list[tuple[int, str, str, type[RemoteError], str]] = [
    (401, "INVALID_SESSION_ID", "Session expired or invalid", AuthError, "API Enabled"),
    (403, "API_DISABLED_FOR_ORG", "API is not enabled", AccessError, "Professional editions"),
    (403, "API_CURRENTLY_DISABLED", "API is disabled", AccessError, "API Enabled"),
    (500, "UNSUPPORTED_API_VERSION", "Invalid version", AccessError, "set api_version"),
    (410, "", "", AccessError, "the version has been retired"),
    (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests Limit", RateLimited, "tried again"),
    (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit", RateLimited, "24 hours are spent"),
    (400, "QUERY_TIMEOUT", "Your query was running too long", QueryTimeout, "fewer rows"),
    (400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access", Transient, "holds the record"),
    (503, "SERVER_UNAVAILABLE", "Server is busy", Unavailable, "is busy"),
    (420, "", "", Unavailable, "could not route"),
    (400, "INVALID_TYPE", "sObject type 'X' is not supported", AccessError, "Read on it"),
    (400, "INVALID_FIELD", "No such column 'x'", AccessError, "field-level security"),
    (403, "INSUFFICIENT_ACCESS", "insufficient access", AccessError, "by sharing"),
    (403, "INSUFFICIENT_ACCESS_OR_READONLY", "read only", AccessError, "Edit on this object"),
    (404, "URL_NOT_RESET", "Destination URL not reset", AccessError, "leave instance_url out"),
    (404, "NOT_FOUND", "does not exist", NotFound, "the user does not see it"),
]


def raised(answer: httpx.Response) -> RemoteError:
    org = opened(Answers({"GET x": lambda request: answer}))
    with pytest.raises(RemoteError) as failed:
        org.get("x")
    return failed.value


@pytest.mark.parametrize(("code", "words", "do"), LOGIN, ids=lambda text: text or "-")
def test_a_refused_login_says_what_to_click(code: str, words: str, do: str) -> None:
    answers = Answers()
    said = {"error": code, "error_description": words}
    answers.login = lambda request: httpx.Response(400, json=said)
    with pytest.raises(AuthError, match=do) as failed:
        opened(answers).session()
    assert str(failed.value).startswith("POST acme.my.salesforce.com/services/oauth2/token: 400: ")
    assert words in str(failed.value)


@pytest.mark.parametrize(
    ("code", "words", "error", "do"), PASSWORD, ids=[code for code, *_ in PASSWORD]
)
def test_a_refused_password_says_what_to_do(
    code: str, words: str, error: type[RemoteError], do: str
) -> None:
    fault = f"<faultcode>sf:{code}</faultcode><faultstring>{code}: {words}</faultstring>"
    answers = Answers()
    answers.soap_login = lambda request: httpx.Response(500, text=fault)
    given = {"username": "me", "password": SECRET, "security_token": "t0ken<&>"}
    with pytest.raises(error, match=do) as failed:
        opened(answers, password=given).session()
    assert words in str(failed.value)
    sent = answers.asked[-1].content.decode()
    assert f"<urn:password>{SECRET}t0ken&lt;&amp;&gt;</urn:password>" in sent


@pytest.mark.parametrize(
    ("status", "code", "words", "error", "do"), API, ids=[f"{s}-{c}" for s, c, *_ in API]
)
def test_a_failed_request_says_what_to_do(
    status: int, code: str, words: str, error: type[RemoteError], do: str
) -> None:
    failed = raised(failure(status, code, words) if code else httpx.Response(status))
    assert type(failed) is error
    assert do in str(failed)
    assert f"GET acme.my.salesforce.com/services/data/v62.0/x: {status}: " in str(failed)


def test_every_row_is_reached() -> None:
    said = [(code, words) for code, words, _ in LOGIN]
    said += [(code, words) for code, words, *_ in PASSWORD]
    said += [(code or str(status), words) for status, code, words, *_ in API]
    reached = [advice_for(code, words) for code, words in said]
    assert [row for row in ADVICE if row not in reached] == []


def test_a_spent_day_is_looked_at_again_after_an_hour_and_too_many_at_once_soon() -> None:
    code = "REQUEST_LIMIT_EXCEEDED"
    day = raised(failure(403, code, "TotalRequests Limit exceeded."))
    once = raised(failure(403, code, "ConcurrentRequests (Concurrent) Limit exceeded."))
    assert isinstance(day, RateLimited)
    assert day.retry_after == LATER
    assert isinstance(once, RateLimited)
    assert once.retry_after is None


def test_what_no_row_knows_is_told_in_their_words() -> None:
    failed = raised(failure(400, "MALFORMED_QUERY", "unexpected token: 'FORM'"))
    assert isinstance(failed, Refused)
    assert (failed.code, failed.words) == ("MALFORMED_QUERY", "unexpected token: 'FORM'")
    assert str(failed).endswith("x: 400: MALFORMED_QUERY: unexpected token: 'FORM'")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(500, text="<html><title>Maintenance</title></html>"), NoAnswer),
        (httpx.Response(400, text="["), Refused),
        (httpx.Response(429, json=[], headers={"Retry-After": "7"}), RateLimited),
        (httpx.Response(400, json={"error": "<script>", "message": "no"}), Refused),
    ],
)
def test_what_is_no_answer_of_the_api_is_what_its_status_means(
    answer: httpx.Response, error: type[RemoteError]
) -> None:
    failed = raised(answer)
    assert type(failed) is error
    assert "<" not in str(failed)
    assert getattr(failed, "retry_after", None) == (7 if error is RateLimited else None)


@pytest.mark.parametrize(
    ("code", "error"),
    [("sf:INVALID_CROSS_REFERENCE_KEY", Refused), ("UNKNOWN_EXCEPTION", NoAnswer)],
)
def test_a_fault_of_soap_is_an_answer(code: str, error: type[RemoteError]) -> None:
    fault = f"<faultcode>{code}</faultcode><faultstring>{code}: no such id</faultstring>"
    failed = raised(httpx.Response(500, text=f"<soapenv:Fault>{fault}</soapenv:Fault>"))
    assert type(failed) is error
    assert str(failed).endswith(": no such id")


def test_words_that_repeat_the_token_do_not_show_it() -> None:
    answers = Answers()
    answers.paths["GET x"] = lambda request: failure(
        400, "ODD", f"you sent {request.headers['authorization']}"
    )
    with pytest.raises(Refused) as failed:
        opened(answers).get("x")
    assert "00Dt0ken" not in str(failed.value) + failed.value.words


def test_a_lock_is_no_rejection_of_a_change() -> None:
    locked = raised(failure(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access"))
    assert type(outcome_of("m", locked)).__name__ == "Retry"
