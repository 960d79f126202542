"""The writer sends only what differs, sees what EspoCRM drops, and loses no task."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import httpx
import pytest

from connector import (
    AccessError,
    Applied,
    AuthError,
    Change,
    CloseTask,
    ConfigError,
    Current,
    HeldTask,
    PutTask,
    Ref,
    Rejected,
    RemoteError,
    Retry,
    Scalar,
    SetFields,
    Stream,
    Unchanged,
    Unknown,
    WriteOutcome,
)
from connector.testing import records
from connector.testing.writer import task
from connector_espocrm.tasks import unsigned
from connector_espocrm.values import equal, fit
from connector_espocrm.writer import EspoWriter
from tests.plugins.connector_espocrm.crm import MARKER, NOON, REP, WRITES, Backend, settings_of


@pytest.fixture
def backend() -> Backend:
    made = Backend()
    made.sandbox.add_field("Account", "cTier", "enum", options=["", "Top", "Big"])
    made.sandbox.add_field("Task", MARKER, "varchar")
    return made


@pytest.fixture
def account(backend: Backend) -> str:
    return backend.sandbox.insert("Account", id="a1", name="Acme", at=NOON - timedelta(days=2))


def written(
    backend: Backend, changes: Sequence[Change], *, page_size: int = 200, **writing: object
) -> list[WriteOutcome]:
    """Return the outcomes of *changes*, in their order."""
    settings = settings_of(backend, writing=writing, page_size=page_size)
    with closing(EspoWriter(settings, transport=backend.wire)) as writer:
        found = {outcome.marker: outcome for outcome in writer.write(changes)}
    assert len(found) == len(changes)
    return [found[change.marker] for change in changes]


def held(backend: Backend, accounts: Sequence[str], *fields: str, **given: Any) -> Current:
    """Return what a new writer says that EspoCRM holds."""
    with closing(EspoWriter(settings_of(backend, **given), transport=backend.wire)) as writer:
        return writer.current(accounts, fields)


def checked(backend: Backend, *fields: str, **writing: object) -> str:
    settings = settings_of(backend, writing=writing)
    with closing(EspoWriter(settings, transport=backend.wire)) as writer:
        return writer.check(fields)


def tier(account: str, value: str | None = "Top", old: str | None = None) -> SetFields:
    return SetFields(Ref(account), {"cTier": value}, {"cTier": old})


def sent(backend: Backend) -> list[dict[str, Any]]:
    """Return the bodies of what was sent to write."""
    return [json.loads(one.content) for one in backend.wire.sent if one.method in WRITES]


KINDS: Mapping[str, tuple[str, Scalar]] = {
    "cDay": ("date", date(2026, 6, 30)),
    "cTime": ("datetime", datetime(2026, 6, 30, 23, 59, 58, tzinfo=timezone(timedelta(hours=2)))),
    "cAmount": ("float", Decimal("-1200345.67")),
    "cShare": ("float", Decimal("0.012345")),
    "cRank": ("int", 4711),
    "cLocked": ("bool", True),
    "cText": ("varchar", "2026-06-30 12:00:00"),
}


@pytest.mark.parametrize("defined", [True, False], ids=["defined", "definitions-hidden"])
def test_values_of_every_kind_come_back_and_are_not_sent_again(
    backend: Backend, account: str, defined: bool
) -> None:
    for name, (kind, _) in KINDS.items():
        backend.sandbox.add_field("Account", name, kind)
    if not defined:
        backend.wire.answer = no_metadata
    values = {name: value for name, (_, value) in KINDS.items() if defined or name != "cText"}
    change = SetFields(Ref(account), values, dict.fromkeys(values) | {"cLocked": False})
    assert written(backend, [change]) == [Applied(change.marker, account)]
    (row,) = records(held(backend, [account], *values).accounts)
    assert not {name: row[name] for name, put in values.items() if not equal(row[name], put)}
    assert row["cTime"] == datetime(2026, 6, 30, 21, 59, 58, tzinfo=UTC)
    stamp = backend.sandbox.record("Account", account)["modifiedAt"]
    backend.clock.time += timedelta(hours=1)
    assert written(backend, [change]) == [Unchanged(change.marker)]
    assert backend.sandbox.record("Account", account)["modifiedAt"] == stamp


def no_metadata(request: httpx.Request) -> httpx.Response | None:
    return httpx.Response(403) if request.url.path.endswith("/Metadata") else None


@pytest.mark.parametrize(
    ("value", "field", "kept"),
    [
        pytest.param(Decimal("1200.50"), {"type": "varchar"}, "1200.50", id="number-as-text"),
        pytest.param(4711, {"type": "enum"}, "4711", id="whole-number-as-text"),
        pytest.param(True, {"type": "varchar"}, "true", id="flag-as-text"),
        pytest.param(date(2026, 6, 30), {"type": "text"}, "2026-06-30", id="day-as-text"),
        pytest.param("yes", {"type": "bool"}, True, id="text-as-flag"),
        pytest.param("12.5", {"type": "float"}, Decimal("12.5"), id="text-as-number"),
        pytest.param(Decimal("12.5"), {"type": "int"}, 13, id="rounded"),
        pytest.param(
            datetime(2026, 6, 30, 9, tzinfo=UTC), {"type": "date"}, date(2026, 6, 30), id="day"
        ),
        pytest.param(
            date(2026, 6, 30), {"type": "datetime"}, datetime(2026, 6, 30, tzinfo=UTC), id="time"
        ),
        pytest.param("Top", {"type": "float"}, "Top", id="no-number"),
        pytest.param("", {"type": "varchar"}, None, id="empty"),
        pytest.param(4711, {}, 4711, id="not-defined"),
    ],
)
def test_a_value_goes_as_the_field_keeps_it(
    value: Scalar, field: Mapping[str, object], kept: Scalar
) -> None:
    fitted = fit(value, field)
    assert (fitted, type(fitted)) == (kept, type(kept))


def test_of_an_account_only_what_differs_is_sent(backend: Backend, account: str) -> None:
    backend.sandbox.add_field("Account", "cRank", "int")
    backend.sandbox.update("Account", account, cTier="Top")
    change = SetFields(Ref(account), {"cTier": "Top", "cRank": 3}, {"cTier": "Top", "cRank": None})
    written(backend, [change])
    assert sent(backend) == [{"cRank": 3}]


def test_a_value_that_is_not_offered_is_not_sent(backend: Backend, account: str) -> None:
    (outcome,) = written(backend, [tier(account, "Gold")])
    assert isinstance(outcome, Rejected)
    assert outcome.code == "not_offered"
    assert "cTier offers Top, Big, not 'Gold'; 'connector provision' adds" in outcome.message
    assert sent(backend) == []


def test_a_value_that_espocrm_drops_is_rejected(backend: Backend, account: str) -> None:
    def without_tier(request: httpx.Request) -> httpx.Response | None:
        if request.method != "PUT":
            return None
        plain = httpx.Request("PUT", request.url, headers=request.headers, json={})
        return backend.sandbox.transport().handle_request(plain)

    backend.wire.answer = without_tier
    (outcome,) = written(backend, [tier(account)])
    assert isinstance(outcome, Rejected)
    assert (outcome.code, "Field Level" in outcome.message) == ("not_stored", True)


def test_a_field_that_is_not_there_ends_a_run_after_one_request(backend: Backend) -> None:
    for n in range(3):
        backend.sandbox.insert("Account", id=f"b{n}", name="x")
    changes = [SetFields(Ref(f"b{n}"), {"cGone": "Top"}, {}) for n in range(3)]
    with pytest.raises(ConfigError, match="show no field 'cGone'"):
        written(backend, changes)
    assert len(sent(backend)) == 1


def test_accounts_that_were_not_asked_for_are_an_error_and_none_counts_as_gone(
    backend: Backend, account: str
) -> None:
    other = backend.sandbox.insert("Account", id="a0", name="First of all")

    def unfiltered(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith("/Account"):
            return None
        return httpx.Response(200, json={"list": [{"id": other}]})

    backend.wire.answer = unfiltered
    with pytest.raises(RemoteError, match="as if the condition on 'id' had not been there"):
        held(backend, [account], "name")


def test_a_lock_out_rejects_no_account(backend: Backend, account: str) -> None:
    def locked(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(403) if sent(backend) else None

    backend.wire.answer = locked
    with pytest.raises(AuthError, match="locked this computer's address out"):
        written(backend, [tier(account)])


def test_what_is_no_account_is_not_written(backend: Backend) -> None:
    lead = SetFields(Ref("l1", Stream.LEADS), {"cTier": "Top"}, {})
    assert written(backend, [lead]) == [
        Rejected(lead.marker, "unsupported", "only accounts are written, not leads")
    ]


@pytest.mark.parametrize("status", [500, 503])
def test_one_account_that_fails_does_not_keep_the_others_waiting(
    backend: Backend, status: int
) -> None:
    for n in range(6):
        backend.sandbox.insert("Account", id=f"b{n}", name="x")
    changes = [tier(f"b{n}") for n in range(6)]
    failing = {"b1"}

    def fails(request: httpx.Request) -> httpx.Response | None:
        one = request.url.path.rpartition("/")[2]
        return httpx.Response(status) if request.method == "PUT" and one in failing else None

    backend.wire.answer = fails
    failed = Unknown if status == 500 else Retry
    kinds = [type(outcome) for outcome in written(backend, changes)]
    assert kinds == [Applied, failed, *[Applied] * 4]
    failing |= {"b2", "b3", "b4", "b5"}
    again = [tier(f"b{n}", "Big", "Top") for n in range(6)]
    again[1] = tier("b1", "Big")
    backend.wire.sent.clear()
    assert [type(o) for o in written(backend, again)] == [Applied, *[failed] * 3, Retry, Retry]
    assert len(sent(backend)) == 4


def test_who_asks_to_slow_down_is_left_alone(backend: Backend) -> None:
    for n in range(3):
        backend.sandbox.insert("Account", id=f"b{n}", name="x")
    slow = httpx.Response(429, headers={"Retry-After": "7"})
    backend.wire.answer = lambda request: slow if request.method == "PUT" else None
    outcomes = written(backend, [tier(f"b{n}") for n in range(3)])
    assert [(type(o), getattr(o, "after", None)) for o in outcomes] == [(Retry, 7.0)] * 3
    assert len(sent(backend)) == 1


def put(backend: Backend, account: str, **changes: Any) -> PutTask:
    made = replace(task(account), **changes)
    assert isinstance(written(backend, [made])[0], Applied)
    return made


def test_a_task_is_of_the_account_and_due_on_a_day(backend: Backend, account: str) -> None:
    made = put(backend, account, owner=REP)
    (found,) = backend.tasks(made.marker)
    assert sent(backend)[-1] == {
        "name": made.subject, "description": made.body, "priority": "High",
        "dateEndDate": "2026-07-31", "status": "Not Started", "parentType": "Account",
        "parentId": account, "assignedUserId": REP, MARKER: made.marker,
    }  # fmt: skip
    assert backend.wire.sent[-1].headers["X-Skip-Duplicate-Check"] == "true"
    assert found["parentId"] == account


def test_a_task_is_due_at_an_hour_where_the_job_says_so(backend: Backend, account: str) -> None:
    made = replace(task(account), owner=REP)
    written(backend, [made], due_time="16:00")
    assert sent(backend)[-1]["dateEnd"] == "2026-07-31 16:00:00"
    (found,) = held(backend, [account], writing={"due_time": "16:00"}).tasks
    assert found.due == made.due
    assert written(backend, [replace(made, task_id=found.id)], due_time="16:00") == [
        Unchanged(made.marker)
    ]


def test_a_task_goes_to_the_first_owner_whom_espocrm_takes(backend: Backend) -> None:
    desk = backend.sandbox.insert("User", id="desk1", userName="desk", lastName="Desk")
    mine = backend.sandbox.insert("Account", id="a1", name="x", assignedUserId=REP)
    orphan = backend.sandbox.insert("Account", id="a2", name="x")

    def owner(asked: str | None, account: str, fallback: str | None) -> object:
        marker = f"g:{account}:{len(backend.sandbox.records('Task'))}"
        change = replace(task(account), owner=asked, marker=marker)
        (outcome,) = written(backend, [change], fallback_owner=fallback)
        if isinstance(outcome, Rejected):
            return outcome.code
        return backend.tasks(marker)[0]["assignedUserId"]

    assert owner(desk, mine, None) == desk
    assert owner(None, mine, None) == REP
    assert owner("gone", mine, None) == REP
    assert owner("gone", mine, desk) == desk
    assert owner("gone", mine, "gone2") == REP
    assert owner("gone", orphan, None) == "no_access"
    assert owner(None, orphan, None) == "validationFailure"


def test_a_marker_that_the_role_may_not_set_goes_into_the_description(
    backend: Backend, account: str
) -> None:
    def without_marker(request: httpx.Request) -> httpx.Response | None:
        if request.method != "POST":
            return None
        body = {n: v for n, v in json.loads(request.content).items() if n != MARKER}
        headers = {n: v for n, v in request.headers.items() if n != "content-length"}
        plain = httpx.Request("POST", request.url, headers=headers, json=body)
        return backend.sandbox.transport().handle_request(plain)

    backend.wire.answer = without_marker
    changes = [replace(task(account), marker=f"g:{account}:{n}") for n in range(2)]
    assert [type(one) for one in written(backend, changes)] == [Applied, Applied]
    assert [method for method in (one.method for one in backend.wire.sent) if method in WRITES] == [
        "POST", "PUT", "POST",
    ]  # fmt: skip
    assert {found.marker for found in held(backend, [account]).tasks} == {
        change.marker for change in changes
    }


def test_a_task_from_before_the_field_was_made_is_still_known(account: str) -> None:
    old = Backend()
    old.sandbox.insert("Account", id=account, name="Acme")
    made = put(old, account)
    old.sandbox.add_field("Task", MARKER, "varchar")
    (found,) = held(old, [account]).tasks
    assert (found.marker, found.body) == (made.marker, made.body)
    assert written(old, [made]) == [Unchanged(made.marker)]
    newer = replace(made, body="Now 900 short of Top", task_id=found.id)
    close = CloseTask(made.ref, made.marker, found.id, "Bought.", date(2026, 7, 2))
    for change, body in ((newer, newer.body), (close, f"{newer.body}\n\nBought.")):
        assert written(old, [change]) == [Applied(made.marker, found.id)]
        assert [(one.id, one.body) for one in held(old, [account]).tasks] == [(found.id, body)]


@pytest.mark.parametrize(
    ("text", "body", "marker"),
    [
        ("Call them.\n\npyramid-marker: g:a:1", "Call them.", "g:a:1"),
        ("pyramid-marker: g:a:1", "", "g:a:1"),
        ("Call them.\n\npyramid-marker: g:a:1\n\nDid so.", "Call them.\nDid so.", "g:a:1"),
        ("Nothing of ours", "Nothing of ours", ""),
    ],
)
def test_a_marker_is_found_wherever_people_write(text: str, body: str, marker: str) -> None:
    assert unsigned(text) == (body, marker)


@pytest.mark.parametrize(
    ("status", "ours"),
    [("Started", "open"), ("Deferred", "open"), ("Completed", "done"), ("Canceled", "rejected")],
)
def test_what_a_rep_made_of_a_task(backend: Backend, account: str, status: str, ours: str) -> None:
    made = put(backend, account)
    backend.clock.time += timedelta(days=1)
    backend.sandbox.update("Task", backend.tasks(made.marker)[0]["id"], status=status)
    (found,) = held(backend, [account]).tasks
    assert (found.status, found.created_on) == (ours, NOON.date())
    closed = None if ours == "open" else NOON.date() + timedelta(days=1)
    assert found.closed_on == closed


def test_closing_says_why_below_what_was_there(backend: Backend, account: str) -> None:
    made = put(backend, account, body="2,100 short of Top")
    (found,) = held(backend, [account]).tasks
    close = CloseTask(made.ref, made.marker, found.id, "It was bought.", date(2026, 7, 2))
    assert written(backend, [close]) == [Applied(made.marker, found.id)]
    closed = backend.sandbox.record("Task", found.id)
    assert closed["status"] == "Completed"
    assert closed["description"] == "2,100 short of Top\n\nIt was bought."


def test_a_description_of_which_we_may_not_see_the_end_is_left_alone(
    backend: Backend, account: str
) -> None:
    made = put(backend, account)
    backend.sandbox.update("Task", backend.tasks(made.marker)[0]["id"], description="x" * 9_900)
    (found,) = held(backend, [account]).tasks
    close = CloseTask(made.ref, made.marker, found.id, "Bought.", date(2026, 7, 2))
    written(backend, [close])
    assert sent(backend)[-1] == {"status": "Completed"}


@pytest.mark.parametrize("ours", [0, 1], ids=["made-first", "made-last"])
def test_of_two_tasks_with_one_marker_ours_is_the_one_that_the_host_knows(
    backend: Backend, account: str, ours: int
) -> None:
    made = put(backend, account)
    (first,) = backend.tasks(made.marker)
    kept = ("name", "parentType", "parentId", "assignedUserId", "status", MARKER)
    copy = backend.sandbox.insert("Task", **{name: first[name] for name in kept})
    known = (first["id"], copy)[ours]
    newer = replace(made, body="Now 900 short of Top", task_id=known)
    assert written(backend, [newer]) == [Applied(made.marker, known)]
    assert backend.sandbox.record("Task", known)["description"] == newer.body


def test_tasks_of_many_accounts_come_page_by_page(backend: Backend) -> None:
    accounts = [backend.sandbox.insert("Account", id=f"c{n:03d}", name="x") for n in range(5)]
    written(backend, [replace(task(one), owner=REP) for one in accounts])
    backend.sandbox.insert("Task", name="theirs", parentType="Account", parentId=accounts[0])
    found: list[HeldTask] = [*held(backend, accounts, page_size=2).tasks]
    assert sorted(one.account for one in found) == accounts


def test_a_check_says_how_tasks_are_known_and_what_is_wrong(backend: Backend, account: str) -> None:
    tasks = f"tasks known by {MARKER} and closed as 'Completed'"
    assert checked(backend, "cTier") == f"crm.acme.example as connector: accounts, {tasks}"
    with pytest.raises(
        ConfigError, match=r"show no field 'cGone'; make it with 'connector provision'"
    ):
        checked(backend, "cTier", "cGone")
    with pytest.raises(ConfigError, match="'c Tier' is no name"):
        checked(backend, "c Tier")
    with pytest.raises(ConfigError, match=r"writing\.closed_status: tasks have no status 'Fertig'"):
        checked(backend, closed_status="Fertig")
    with pytest.raises(ConfigError, match=r"priorities\.High: tasks have no priority 'Dringend'"):
        checked(backend, priorities={"High": "Dringend"})
    with pytest.raises(ConfigError, match="what we close would still be open"):
        checked(backend, done_statuses=["Started"])
    backend.sandbox.add_field("Account", "cFixed", "varchar", readOnly=True)
    with pytest.raises(AccessError, match="untick Read-only"):
        checked(backend, "cFixed")


def test_a_check_looks_at_an_account_where_definitions_are_hidden(backend: Backend) -> None:
    backend.wire.answer = no_metadata
    assert "whether their fields exist is not told" in checked(backend, "cTier")
    backend.sandbox.insert("Account", name="Acme")
    assert "tasks known by the last line of their description" in checked(backend, "cTier")
    with pytest.raises(ConfigError, match="show no field 'cGone'"):
        checked(backend, "cGone")
