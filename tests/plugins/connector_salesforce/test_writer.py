"""The Salesforce writer passes the suite against a sandbox, and keeps to what the wire allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import ClassVar
from urllib.parse import quote_plus

import pytest

from connector import (
    AccessError,
    Adapter,
    Applied,
    Change,
    ChoiceChecker,
    CloseTask,
    ConfigError,
    Current,
    FieldSpec,
    HeldTask,
    Ref,
    Rejected,
    Retry,
    Scalar,
    SetFields,
    Stream,
    Unchanged,
    WriteOutcome,
)
from connector.testing import WriterContract, records
from connector.testing.writer import task
from connector_salesforce.settings import SalesforceSettings
from connector_salesforce.tasks import Shape
from connector_salesforce.written import equal, fit
from sandbox_salesforce.fields import day, flag, moment, money, number, pick
from tests.plugins.connector_salesforce.org import (
    MARKER,
    Backend,
    account_id,
    adapter_of,
    an_org,
    settings_of,
)


class Fixtures:
    @pytest.fixture
    def backend(self) -> Iterator[Backend]:
        with an_org() as made:
            yield made

    @pytest.fixture
    def settings(self, backend: Backend) -> SalesforceSettings:
        return settings_of(backend)

    @pytest.fixture
    def adapter(self, backend: Backend) -> Adapter[SalesforceSettings]:
        return adapter_of(backend)

    @pytest.fixture
    def field(self) -> str:
        return "Tier__c"

    def make_id(self, number: int) -> str:
        return account_id(number)


@pytest.mark.long
class TestWriter(Fixtures, WriterContract):
    """Few accounts, by sObject Collections, and tasks that a field marks."""

    detects_conflicts = True


@pytest.mark.long
class TestWriterWithoutMarkerField(Fixtures, WriterContract):
    """Tasks are known by the last line of their description."""

    detects_conflicts = True
    cannot: ClassVar = {"fields": "as in the suite above"}

    @pytest.fixture
    def backend(self) -> Iterator[Backend]:
        with an_org(marker=False) as made:
            yield made


@pytest.mark.long
class TestWriterByBulk(Fixtures, WriterContract):
    """Many accounts: every batch is a job of the Bulk API."""

    cannot: ClassVar = {"tasks": "they never go by the Bulk API"}

    @pytest.fixture
    def backend(self) -> Iterator[Backend]:
        with an_org() as made:
            # Until its rows are released, a job has changed nothing.
            made.losing = ("PATCH",)
            yield made

    @pytest.fixture
    def settings(self, backend: Backend) -> SalesforceSettings:
        return settings_of(backend, bulk_from=1)


@pytest.fixture
def backend() -> Iterator[Backend]:
    with an_org() as made:
        yield made


def written(backend: Backend, changes: Sequence[Change], **writing: object) -> list[WriteOutcome]:
    """Return the outcomes of *changes*, in their order."""
    settings = settings_of(backend, **writing)
    opened = adapter_of(backend).writer
    assert opened is not None
    with closing(opened(settings)) as writer:
        found = {outcome.marker: outcome for outcome in writer.write(changes)}
    assert len(found) == len(changes)
    return [found[change.marker] for change in changes]


def held(backend: Backend, accounts: Sequence[str], *fields: str) -> Current:
    """Return what a new writer says that the org holds."""
    opened = adapter_of(backend).writer
    assert opened is not None
    with closing(opened(settings_of(backend))) as writer:
        return writer.current(accounts, fields)


def some_accounts(backend: Backend, count: int) -> list[str]:
    """Return the ids of new accounts."""
    return [backend.sandbox.insert("Account", Name=f"Account {n}") for n in range(count)]


def tier(account: str, value: str | None = "Top", old: str | None = None) -> SetFields:
    return SetFields(Ref(account), {"Tier__c": value}, {"Tier__c": old})


@pytest.mark.long
def test_ten_thousand_changes_cost_ten_calls(
    backend: Backend, record_property: Callable[[str, object], None]
) -> None:
    accounts = some_accounts(backend, 10_000)
    backend.wire.sent.clear()
    outcomes = written(backend, [tier(account) for account in accounts])
    assert {type(outcome) for outcome in outcomes} == {Applied}
    calls = backend.wire.calls()
    record_property("figure", f"Salesforce: 10,000 changes by Bulk API in {len(calls)} calls")
    assert len(calls) <= 10, calls


@pytest.mark.long
def test_a_thousand_changes_are_five_requests_that_write(backend: Backend) -> None:
    accounts = some_accounts(backend, 1_000)
    backend.wire.sent.clear()
    outcomes = written(backend, [tier(account) for account in accounts])
    assert {type(outcome) for outcome in outcomes} == {Applied}
    assert len(backend.wire.calls("composite/sobjects")) == 5
    assert len(backend.wire.calls("query")) <= 4
    backend.wire.sent.clear()
    written(backend, [tier(account, "Big") for account in accounts], conflicts=False)
    assert backend.wire.calls() == [
        "POST composite",
        *["PATCH composite/sobjects"] * 5,
    ]


@pytest.mark.long
@pytest.mark.parametrize("bulk_from", [1, 2_000], ids=["bulk", "collections"])
def test_bad_rows_cost_themselves_alone(backend: Backend, bulk_from: int) -> None:
    accounts = some_accounts(backend, 200)
    backend.refuse(accounts[3])
    backend.sandbox.delete("Account", accounts[77])
    backend.sandbox.lock(accounts[150])
    changes = [tier(account) for account in accounts]
    outcomes = written(backend, changes, bulk_from=bulk_from)
    others = {n: outcome for n, outcome in enumerate(outcomes) if n not in (3, 77, 150)}
    assert {type(outcome) for outcome in others.values()} == {Applied}
    assert [type(outcomes[n]) for n in (3, 77, 150)] == [Rejected, Rejected, Retry]
    rule, gone = outcomes[3], outcomes[77]
    assert isinstance(rule, Rejected)
    assert isinstance(gone, Rejected)
    assert (rule.code, rule.message) == (
        "FIELD_CUSTOM_VALIDATION_EXCEPTION", "the account is locked by a rule",
    )  # fmt: skip
    assert gone.code == "ENTITY_IS_DELETED"


@pytest.mark.long
@pytest.mark.parametrize("bulk_from", [1, 2_000], ids=["bulk", "collections"])
def test_a_value_outside_a_restricted_picklist_is_rejected(
    backend: Backend, bulk_from: int
) -> None:
    backend.sandbox.add_field("Account", pick("Layer__c", "Top", "Big", restricted=True))
    (account,) = some_accounts(backend, 1)
    change = SetFields(Ref(account), {"Layer__c": "Gold"}, {"Layer__c": None})
    (outcome,) = written(backend, [change], bulk_from=bulk_from)
    assert isinstance(outcome, Rejected)
    assert outcome.code == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


KINDS: Mapping[str, Scalar] = {
    "Day__c": date(2026, 6, 30),
    "Time__c": datetime(2026, 6, 30, 23, 59, 58, tzinfo=timezone(timedelta(hours=2))),
    "Amount__c": Decimal("-1200345.67"),
    "Share__c": Decimal("0.012345"),
    "Rank__c": 4711,
    "Locked__c": True,
}


@pytest.mark.long
@pytest.mark.parametrize("bulk_from", [1, 2_000], ids=["bulk", "collections"])
def test_values_of_every_kind_come_back_and_are_not_sent_again(
    backend: Backend, bulk_from: int
) -> None:
    for field in (day("Day__c"), moment("Time__c"), money("Amount__c"), flag("Locked__c")):
        backend.sandbox.add_field("Account", field)
    backend.sandbox.add_field("Account", number("Share__c", scale=6))
    backend.sandbox.add_field("Account", number("Rank__c"))
    (account,) = some_accounts(backend, 1)
    old: dict[str, Scalar] = {**dict.fromkeys(KINDS), "Locked__c": False}
    change = SetFields(Ref(account), KINDS, old)
    assert isinstance(written(backend, [change], bulk_from=bulk_from)[0], Applied)
    (row,) = records(held(backend, [account], *KINDS).accounts)
    assert not {name: row[name] for name, put in KINDS.items() if not equal(row[name], put)}
    assert written(backend, [change]) == [Unchanged(change.marker)]


@pytest.mark.parametrize(
    ("value", "field", "kept"),
    [
        pytest.param(Decimal("1200.50"), {"type": "string"}, "1200.50", id="number-as-text"),
        pytest.param(4711, {"type": "picklist"}, "4711", id="whole-number-as-text"),
        pytest.param(True, {"type": "string"}, "true", id="flag-as-text"),
        pytest.param(date(2026, 6, 30), {"type": "textarea"}, "2026-06-30", id="day-as-text"),
        pytest.param("yes", {"type": "boolean"}, True, id="text-as-flag"),
        pytest.param("12.5", {"type": "double", "scale": 2}, Decimal("12.50"), id="text-as-number"),
        pytest.param(
            Decimal("0.125"), {"type": "double", "scale": 2}, Decimal("0.13"), id="rounded"
        ),
        pytest.param(
            datetime(2026, 6, 30, 9, tzinfo=UTC), {"type": "date"}, date(2026, 6, 30), id="day"
        ),
        pytest.param(
            date(2026, 6, 30), {"type": "datetime"}, datetime(2026, 6, 30, tzinfo=UTC), id="time"
        ),
        pytest.param("Top", {"type": "currency"}, "Top", id="no-number"),
        pytest.param("", {"type": "string"}, None, id="empty"),
        pytest.param("00042", {}, "00042", id="not-described"),
    ],
)
def test_a_value_goes_as_the_field_keeps_it(
    value: Scalar, field: Mapping[str, object], kept: Scalar
) -> None:
    fitted = fit(value, field)
    assert (fitted, type(fitted)) == (kept, type(kept))


@pytest.mark.long
@pytest.mark.parametrize("bulk_from", [1, 2_000], ids=["bulk", "collections"])
def test_numbers_in_fields_of_text_and_of_few_decimals(backend: Backend, bulk_from: int) -> None:
    backend.sandbox.add_field("Account", number("Share__c", scale=2))
    (account,) = some_accounts(backend, 1)
    values: dict[str, Scalar] = {"Tier__c": Decimal("1200.50"), "Share__c": Decimal("0.012345")}
    change = SetFields(Ref(account), values, dict.fromkeys(values))
    assert isinstance(written(backend, [change], bulk_from=bulk_from)[0], Applied)
    (row,) = records(held(backend, [account], *values).accounts)
    assert (row["Tier__c"], row["Share__c"]) == ("1200.50", Decimal("0.01"))
    assert written(backend, [change]) == [Unchanged(change.marker)]


@pytest.mark.long
def test_an_old_value_as_text_is_no_conflict(backend: Backend) -> None:
    backend.sandbox.add_field("Account", money("Amount__c"))
    backend.sandbox.add_field("Account", moment("Time__c"))
    (account,) = some_accounts(backend, 1)
    backend.sandbox.update(
        "Account", account, Amount__c=1200.5, Time__c="2026-06-30T12:00:00.000+0000"
    )
    old = {"Amount__c": "1200.50", "Time__c": "2026-06-30T14:00:00+02:00"}
    new: dict[str, Scalar] = {
        "Amount__c": Decimal(1300),
        "Time__c": datetime(2026, 7, 1, tzinfo=UTC),
    }
    assert isinstance(written(backend, [SetFields(Ref(account), new, old)])[0], Applied)


@pytest.mark.long
def test_many_accounts_are_asked_for_in_urls_of_bearable_length(backend: Backend) -> None:
    accounts = some_accounts(backend, 1_200)
    backend.wire.sent.clear()
    found = held(backend, accounts, "Tier__c", "Name")
    assert {row["id"] for row in records(found.accounts)} == set(accounts)
    urls = [len(str(one.url)) for one in backend.wire.sent]
    assert max(urls) < 12_000
    assert len(backend.wire.calls("query")) < 12


@pytest.mark.long
def test_a_page_may_be_smaller_than_was_asked_for(backend: Backend) -> None:
    accounts = some_accounts(backend, 25)
    backend.sandbox.settings.page_size = 10
    assert len(records(held(backend, accounts, "Tier__c").accounts)) == 25


def test_an_id_that_is_none_spoils_no_query_and_a_short_one_is_known(backend: Backend) -> None:
    (account,) = some_accounts(backend, 1)
    found = held(backend, ["", "A1", "x' OR Name != '", account[:15]], "Tier__c")
    assert [row["id"] for row in records(found.accounts)] == [account[:15]]


@pytest.mark.long
def test_a_task_goes_to_the_first_owner_whom_the_org_takes(backend: Backend) -> None:
    sandbox = backend.sandbox
    gone = sandbox.insert("User", LastName="Gone", Username="gone@x.example", IsActive=False)
    rep = sandbox.insert("User", LastName="Rep", Username="rep@x.example", IsActive=True)
    desk = sandbox.insert("User", LastName="Desk", Username="desk@x.example", IsActive=True)
    mine, orphan = some_accounts(backend, 2)
    sandbox.update("Account", mine, OwnerId=rep)
    sandbox.update("Account", orphan, OwnerId=gone)

    def owners(asked: str | None, account: str, **writing: object) -> tuple[type, object]:
        change = replace(
            task(account), owner=asked, marker=f"g:{account}:{len(sandbox.records('Task'))}"
        )
        (outcome,) = written(backend, [change], **writing)
        found = backend.tasks(change.marker)
        return type(outcome), found[0]["OwnerId"] if found else None

    assert owners(desk, mine) == (Applied, desk)
    assert owners(None, mine) == (Applied, rep)
    assert owners(gone, mine) == (Applied, rep)
    assert owners(gone, mine, fallback_owner=desk) == (Applied, desk)
    assert owners(gone, mine, fallback_owner=gone) == (Applied, rep)
    assert owners(gone, orphan) == (Rejected, None)


@pytest.mark.long
@pytest.mark.parametrize("ours", [0, 1], ids=["made-first", "made-last"])
def test_of_two_tasks_with_one_marker_ours_is_the_one_that_the_host_knows(
    backend: Backend, ours: int
) -> None:
    (account,) = some_accounts(backend, 1)
    change = task(account)
    (made,) = written(backend, [change])
    assert isinstance(made, Applied)
    copied = {n: backend.tasks(change.marker)[0][n] for n in ("WhatId", "Subject", MARKER)}
    copy = backend.sandbox.insert("Task", **copied, Status="Not Started", Priority="High")
    known = (made.id, copy)[ours]
    newer = replace(change, body="Now 900 short of Top", task_id=known)
    assert written(backend, [newer]) == [Applied(change.marker, known)]
    assert backend.sandbox.record("Task", known)["Description"] == newer.body


@pytest.mark.long
def test_closing_says_why_below_what_was_there(backend: Backend) -> None:
    (account,) = some_accounts(backend, 1)
    change = task(account, body="2,100 short of Top")
    (made,) = written(backend, [change])
    assert isinstance(made, Applied)
    close = CloseTask(change.ref, change.marker, made.id, "It was bought.", date(2026, 7, 2))
    assert written(backend, [close]) == [Applied(change.marker, made.id)]
    closed = backend.sandbox.record("Task", made.id)
    assert (closed["Status"], closed["IsClosed"]) == ("Completed", True)
    assert closed["Description"] == "2,100 short of Top\n\nIt was bought."


def test_a_description_that_is_full_keeps_what_a_person_wrote() -> None:
    shape = Shape(MARKER, False, None, frozenset(), {})
    account = account_id(1)
    close = CloseTask(Ref(account), "m", "00T000000000001AAA", "Bought.", date(2026, 7, 2))
    full = HeldTask("m", account, "open", close.task_id, body="x" * 31_999)
    assert shape.closed(close, full, "Completed").values == {"Status": "Completed"}


def test_what_is_no_account_is_not_written(backend: Backend) -> None:
    lead = SetFields(Ref("00Q000000000001AAA", Stream.LEADS), {"Tier__c": "Top"}, {})
    (outcome,) = written(backend, [lead])
    assert outcome == Rejected(lead.marker, "unsupported", "only accounts are written, not leads")


def checked(backend: Backend, *fields: str, **writing: object) -> str:
    opened = adapter_of(backend).writer
    assert opened is not None
    with closing(opened(settings_of(backend, **writing))) as writer:
        return writer.check(fields)


@pytest.mark.long
def test_a_check_says_how_tasks_are_known_and_what_may_not_be_written(backend: Backend) -> None:
    where = f"{backend.sandbox.url.removeprefix('http://')} as {backend.sandbox.user}"
    tasks = f"tasks known by {MARKER} and closed as 'Completed'"
    assert checked(backend, "Tier__c") == f"{where}: accounts, {tasks}"
    with pytest.raises(AccessError, match="may not change 'LastActivityDate'"):
        checked(backend, "Tier__c", "LastActivityDate")
    with pytest.raises(ConfigError, match="writes 'tier__C' as 'Tier__c'"):
        checked(backend, "tier__C")
    with pytest.raises(ConfigError, match="'Tier c' is no API name"):
        checked(backend, "Tier c")
    with pytest.raises(ConfigError, match=r"writing\.closed_status: tasks have no status 'Fertig'"):
        checked(backend, closed_status="Fertig")
    with pytest.raises(ConfigError, match="say which of them High is"):
        checked(backend, priorities={"High": "Urgent"})
    backend.sandbox.permissions.hide("Task", MARKER, for_edit=True)
    with pytest.raises(AccessError, match=f"may not set '{MARKER}' of tasks"):
        checked(backend, "Tier__c")
    backend.sandbox.permissions.forbid("Task", "create")
    assert "no tasks: this user may not create" in checked(backend, "Tier__c")


class Ids:
    """An org of which a page holds four accounts and a query three ids; what it is asked for."""

    def __init__(self, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
        room = len(quote_plus("'001000000000000AAA', "))
        query = "SELECT Id, Tier__c FROM Account WHERE Id IN ()"
        monkeypatch.setattr("connector_salesforce.held._PAGE", 4)
        monkeypatch.setattr("connector_salesforce.held._LONGEST", len(quote_plus(query)) + 3 * room)
        self.backend = backend
        self.accounts = some_accounts(backend, 40)
        for n, account in enumerate(self.accounts):
            backend.sandbox.update("Account", account, Tier__c=f"Tier {n}")

    def held(self, accounts: Sequence[str]) -> dict[str, object]:
        """Return what the org holds of *accounts*, read with a page of four."""
        self.backend.sandbox.settings.page_size = 4
        self.backend.wire.sent.clear()
        rows = records(held(self.backend, accounts, "Tier__c").accounts)
        return {str(row["id"]): row["Tier__c"] for row in rows}

    @property
    def calls(self) -> list[str]:
        """Return the calls for accounts: the first describes them, the last is for tasks."""
        return self.backend.wire.calls()[1:-1]


def test_many_accounts_are_read_by_ranges_of_ids_five_in_a_call(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    org = Ids(backend, monkeypatch)
    asked = {a: f"Tier {n}" for n, a in enumerate(org.accounts) if n != 2}
    assert org.held(list(asked)) == asked
    # The first range holds one more, and so a second page.
    assert org.calls == ["POST composite", "GET query/0r8Sb0000000001IAA-4", "POST composite"]


def test_accounts_that_lie_far_apart_are_listed(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    org = Ids(backend, monkeypatch)
    some = org.accounts[::8]
    assert org.held(some) == {a: f"Tier {8 * n}" for n, a in enumerate(some)}
    # Of the first four a range, which holds too much, then two lists; the last lies by itself.
    assert org.calls == ["POST composite"] * 2


def test_an_account_that_a_range_does_not_show_is_asked_for_by_its_id(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    org = Ids(backend, monkeypatch)
    backend.sandbox.delete("Account", org.accounts[3])

    def backwards(values: Mapping[str, str]) -> list[str]:
        # An org that orders ids in another way than we do.
        return sorted(values, key=lambda key: key[::-1])

    monkeypatch.setattr("connector_salesforce.held.sorted", backwards, raising=False)
    there = {a: f"Tier {n}" for n, a in enumerate(org.accounts) if n != 3}
    assert org.held(org.accounts) == there


def test_an_org_that_puts_no_queries_together_is_asked_one_by_one(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    org = Ids(backend, monkeypatch)
    monkeypatch.setattr("connector_salesforce.connection.Org.together", nothing_together)
    assert org.held(org.accounts) == {a: f"Tier {n}" for n, a in enumerate(org.accounts)}
    assert org.calls.count("GET query") == 10


def nothing_together(org: object, paths: Sequence[str]) -> list[None]:
    """Answer as `together` does where Composite is refused."""
    return [None] * len(paths)


def test_a_restricted_picklist_must_have_what_will_be_written(backend: Backend) -> None:
    sandbox = backend.sandbox
    for name, restricted in (("Layer__c", True), ("Open__c", False)):
        sandbox.add_field("Account", pick(name, "Top", "Big", restricted=restricted))
    tiers = ("Top", "Big")

    def check(*fields: FieldSpec) -> None:
        opened = adapter_of(backend).writer
        assert opened is not None
        with closing(opened(settings_of(backend))) as writer:
            assert isinstance(writer, ChoiceChecker)
            writer.check_choices(fields)

    whole = FieldSpec("Layer__c", "layer", "Layer", "choice", tiers)
    check(whole, replace(whole, name="Open__c", choices=("Gold",)), replace(whole, name="Tier__c"))
    with pytest.raises(ConfigError) as caught:
        check(replace(whole, choices=("Gold", *tiers, "Lost & found")))
    assert str(caught.value).endswith(
        "the picklist 'Layer__c' takes nothing but its values and lacks 'Gold', 'Lost & found': run"
        " 'connector provision' with --apply, or Setup > Object Manager > Account > Fields &"
        " Relationships > Layer__c > Values > New: Gold, Lost & found"
    )
