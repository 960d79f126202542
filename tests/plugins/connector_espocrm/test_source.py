"""What is read of each entity, and what a reading makes of rights, stages and edits meanwhile."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from connector import AccessError, ConfigError, Page, Stream
from connector.testing import records
from connector_espocrm.objects import FIELDS, HAPPENED_AT, KIND, LEAD, STATUS
from connector_espocrm.place import load
from connector_espocrm.source import EspoSource
from tests.plugins.connector_espocrm.crm import NOON, REP, Backend, settings_of


@pytest.fixture
def backend() -> Backend:
    return Backend()


def pulled(
    backend: Backend,
    stream: Stream,
    *extra: str,
    cursor: str | None = None,
    **given: Any,
) -> list[Page]:
    """Return the pages that a new source yields of a stream, of its usual fields and *extra*."""
    source = EspoSource(settings_of(backend, **given), transport=backend.wire)
    fields = list(dict.fromkeys([*FIELDS[stream].values(), *extra]))
    with closing(source):
        return list(source.pull(stream, fields, cursor))


def rows(pages: Sequence[Page]) -> list[dict[str, object]]:
    return [row for page in pages for row in records(page.rows)]


def deal(backend: Backend, **values: Any) -> str:
    usual = {"name": "Deal", "stage": "Proposal", "closeDate": "2026-05-01", "amount": 100}
    return backend.sandbox.insert("Opportunity", **{**usual, **values})


def test_a_deal_comes_with_its_amount_its_currency_and_the_hour_in_utc(backend: Backend) -> None:
    account = backend.sandbox.insert("Account", name="Acme")
    at = NOON - timedelta(days=3)
    values = {"amount": 1200.55, "amountCurrency": "USD", "assignedUserId": REP}
    made = deal(backend, at=at, accountId=account, stage="Closed Won", **values)
    (row,) = rows(pulled(backend, Stream.OPPORTUNITIES))
    assert row == {
        "id": made, "accountId": account, "name": "Deal", STATUS: "won", "stage": "Closed Won",
        "amount": Decimal("1200.55"), "amountCurrency": "USD", "closeDate": "2026-05-01",
        "assignedUserId": REP, "createdAt": at.isoformat(), "modifiedAt": at.isoformat(),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ["won", "lost", "open"]),
        ({"won_stages": ["Closed Won", "Proposal"]}, ["won", "lost", "won"]),
        ({"won_stages": ["Proposal"], "lost_stages": ["Closed Won"]}, ["lost", "open", "won"]),
    ],
    ids=["by-probability", "won-named", "both-named"],
)
def test_a_deal_is_won_or_lost_by_its_stage(
    backend: Backend, given: dict[str, Any], expected: list[str]
) -> None:
    for n, stage in enumerate(("Closed Won", "Closed Lost", "Proposal")):
        deal(backend, id=f"d{n}", stage=stage)
    found = rows(pulled(backend, Stream.OPPORTUNITIES, **given))
    assert [row[STATUS] for row in found] == expected


def test_deals_are_read_anew_when_other_stages_count_as_won(backend: Backend) -> None:
    deal(backend, at=NOON - timedelta(days=3))
    cursor = pulled(backend, Stream.OPPORTUNITIES)[-1].cursor
    assert pulled(backend, Stream.OPPORTUNITIES, cursor=cursor) == []
    (page,) = pulled(backend, Stream.OPPORTUNITIES, cursor=cursor, won_stages=["Proposal"])
    assert page.scan
    assert [row[STATUS] for row in rows([page])] == ["won"]


def without_metadata(request: httpx.Request) -> httpx.Response | None:
    return httpx.Response(403) if request.url.path.endswith("/Metadata") else None


def test_stages_that_are_not_told_must_be_named(backend: Backend) -> None:
    deal(backend, stage="Closed Won")
    backend.wire.answer = without_metadata
    with pytest.raises(AccessError, match="name them in won_stages"):
        pulled(backend, Stream.OPPORTUNITIES)
    found = rows(pulled(backend, Stream.OPPORTUNITIES, won_stages=["Closed Won"]))
    assert [row[STATUS] for row in found] == ["won"]


def test_activities_come_from_three_entities(backend: Backend) -> None:
    insert = backend.sandbox.insert
    account, lead = insert("Account", name="Acme"), insert("Lead", lastName="Ann")
    about: dict[str, Any] = {"name": "x", "parentType": "Account", "parentId": account}
    insert("Task", id="t1", status="Completed", dateEndDate="2026-06-01", **about)
    insert("Task", id="t2", status="Not Started", dateEnd="2026-06-01 08:00:00", **about)
    begun: dict[str, Any] = {"dateStart": "2026-06-02 08:00:00", "dateEnd": "2026-06-02 09:00:00"}
    insert("Call", id="c1", status="Held", direction="Inbound", **begun, **about)
    insert(
        "Meeting", id="m1", status="Planned", name="x", parentType="Lead", parentId=lead, **begun
    )
    found = {str(row["id"]): row for row in rows(pulled(backend, Stream.ACTIVITIES))}
    said = [(row[KIND], row[LEAD], str(row[HAPPENED_AT])[:10]) for row in found.values()]
    assert said == [
        ("Task", None, "2026-06-01"),
        ("Task", None, "None"),
        ("Call", None, "2026-06-02"),
        ("Meeting", lead, "None"),
    ]
    assert [row["accountId"] for row in found.values()] == [account, account, account, None]
    assert found["c1"]["direction"] == "Inbound"
    assert "direction" not in found["t1"]


def test_cases_and_leads_have_our_statuses(backend: Backend) -> None:
    for status in ("New", "Closed", "Duplicate"):
        backend.sandbox.insert("Case", id=f"{status}1", name="x", status=status)
    for status in ("In Process", "Converted", "Dead", "Recycled"):
        backend.sandbox.insert("Lead", id=status.replace(" ", ""), lastName="x", status=status)
    cases = {row["id"]: row[STATUS] for row in rows(pulled(backend, Stream.CASES))}
    leads = {row["id"]: row[STATUS] for row in rows(pulled(backend, Stream.LEADS))}
    assert cases == {"New1": "open", "Closed1": "closed", "Duplicate1": "closed"}
    assert leads == {
        "InProcess": "open", "Converted": "won", "Dead": "lost", "Recycled": "disqualified",
    }  # fmt: skip


def test_users_come_whole_every_time_where_they_are_shown(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    backend.sandbox.role["User"]["read"] = "no"
    with caplog.at_level(logging.INFO):
        assert pulled(backend, Stream.USERS) == []
    assert "User" in caplog.text
    backend.sandbox.role["User"]["read"] = "all"
    first = pulled(backend, Stream.USERS)
    again = pulled(backend, Stream.USERS, cursor=first[-1].cursor)
    assert first[0].scan
    assert again[0].scan not in (None, first[0].scan)
    assert (REP, True) in [(row["id"], row["isActive"]) for row in rows(again)]


@pytest.mark.parametrize("entity", ["Case", "Call"])
def test_what_a_job_can_do_without_is_left_out_and_said(
    backend: Backend, caplog: pytest.LogCaptureFixture, entity: str
) -> None:
    backend.sandbox.insert("Task", name="x")
    backend.sandbox.role[entity]["read"] = "no"
    stream = Stream.CASES if entity == "Case" else Stream.ACTIVITIES
    with caplog.at_level(logging.INFO):
        pages = pulled(backend, stream)
    assert f"it is read without {entity}" in caplog.text
    assert len(rows(pages)) == (0 if entity == "Case" else 1)


def test_a_right_that_was_taken_away_is_warned_of(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    backend.sandbox.insert("Task", name="x")

    def full(cursor: str | None) -> str | None:
        backend.clock.time += timedelta(days=1)
        caplog.clear()
        return pulled(backend, Stream.ACTIVITIES, cursor=cursor)[-1].cursor

    backend.sandbox.role["Call"]["read"] = "no"
    cursor = full(full(None))
    assert not caplog.records  # it never was shown
    backend.sandbox.role["Meeting"]["read"] = "no"
    cursor = full(cursor)
    assert [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING] == [
        "crm.acme.example: Meeting was shown to us before and is not any more: its records count"
        " as deleted once all is read again; give the role its right back, if that was not meant"
    ]
    cursor = full(cursor)
    assert not caplog.records
    backend.sandbox.role["Meeting"]["read"] = "all"
    cursor = full(cursor)
    backend.sandbox.role["Meeting"]["read"] = "no"
    full(cursor)
    assert "Meeting was shown" in caplog.text


def test_what_every_job_needs_must_be_shown(backend: Backend) -> None:
    backend.sandbox.role["Opportunity"]["read"] = "no"
    with pytest.raises(AccessError, match="Administration > Roles"):
        pulled(backend, Stream.OPPORTUNITIES)
    with pytest.raises(AccessError, match=r"GET .*Opportunity: 403"):
        EspoSource(settings_of(backend), transport=backend.wire).check()


def hides(*names: str) -> Any:
    """Return answers without some attributes, as for a role that may not read them."""

    def answer(backend: Backend, request: httpx.Request) -> httpx.Response | None:
        path = request.url.path
        if not path.endswith(("/Opportunity", "/Account")):
            return None
        told = backend.sandbox.transport().handle_request(request).json()
        kept = [{n: v for n, v in one.items() if n not in names} for one in told["list"]]
        return httpx.Response(200, json={"list": kept})

    return answer


def test_a_hidden_amount_is_an_error_and_a_hidden_owner_is_not(backend: Backend) -> None:
    deal(backend, assignedUserId=REP)
    backend.wire.answer = lambda request: hides("assignedUserId")(backend, request)
    (row,) = rows(pulled(backend, Stream.OPPORTUNITIES))
    assert "assignedUserId" not in row
    backend.wire.answer = lambda request: hides("amount")(backend, request)
    with pytest.raises(AccessError, match=r"shows no 'amount'.*Field Level"):
        pulled(backend, Stream.OPPORTUNITIES)


def test_what_the_job_names_has_to_be_there(backend: Backend) -> None:
    backend.sandbox.insert("Account", name="Acme")
    with pytest.raises(AccessError, match="noSuchField"):
        pulled(backend, Stream.ACCOUNTS, "noSuchField")
    with pytest.raises(ConfigError, match="'no such' is no name"):
        pulled(backend, Stream.ACCOUNTS, "no such")


def test_a_time_that_only_the_definitions_know_comes_in_utc(backend: Backend) -> None:
    backend.sandbox.add_field("Account", "cVisitedAt", "datetime")
    backend.sandbox.add_field("Account", "cText", "varchar")
    said = "2026-06-01 08:00:00"
    backend.sandbox.insert("Account", name="Acme", cVisitedAt=said, cText=said)
    (row,) = rows(pulled(backend, Stream.ACCOUNTS, "cVisitedAt", "cText"))
    assert row["cVisitedAt"] == datetime(2026, 6, 1, 8, tzinfo=UTC).isoformat()
    assert row["cText"] == said


def test_records_that_are_edited_meanwhile_push_none_past_a_page(backend: Backend) -> None:
    ids = [f"{n:04d}" for n in range(9)]
    for one in ids:
        backend.sandbox.insert("Account", id=one, name=one, at=NOON - timedelta(days=2))
    cursor = pulled(backend, Stream.ACCOUNTS, page_size=3)[-1].cursor
    backend.clock.time += timedelta(hours=1)
    for one in ids:
        backend.sandbox.update("Account", one, name=f"{one} edited")
    source = EspoSource(settings_of(backend, page_size=3), transport=backend.wire)
    seen = []
    for page in source.pull(Stream.ACCOUNTS, ["id", "name"], cursor):
        seen += [row["id"] for row in records(page.rows)]
        for one in (*ids[:2], ids[-1]):  # by the clock now they would be last
            backend.clock.time += timedelta(seconds=1)
            backend.sandbox.update("Account", one, name=f"{one} again")
    assert seen == ids


def test_every_time_that_is_asked_for_is_in_the_form_that_is_understood(backend: Backend) -> None:
    backend.sandbox.insert("Account", name="Acme")
    cursor = pulled(backend, Stream.ACCOUNTS)[-1].cursor
    backend.wire.sent.clear()
    pulled(backend, Stream.ACCOUNTS, cursor=cursor, overlap=90)
    asked = [one.url.params.get("searchParams", "{}") for one in backend.wire.sent]
    where = [condition for one in asked for condition in json.loads(one).get("where", ())]
    (stamp,) = [one["value"] for one in where if one["attribute"] == "modifiedAt"]
    assert re.fullmatch(r"2026-06-30 11:58:30", stamp)


def test_a_condition_that_was_not_applied_is_told(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    backend.sandbox.insert("Account", name="Old", at=NOON - timedelta(days=9))
    cursor = pulled(backend, Stream.ACCOUNTS)[-1].cursor

    def everything(request: httpx.Request) -> httpx.Response | None:
        if "modifiedAt" not in str(request.url.query):
            return None
        plain = httpx.Request("GET", str(request.url).partition("?")[0], headers=request.headers)
        return backend.sandbox.transport().handle_request(plain)

    backend.wire.answer = everything
    assert [row["name"] for row in rows(pulled(backend, Stream.ACCOUNTS, cursor=cursor))] == ["Old"]
    assert "the condition on 'modifiedAt' had not been there" in caplog.text


@pytest.mark.parametrize(
    ("hours", "given", "full"),
    [
        pytest.param(22, {}, False, id="before-a-day"),
        pytest.param(23.5, {}, True, id="a-day"),
        pytest.param(100, {"full_every": 7}, False, id="before-a-week"),
        pytest.param(9_999, {"full_every": 0}, False, id="never"),
    ],
)
def test_everything_is_read_again_after_so_many_days(
    backend: Backend, hours: float, given: dict[str, Any], full: bool
) -> None:
    backend.sandbox.insert("Account", name="Acme")
    cursor = pulled(backend, Stream.ACCOUNTS, **given)[-1].cursor
    backend.clock.time += timedelta(hours=hours)
    again = pulled(backend, Stream.ACCOUNTS, cursor=cursor, **given)
    assert [bool(page.scan) for page in again] == ([True] if full else [False])


@pytest.mark.parametrize("cursor", ["", "{}", "[]", '{"v": 0}', '{"v": 1}', "nonsense"])
def test_a_cursor_that_is_none_of_ours_begins_anew(backend: Backend, cursor: str) -> None:
    backend.sandbox.insert("Account", name="Acme")
    assert load(cursor) is None
    assert pulled(backend, Stream.ACCOUNTS, cursor=cursor)[0].scan


def test_a_check_names_the_user_and_the_stages_that_are_won(backend: Backend) -> None:
    said = EspoSource(settings_of(backend), transport=backend.wire).check()
    assert said == "connector in crm.acme.example; deals are won in Closed Won"
