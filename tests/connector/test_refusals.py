"""What the target refused is not sent again before it changes, or somebody asks for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from connector import Change, CloseTask, PutTask, Ref, Refused, SetFields, Stream
from connector.deliver import Delivered, Delivery
from connector.ledger import ledger_rows
from connector.refusals import codes, forget
from connector.store import Store
from connector.testing import FakeCRM, FakeSettings

DAY = date(2026, 11, 20)
TOP = SetFields(Ref("A"), {"tier": "Top", "run": "1"}, {"tier": None, "run": None})
CALL = PutTask(
    Ref("A"), "retention:A:2026-11-20", "retention", "Call A", "Late.", None, DAY, "High", DAY
)
OTHER = SetFields(Ref("B"), {"tier": "Big"}, {"tier": None})


@pytest.fixture
def crm() -> FakeCRM:
    crm = FakeCRM(accounts=[{"id": name, "name": name} for name in "AB"])
    crm.refuse("A", "locked by a rule")
    return crm


class Days:
    """Runs of a job, one a day."""

    def __init__(self, store: Store, crm: FakeCRM) -> None:
        self.store, self.crm, self.run = store, crm, 0

    def send(self, *changes: Change) -> Delivered:
        """Deliver *changes* in a run of their own."""
        self.run += 1
        opening = self.crm.adapter().writer
        assert opening is not None
        writer = opening(FakeSettings())
        delivery = Delivery(self.store, 1, f"run {self.run}", writer, stamps=["run"])
        counts = delivery.send(changes)
        delivery.end()
        return counts

    @property
    def sent(self) -> list[list[str]]:
        """The markers of each call that reached the CRM."""
        return [[change.marker for change in call] for call in self.crm.writes]

    @property
    def said(self) -> list[str]:
        """What the ledger of the last run says of what was refused."""
        rows = ledger_rows(self.store, f"run {self.run}", ["rejected"])
        return [row["message"] for row in rows]


@pytest.fixture
def days(sqlite_store: Store, crm: FakeCRM) -> Days:
    return Days(sqlite_store, crm)


def test_the_next_run_lists_it_and_does_not_send_it(store: Store, crm: FakeCRM) -> None:
    days = Days(store, crm)
    assert days.send(TOP, OTHER) == Delivered(sent=2, applied=1, rejected=1)
    assert days.said == ["locked by a rule"]

    for _ in range(2):
        assert days.send(replace(TOP, values={"tier": "Top", "run": "2"})).rejected == 1
        assert days.said == ["locked by a rule (refused before; not sent again: connector retry)"]
    assert days.sent == [["fields:A", "fields:B"]]


@pytest.mark.long
def test_a_batch_may_have_more_changes_than_a_query_takes_parameters(days: Days) -> None:
    many = [SetFields(Ref(f"N{n}"), {"tier": "Top"}, {}) for n in range(40_000)]
    days.send(TOP)
    assert days.send(*many, TOP).rejected == 40_001
    assert [len(call) for call in days.sent] == [1, 40_000]


def test_a_target_that_takes_nothing_is_no_reason_to_hold_back(days: Days) -> None:
    everybody = [SetFields(Ref(name), {"tier": "Top"}, {}) for name in map(str, range(40))]
    days.crm.put(Stream.ACCOUNTS, [{"id": change.ref.id} for change in everybody])
    days.crm.refuse_batches_with(*(change.ref.id for change in everybody))
    with pytest.raises(Refused):
        days.send(*everybody)
    assert codes(days.store, 1) == {}
    days.crm.restore()
    assert days.send(*everybody).applied == 40


@pytest.mark.parametrize(
    "other",
    [
        replace(TOP, values={"tier": "Big"}),
        replace(TOP, values={"tier__c": "Top"}),
        replace(TOP, values={"tier": "Top", "layer": "Top"}),
    ],
    ids=["value", "name", "more"],
)
def test_another_change_is_sent(days: Days, other: SetFields) -> None:
    days.send(TOP)
    days.send(other)
    assert len(days.sent) == 2


def test_a_task_is_known_by_its_text_on_another_day_too(days: Days) -> None:
    later = replace(CALL, marker="retention:A:2026-11-21", due=date(2026, 11, 24))
    days.send(CALL)
    assert days.send(later).rejected == 1
    assert len(days.sent) == 1

    days.send(replace(later, owner="another"))
    assert len(days.sent) == 2


def test_a_task_whose_account_was_not_there_is_sent_once_it_is(days: Days) -> None:
    new = replace(CALL, ref=Ref("N"), marker="retention:N:2026-11-20")
    assert days.send(new).rejected == 1
    assert codes(days.store, 1) == {"not_found": 1}

    days.crm.put(Stream.ACCOUNTS, [{"id": "N"}])

    assert days.send(replace(new, marker="retention:N:2026-11-21")).applied == 1
    assert codes(days.store, 1) == {}


def test_the_closing_of_a_task_is_held_back_too(days: Days) -> None:
    close = CloseTask(Ref("A"), "retention:A:2026-11-20", "T1", "it has ordered", DAY)
    days.send(close)
    days.send(replace(close, closed_on=date(2026, 11, 21)))
    assert len(days.sent) == 1


def test_what_was_not_asked_for_in_between_is_sent(days: Days) -> None:
    days.send(TOP)
    days.send(OTHER)
    days.send(TOP)
    assert days.sent == [["fields:A"], ["fields:B"], ["fields:A"]]


def test_what_succeeds_in_the_end_is_forgotten(days: Days) -> None:
    days.send(TOP)
    days.crm.restore()
    assert forget(days.store, 1) == 1
    assert days.send(TOP).applied == 1
    assert codes(days.store, 1) == {}
    assert days.crm.rows[Stream.ACCOUNTS]["A"]["tier"] == "Top"


def test_only_one_code_is_forgotten(days: Days) -> None:
    days.send(TOP, SetFields(Ref("nobody"), {"tier": "Top"}, {}))
    assert codes(days.store, 1) == {"not_found": 1, "refused": 1}
    assert forget(days.store, 1, "not_found") == 1
    assert forget(days.store, 2) == 0
    assert codes(days.store, 1) == {"refused": 1}
