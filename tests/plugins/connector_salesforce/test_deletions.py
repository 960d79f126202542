"""What was deleted for good is told, or that it no longer can be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from connector import Refused
from connector_salesforce.deletions import deleted_between
from connector_salesforce.selection import Selection
from tests.plugins.connector_salesforce.answers import Answers, failure, opened

START, END = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 2, tzinfo=UTC)
FEED = "GET sobjects/Account/deleted/"


def part(sobject: str, *, has_feed: bool = True) -> Selection:
    return Selection(sobject, (), (), None, True, has_feed, False, True)


def told(answer: httpx.Response) -> list[str] | None:
    org = opened(answers := Answers({FEED: lambda request: answer}))
    found = deleted_between(org, [part("Account"), part("User", has_feed=False)], START, END)
    sent = dict(answers.asked[-1].url.params)
    assert sent == {"start": "2026-06-01T00:00:00+00:00", "end": "2026-06-02T00:00:00+00:00"}
    return found


def feed(**given: Any) -> httpx.Response:
    gone = [{"id": "001A", "deletedDate": "2026-06-01T09:00:00.000+0000"}]
    return httpx.Response(200, json={"deletedRecords": gone, **given})


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"earliestDateAvailable": "2026-05-18T00:00:00.000+0000"}, id="told"),
        pytest.param({"earliestDateAvailable": "2026-06-01T00:00:00.000+0000"}, id="just"),
        pytest.param({}, id="not-said"),
    ],
)
def test_what_was_deleted_is_told(given: dict[str, Any]) -> None:
    assert told(feed(**given)) == ["001A"]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(feed(earliestDateAvailable="2026-06-01T00:00:01.000+0000"), id="purged"),
        pytest.param(failure(400, "INVALID_REPLICATION_DATE", "too old"), id="too-old"),
        pytest.param(failure(400, "EXCEEDED_ID_LIMIT", "too many"), id="too-many"),
    ],
)
def test_that_it_no_longer_can_be_told_is_said(answer: httpx.Response) -> None:
    assert told(answer) is None


def test_another_refusal_is_an_error() -> None:
    with pytest.raises(Refused, match="MALFORMED"):
        told(failure(400, "MALFORMED", "what?"))
