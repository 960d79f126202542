"""Each row of the advice is reached by what EspoCRM says, and names what to click."""

from __future__ import annotations

import httpx
import pytest

from connector import AccessError, AuthError, RateLimited, Refused, Rejected, Unavailable
from connector.errors import RemoteError
from connector.http import NoAnswer, NotFound, outcome_of
from connector_espocrm.advice import ADVICE, Denied, advice_for
from connector_espocrm.connection import Espo
from connector_espocrm.judge import is_page, said_in
from tests.plugins.connector_espocrm.crm import URL, Wire, invalid, settings_from


def reason(status: int, words: str) -> httpx.Response:
    return httpx.Response(status, headers={"X-Status-Reason": words} if words else {})


CANNOT_RELATE = httpx.Response(
    403, json={"messageTranslation": {"label": "cannotRelateNonExisting", "scope": None}}
)
MAX_SIZE = "Max size should not exceed 200. Use offset and limit."

SAID: list[tuple[str, httpx.Response, type[RemoteError], str]] = [
    ("wrong-key", reason(401, ""), AuthError, "copy the key anew into api_key"),
    ("locked-out", reason(403, "Max failed login attempts exceeded."), AuthError, "wait a minute"),
    ("page-size", reason(403, MAX_SIZE), AccessError, "set page_size"),
    ("bad-owner", CANNOT_RELATE, Denied, "writing.fallback_owner"),
    ("assignment", reason(403, "Assignment failure."), Denied, "Assignment Permission: all"),
    ("no-edit", reason(403, "No edit access."), Denied, "Create, Read and Edit: all"),
    ("forbidden", reason(403, ""), AuthError, "locked this computer's address out"),
    ("no-api", httpx.Response(404, html="<title>Oops</title>"), AccessError, "check url"),
    ("no-record", reason(404, ""), NotFound, "no such record or entity"),
    ("no-attribute", reason(400, "Not existing attribute 'x' in where."), AccessError, "correct"),
    ("no-owner", invalid("assignedUser", "required"), Refused, "name a user in"),
    ("bad-value", invalid("cTier", "valid"), Refused, "'connector provision' adds choices"),
    ("duplicate", httpx.Response(409, json=[{"name": "Acme"}]), Refused, "for a duplicate"),
    ("slow-down", reason(429, ""), RateLimited, "asks to slow down"),
    ("failed", reason(500, ""), NoAnswer, "data/logs"),
    ("down", reason(503, ""), Unavailable, "for maintenance"),
]


def raised(answer: httpx.Response) -> RemoteError:
    wire = Wire(httpx.MockTransport(lambda request: answer))
    espo = Espo(settings_from("k3y-of-the-connector"), transport=wire)
    with pytest.raises(RemoteError) as failed:
        espo.get("Account")
    return failed.value


@pytest.mark.parametrize(
    ("answer", "error", "do"), [said[1:] for said in SAID], ids=[said[0] for said in SAID]
)
def test_what_fails_says_what_to_do(
    answer: httpx.Response, error: type[RemoteError], do: str
) -> None:
    failed = raised(answer)
    assert type(failed) is error
    assert do in str(failed)
    host = httpx.URL(URL).host
    assert str(failed).startswith(f"GET {host}/api/v1/Account: {answer.status_code}: ")
    assert "Acme" not in str(failed)


def test_every_row_is_reached() -> None:
    reached = [
        advice_for(answer.status_code, said_in(answer)[1], page=is_page(answer))
        for _, answer, *_ in SAID
    ]
    assert [row for row in ADVICE if row not in reached] == []


def test_a_value_that_is_not_taken_is_named_by_field_and_never_by_what_it_is() -> None:
    failed = raised(invalid("cCustomerTier", "valid"))
    rejected = outcome_of("m", failed)
    said = "validationFailure: cCustomerTier: valid; Field validation failure"
    assert rejected == Rejected("m", "validationFailure", said)


def test_what_no_row_knows_is_told_in_their_words() -> None:
    failed = raised(reason(412, "Strange."))
    assert isinstance(failed, Refused)
    assert (failed.code, failed.words) == ("412", "Strange.")


@pytest.mark.parametrize("body", [b"[", b"[]", b'{"messageTranslation": 1}', b'"text"'])
def test_a_body_that_is_none_of_theirs_is_what_its_status_means(body: bytes) -> None:
    assert isinstance(raised(httpx.Response(400, content=body)), Refused)


def test_words_that_repeat_the_key_do_not_show_it() -> None:
    failed = raised(reason(403, "Key k3y-of-the-connector has no access."))
    assert "k3y-of-the-connector" not in str(failed)
