"""Rows by Collections and by the Bulk API, where an org answers as no sandbox can be made to."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import httpx
import pytest

from connector import (
    Applied,
    AuthError,
    Ref,
    Refused,
    Rejected,
    Retry,
    Scalar,
    SetFields,
    Unavailable,
    Unknown,
)
from connector.http import NoAnswer
from connector_salesforce.ingest import update
from connector_salesforce.sending import Row, send
from tests.plugins.connector_salesforce.org import account_id

Answers = Mapping[str, Any]


class Scripted:
    """An org that gives *answers* by method and end of the path: JSON, bytes or an error."""

    host = "acme.my.salesforce.com"

    def __init__(self, answers: Answers) -> None:
        self._answers = {key: iter(listed(said)) for key, said in answers.items()}
        self.calls: list[tuple[str, Any]] = []

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        name = f"{method} {path.rpartition('/')[2]}"
        self.calls.append((name, given.get("json", given.get("content"))))
        said = next(self._answers[name])
        if isinstance(said, Exception):
            raise said
        request = httpx.Request(method, f"https://{self.host}/{path}")
        if isinstance(said, bytes):
            return httpx.Response(200, content=said, request=request)
        return httpx.Response(200, json=said, request=request)

    def get(self, path: str, **params: Any) -> Any:
        return self.request("GET", path).json()


def listed(said: Any) -> Sequence[Any]:
    return said if isinstance(said, tuple) else (said,)


def change(number: int, value: Scalar = "Top") -> SetFields:
    return SetFields(Ref(account_id(number)), {"Tier__c": value}, {"Tier__c": None})


def row(number: int) -> Row:
    return Row(f"m{number}", "Account", account_id(number), {"Tier__c": "Top"})


def sent(answers: Answers, rows: Sequence[Row]) -> dict[str, object]:
    org: Any = Scripted(answers)
    return {answer.row.marker: answer.outcome for answer in send(org, rows, "PATCH")}


def good(number: int) -> dict[str, object]:
    return {"id": account_id(number), "success": True, "errors": []}


def bad(code: str, words: str = "words") -> dict[str, object]:
    return {"success": False, "errors": [{"statusCode": code, "message": words, "fields": []}]}


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        pytest.param(good(1), Applied, id="good"),
        pytest.param(bad("FIELD_CUSTOM_VALIDATION_EXCEPTION"), Rejected, id="rule"),
        pytest.param(bad("UNABLE_TO_LOCK_ROW"), Retry, id="lock"),
        pytest.param(
            bad(
                "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
                "trigger: UNABLE_TO_LOCK_ROW, unable to obtain exclusive access to this record",
            ),
            Retry,
            id="lock-in-a-trigger",
        ),
        pytest.param(bad("PROCESSING_HALTED"), Retry, id="for-the-sake-of-another"),
        pytest.param(good(2), Unknown, id="about-another-record"),
        pytest.param({}, Unknown, id="says-nothing"),
        pytest.param({"success": False}, Rejected, id="no-reason"),
    ],
)
def test_a_row_means_what_salesforce_says_of_it(said: object, kind: type) -> None:
    assert [type(one) for one in sent({"PATCH sobjects": [said]}, [row(1)]).values()] == [kind]


def test_answers_that_are_too_few_say_nothing_of_any_row() -> None:
    found = sent({"PATCH sobjects": [good(1)]}, [row(1), row(2)])
    assert [type(one) for one in found.values()] == [Unknown, Unknown]


def test_after_a_lost_answer_nothing_more_is_sent() -> None:
    rows = [row(number) for number in range(450)]
    first = [good(number) for number in range(200)]
    found = list(sent({"PATCH sobjects": (first, NoAnswer("no answer"))}, rows).values())
    kinds = [Applied] * 200 + [Unknown] * 200 + [Retry] * 50
    assert [type(one) for one in found] == kinds


def test_a_request_that_was_not_begun_may_be_sent_again() -> None:
    found = sent({"PATCH sobjects": Unavailable("503")}, [row(1)])
    assert isinstance(found["m1"], Retry)


def test_a_request_that_is_refused_as_a_whole_is_for_the_host_to_take_apart() -> None:
    refusal = Refused("400", code="INVALID_FIELD", words="no such column")
    with pytest.raises(Refused):
        sent({"PATCH sobjects": refusal}, [row(1), row(2)])


DONE = {"state": "JobComplete"}
HEAD = b'"sf__Id","sf__Created","Id","Tier__c"\n'
FAILED = b'"sf__Id","sf__Error","Id","Tier__c"\n'


def job(**answers: Any) -> dict[str, Any]:
    """Return the answers of a job with three rows of which none is told, and *answers*."""
    told = {"open": {"id": "750"}, "upload": b"", "release": {}, "look": DONE}
    told |= {"good": b"", "bad": b"", "left": b""} | answers
    return {
        "POST ingest": told["open"],
        "PUT batches": told["upload"],
        "PATCH 750": told["release"],
        "GET 750": told["look"],
        "GET successfulResults": told["good"],
        "GET failedResults": told["bad"],
        "GET unprocessedrecords": told["left"],
    }


def by_bulk(
    changes: Sequence[SetFields], sleep: Callable[[float], None] = lambda pause: None, **said: Any
) -> tuple[dict[str, object], Scripted]:
    """Return the outcomes by account, and the org."""
    org = Scripted(job(**said))
    found = list(update(org, "Account", changes, sleep=sleep))  # type: ignore[arg-type]  # an org in part
    assert len({outcome.marker for outcome in found}) == len(changes) == len(found)
    return {outcome.marker.removeprefix("fields:"): outcome for outcome in found}, org


def line(number: int, second: str, value: str = "Top") -> bytes:
    one = account_id(number)
    return f'"{one}","{second}","{one}","{value}"\n'.encode()


def test_results_are_matched_by_id_and_read_as_utf_8() -> None:
    changes = [change(1), change(2), change(3), change(4)]
    found, _ = by_bulk(
        changes,
        good=HEAD + line(3, "false", "Žofie\u2028Müller\nnext") + line(1, "false"),
        bad=FAILED + line(2, "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access:--"),
        left=b'"Id","Tier__c"\n' + f'"{account_id(4)}","Top"\n'.encode(),
    )
    kinds = {key: type(outcome) for key, outcome in found.items()}
    expected = {1: Applied, 2: Retry, 3: Applied, 4: Retry}
    assert kinds == {account_id(number): kind for number, kind in expected.items()}


def test_a_refused_row_comes_back_in_the_words_of_salesforce() -> None:
    said = "FIELD_CUSTOM_VALIDATION_EXCEPTION:Tier: ask Größe first:Tier__c --"
    found, _ = by_bulk([change(1)], bad=FAILED + line(1, said))
    (outcome,) = found.values()
    assert isinstance(outcome, Rejected)
    assert outcome.code == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert outcome.message == "Tier: ask Größe first"


@pytest.mark.parametrize("state", ["Failed", "Aborted"])
def test_a_job_that_failed_has_done_what_its_results_say(state: str) -> None:
    found, _ = by_bulk(
        [change(1), change(2)],
        look={"state": state},
        good=HEAD + line(1, "false"),
        left=b'"Id","Tier__c"\n' + f'"{account_id(2)}","Top"\n'.encode(),
    )
    assert [type(found[account_id(n)]) for n in (1, 2)] == [Applied, Retry]


def test_a_row_of_which_no_result_tells_is_unknown() -> None:
    found, _ = by_bulk([change(1), change(2)], good=HEAD + line(1, "false"))
    assert isinstance(found[account_id(2)], Unknown)


@pytest.mark.parametrize(
    ("said", "kind", "aborted"),
    [
        pytest.param({"open": NoAnswer("x")}, Retry, False, id="opened"),
        pytest.param({"upload": NoAnswer("x"), "release": {}}, Retry, True, id="uploaded"),
        pytest.param({"release": NoAnswer("x")}, Unknown, False, id="released"),
        pytest.param({"release": (Unavailable("x"), {})}, Retry, True, id="not-released"),
        pytest.param({"look": (NoAnswer("x"),) * 9}, Unknown, False, id="never-seen"),
        pytest.param({"good": NoAnswer("x")}, Unknown, False, id="results"),
    ],
)
def test_an_answer_is_lost_on_the_way(said: Answers, kind: type, aborted: bool) -> None:
    found, org = by_bulk([change(1)], **said)
    assert [type(outcome) for outcome in found.values()] == [kind]
    assert (("PATCH 750", {"state": "Aborted"}) in org.calls) is aborted


def test_one_look_that_fails_is_followed_by_the_next() -> None:
    pauses: list[float] = []
    look = (NoAnswer("x"), {"state": "InProgress"}, DONE)
    found, _ = by_bulk([change(1)], pauses.append, look=look, good=HEAD + line(1, "false"))
    assert isinstance(found[account_id(1)], Applied)
    assert pauses == [2.0, 4.0]


def test_a_job_without_end_is_left_to_the_host() -> None:
    pauses: list[float] = []
    found, _ = by_bulk([change(1)], pauses.append, look=({"state": "InProgress"},) * 200)
    assert isinstance(found[account_id(1)], Unknown)
    assert 3_000 < sum(pauses) < 5_000


def test_a_refused_login_is_no_outcome() -> None:
    with pytest.raises(AuthError):
        by_bulk([change(1)], look=AuthError("no"))


def test_rows_go_up_by_account_with_every_kind_of_value() -> None:
    both = SetFields(
        Ref(account_id(1)), {"Tier__c": None, "Gap__c": Decimal("1200.50"), "L__c": True}, {}
    )
    _, org = by_bulk([change(2, 'say "hi",\nthere '), both])
    (content,) = (given for name, given in org.calls if name == "PUT batches")
    assert content.decode().splitlines() == [
        "Id,Tier__c,Gap__c,L__c",
        f"{account_id(1)},#N/A,1200.50,true",
        f'{account_id(2)},"say ""hi"",',
        'there ",,',
    ]


def test_a_row_of_collections_is_sent_with_its_type_and_id() -> None:
    org: Any = Scripted({"PATCH sobjects": [good(1)]})
    list(send(org, [row(1)], "PATCH"))
    ((_, body),) = org.calls
    assert json.loads(json.dumps(body)) == {
        "allOrNone": False,
        "records": [
            {"attributes": {"type": "Account"}, "id": account_id(1), "Tier__c": "Top"},
        ],
    }
