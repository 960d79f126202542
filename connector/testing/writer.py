"""The conformance suite for writers: what the host relies on when it delivers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Protocol

import pytest

from connector.contract import (
    Adapter,
    Applied,
    Change,
    CloseTask,
    Conflict,
    Current,
    HeldTask,
    PutTask,
    Ref,
    Rejected,
    Retry,
    Scalar,
    SetFields,
    Unchanged,
    Unknown,
    WriteOutcome,
    Writer,
)
from connector.errors import AccessError, AuthError, ConfigError, Transient
from connector.model import Stream
from connector.poison import apart
from connector.testing.suite import NO_SUCH_FIELD, Suite, expect_no_secret, records, same

if TYPE_CHECKING:
    from pydantic import BaseModel


class WriterBackend(Protocol):
    """How the suite changes and sees what the CRM holds. What can't be done goes into `cannot`."""

    def put(self, stream: Stream, rows: Sequence[Mapping[str, object]]) -> None:
        """Create these records, or change those that exist, under the CRM's field names."""
        ...

    def task_count(self, marker: str) -> int:
        """Return how many tasks in the CRM have this marker, of whatever status."""
        ...

    def finish(self, marker: str, status: Literal["done", "rejected"]) -> None:
        """Do or reject a task, as a person would."""
        ...

    def refuse(self, account: str) -> None:
        """Let the CRM refuse every change to this account and its tasks, and no other."""
        ...

    def lose_answer(self) -> None:
        """Let the CRM carry out the next call that writes, but break off before the answer."""
        ...

    def refuse_logins(self) -> None:
        """Stop accepting the credentials of the settings."""
        ...

    def cut_network(self) -> None:
        """Become unreachable."""
        ...


_TODAY: Final = date(2026, 7, 1)


class WriterContract(Suite):
    """Subclass, give `adapter`, `backend` (a `WriterBackend`), `settings` and `field`.

    *field* is the CRM's name of a text field of accounts that the writer may set. Set
    *detects_conflicts* if the writer yields `Conflict` where a value is neither the old nor the
    new one. Besides the backend's methods the keys of *cannot* may be `tasks` (it writes fields
    alone), `fields` (it writes tasks alone), `text`, and `rejected` (done and rejected are one).
    """

    may_lack = frozenset(
        {"refuse", "lose_answer", "refuse_logins", "cut_network", "finish", "tasks", "fields"}
        | {"text", "rejected"}
    )
    detects_conflicts: ClassVar[bool] = False

    def make_id(self, number: int) -> str:
        """Return the id of the suite's account *number*, 0 to 999, ascending with it."""
        return f"{number:04d}"

    def account(self, adapter: Adapter[Any], number: int) -> dict[str, object]:
        """Return the suite's account *number* under the CRM's names."""
        theirs = adapter.fields[Stream.ACCOUNTS]
        return {theirs["id"]: self.make_id(number), theirs["name"]: f"Account {number}"}

    @pytest.fixture
    def field(self) -> str:
        """Return the CRM's name of a text field of accounts that the writer may set."""
        raise NotImplementedError("give a fixture `field` with the name of a field to write")

    @pytest.fixture
    def accounts(self, adapter: Adapter[Any], backend: WriterBackend) -> list[str]:
        """Return the ids of five accounts that the CRM holds."""
        backend.put(Stream.ACCOUNTS, [self.account(adapter, number) for number in range(1, 6)])
        return [self.make_id(number) for number in range(1, 6)]

    @pytest.fixture
    def crm(self, adapter: Adapter[Any], settings: BaseModel, field: str) -> Written:
        """Return what writes and reads through a writer opened anew for each call."""
        return Written(adapter, settings, field)

    def test_check_says_where_we_write(self, crm: Written) -> None:
        """A person reads it: `writes into ... as ...`."""
        assert crm.check([crm.field]).strip()

    def test_check_names_a_field_that_does_not_exist(self, crm: Written) -> None:
        """Before the run, not as a million refusals in it."""
        self.need("fields")
        with pytest.raises((ConfigError, AccessError), match=NO_SUCH_FIELD):
            crm.check([crm.field, NO_SUCH_FIELD])

    def test_close_twice_does_nothing(self, crm: Written) -> None:
        """The host closes on every way out."""
        writer = crm.open()
        writer.close()
        writer.close()

    def test_current_has_no_row_for_an_account_that_does_not_exist(
        self, crm: Written, accounts: list[str]
    ) -> None:
        """And one row for each that does."""
        asked = [*accounts, self.make_id(99)]
        assert sorted(crm.values(asked)) == accounts

    def test_what_was_written_is_there(self, crm: Written, accounts: list[str]) -> None:
        """Seen by a writer that was opened after it."""
        self.need("fields")
        outcomes = crm.write([crm.set(account, "Top") for account in accounts])
        assert crm.kinds(outcomes) == [Applied] * len(accounts)
        assert crm.values(accounts) == dict.fromkeys(accounts, "Top")

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("Žofie Müller 株式会社", id="unicode"),
            pytest.param("00042", id="leading-zeros"),
            pytest.param("""O'Brien "Bob" <b>100 %</b> \\n""", id="quotes"),
        ],
    )
    def test_text_is_written_exactly(self, crm: Written, accounts: list[str], text: str) -> None:
        """Nothing is guessed or escaped."""
        self.need("fields", "text")
        crm.write([crm.set(accounts[0], text)])
        assert crm.values(accounts[:1]) == {accounts[0]: text}

    def test_writing_again_changes_nothing(self, crm: Written, accounts: list[str]) -> None:
        """The same change sent twice is no error and leaves the same values."""
        self.need("fields")
        changes = [crm.set(account, "Top") for account in accounts]
        crm.write(changes)
        assert set(crm.kinds(crm.write(changes))) <= {Applied, Unchanged}
        assert crm.values(accounts) == dict.fromkeys(accounts, "Top")

    def test_none_clears_a_field(self, crm: Written, accounts: list[str]) -> None:
        """An account that is no longer a customer loses its tier."""
        self.need("fields")
        crm.write([crm.set(accounts[0], "Top")])
        outcomes = crm.write([crm.set(accounts[0], None, old="Top")])
        assert crm.kinds(outcomes) == [Applied]
        assert same(crm.values(accounts[:1])[accounts[0]], None)

    def test_nothing_to_write_is_no_outcome(self, crm: Written) -> None:
        """An empty batch is not an error."""
        assert crm.write([]) == {}

    def test_every_change_gets_one_outcome(self, crm: Written, accounts: list[str]) -> None:
        """Matched by marker, whatever becomes of the change."""
        changes: list[Change] = []
        if "fields" not in self.cannot:
            changes += [crm.set(account, "Top") for account in [*accounts, self.make_id(99)]]
        if "tasks" not in self.cannot:
            changes += [task(account) for account in accounts]
        assert sorted(crm.write(changes)) == sorted(change.marker for change in changes)

    def test_a_missing_account_is_rejected(self, crm: Written, accounts: list[str]) -> None:
        """With the CRM's words, and without harm to the others."""
        self.need("fields")
        changes = [crm.set(accounts[0], "Top"), crm.set(self.make_id(99), "Top")]
        outcomes = crm.write(changes)
        assert crm.kinds(outcomes) == [Applied, Rejected]

    def test_a_refused_row_costs_one_row(
        self, crm: Written, backend: WriterBackend, accounts: list[str]
    ) -> None:
        """The others of its batch are written, and the CRM's reason comes back."""
        self.need("fields", "refuse")
        backend.refuse(accounts[2])
        outcomes = crm.write([crm.set(account, "Top") for account in accounts])
        assert crm.kinds(outcomes) == [Applied, Applied, Rejected, Applied, Applied]
        refused = outcomes[crm.set(accounts[2], "Top").marker]
        assert isinstance(refused, Rejected)
        assert refused.code
        assert refused.message
        written = dict.fromkeys(accounts, "Top")
        assert crm.filled(accounts) == {key: written[key] for key in written if key != accounts[2]}

    def test_a_refused_task_costs_one_task(
        self, crm: Written, backend: WriterBackend, accounts: list[str]
    ) -> None:
        """As with fields."""
        self.need("tasks", "refuse")
        backend.refuse(accounts[2])
        outcomes = crm.write([task(account) for account in accounts])
        assert crm.kinds(outcomes) == [Applied, Applied, Rejected, Applied, Applied]
        counts = [backend.task_count(task(account).marker) for account in accounts]
        assert counts == [1, 1, 0, 1, 1]

    def test_a_lost_answer_is_unknown(
        self, crm: Written, backend: WriterBackend, accounts: list[str]
    ) -> None:
        """Neither applied nor to be sent again: it may be in the CRM."""
        self.need("fields", "lose_answer")
        backend.lose_answer()
        outcomes = crm.write([crm.set(accounts[0], "Top")])
        assert crm.kinds(outcomes) == [Unknown]

    def test_a_lost_answer_never_makes_a_second_task(
        self, crm: Written, backend: WriterBackend, accounts: list[str]
    ) -> None:
        """The host reads what is there, and then sends what is missing."""
        self.need("tasks", "lose_answer")
        changes = [task(account) for account in accounts]
        backend.lose_answer()
        assert Unknown in crm.kinds(crm.write(changes))
        held = crm.tasks(accounts)
        crm.write([put for put in changes if put.marker not in held])
        assert [backend.task_count(put.marker) for put in changes] == [1] * len(accounts)

    def test_a_task_comes_back_as_it_was_put(self, crm: Written, accounts: list[str]) -> None:
        """Found by its marker, with all that the host compares."""
        self.need("tasks")
        put = task(accounts[0], subject="Call O'Brien", body='First line\nSecond "line"')
        outcome = crm.write([put])[put.marker]
        held = crm.tasks(accounts)[put.marker]
        assert isinstance(outcome, Applied)
        assert (held.account, held.status, held.id) == (accounts[0], "open", outcome.id)
        assert (held.subject, held.body, held.due) == (put.subject, put.body, put.due)

    def test_current_shows_tasks_of_the_accounts_asked_for(
        self, crm: Written, accounts: list[str]
    ) -> None:
        """And of no other."""
        self.need("tasks")
        crm.write([task(account) for account in accounts])
        assert list(crm.tasks(accounts[1:2])) == [task(accounts[1]).marker]

    @pytest.mark.parametrize("knows_id", [True, False], ids=["with-id", "without-id"])
    def test_a_task_put_twice_is_one_task(
        self, crm: Written, backend: WriterBackend, accounts: list[str], knows_id: bool
    ) -> None:
        """By another writer, and also where the host does not know that it exists."""
        self.need("tasks")
        marker = task(accounts[0]).marker
        crm.write([task(accounts[0])])
        known = crm.tasks(accounts)[marker].id if knows_id else None
        outcomes = crm.write([task(accounts[0], task_id=known)])
        assert set(crm.kinds(outcomes)) <= {Applied, Unchanged}
        assert backend.task_count(marker) == 1

    def test_an_open_task_is_brought_up_to_date(
        self, crm: Written, backend: WriterBackend, accounts: list[str]
    ) -> None:
        """The gap to the next tier has changed; the task stays the same."""
        self.need("tasks")
        crm.write([task(accounts[0])])
        held = crm.tasks(accounts)[task(accounts[0]).marker]
        crm.write([task(accounts[0], body="Now 900 short of Top", task_id=held.id)])
        now = crm.tasks(accounts)[held.marker]
        assert (now.id, now.body) == (held.id, "Now 900 short of Top")
        assert backend.task_count(held.marker) == 1

    @pytest.mark.parametrize("status", ["done", "rejected"])
    def test_a_finished_task_is_not_opened_again(
        self,
        crm: Written,
        backend: WriterBackend,
        accounts: list[str],
        status: Literal["done", "rejected"],
    ) -> None:
        """A rep has dealt with it."""
        self.need("tasks", "finish", *(["rejected"] if status == "rejected" else []))
        crm.write([task(accounts[0])])
        held = crm.tasks(accounts)[task(accounts[0]).marker]
        backend.finish(held.marker, status)
        crm.write([task(accounts[0], body="Once more", task_id=held.id)])
        assert crm.tasks(accounts)[held.marker].status == status
        assert backend.task_count(held.marker) == 1

    def test_a_closed_task_is_no_longer_open(
        self, crm: Written, backend: WriterBackend, accounts: list[str]
    ) -> None:
        """It is kept, it no longer waits for anybody, and closing it again is no error."""
        self.need("tasks")
        crm.write([task(accounts[0])])
        held = crm.tasks(accounts)[task(accounts[0]).marker]
        close = CloseTask(held_ref(held), held.marker, held.id, "reason has gone", _TODAY)
        assert crm.kinds(crm.write([close])) == [Applied]
        assert crm.tasks(accounts)[held.marker].status != "open"
        assert set(crm.kinds(crm.write([close]))) <= {Applied, Unchanged}
        assert backend.task_count(held.marker) == 1

    def test_a_value_that_a_person_changed_is_a_conflict(
        self, crm: Written, backend: WriterBackend, adapter: Adapter[Any], accounts: list[str]
    ) -> None:
        """It is neither what the plan saw nor what it wants: it is kept and reported."""
        self.need("fields")
        if not self.detects_conflicts:
            pytest.skip("the adapter does not say that it detects conflicts")
        by_hand = {**self.account(adapter, 1), crm.field: "Chosen by hand"}
        backend.put(Stream.ACCOUNTS, [by_hand])
        (outcome,) = crm.write([crm.set(accounts[0], "Top", old="Big")]).values()
        assert isinstance(outcome, Conflict)
        assert same(outcome.current.get(crm.field), "Chosen by hand")
        assert crm.values(accounts[:1]) == {accounts[0]: "Chosen by hand"}

    def test_refused_credentials_are_an_auth_error(
        self,
        crm: Written,
        backend: WriterBackend,
        settings: BaseModel,
        accounts: list[str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """From `check`, `current` and `write`, and none shows the secret."""
        self.need("refuse_logins")
        backend.refuse_logins()
        messages = []
        for call in self._calls(crm, accounts):
            with pytest.raises(AuthError) as failure:
                call()
            messages.append(str(failure.value))
        expect_no_secret(settings, *messages, caplog.text)

    def test_a_dead_network_is_transient(
        self,
        crm: Written,
        backend: WriterBackend,
        settings: BaseModel,
        accounts: list[str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """An error from `check` and `current`; from `write` an error, Retry or Unknown."""
        self.need("cut_network")
        backend.cut_network()
        check, current, write = self._calls(crm, accounts)
        messages = []
        for call in (check, current):
            with pytest.raises(Transient) as failure:
                call()
            messages.append(str(failure.value))
        try:
            assert {type(outcome) for outcome in write().values()} <= {Retry, Unknown}
        except Transient as error:
            messages.append(str(error))
        expect_no_secret(settings, *messages, caplog.text)

    def _calls(
        self, crm: Written, accounts: list[str]
    ) -> tuple[Callable[[], object], Callable[[], object], Callable[[], dict[str, WriteOutcome]]]:
        change: Change = task(accounts[0])
        if "fields" not in self.cannot:
            change = crm.set(accounts[0], "Top")
        return (
            lambda: crm.check([crm.field]),
            lambda: crm.current(accounts),
            lambda: crm.write([change]),
        )


class Written:
    """Writes and reads through a writer that is opened for each call and closed after it."""

    def __init__(self, adapter: Adapter[Any], settings: BaseModel, field: str) -> None:
        self.adapter = adapter
        self.settings = settings
        self.field = field

    def open(self) -> Writer:
        """Return a new writer."""
        assert self.adapter.writer is not None, "the adapter has no writer"
        return self.adapter.writer(self.settings)

    def check(self, fields: Sequence[str]) -> str:
        """Return what a new writer says of itself."""
        with closing(self.open()) as writer:
            return writer.check(fields)

    def current(self, accounts: Sequence[str]) -> Current:
        """Return what the CRM holds for *accounts*."""
        with closing(self.open()) as writer:
            return writer.current(accounts, [self.field])

    def values(self, accounts: Sequence[str]) -> dict[str, object]:
        """Return the value of the field by account."""
        rows = records(self.current(accounts).accounts)
        assert len({str(row["id"]) for row in rows}) == len(rows), "one row an account"
        return {str(row["id"]): row[self.field] for row in rows}

    def filled(self, accounts: Sequence[str]) -> dict[str, object]:
        """Return the values that are not empty."""
        return {key: value for key, value in self.values(accounts).items() if not same(value, None)}

    def tasks(self, accounts: Sequence[str]) -> dict[str, HeldTask]:
        """Return our tasks by marker."""
        return {held.marker: held for held in self.current(accounts).tasks}

    def write(self, changes: Sequence[Change]) -> dict[str, WriteOutcome]:
        """Return the outcomes by marker, in the order of *changes*; each has exactly one.

        They are sent as the host does it, which finds out itself who spoils a batch.
        """
        with closing(self.open()) as writer:
            outcomes = list(apart(writer.write, changes))
        by_marker = {outcome.marker: outcome for outcome in outcomes}
        assert len(by_marker) == len(outcomes), "a change has two outcomes"
        assert set(by_marker) == {change.marker for change in changes}, "one outcome a change"
        return {change.marker: by_marker[change.marker] for change in changes}

    def kinds(self, outcomes: Mapping[str, WriteOutcome]) -> list[type[WriteOutcome]]:
        """Return the kind of each outcome."""
        return [type(outcome) for outcome in outcomes.values()]

    def set(self, account: str, value: Scalar, *, old: Scalar = None) -> SetFields:
        """Return the change of the field to *value*."""
        return SetFields(Ref(account), {self.field: value}, {self.field: old})


def task(
    account: str,
    *,
    subject: str = "Offer the next tier",
    body: str = "2,100 short of Top",
    task_id: str | None = None,
) -> PutTask:
    """Return the change that puts the suite's task of an account."""
    return PutTask(
        ref=Ref(account),
        marker=f"up_sell:{account}:2026-H1",
        goal="up_sell",
        subject=subject,
        body=body,
        owner=None,
        due=date(2026, 7, 31),
        priority="High",
        created_on=_TODAY,
        task_id=task_id,
    )


def held_ref(held: HeldTask) -> Ref:
    """Return the record that a held task hangs on."""
    return Ref(held.account)
