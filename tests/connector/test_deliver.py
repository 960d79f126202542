"""Every change has an outcome, and none is made twice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connector import (
    Applied,
    AuthError,
    Change,
    CloseTask,
    Current,
    PutTask,
    RateLimited,
    Ref,
    Retry,
    Scalar,
    SetFields,
    Stream,
    Unavailable,
    WriteOutcome,
    Writer,
)
from connector.deliver import Delivered, Delivery, same_text
from connector.http import NoAnswer
from connector.ledger import Ledger, ledger_rows, unheard_of
from connector.store import Store
from connector.store.tables import TaskRow
from connector.testing import FakeCRM, FakeSettings
from connector.testing.faults import (
    Call,
    CallFault,
    Fails,
    FaultyWriter,
    Overtaken,
    Script,
    Strike,
    Twice,
)

STATES = ("sending", "applied", "unchanged", "rejected", "retry", "conflict", "unknown")


def fields(account: str, tier: str = "Top", old: str | None = None) -> SetFields:
    return SetFields(Ref(account), {"industry": tier}, {"industry": old})


def task(account: str, task_id: str | None = None) -> PutTask:
    marker = f"retention:{account}:2017-12-31"
    day = date(2017, 12, 31)
    return PutTask(
        Ref(account), marker, "retention", "Call", "Late.", None, day, "High", day, task_id
    )


@pytest.fixture
def crm() -> FakeCRM:
    return FakeCRM(accounts=[{"id": name, "name": name} for name in "ABC"])


@pytest.fixture
def pauses() -> list[float]:
    return []


def writer_of(crm: FakeCRM) -> Writer:
    opening = crm.adapter().writer
    assert opening is not None
    return opening(FakeSettings())


def deliver(store: Store, writer: Writer, pauses: list[float], *changes: Change) -> Delivered:
    return Delivery(store, 1, "run", writer, sleep=pauses.append).send(changes)


def targets(store: Store) -> dict[str, str | None]:
    with store.bulk() as bulk:
        rows = bulk.fetch("select account_id, target_id from ledger").to_pylist()
    return {row["account_id"]: row["target_id"] for row in rows}


def states(store: Store) -> dict[str, str]:
    return {row["marker"]: row["state"] for row in ledger_rows(store, "run", STATES)}


def known_tasks(store: Store, *markers: str) -> list[str]:
    with store.session() as session:
        rows = [session.get(TaskRow, (1, marker)) for marker in markers]
    return [row.target_id for row in rows if row]


def test_changes_are_made_and_noted(store: Store, crm: FakeCRM, pauses: list[float]) -> None:
    counts = deliver(store, writer_of(crm), pauses, fields("A"), fields("B"), task("A"))

    assert counts == Delivered(sent=3, applied=3)
    assert set(states(store).values()) == {"applied"}
    assert crm.fields_of("A")["industry"] == "Top"
    assert known_tasks(store, task("A").marker) == ["T1"]
    assert pauses == []


def test_what_is_there_already_is_unchanged(
    sqlite_store: Store, crm: FakeCRM, pauses: list[float]
) -> None:
    crm.put(Stream.ACCOUNTS, [{"id": "A", "industry": "Top"}])

    assert deliver(sqlite_store, writer_of(crm), pauses, fields("A")).unchanged == 1


def test_a_refused_change_costs_itself_alone(
    sqlite_store: Store, crm: FakeCRM, pauses: list[float]
) -> None:
    crm.refuse("B", "field is locked by the CRM")

    counts = deliver(sqlite_store, writer_of(crm), pauses, *[fields(one) for one in "ABC"])

    assert (counts.applied, counts.rejected) == (2, 1)
    (row,) = ledger_rows(sqlite_store, "run", ["rejected"])
    assert (row["code"], row["message"]) == ("refused", "field is locked by the CRM")


def test_seven_rows_that_spoil_a_batch_cost_themselves_alone(
    sqlite_store: Store, pauses: list[float]
) -> None:
    accounts = [f"A{number:03}" for number in range(200)]
    bad = accounts[3::30]
    crm = FakeCRM(accounts=[{"id": name, "name": name} for name in accounts])
    crm.refuse_batches_with(*bad)

    counts = deliver(sqlite_store, writer_of(crm), pauses, *[fields(one) for one in accounts])

    assert counts == Delivered(sent=200, applied=193, rejected=7)
    rows = ledger_rows(sqlite_store, "run", ["rejected"])
    assert {row["account_id"]: row["message"] for row in rows} == {
        one: f"{one} is locked" for one in bad
    }
    assert len(crm.writes) <= 7 * 8 + 1


def test_a_value_that_a_person_changed_meanwhile_is_left(
    sqlite_store: Store, crm: FakeCRM, pauses: list[float]
) -> None:
    crm.put(Stream.ACCOUNTS, [{"id": "A", "industry": "by hand"}])

    counts = deliver(sqlite_store, writer_of(crm), pauses, fields("A", old="Big"))

    assert (counts.waiting, states(sqlite_store)) == (1, {"fields:A": "conflict"})
    assert crm.fields_of("A")["industry"] == "by hand"


@pytest.mark.parametrize("losses", [1, 2, 9])
def test_a_lost_answer_is_settled_by_reading(
    sqlite_store: Store, crm: FakeCRM, pauses: list[float], losses: int
) -> None:
    crm.lose_answer(losses)

    counts = deliver(sqlite_store, writer_of(crm), pauses, fields("A"), task("A"))

    assert counts == Delivered(sent=2, applied=2)
    assert len(crm.writes) == 1
    assert crm.task_count(task("A").marker) == 1
    assert known_tasks(sqlite_store, task("A").marker) == ["T1"]


def test_a_crm_that_has_no_time_now_is_asked_when_it_says(
    sqlite_store: Store, crm: FakeCRM, pauses: list[float]
) -> None:
    crm.delay_writes(2)

    counts = deliver(sqlite_store, writer_of(crm), pauses, fields("A"), task("A"))

    assert counts.applied == 2
    assert pauses == [1.0, 1.0]


def test_one_that_never_has_is_left_waiting(
    sqlite_store: Store, crm: FakeCRM, pauses: list[float]
) -> None:
    crm.delay_writes(99)

    counts = deliver(sqlite_store, writer_of(crm), pauses, fields("A"))

    assert (counts, len(crm.writes)) == (Delivered(sent=1, waiting=1), 5)
    assert states(sqlite_store) == {"fields:A": "retry"}


class Odd:
    """A writer that does as its script says, then as the CRM."""

    def __init__(self, crm: FakeCRM, writes: Sequence[Any] = (), reads: Sequence[Any] = ()) -> None:
        self.crm, self.real = crm, writer_of(crm)
        self.writes, self.reads = list(writes), list(reads)
        self.sent: list[list[str]] = []

    def check(self, fields: Sequence[str]) -> str:
        return "odd"

    def current(self, accounts: Sequence[str], fields: Sequence[str]) -> Current:
        if self.reads and (error := self.reads.pop(0)):
            raise error
        return self.real.current(accounts, fields)

    def write(self, changes: Sequence[Change]) -> Iterator[WriteOutcome]:
        self.sent.append([change.marker for change in changes])
        step = self.writes.pop(0) if self.writes else None
        outcomes = self.real.write(changes)
        if step is None:
            yield from outcomes
            return
        answers, error, arrives = step
        for _ in range(answers):
            yield next(outcomes)
        if arrives:
            list(outcomes)
        if error:
            raise error

    def close(self) -> None:
        pass


def test_what_was_answered_before_the_connection_broke_is_not_sent_again(
    sqlite_store: Store, crm: FakeCRM, pauses: list[float]
) -> None:
    odd = Odd(crm, writes=[(1, Unavailable("broke"), True)])

    counts = deliver(sqlite_store, odd, pauses, *[fields(one) for one in "ABC"])

    assert counts == Delivered(sent=3, applied=3)
    assert odd.sent == [["fields:A", "fields:B", "fields:C"]]


def test_while_it_can_not_be_read_nothing_without_an_answer_is_sent_again(
    sqlite_store: Store, crm: FakeCRM, pauses: list[float]
) -> None:
    gone = Unavailable("gone")
    odd = Odd(crm, writes=[(0, gone, True)], reads=[gone, gone, None])

    counts = deliver(sqlite_store, odd, pauses, task("A"))

    assert counts == Delivered(sent=1, applied=1)
    assert len(odd.sent) == 1
    assert crm.task_count(task("A").marker) == 1


def test_if_it_can_never_be_read_the_change_waits(
    sqlite_store: Store, crm: FakeCRM, pauses: list[float]
) -> None:
    gone = Unavailable("gone")
    odd = Odd(crm, writes=[(0, gone, True)], reads=[gone] * 9)

    counts = deliver(sqlite_store, odd, pauses, task("A"))

    assert (counts, len(odd.sent)) == (Delivered(sent=1, waiting=1), 1)
    assert states(sqlite_store) == {task("A").marker: "unknown"}


def test_a_limit_of_requests_is_respected(
    sqlite_store: Store, crm: FakeCRM, pauses: list[float]
) -> None:
    odd = Odd(crm, writes=[(0, RateLimited("slow", retry_after=42.0), False)])
    odd.real = _NothingArrives(odd.real, times=1)

    deliver(sqlite_store, odd, pauses, fields("A"))

    assert pauses == [42.0]


class _NothingArrives:
    """A writer whose first requests are refused before anything is made of them."""

    def __init__(self, real: Writer, times: int) -> None:
        self.real, self.times = real, times

    def check(self, fields: Sequence[str]) -> str:
        return "nothing arrives"

    def current(self, accounts: Sequence[str], fields: Sequence[str]) -> Current:
        return self.real.current(accounts, fields)

    def write(self, changes: Sequence[Change]) -> Iterator[WriteOutcome]:
        if self.times:
            self.times -= 1
            return iter(())
        return self.real.write(changes)

    def close(self) -> None:
        pass


def test_a_change_without_outcome_is_sent_again_once_it_was_looked_for(
    sqlite_store: Store, crm: FakeCRM, pauses: list[float]
) -> None:
    counts = deliver(sqlite_store, _NothingArrives(writer_of(crm), 1), pauses, task("A"))

    assert counts == Delivered(sent=1, applied=1)
    assert crm.task_count(task("A").marker) == 1


def test_what_was_done_before_the_target_signed_us_out_is_noted(
    sqlite_store: Store, crm: FakeCRM, pauses: list[float]
) -> None:
    odd = Odd(crm, writes=[(1, AuthError("signed out"), False)])

    with pytest.raises(AuthError):
        deliver(sqlite_store, odd, pauses, task("A"), task("B"))

    assert states(sqlite_store) == {task("A").marker: "applied", task("B").marker: "sending"}
    assert known_tasks(sqlite_store, task("A").marker) == ["T1"]


def test_a_batch_stands_in_the_ledger_before_it_is_sent(
    sqlite_store: Store, crm: FakeCRM, pauses: list[float]
) -> None:
    seen: list[dict[str, str]] = []

    class Looks(Odd):
        def write(self, changes: Sequence[Change]) -> Iterator[WriteOutcome]:
            seen.append(states(sqlite_store))
            return self.real.write(changes)

    deliver(sqlite_store, Looks(crm), pauses, fields("A"))

    assert seen == [{"fields:A": "sending"}]


def test_nobody_waits_an_hour_for_a_limit(
    sqlite_store: Store, crm: FakeCRM, pauses: list[float]
) -> None:
    spent = Odd(crm, writes=[(0, RateLimited("spent", retry_after=3600.0), False)])
    deliver(sqlite_store, spent, pauses, fields("A"))
    assert pauses == []
    assert states(sqlite_store) == {"fields:A": "unknown"}


@pytest.mark.parametrize(
    "outcome", [Applied("fields:Z", "Z"), Retry("fields:Z", 1.0)], ids=["applied", "retry"]
)
def test_an_outcome_for_nothing_that_was_sent_is_a_bug(
    sqlite_store: Store, crm: FakeCRM, pauses: list[float], outcome: WriteOutcome
) -> None:
    class Lies(Odd):
        def write(self, changes: Sequence[Change]) -> Iterator[WriteOutcome]:
            yield outcome

    with pytest.raises(AssertionError, match="which was not sent"):
        deliver(sqlite_store, Lies(crm), pauses, fields("A"))


def test_accounts_that_are_not_there_are_noted(store: Store, crm: FakeCRM) -> None:
    Delivery(store, 1, "run", writer_of(crm)).refuse(iter("XY"), "not_found", "no such account")

    assert states(store) == {"fields:X": "rejected", "fields:Y": "rejected"}


def test_a_task_is_closed_once(sqlite_store: Store, crm: FakeCRM, pauses: list[float]) -> None:
    deliver(sqlite_store, writer_of(crm), pauses, task("A"))
    closing = CloseTask(Ref("A"), task("A").marker, "T1", "Gone.", date(2018, 1, 1))
    crm.lose_answer(1)

    assert deliver(sqlite_store, writer_of(crm), pauses, closing).applied == 1
    assert crm.task(closing.marker).status == "done"
    assert len(crm.writes) == 2


@pytest.mark.parametrize(
    ("held", "value", "same"),
    [
        pytest.param(None, "", True, id="nothing and empty"),
        pytest.param("5", 5, True, id="number"),
        pytest.param("2017-12-31", date(2017, 12, 31), True, id="day"),
        pytest.param("Top", "Big", False, id="text"),
        pytest.param(None, "Top", False, id="nothing and text"),
    ],
)
def test_values_are_compared_as_they_read(held: object, value: object, same: bool) -> None:
    assert same_text(held, value) is same


def test_a_task_that_never_arrived_is_not_noted_as_applied_after_a_restart(
    sqlite_store: Store, crm: FakeCRM, pauses: list[float]
) -> None:
    delivery = Delivery(sqlite_store, 1, "run", writer_of(crm), sleep=pauses.append)
    with sqlite_store.bulk() as bulk:
        changes = {change.marker: change for change in (task("A"), fields("B"))}
        Ledger(1, "run").sending(bulk, changes)
        bulk.commit()

    delivery.resume(frozenset, ())

    assert states(sqlite_store) == {task("A").marker: "unknown", fields("B").marker: "applied"}
    assert known_tasks(sqlite_store, task("A").marker) == []


def test_what_lies_between_two_changes_of_a_batch_is_left_as_it_was(
    store: Store, crm: FakeCRM, pauses: list[float]
) -> None:
    with store.bulk() as bulk:
        Ledger(1, "run").sending(bulk, {fields("B").marker: fields("B")})
        bulk.commit()

    deliver(store, writer_of(crm), pauses, fields("A"), fields("C"))

    expected = {"A": "applied", "B": "sending", "C": "applied"}
    assert states(store) == {fields(account).marker: said for account, said in expected.items()}
    assert targets(store) == {"A": "A", "B": None, "C": "C"}


def test_the_ledger_keeps_values_as_they_read(
    store: Store, crm: FakeCRM, pauses: list[float]
) -> None:
    values: dict[str, Scalar] = {"tier": 'a "b",\n,\\', "rank": None, "revenue": Decimal("1.50")}
    changes = [SetFields(Ref(account), values, {"tier": "\n"}) for account in "AB"]

    deliver(store, writer_of(crm), pauses, *changes)

    with store.bulk() as bulk:
        kept = bulk.fetch("select content from ledger order by marker").column("content")
    expected = {"tier": ["\n", values["tier"]], "rank": [None, None], "revenue": [None, "1.50"]}
    assert [json.loads(one) for one in kept.to_pylist()] == [expected, expected]


def faulty(crm: FakeCRM, *strikes: Strike[Call, CallFault]) -> Writer:
    return FaultyWriter(writer_of(crm), Script(*strikes))


def test_a_task_that_arrives_late_is_ours(
    sqlite_store: Store, crm: FakeCRM, pauses: list[float]
) -> None:
    late = Strike[Call, CallFault](
        Overtaken(by=2), where=lambda call: call.name == "write", times=1
    )

    counts = deliver(sqlite_store, faulty(crm, late), pauses, task("A"))

    assert counts == Delivered(sent=1, applied=1)
    assert crm.task_count(task("A").marker) == 1
    assert known_tasks(sqlite_store, task("A").marker) == ["T1"]


def test_of_two_outcomes_of_a_change_the_first_counts(
    sqlite_store: Store, crm: FakeCRM, pauses: list[float]
) -> None:
    twice = Strike[Call, CallFault](Twice(), where=lambda call: call.name == "write")

    counts = deliver(sqlite_store, faulty(crm, twice), pauses, fields("A"), task("A"))

    assert counts == Delivered(sent=2, applied=2)
    assert known_tasks(sqlite_store, task("A").marker) == ["T1"]


@pytest.mark.parametrize(
    ("edited", "known"),
    [("", [("Call", "High")]), ("Mine", [("Call", "High")])],
    ids=["as it was sent", "edited by a person since"],
)
def test_a_task_that_was_never_heard_of_is_recognised_by_the_next_run(
    store: Store, crm: FakeCRM, pauses: list[float], edited: str, known: list[tuple[str, str]]
) -> None:
    deaf = Strike[Call, CallFault](Fails(lambda: NoAnswer("lost"), "after"))
    assert deliver(store, faulty(crm, deaf), pauses, task("A")).waiting == 1
    assert known_tasks(store, task("A").marker) == []
    crm.tasks = [replace(one, subject=edited or one.subject) for one in crm.tasks]

    Delivery(store, 1, "next", writer_of(crm)).resume(lambda: (), crm.tasks)

    with store.session() as session:
        row = session.get(TaskRow, (1, task("A").marker))
    assert row is not None
    assert [(row.subject, row.priority)] == known


def test_a_task_of_a_run_that_ended_in_the_middle_is_recognised_by_the_next(
    sqlite_store: Store, crm: FakeCRM, pauses: list[float]
) -> None:
    signed_out = Strike[Call, CallFault](Fails(lambda: AuthError("expired"), "after"))
    with pytest.raises(AuthError):
        deliver(sqlite_store, faulty(crm, signed_out), pauses, task("A"))
    assert states(sqlite_store) == {task("A").marker: "sending"}
    assert unheard_of(sqlite_store, 1) == {"A"}

    Delivery(sqlite_store, 1, "next", writer_of(crm)).resume(lambda: (), crm.tasks)

    assert unheard_of(sqlite_store, 1) == frozenset()
    assert known_tasks(sqlite_store, task("A").marker) == ["T1"]


def test_an_update_that_was_never_heard_of_is_not_taken_for_a_persons(
    sqlite_store: Store, crm: FakeCRM, pauses: list[float]
) -> None:
    deliver(sqlite_store, writer_of(crm), pauses, task("A"))
    deaf = Strike[Call, CallFault](Fails(lambda: NoAnswer("lost"), "after"))
    update = replace(task("A", "T1"), subject="Call now")
    Delivery(sqlite_store, 1, "second", faulty(crm, deaf), sleep=pauses.append).send([update])

    Delivery(sqlite_store, 1, "third", writer_of(crm)).resume(lambda: (), crm.tasks)

    with sqlite_store.session() as session:
        row = session.get(TaskRow, (1, task("A").marker))
    assert row is not None
    assert row.subject == "Call now"
