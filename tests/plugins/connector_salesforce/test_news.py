"""What happened since a run before is told for many objects at once, or that it can't be."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from connector import Refused
from connector_salesforce.connection import Org
from connector_salesforce.news import News
from connector_salesforce.selection import Selection
from tests.plugins.connector_salesforce.answers import Answers, failure, opened, settings

START, END = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 2, tzinfo=UTC)
FEED = "GET sobjects/Account/deleted/"


def part(sobject: str, *, has_feed: bool = True) -> Selection:
    return Selection(sobject, (), (), None, True, has_feed, False, True)


def told(answer: httpx.Response) -> list[str] | None:
    org = opened(answers := Answers({FEED: lambda request: answer}))
    news = News(org, ())
    news.__dict__["begun"] = END
    found = news.deleted([part("Account"), part("User", has_feed=False)], START)
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


def test_of_an_object_that_was_looked_at_longer_ago_it_is_asked_again() -> None:
    def composite(request: httpx.Request) -> httpx.Response:
        parts = json.loads(request.content)["compositeRequest"]
        fields = {"fields": [{"name": "IsDeleted"}]}
        said = [
            {
                "referenceId": one["referenceId"],
                "httpStatusCode": 200,
                "body": fields if "describe" in one["url"] else feed().json(),
            }
            for one in parts
        ]
        return httpx.Response(200, json={"compositeResponse": said})

    case = "GET sobjects/Case/deleted/"
    answers = Answers({"POST composite": composite, case: lambda request: feed()})
    org = Org(settings(), transport=answers, objects=("Account", "Case"))
    org.describe("Account")
    news = News(org, ("Account", "Case"))
    assert news.deleted([part("Account"), part("Case")], START) == ["001A", "001A"]
    assert answers.asked[-1].method == "POST"
    assert news.deleted([part("Case")], START - timedelta(days=1)) == ["001A"]
    assert answers.asked[-1].url.params["start"] == "2026-05-31T00:00:00+00:00"


def test_another_refusal_is_an_error() -> None:
    with pytest.raises(Refused, match="MALFORMED"):
        told(failure(400, "MALFORMED", "what?"))
