"""A stream comes into the store once, whole and in any order, however often it breaks off."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from connector import FIELDS, AuthError, Kind, Page, Stream, Unavailable, Unreadable
from connector import GuardError as Guard
from connector import pull as pulling
from connector.config import Formats
from connector.mapping import StreamMapping
from connector.pull import TABLES, Pull, Pulled, problems_of
from connector.retry import retrying
from connector.store import Bulk, Store
from connector.store.tables import QuarantineRow, StreamState
from connector.testing import FakeCRM, FakeSettings

ACCOUNTS = StreamMapping(
    stream=Stream.ACCOUNTS,
    columns={name: name for name in FIELDS[Stream.ACCOUNTS]},
    constants={},
    explicit=frozenset(),
    values={},
    formats=Formats(),
    timezone="UTC",
    base_currency="EUR",
)
DEALS = replace(
    ACCOUNTS,
    stream=Stream.OPPORTUNITIES,
    columns={name: name for name in FIELDS[Stream.OPPORTUNITIES]},
)


@dataclass
class Script:
    """A source that sends the pages it was given, from the one after the cursor."""

    pages: Sequence[Page]
    cursors: list[str | None] = field(default_factory=list)
    breaks: list[tuple[int, Exception]] = field(default_factory=list)
    """After which page to break off, and how; each is used once."""

    def check(self) -> str:
        return "a script"

    def pull(self, stream: Stream, fields: Sequence[str], cursor: str | None) -> Iterator[Page]:
        self.cursors.append(cursor)
        places = [page.cursor for page in self.pages]
        start = places.index(cursor) + 1 if cursor in places else 0
        for number, page in enumerate(self.pages[start:], start=start + 1):
            if self.breaks and self.breaks[0][0] < number:
                raise self.breaks.pop(0)[1]
            yield page

    def close(self) -> None:
        pass


def account(key: str, name: str = "", day: int | None = None, **more: object) -> dict[str, object]:
    modified = datetime(2017, 1, day, tzinfo=UTC) if day else None
    return {"id": key, "name": name or f"name of {key}", "modified_at": modified, **more}


def pages(*rows: Sequence[dict[str, object]], scan: str | None = None, at: int = 0) -> list[Page]:
    return [Page(list(r), f"c{n}", scan=scan) for n, r in enumerate(rows, start=at + 1)]


def pull(store: Store, source: Any, by: StreamMapping = ACCOUNTS, **options: Any) -> Pulled:
    return Pull(store, 1, by, where="job.toml", **options).run(source)


def names(store: Store) -> dict[str, str]:
    """Return the names of the accounts that are there."""
    with store.bulk() as bulk:
        found = bulk.fetch("select id, name from account where job_id = 1 and not deleted")
    return dict(sorted((row["id"], row["name"]) for row in found.to_pylist()))


def content(store: Store, table: str = "account") -> list[dict[str, object]]:
    with store.bulk() as bulk:
        return list(bulk.fetch(f"select * from {table} order by 1, 2").to_pylist())


def aside(store: Store) -> list[QuarantineRow]:
    with store.session() as session:
        rows = session.exec(select(QuarantineRow)).all()
    return sorted(rows, key=lambda row: row.record)


def state(store: Store) -> StreamState:
    with store.session() as session:
        found = session.get(StreamState, (1, "accounts"))
    assert found is not None
    return found


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass between attempts."""

    def at_once(open_pages: Callable[[], Any]) -> Iterator[Any]:
        return retrying(open_pages, sleep=lambda seconds: None)

    monkeypatch.setattr(pulling, "retrying", at_once)


# --- increments


def test_a_stream_is_stored_with_its_cursor(store: Store) -> None:
    counts = pull(store, Script(pages([account("A"), account("B")], [account("C")])))

    assert list(names(store)) == ["A", "B", "C"]
    assert state(store).cursor == "c2"
    assert counts == Pulled(read=3, stored=3, pages=2)


def test_the_next_pull_goes_on_after_the_cursor(sqlite_store: Store) -> None:
    source = Script(pages([account("A")], [account("B")]))
    pull(sqlite_store, source)

    assert pull(sqlite_store, source) == Pulled()
    assert source.cursors == [None, "c2"]


def test_rows_read_again_change_nothing(store: Store) -> None:
    pull(store, Script(pages([account("A", day=1), account("B", day=2)])))
    before = content(store)

    counts = pull(store, Script(pages([account("B", day=2), account("C", day=3)], at=1)))

    assert content(store)[:2] == before
    assert (counts.read, counts.stored, counts.unchanged) == (2, 1, 1)


def test_a_record_that_was_only_touched_has_not_changed(store: Store) -> None:
    """CRMs move the time of an account when we write its tier."""
    pull(store, Script(pages([account("A", "old", day=1), account("B", day=1)])))

    counts = pull(store, Script(pages([account("A", "old", day=5), account("B", day=4)], at=1)))
    late = pull(store, Script(pages([account("A", "between", day=3)], at=2)))

    assert (counts.read, counts.stored, counts.unchanged) == (2, 0, 2)
    assert (late.stored, late.unchanged) == (0, 1)
    assert content(store)[0]["name"] == "old"


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        pytest.param(5, 4, "first", id="older"),
        pytest.param(5, 6, "second", id="newer"),
        pytest.param(5, 5, "second", id="of the same second"),
        pytest.param(None, None, "second", id="without age"),
    ],
)
def test_an_older_version_that_comes_late_does_not_overwrite(
    store: Store, first: int | None, second: int | None, kept: str
) -> None:
    pull(store, Script(pages([account("A", "first", first)], [account("A", "second", second)])))

    assert names(store) == {"A": kept}


def test_a_feed_of_deletions_deletes(store: Store) -> None:
    pull(store, Script(pages([account("A"), account("B")])))

    counts = pull(store, Script([Page([], "c2", deleted=["A", "unknown"])]))

    assert list(names(store)) == ["B"]
    assert counts.deleted == 1


def test_a_deleted_record_may_come_back(store: Store) -> None:
    pull(store, Script(pages([account("A", day=5)])))
    pull(store, Script([Page([], "c2", deleted=["A"])]))

    pull(store, Script(pages([account("A", "again", day=5)], at=2)))

    assert names(store) == {"A": "again"}


def test_jobs_do_not_see_each_other(store: Store) -> None:
    pull(store, Script(pages([account("A", "of job 1")])))

    Pull(store, 2, ACCOUNTS, where="job.toml").run(Script(pages([account("A", "of job 2")])))

    assert names(store) == {"A": "of job 1"}


def test_values_are_stored_exactly(store: Store) -> None:
    row = {
        "id": "007",
        "status": "won",
        "amount": "1234567.8949",
        "close_date": "2016-02-29",
        "created_at": "2016-02-29T23:59:59.123456Z",
        "name": " Ü'; drop table opportunity ",
    }

    Pull(store, 1, DEALS, where="job.toml").run(Script([Page([row], "c1")]))

    with store.bulk() as bulk:
        (found,) = bulk.fetch("select * from opportunity").to_pylist()
    assert (found["id"], found["name"]) == ("007", " Ü'; drop table opportunity ")
    assert found["amount"] == 12_345_678_949
    assert str(found["close_date"]) == "2016-02-29"


# --- every stream

GIVEN_AND_KEPT: dict[Kind, tuple[object, object]] = {
    Kind.TEXT: ("X", "X"),
    Kind.MONEY: (Decimal("12.5"), 125_000),
    Kind.NUMBER: ("0.25", 2_500),
    Kind.DATE: ("2017-03-05", "2017-03-05"),
    Kind.TIME: (datetime(2017, 3, 5, 12, tzinfo=UTC), "2017-03-05 12:00:00.000000"),
    Kind.FLAG: ("yes", 1),
}


def mapping(stream: Stream) -> StreamMapping:
    columns = {name: name for name in FIELDS[stream]}
    return replace(ACCOUNTS, stream=stream, columns=columns, base_currency="X")


def full(stream: Stream, *, kept: bool = False) -> dict[str, object]:
    """Return a record with a value in every field, as it is given or as SQLite keeps it."""
    return {
        one.name: one.choices[0] if one.choices else GIVEN_AND_KEPT[one.kind][kept]
        for one in FIELDS[stream].values()
    }


@pytest.mark.parametrize("stream", list(Stream))
def test_every_field_of_a_stream_is_kept(sqlite_store: Store, stream: Stream) -> None:
    counts = pull(sqlite_store, Script([Page([full(stream)], "c1")]), mapping(stream))

    assert counts == Pulled(read=1, stored=1, pages=1)
    ours = {"job_id": 1, "scan": None, "deleted": 0}
    assert content(sqlite_store, TABLES[stream]) == [full(stream, kept=True) | ours]
    assert sqlite_store.filled(1) == {stream: frozenset(FIELDS[stream])}


def test_fields_are_noted_as_soon_as_one_row_has_a_value(sqlite_store: Store) -> None:
    lone = {"id": "A1", "name": None, "region": None}
    pull(sqlite_store, Script([Page([lone], "c1")]), mapping(Stream.ACCOUNTS))
    assert sqlite_store.filled(1) == {Stream.ACCOUNTS: frozenset({"id"})}

    pages = [Page([lone, {"id": "A2", "region": "North"}], "c2"), Page([lone], "c3")]
    pull(sqlite_store, Script(pages), mapping(Stream.ACCOUNTS))
    assert sqlite_store.filled(1) == {Stream.ACCOUNTS: frozenset({"id", "region"})}


def test_what_was_read_before_fields_were_noted_stays_unknown(sqlite_store: Store) -> None:
    pull(sqlite_store, Script([Page([{"id": "A1"}], "c1")]), mapping(Stream.ACCOUNTS))
    with sqlite_store.bulk() as bulk:
        bulk.execute("update stream_state set filled = null")
        bulk.commit()

    pages = [Page([{"id": "A2", "name": "Alfa"}], "c2")]
    pull(sqlite_store, Script(pages), mapping(Stream.ACCOUNTS))

    assert sqlite_store.filled(1) == {}


@pytest.mark.long
@pytest.mark.parametrize("stream", [stream for stream in Stream if stream.optional])
def test_a_stream_that_a_job_no_longer_has_stays_as_it_was(store: Store, stream: Stream) -> None:
    pull(store, Script([Page([full(stream)], "c1", scan="s1")]), mapping(stream))
    before = content(store, TABLES[stream])

    assert pull(store, Script([]), mapping(stream)) == Pulled()
    assert content(store, TABLES[stream]) == before
    assert len(before) == 1


# --- breaking off


@pytest.mark.parametrize("after", range(4))
@pytest.mark.parametrize("scan", [None, "s1"], ids=["increment", "scan"])
def test_a_pull_that_dies_after_any_page_goes_on_there(
    sqlite_store: Store, after: int, scan: str | None
) -> None:
    rows = [[account("A")], [account("B"), account("C")], [account("D")]]
    source = Script(pages(*rows, scan=scan), breaks=[(after, AuthError("signed out"))])
    if after < 3:
        with pytest.raises(AuthError):
            pull(sqlite_store, source)
        assert len(names(sqlite_store)) == (0, 1, 3)[after]

    pull(sqlite_store, source)

    assert list(names(sqlite_store)) == ["A", "B", "C", "D"]
    assert source.cursors[-1] == (None, "c1", "c2", None)[after]


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.long
@pytest.mark.parametrize("scan", [None, "s1"], ids=["increment", "scan"])
def test_a_pull_killed_between_any_two_writes_comes_to_the_same_end(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch, scan: str | None
) -> None:
    rows = [
        [account("A", day=1), account("bad", excluded="perhaps")],
        [account("A", day=1), account("B", day=2)],
        [account("B", "other", day=3), account("C", day=4)],
    ]
    bulk = sqlite_store.bulk
    left = 0

    def counted(work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*values: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            return work(*values, **named)

        return run

    def fragile() -> Any:
        context = bulk()
        opened: Any = context.__enter__()
        for name in ("upsert", "execute", "commit"):
            monkeypatch.setattr(opened, name, counted(getattr(opened, name)))
        return _Again(opened, context)

    undisturbed = Store(f"sqlite:///{sqlite_store.database.path.with_name('undisturbed.db')}")
    pull(undisturbed, Script(pages(*rows, scan=scan)))
    kills = 0
    while True:
        left = kills % 12
        kills += 1
        monkeypatch.setattr(sqlite_store, "bulk", fragile)
        try:
            pull(sqlite_store, Script(pages(*rows, scan=scan)))
            break
        except Killed:
            pass
        finally:
            monkeypatch.setattr(sqlite_store, "bulk", bulk)
    assert kills > 5

    for table in ("account", "stream_state"):
        assert content(sqlite_store, table) == content(undisturbed, table)
    assert [row.record for row in aside(sqlite_store)] == [row.record for row in aside(undisturbed)]


class _Again:
    """A bulk connection that was entered already."""

    def __init__(self, bulk: Bulk, context: Any) -> None:
        self._bulk, self._context = bulk, context

    def __enter__(self) -> Bulk:
        return self._bulk

    def __exit__(self, *error: Any) -> Any:
        return self._context.__exit__(*error)


@pytest.mark.usefixtures("patient")
def test_what_fails_for_the_moment_is_asked_again_from_the_cursor(sqlite_store: Store) -> None:
    breaks: list[tuple[int, Exception]] = [(n, Unavailable("gone")) for n in (0, 1, 1, 2)]
    source = Script(pages([account("A")], [account("B")], [account("C")]), breaks=breaks)

    counts = pull(sqlite_store, source)

    assert list(names(sqlite_store)) == ["A", "B", "C"]
    assert source.cursors == [None, None, "c1", "c1", "c2"]
    assert counts.read == 3


@pytest.mark.usefixtures("patient")
def test_what_keeps_failing_is_raised_and_what_was_read_stays(sqlite_store: Store) -> None:
    source = Script(pages([account("A")], [account("B")]), breaks=[(1, Unavailable("gone"))] * 9)

    with pytest.raises(Unavailable):
        pull(sqlite_store, source)

    assert list(names(sqlite_store)) == ["A"]


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("scan", [True, False], ids=["scan", "increment"])
def test_a_crm_that_breaks_off_is_read_whole(sqlite_store: Store, scan: bool) -> None:
    crm = FakeCRM(accounts=[account(f"A{n}") for n in range(7)], page_size=2, scan=scan)
    crm.fail_after_pages(2)
    adapter = crm.adapter()
    assert adapter.source is not None

    pull(sqlite_store, adapter.source(FakeSettings()))

    assert len(names(sqlite_store)) == 7


# --- scans


def test_what_a_finished_scan_does_not_hold_is_deleted(store: Store) -> None:
    pull(store, Script(pages([account("A"), account("B")], scan="s1")))

    counts = pull(store, Script(pages([account("B"), account("C")], scan="s2", at=1)))

    assert list(names(store)) == ["B", "C"]
    assert (counts.deleted, counts.scanned) == (1, True)


def test_a_scan_that_broke_off_deletes_nothing(sqlite_store: Store) -> None:
    pull(sqlite_store, Script(pages([account("A"), account("B")], scan="s1")))
    source = Script(
        pages([account("A")], [account("B")], scan="s2", at=1), breaks=[(1, AuthError("x"))]
    )

    with pytest.raises(AuthError):
        pull(sqlite_store, source)

    assert list(names(sqlite_store)) == ["A", "B"]


def test_a_scan_that_is_resumed_keeps_what_its_first_half_held(sqlite_store: Store) -> None:
    source = Script(pages([account("A")], [account("B")], scan="s1"), breaks=[(1, AuthError("x"))])
    with pytest.raises(AuthError):
        pull(sqlite_store, source)

    counts = pull(sqlite_store, source)

    assert list(names(sqlite_store)) == ["A", "B"]
    assert counts.deleted == 0


def test_a_scan_of_another_day_is_not_resumed(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "_today", lambda: date(2026, 7, 1))
    with pytest.raises(AuthError):
        pull(
            sqlite_store,
            Script(pages([account("A")], [account("B")], scan="s1"), breaks=[(1, AuthError("x"))]),
        )
    changed = Script(pages([account("A", "new")], [account("B")], scan="s1"))

    monkeypatch.setattr(pulling, "_today", lambda: date(2026, 7, 2))
    pull(sqlite_store, changed)

    assert changed.cursors == [None]
    assert names(sqlite_store) == {"A": "new", "B": "name of B"}


def test_a_file_that_changed_during_a_scan_is_read_anew(sqlite_store: Store) -> None:
    first = Script(
        pages([account("A")], [account("B")], scan="monday"), breaks=[(1, AuthError("x"))]
    )
    with pytest.raises(AuthError):
        pull(sqlite_store, first)

    pull(sqlite_store, Script(pages([account("B", "new")], [account("C")], scan="tuesday", at=5)))

    assert names(sqlite_store) == {"B": "new", "C": "name of C"}


def test_a_scan_of_nothing_stops_the_run_and_changes_nothing(store: Store) -> None:
    pull(store, Script(pages([account("A")], scan="s1")))
    before = content(store)

    with pytest.raises(Guard, match=r"the source sent no accounts, where it had 1; nothing was"):
        pull(store, Script(pages([], scan="s2", at=1)))

    assert content(store) == before


def test_it_stops_every_time_until_it_is_right(sqlite_store: Store) -> None:
    pull(sqlite_store, Script(pages([account("A")], scan="s1")))
    empty = Script(pages([], scan="s2", at=1))
    for _ in range(2):
        with pytest.raises(Guard):
            pull(sqlite_store, empty)

    pull(sqlite_store, Script(pages([account("B")], scan="s3", at=2)))

    assert list(names(sqlite_store)) == ["B"]


def test_a_scan_of_nothing_may_be_allowed(store: Store) -> None:
    pull(store, Script(pages([account("A")], scan="s1")))

    counts = pull(store, Script(pages([], scan="s2", at=1)), allow_empty=True)

    assert names(store) == {}
    assert counts.deleted == 1


def test_a_first_scan_may_be_empty(sqlite_store: Store) -> None:
    assert pull(sqlite_store, Script(pages([], scan="s1"))).read == 0


def test_a_row_that_can_not_be_read_is_not_deleted(store: Store) -> None:
    pull(store, Script(pages([account("A"), account("B")], scan="s1")))

    pull(store, Script(pages([account("A"), account("B", excluded="perhaps")], scan="s2", at=1)))

    assert list(names(store)) == ["A", "B"]


def test_a_row_whose_id_can_not_be_read_stops_deletions(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    pull(store, Script(pages([account("A"), account("B")], scan="s1")))
    broken = Page(
        [account("A")], "c2", scan="s2", unreadable=[Unreadable("line 3", "B,???", "too short")]
    )

    counts = pull(store, Script([broken]))

    assert list(names(store)) == ["A", "B"]
    assert (counts.read, counts.quarantined, counts.deleted) == (2, 1, 0)
    assert "what is missing is not taken as deleted" in caplog.text


def test_once_it_can_be_read_what_is_missing_is_deleted(sqlite_store: Store) -> None:
    pull(sqlite_store, Script(pages([account("A"), account("B")], scan="s1")))
    broken = [Unreadable("line 3", "B,???", "too short")]
    pull(sqlite_store, Script([Page([account("A")], "c2", scan="s2", unreadable=broken)]))

    pull(sqlite_store, Script(pages([account("A")], scan="s3", at=2)))

    assert (list(names(sqlite_store)), aside(sqlite_store)) == (["A"], [])


@pytest.mark.parametrize("together", [True, False], ids=["one page", "two pages"])
def test_an_id_that_comes_twice_in_a_scan_is_set_aside(store: Store, together: bool) -> None:
    rows = [account("A", "first"), account("A", "second")]
    sent = [rows] if together else [rows[:1], rows[1:]]

    counts = pull(store, Script(pages(*sent, scan="s1")))

    assert names(store) == {"A": "first"}
    (row,) = aside(store)
    assert row.nature == "repeat"
    assert json.loads(row.content)["name"] == "second"
    assert "comes more than once" in problems_of(row)[0].reason
    assert (counts.read, counts.stored, counts.quarantined) == (2, 1, 1)


def test_each_of_several_is_set_aside(store: Store) -> None:
    rows = [account("A", name) for name in ("first", "second", "third", "fourth")]

    pull(store, Script(pages(rows[:2], rows[2:3], rows[3:], scan="s1")))

    kept = {json.loads(row.content)["name"] for row in aside(store)}
    assert kept == {"second", "third", "fourth"}


def test_one_that_says_the_same_is_not(store: Store) -> None:
    row = account("A", day=3, excluded=True, created_at=datetime(2016, 1, 1, tzinfo=UTC))

    counts = pull(store, Script(pages([row], [row, row, account("B")], scan="s1")))

    assert aside(store) == []
    assert (counts.read, counts.stored, counts.unchanged) == (4, 2, 2)


def test_a_repeat_is_forgotten_when_a_scan_holds_it_no_more(sqlite_store: Store) -> None:
    rows = [account("A", "first"), account("A", "second")]
    pull(sqlite_store, Script(pages(rows, scan="s1")))

    pull(sqlite_store, Script(pages([account("A", "second")], scan="s2", at=1)))

    assert (names(sqlite_store), aside(sqlite_store)) == ({"A": "second"}, [])


def test_increments_may_follow_a_scan(sqlite_store: Store) -> None:
    pull(sqlite_store, Script(pages([account("A", day=1), account("B", day=1)], scan="s1")))

    pull(sqlite_store, Script(pages([account("B", "new", day=2)], at=1)))

    assert names(sqlite_store) == {"A": "name of A", "B": "new"}


# --- quarantine


def deal(key: str, **values: object) -> dict[str, object]:
    return {"id": key, "status": "won", **values}


def deals(store: Store, source: Any, by: StreamMapping = DEALS) -> Pulled:
    return Pull(store, 1, by, where="job.toml").run(source)


def amounts(store: Store) -> dict[str, object]:
    with store.bulk() as bulk:
        found = bulk.fetch("select id, amount from opportunity where not deleted").to_pylist()
    return {row["id"]: row["amount"] for row in found}


def test_a_row_that_can_not_be_read_is_kept_with_its_reason(store: Store) -> None:
    counts = deals(store, Script([Page([deal("1", amount="lots"), deal("2")], "c1")]))

    (row,) = aside(store)
    assert (row.stream, row.record, row.nature) == ("opportunities", "1", "row")
    assert problems_of(row)[0].value == "lots"
    assert row.since.tzinfo is not None
    assert (counts.read, counts.stored, counts.quarantined) == (2, 1, 1)


def test_it_stays_until_it_can_be_read(sqlite_store: Store) -> None:
    deals(sqlite_store, Script([Page([deal("1", amount="lots")], "c1")]))

    deals(sqlite_store, Script([Page([], "c2")]))

    assert [row.record for row in aside(sqlite_store)] == ["1"]


def test_what_was_known_before_stays(sqlite_store: Store) -> None:
    deals(sqlite_store, Script([Page([deal("1", amount="5")], "c1")]))

    deals(sqlite_store, Script([Page([deal("1", amount="lots")], "c2")]))

    assert amounts(sqlite_store) == {"1": 50_000}


def test_it_is_let_go_when_a_good_version_comes(store: Store) -> None:
    deals(store, Script([Page([deal("1", amount="lots")], "c1")]))

    deals(store, Script([Page([deal("1", amount="7")], "c2")]))

    assert (amounts(store), aside(store)) == ({"1": 70_000}, [])


def test_also_when_it_comes_in_the_same_pull(sqlite_store: Store) -> None:
    source = Script([Page([deal("1", amount="lots")], "c1"), Page([deal("1", amount="7")], "c2")])

    deals(sqlite_store, source)

    assert (amounts(sqlite_store), aside(sqlite_store)) == ({"1": 70_000}, [])


def test_it_is_read_again_when_a_rate_is_added(store: Store) -> None:
    # The source has nothing new to say: what is in quarantine is enough.
    row = deal("1", amount="7", currency="USD", close_date="2017-03-05")
    deals(store, Script([Page([row], "c1")]))
    assert amounts(store) == {}

    rated = replace(DEALS, rates_from={"USD": date(2017, 1, 1)})
    counts = deals(store, Script([Page([], "c2")]), rated)

    assert (amounts(store), aside(store)) == ({"1": 70_000}, [])
    assert counts == Pulled(pages=1)


def test_read_again_it_does_not_overwrite_what_is_newer(sqlite_store: Store) -> None:
    usd = {"currency": "USD", "modified_at": "2017-03-05T00:00:00Z"}
    deals(sqlite_store, Script([Page([deal("1", amount="7", **usd)], "c1")]))
    other = Store(sqlite_store.database.url.render_as_string())
    with other.bulk() as bulk:
        bulk.execute(
            "insert into opportunity (job_id, id, status, amount, modified_at, deleted)"
            " values (1, '1', 'won', 90000, '2017-03-06 00:00:00.000000', false)"
        )
        bulk.commit()

    deals(sqlite_store, Script([]), replace(DEALS, rates_from={"USD": date(2017, 1, 1)}))

    assert amounts(sqlite_store) == {"1": 90_000}


def test_a_deleted_record_does_not_come_back_out_of_quarantine(store: Store) -> None:
    usd = deal("1", amount="7", currency="USD")
    deals(store, Script([Page([deal("1", amount="5")], "c1"), Page([usd], "c2")]))
    deals(store, Script([Page([], "c3", deleted=["1"])]))

    deals(store, Script([]), replace(DEALS, rates_from={"USD": date(2017, 1, 1)}))

    assert (amounts(store), aside(store)) == ({}, [])


# --- another mapping


@pytest.mark.parametrize("day", [5, None], ids=["with age", "without age"])
@pytest.mark.parametrize("scan", [None, "s1"], ids=["increment", "scan"])
def test_a_mapping_that_changed_reads_everything_again(
    store: Store, day: int | None, scan: str | None
) -> None:
    rows = [account("A", day=day, industry="software")]
    source = Script(pages(rows, scan=scan))
    pull(store, source)

    columns = {**ACCOUNTS.columns, "name": "industry"}
    pull(store, source, replace(ACCOUNTS, columns=columns))

    assert names(store) == {"A": "software"}
    assert source.cursors == [None, None]


def test_also_where_ages_were_read_otherwise(sqlite_store: Store) -> None:
    rows = [{"id": "A", "name": "x", "industry": "y", "modified_at": "2017-01-05 00:00:00"}]
    pull(sqlite_store, Script([Page(rows, "c1")]))

    columns = {**ACCOUNTS.columns, "name": "industry"}
    east = replace(ACCOUNTS, columns=columns, timezone="Asia/Tokyo")
    pull(sqlite_store, Script([Page(rows, "c1")]), east)

    assert names(sqlite_store) == {"A": "y"}


def test_a_corrected_mapping_empties_the_quarantine(store: Store) -> None:
    source = Script([Page([deal("1", amount="1,5"), deal("2", amount="lots")], "c1")])
    deals(store, source)
    assert [row.record for row in aside(store)] == ["1", "2"]

    counts = deals(store, source, replace(DEALS, formats=Formats(decimal=",")))

    assert amounts(store) == {"1": 15_000}
    assert [row.record for row in aside(store)] == ["2"]
    assert (counts.read, counts.stored, counts.quarantined) == (2, 1, 1)


def test_a_pull_that_dies_after_the_mapping_changed_still_reads_everything(
    sqlite_store: Store,
) -> None:
    rows = [[account("A", day=5, industry="x")], [account("B", day=5, industry="y")]]
    pull(sqlite_store, Script(pages(*rows)))
    other = replace(ACCOUNTS, columns={**ACCOUNTS.columns, "name": "industry"})
    source = Script(pages(*rows), breaks=[(0, AuthError("x")), (1, AuthError("x"))])
    for _ in range(2):
        with pytest.raises(AuthError):
            pull(sqlite_store, source, other)

    pull(sqlite_store, source, other)

    assert names(sqlite_store) == {"A": "x", "B": "y"}


# --- whatever the pages, the store is the same

VERSIONS = st.lists(
    st.tuples(st.sampled_from("ABCD"), st.integers(1, 9), st.sampled_from(["5", "7", "lots"])),
    max_size=10,
)


@pytest.mark.long
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(versions=VERSIONS, cuts=st.lists(st.integers(0, 10), max_size=3), data=st.data())
def test_neither_pages_nor_order_nor_repeats_matter(
    sqlite_store: Store, versions: list[tuple[str, int, str]], cuts: list[int], data: st.DataObject
) -> None:
    # One version a moment: a record can't say two things at once.
    unique = list({(key, day): (key, day, amount) for key, day, amount in versions}.values())
    rows = [
        deal(key, amount=amount, modified_at=datetime(2017, 1, day, tzinfo=UTC), name=str(day))
        for key, day, amount in unique
        if amount != "lots"
    ]
    bad = [deal(key, amount="lots") for key, _, amount in unique if amount == "lots"]
    shuffled = data.draw(st.permutations(rows + rows[:2] + bad))
    bounds = [0, *sorted(min(cut, len(shuffled)) for cut in cuts), len(shuffled)]
    split = [Page(shuffled[start:end], f"c{n}") for n, (start, end) in enumerate(pairwise(bounds))]
    with sqlite_store.bulk() as bulk:
        for table in ("opportunity", "quarantine", "stream_state"):
            bulk.execute(f"delete from {table}")
        bulk.commit()

    counts = deals(sqlite_store, Script(split))

    newest = {row["id"]: row for row in sorted(rows, key=lambda row: str(row["modified_at"]))}
    assert amounts(sqlite_store) == {
        str(key): int(Decimal(str(row["amount"])) * 10_000) for key, row in newest.items()
    }
    assert counts.read == len(shuffled) == counts.stored + counts.unchanged + counts.quarantined


def test_a_page_may_be_an_arrow_table(store: Store) -> None:
    rows = pa.table({"id": ["A", "B"], "name": pa.array(["x", None]).dictionary_encode()})

    counts = pull(store, Script([Page(rows, "c1", scan="s1")]))

    assert names(store) == {"A": "x", "B": None}
    assert counts.read == 2


def test_progress_is_told_after_each_page(sqlite_store: Store) -> None:
    told: list[tuple[str, int, int | None]] = []
    sent = [replace(page, total=3) for page in pages([account("A"), account("B")], [account("C")])]

    pull(
        sqlite_store,
        Script(sent),
        progress=lambda what, done, total: told.append((what, done, total)),
    )

    assert told == [("Reading accounts", 2, 3), ("Reading accounts", 3, 3)]
