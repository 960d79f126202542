"""How partners and activities are written: in few calls, by least rights, and never twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from connector import (
    Applied,
    Change,
    CloseTask,
    ConfigError,
    Conflict,
    HeldTask,
    PutTask,
    Ref,
    Refused,
    Rejected,
    Retry,
    Scalar,
    SetFields,
    Stream,
    Unchanged,
    Unknown,
    WriteOutcome,
)
from connector.poison import apart
from connector.testing.suite import records
from connector.testing.writer import task
from connector_odoo import memory, notes
from connector_odoo.values import as_cell, as_json, equal, fit, plain
from connector_odoo.writer import OdooWriter
from connector_odoo.writing import CAPABILITIES
from tests.plugins.connector_odoo.odoo import MARKER, MEMORY, VERSIONS, Backend

TIERS = ("Top", "Big", "Medium", "Small")
MANY = 10_000


def made(
    version: Any, accounts: int = 3, *, marker: bool = True, remembers: bool = True
) -> Backend:
    backend = Backend(version)
    backend.add_field("res.partner", "x_tier", "selection", *TIERS)
    backend.add_field("res.partner", "x_gap", "float")
    backend.add_field("res.partner", "x_at", "datetime")
    if remembers:
        backend.add_field("res.partner", MEMORY, "text")
    if marker:
        backend.add_field("mail.activity", MARKER, "char")
    rows = [{"id": str(5_000 + n), "name": f"Account {n}"} for n in range(accounts)]
    backend.put(Stream.ACCOUNTS, rows)
    backend.sandbox.requests.clear()
    return backend


@pytest.fixture(params=["19.0", pytest.param("17.0", marks=pytest.mark.long)])
def backend(request: pytest.FixtureRequest) -> Backend:
    return made(request.param)


def write(backend: Backend, changes: Sequence[Change], **given: Any) -> list[WriteOutcome]:
    with closing(OdooWriter(backend.settings(**given), transport=backend.wire)) as writer:
        outcomes = {one.marker: one for one in apart(writer.write, changes)}
    assert len(outcomes) == len(changes)
    return [outcomes[change.marker] for change in changes]


def held(backend: Backend, *accounts: str, **given: Any) -> dict[str, HeldTask]:
    with closing(OdooWriter(backend.settings(**given), transport=backend.wire)) as writer:
        return {one.marker: one for one in writer.current(accounts, []).tasks}


def put(account: str, **values: Any) -> PutTask:
    return replace(task(account), **values)


def calls(backend: Backend) -> Counter[str]:
    return Counter(backend.written())


# --- partners


@pytest.mark.long
@pytest.mark.parametrize("version", VERSIONS)
def test_ten_thousand_tiers_cost_few_calls(
    version: Any, record_property: Callable[[str, object], None]
) -> None:
    backend = made(version, 0)
    model = backend.sandbox.org.models["res.partner"]
    first = backend.sandbox.insert("res.partner", name="Account", is_company=True)
    with backend.sandbox.org.transaction(2, su=True):
        for number in range(first + 1, first + MANY):
            model.put(number, {**model.rows[first], "id": number})
    ids = [str(number) for number in range(first, first + MANY)]
    values: list[dict[str, Scalar]] = [
        {"x_tier": TIERS[n % 4], "x_gap": Decimal(n % 8 // 4)} for n in range(MANY)
    ]
    changes = [
        SetFields(Ref(one), new, {"x_tier": None, "x_gap": None})
        for one, new in zip(ids, values, strict=True)
    ]
    backend.sandbox.requests.clear()
    with closing(OdooWriter(backend.settings(), transport=backend.wire)) as writer:
        for start in range(0, MANY, CAPABILITIES.read_batch):
            writer.current(ids[start : start + CAPABILITIES.read_batch], ["x_tier", "x_gap"])
        for start in range(0, MANY, CAPABILITIES.write_batch):
            batch = changes[start : start + CAPABILITIES.write_batch]
            assert all(isinstance(one, Applied) for one in writer.write(batch))
    spent = len(backend.sandbox.requests)
    assert calls(backend) == {"res.partner write": 8}
    assert spent <= 40
    record_property("figure", f"Odoo {version}, {MANY:,} tiers of 8 values: {spent} calls")
    assert {model.rows[int(one)]["x_tier"] for one in ids[1::4]} == {"Big"}


def test_values_that_differ_go_together_by_load() -> None:
    backend = made("19.0", 40)
    changes = [
        SetFields(Ref(str(5_000 + n)), {"x_gap": Decimal(n + 1)}, {"x_gap": None})
        for n in range(40)
    ]
    assert all(isinstance(one, Applied) for one in write(backend, changes))
    assert calls(backend) == {"res.partner load": 1}
    assert backend.sandbox.record("res.partner", 5_007)["x_gap"] == 8.0


def test_a_value_that_load_does_not_take_costs_its_row(backend: Backend) -> None:
    backend.put(Stream.ACCOUNTS, [{"id": str(5_000 + n), "name": "Account"} for n in range(12)])
    changes = [
        SetFields(Ref(str(5_000 + n)), {"x_gap": Decimal(n + 1), "x_tier": "Top"}, {})
        for n in range(12)
    ]
    changes[4] = SetFields(Ref("5004"), {"x_gap": Decimal(5), "x_tier": "Diamond"}, {})
    outcomes = write(backend, changes)
    bad = outcomes.pop(4)
    assert isinstance(bad, Rejected)
    assert "Diamond" in bad.message
    assert all(isinstance(one, Applied) for one in outcomes)


def test_a_refused_group_costs_no_other(backend: Backend) -> None:
    changes = [
        SetFields(Ref("5000"), {"x_tier": "Diamond"}, {"x_tier": None}),
        SetFields(Ref("5001"), {"x_tier": "Top"}, {"x_tier": None}),
    ]
    said: list[str] = []

    def listen() -> None:
        with closing(OdooWriter(backend.settings(), transport=backend.wire)) as writer:
            said.extend(one.marker for one in writer.write(changes))

    with pytest.raises(Refused, match="Wrong value"):
        listen()
    assert said == ["fields:5001"]


def test_after_a_lost_answer_nothing_more_is_sent(backend: Backend) -> None:
    changes: list[Change] = [
        SetFields(Ref("5000"), {"x_tier": "Top"}, {"x_tier": None}),
        SetFields(Ref("5001"), {"x_tier": "Big"}, {"x_tier": None}),
        put("5002"),
    ]
    backend.lose_answer()
    assert [type(one) for one in write(backend, changes)] == [Unknown, Retry, Retry]
    assert calls(backend) == {"res.partner write": 1}


def test_what_is_the_same_already_is_not_sent(backend: Backend) -> None:
    backend.sandbox.update("res.partner", 5_000, x_tier="Top", x_at="2026-06-30 10:00:00")
    at = datetime(2026, 6, 30, 12, tzinfo=UTC) - timedelta(hours=2)
    values: dict[str, Scalar] = {"x_tier": "Top", "x_gap": None, "x_at": at}
    (outcome,) = write(backend, [SetFields(Ref("5000"), values, dict.fromkeys(values))])
    assert isinstance(outcome, Unchanged)
    assert not calls(backend)


def test_conflicts_may_be_left_to_the_plan() -> None:
    backend = made("19.0")
    backend.sandbox.update("res.partner", 5_000, x_tier="Small")
    change = SetFields(Ref("5000"), {"x_tier": "Top"}, {"x_tier": "Big"})
    (outcome,) = write(backend, [change])
    assert outcome == Conflict(change.marker, {"x_tier": "Small"})
    (outcome,) = write(backend, [change], writing={"conflicts": False})
    assert isinstance(outcome, Applied)


def test_the_context_of_the_job_goes_along() -> None:
    backend = made("19.0")
    sent: list[str] = []

    def overheard(request: httpx.Request) -> bool:
        sent.append(request.content.decode())
        return False

    backend.wire.lost = overheard
    change = SetFields(Ref("5000"), {"x_tier": "Top"}, {"x_tier": None})
    write(backend, [change], writing={"context": {"tracking_disable": True}})
    assert sum('"tracking_disable":true' in one for one in sent) == 1


def test_a_missing_field_says_how_to_make_it(backend: Backend) -> None:
    with closing(OdooWriter(backend.settings(), transport=backend.wire)) as writer:
        with pytest.raises(ConfigError, match=r"'x_nope'.*connector provision"):
            writer.check(["x_tier", "x_nope"])
        assert "activities known by x_pyramid_marker" in writer.check(["x_tier"])


def test_a_user_who_may_not_write_is_told_which_right(backend: Backend) -> None:
    backend.sandbox.revoke("write", model="res.partner")
    backend.sandbox.revoke("create", model="res.partner")
    backend.sandbox.revoke()
    changes = [SetFields(Ref("5000"), {"x_tier": "Top"}, {"x_tier": None})]
    with (
        closing(OdooWriter(backend.settings(), transport=backend.wire)) as writer,
        pytest.raises(Refused, match="Contact Creation"),
    ):
        list(writer.write(changes))


# --- tasks


def test_a_new_task_is_one_activity_that_its_owner_sees(backend: Backend) -> None:
    (outcome,) = write(backend, [put("5000", owner="2", priority="High")])
    assert isinstance(outcome, Applied)
    kept = backend.sandbox.record("mail.activity", int(outcome.id))
    assert (kept["res_id"], kept["user_id"], kept["date_deadline"]) == (5_000, 2, "2026-07-31")
    assert kept[MARKER] == f"{task('5000').marker} High"
    assert kept["note"] == "<p>2,100 short of Top</p>"
    assert held(backend, "5000")[task("5000").marker].priority == "High"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_task_sent_twice_by_load_is_one(version: Any) -> None:
    """The answer was lost, and what is there can't be seen: the external id tells."""
    backend = made(version, remembers=False)
    write(backend, [put("5000")])
    (kept,) = backend.tasks(task("5000").marker)
    unmarked: dict[str, Any] = {MARKER: False}
    backend.sandbox.update("mail.activity", kept["id"], **unmarked)
    (again,) = write(backend, [put("5000", subject="Once more")])
    assert isinstance(again, Applied)
    assert again.id == str(kept["id"])
    assert backend.task_count(task("5000").marker) == 1


@pytest.mark.parametrize(
    ("owner", "fallback", "salesperson", "gets"),
    [
        ("2", None, None, 2),
        ("77", None, None, None),
        ("77", 2, None, 2),
        ("gone", None, 2, 2),
        (None, None, 2, 2),
    ],
)
def test_a_task_goes_to_who_is_there(
    owner: str | None, fallback: int | None, salesperson: int | None, gets: int | None
) -> None:
    backend = made("19.0")
    backend.sandbox.update("res.partner", 5_000, user_id=salesperson or False)
    writing = {"fallback_user": fallback}
    (outcome,) = write(backend, [put("5000", owner=owner)], writing=writing)
    assert isinstance(outcome, Applied)
    assert (backend.sandbox.record("mail.activity", int(outcome.id))["user_id"] or None) == gets


def test_a_task_of_an_archived_user_goes_to_another() -> None:
    backend = made("19.0")
    left = backend.sandbox.insert("res.users", name="Left", login="left", active=False)
    (outcome,) = write(backend, [put("5000", owner=str(left))], writing={"fallback_user": 2})
    assert isinstance(outcome, Applied)
    assert backend.sandbox.record("mail.activity", int(outcome.id))["user_id"] == 2


def test_done_is_done_also_where_odoo_deletes_it(backend: Backend) -> None:
    marker = task("5000").marker
    write(backend, [put("5000")])
    backend.finish(marker, "done")
    now = held(backend, "5000")[marker]
    assert (now.status, now.closed_on) == ("done", date(2026, 6, 30))
    (outcome,) = write(backend, [put("5000", task_id=now.id, body="Once more")])
    assert isinstance(outcome, Unchanged)
    close = CloseTask(Ref("5000"), marker, now.id, "gone", date(2026, 7, 2))
    assert isinstance(write(backend, [close])[0], Unchanged)


def test_a_task_that_a_person_deleted_does_not_come_back(backend: Backend) -> None:
    marker = task("5000").marker
    (outcome,) = write(backend, [put("5000")])
    assert isinstance(outcome, Applied)
    backend.sandbox.delete("mail.activity", int(outcome.id))
    now = held(backend, "5000")[marker]
    assert (now.status, now.id, now.closed_on) == ("done", outcome.id, date(2026, 6, 30))
    backend.time += timedelta(days=90)
    assert held(backend, "5000")[marker].closed_on == task("5000").due
    (outcome,) = write(backend, [put("5000")])
    assert isinstance(outcome, Unchanged)


def test_without_a_memory_the_writer_says_so(backend: Backend) -> None:
    forgetful = made("17.0", remembers=False)
    with closing(OdooWriter(forgetful.settings(), transport=forgetful.wire)) as writer:
        assert "may come back" in writer.check(["x_tier"])
    write(forgetful, [put("5000")])
    known = held(forgetful, "5000")[task("5000").marker].id
    forgetful.finish(task("5000").marker, "done")
    assert held(forgetful, "5000") == {}
    (outcome,) = write(forgetful, [put("5000", task_id=known)])
    assert isinstance(outcome, Unchanged)


def test_tasks_with_one_reason_are_closed_in_one_call(backend: Backend) -> None:
    markers = [task(one).marker for one in ("5000", "5001", "5002")]
    write(backend, [put(one) for one in ("5000", "5001", "5002")])
    there = held(backend, "5000", "5001", "5002")
    backend.sandbox.requests.clear()
    changes = [
        CloseTask(Ref(there[m].account), m, there[m].id, "no reason left", date(2026, 7, 2))
        for m in markers
    ]
    assert all(isinstance(one, Applied) for one in write(backend, changes))
    assert calls(backend) == {"mail.activity action_feedback": 1}
    assert {one.status for one in held(backend, "5000", "5001", "5002").values()} == {"done"}


def test_a_task_that_never_was_can_not_be_closed(backend: Backend) -> None:
    close = CloseTask(Ref("5000"), "up_sell:5000:2026-01-01", "9", "gone", date(2026, 7, 2))
    (outcome,) = write(backend, [close])
    assert isinstance(outcome, Rejected)
    assert outcome.code == "not_found"


@pytest.mark.parametrize("version", VERSIONS)
def test_least_rights_schedule_the_first_task_and_load_the_others(version: Any) -> None:
    backend = made(version, 4)
    backend.sandbox.revoke()
    changes = [put(str(5_000 + n)) for n in range(4)]
    assert all(isinstance(one, Applied) for one in write(backend, changes))
    assert calls(backend)["res.partner activity_schedule"] == 1
    assert calls(backend)["mail.activity load"] == 1
    assert [backend.task_count(change.marker) for change in changes] == [1, 1, 1, 1]
    assert len(held(backend, *(change.ref.id for change in changes))) == 4
    backend.sandbox.requests.clear()
    write(backend, [put("5000", marker="retention:5000:2026-07-01")])
    assert calls(backend)["res.partner activity_schedule"] == 0


def test_numbers_of_the_job_are_not_looked_up() -> None:
    backend = made("19.0")
    backend.sandbox.revoke()
    models = {m["model"]: m["id"] for m in backend.sandbox.records("ir.model")}
    kind = backend.sandbox.records("mail.activity.type")[1]["id"]
    writing = {"partner_model": models["res.partner"], "activity_type": kind}
    (outcome,) = write(backend, [put("5000")], writing=writing)
    assert isinstance(outcome, Applied)
    assert "res.partner activity_schedule" not in calls(backend)
    assert backend.sandbox.record("mail.activity", int(outcome.id))["activity_type_id"] == kind


def test_a_type_of_activities_that_is_not_there_is_named() -> None:
    backend = made("19.0")
    settings = backend.settings(writing={"activity_type": "mail.nope"})
    with (
        closing(OdooWriter(settings, transport=backend.wire)) as writer,
        pytest.raises(ConfigError, match=r"activity_type: there is no 'mail\.nope'"),
    ):
        writer.check([])


def test_only_accounts_are_written(backend: Backend) -> None:
    change = SetFields(Ref("1", Stream.OPPORTUNITIES), {"name": "x"}, {})
    (outcome,) = write(backend, [change])
    assert isinstance(outcome, Rejected)
    assert outcome.code == "unsupported"


@pytest.mark.parametrize("account", ["A1", "", "٣", "12.0", "99999"])
def test_an_id_that_is_no_partner_is_rejected(account: str) -> None:
    backend = made("19.0")
    for change in (SetFields(Ref(account), {"x_tier": "Top"}, {}), put(account)):
        (outcome,) = write(backend, [change])
        assert isinstance(outcome, Rejected)
        assert outcome.code == "not_found"
    assert records(OdooWriter(backend.settings(), transport=backend.wire)
                   .current([account], []).accounts) == []  # fmt: skip


# --- texts and values


@pytest.mark.parametrize(
    "text",
    ["", "one line", "two\nlines", "a\n\nparagraph", '<b>"O\'Brien" & Sons</b>', "5 < 6 > 4"],
)
@pytest.mark.parametrize("signed", ["", "up_sell:7:2026-07-01 High"])
def test_a_note_says_what_was_put_into_it(text: str, signed: str) -> None:
    assert notes.as_text(notes.as_html(text, signed)) == (text, signed)


@pytest.mark.parametrize(
    ("note", "text"),
    [
        ("<p>one</p><p>two</p>", "one\ntwo"),
        ("<div>one<br/>two</div>", "one\ntwo"),
        ("<ul><li>one</li><li>two</li></ul>", "one\ntwo"),
        ("", ""),
    ],
)
def test_the_note_of_a_person_is_read_line_by_line(note: str, text: str) -> None:
    assert notes.as_text(note) == (text, "")


def test_a_memory_keeps_the_latest_and_passes_over_what_people_wrote() -> None:
    one = memory.Remembered("up_sell:7:2026-07-01", "9", date(2026, 7, 1), date(2026, 7, 9))
    text = memory.with_more("a note of somebody\n", [one])
    assert memory.read(text) == [one]
    assert memory.with_more(text, [one]) == text
    more = [replace(one, marker=f"m{n}", created_on=date(2026, 8, 1)) for n in range(60)]
    assert len(memory.read(memory.with_more(text, more))) == 40
    assert one not in memory.read(memory.with_more(text, more))


@pytest.mark.parametrize(
    ("value", "kind", "sent", "cell"),
    [
        (None, "char", False, ""),
        ("", "char", False, ""),
        ("Top", "selection", "Top", "Top"),
        (Decimal("1200.50"), "float", 1200.5, "1200.50"),
        (Decimal(3), "integer", 3, "3"),
        (7, "char", "7", "7"),
        ("yes", "boolean", True, "1"),
        (False, "boolean", False, "0"),
        (date(2026, 6, 30), "date", "2026-06-30", "2026-06-30"),
        (date(2026, 6, 30), "datetime", "2026-06-30 00:00:00", "2026-06-30 00:00:00"),
        (datetime(2026, 6, 30, 8, 15, 7, 9, tzinfo=UTC), "datetime", "2026-06-30 08:15:07",
         "2026-06-30 08:15:07"),
        (datetime(2026, 6, 30, 8, tzinfo=UTC), "date", "2026-06-30", "2026-06-30"),
        ("many", "float", "many", "many"),
    ],
    ids=str,
)  # fmt: skip
def test_a_value_is_written_as_odoo_wants_it(
    value: Scalar, kind: str, sent: object, cell: str
) -> None:
    fitted = fit(value, {"type": kind})
    assert (as_json(fitted), as_cell(fitted)) == (sent, cell)


@pytest.mark.parametrize(
    ("value", "kind", "read"),
    [
        (False, "char", None),
        (False, "boolean", False),
        (False, "many2one", None),
        ([7, "Acme"], "many2one", 7),
        (7, "many2one", 7),
        ("2026-06-30 08:15:00", "datetime", datetime(2026, 6, 30, 8, 15, tzinfo=UTC)),
        ("2026-06-30", "date", date(2026, 6, 30)),
        (Decimal("0.30000000000000004"), "float", Decimal("0.300000")),
        (0, "integer", 0),
    ],
    ids=str,
)
def test_a_value_is_read_as_it_is_meant(value: object, kind: str, read: object) -> None:
    assert plain(value, {"type": kind}) == read


@pytest.mark.parametrize(
    ("held_", "wanted", "kind", "same"),
    [
        (0, None, "float", True),
        (None, Decimal(0), "integer", True),
        (Decimal("0.1"), None, "float", False),
        (False, None, "boolean", True),
        ("", None, "char", True),
        ("0", None, "char", False),
        (Decimal("1.50"), "1.5", "float", True),
        (datetime(2026, 6, 30, 8, tzinfo=UTC), "2026-06-30T08:00:00.5+00:00", "datetime", True),
        (date(2026, 6, 30), "2026-06-30", "date", True),
    ],
    ids=str,
)
def test_values_are_compared_by_what_they_mean(
    held_: object, wanted: object, kind: str, same: bool
) -> None:
    assert equal(held_, wanted, kind) is same
