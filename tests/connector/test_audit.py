"""The audit trail: what is in it, and that nothing is changed in it unseen."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Self

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel, select

from connector import audit
from connector.errors import AuditError, AuthError
from connector.store import Database, Store, chain, migrate
from connector.store.opening import SCHEMA
from connector.store.tables import AuditRow, RunRow
from connector.sync import Sync
from connector.testing import FakeCRM
from tests.connector.cli_jobs import run, run_json, words, write_job
from tests.connector.sync_world import World, crm

DAY = date(2026, 6, 30)


def trail_of(store: Store) -> list[AuditRow]:
    with store.session() as session:
        return list(session.exec(select(AuditRow).order_by(AuditRow.number)))  # type: ignore[arg-type]  # a column


def told(store: Store) -> list[tuple[str, dict[str, Any]]]:
    return [(entry.verb, json.loads(entry.details)) for entry in trail_of(store)]


def of_runs(store: Store) -> list[str]:
    return [entry.verb for entry in trail_of(store) if entry.run_id]


def put_run(store: Store, run_id: str, state: str = "done") -> RunRow:
    row = RunRow(
        id=run_id, job_id=1, state=state, stage="record", as_of=DAY, config_hash="abc",
        started_at=datetime(2026, 6, 30, 12, tzinfo=UTC),
    )  # fmt: skip
    with store.session() as session:
        session.add(row)
    return row


# --- what is written


def test_an_entry_says_who_did_what(store: Store) -> None:
    with audit.acting_as("schedule"):
        audit.record(store, "run", job="north", run_id="r1", details={"as_of": "2026-06-30"})
    audit.record(store, "retry", job="north")

    first, second = trail_of(store)[-2:]

    assert first.who.endswith(" (schedule)")
    assert first.who == f"{second.who} (schedule)"
    assert "@" in second.who
    assert (first.verb, first.job, first.run_id) == ("run", "north", "r1")
    assert json.loads(first.details) == {"as_of": "2026-06-30"}
    assert datetime.fromisoformat(first.moment).utcoffset() == datetime.now(UTC).utcoffset()
    assert second.previous == first.hash


def test_an_entry_goes_with_what_it_tells_of(store: Store) -> None:
    before = len(trail_of(store))
    with suppress(ZeroDivisionError), store.session() as session:
        audit.record(session, "run", job="north")
        raise ZeroDivisionError

    assert len(trail_of(store)) == before


def test_a_new_store_begins_with_its_making(empty_url: str) -> None:
    store = Store(empty_url)

    assert told(store) == [("migrate", {"from": None, "to": SCHEMA, "runs": 0})]
    assert audit.verify(Store(empty_url)).entries == 1


def test_a_store_brought_up_to_date_says_how_many_runs_are_older(empty_url: str) -> None:
    database = Database(empty_url)
    migrate(database.engine, "0003")
    with database.engine.begin() as connection:
        connection.execute(
            text(
                "insert into run (id, job_id, state, stage, as_of, started_at, config_hash,"
                " message, counts, summary) values ('r0', 1, 'done', 'record', '2026-06-30',"
                " '2026-06-30 12:00:00', '', '', '{}', '{}')"
            )
        )

    store = Store(empty_url)

    assert told(store) == [("migrate", {"from": "0003", "to": SCHEMA, "runs": 1})]
    assert audit.verify(store).entries == 1


def test_whatever_stands_in_a_command_line_can_be_kept(store: Store) -> None:
    reason = 'a "quoted" € \x00 \udcff \n line'
    audit.record(store, "override", details={"reason": reason})

    assert told(store)[-1] == ("override", {"reason": reason})
    audit.verify(store)


def test_two_may_append_at_once(store: Store) -> None:
    def append(job: str) -> None:
        for _ in range(25):  # not through the store, which lets one in at a time in a process
            with store.database.engine.begin() as connection:
                chain.append(connection, "run", job=job)

    with ThreadPoolExecutor() as pool:
        list(pool.map(append, ("one", "two")))

    jobs = [entry.job for entry in trail_of(store) if entry.job]
    assert (jobs.count("one"), jobs.count("two")) == (25, 25)
    assert audit.verify(store).entries == len(trail_of(store))


APPENDS = """
import sys
from connector.audit import record
from connector.store import Store
store = Store(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for number in range(100):
    record(store, "run", job=sys.argv[2], details={"number": number})
"""


@pytest.mark.long
def test_two_processes_may_append_at_once(store_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", APPENDS, store_url, name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for name in ("one", "two")
    ]  # fmt: skip
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    said = [process.communicate("go\n")[1] for process in processes]

    assert [process.returncode for process in processes] == [0, 0], said
    store = Store(store_url)
    jobs = [entry.job for entry in trail_of(store) if entry.job]
    assert (jobs.count("one"), jobs.count("two")) == (100, 100)
    assert audit.verify(store).entries == len(trail_of(store))


# --- what is refused


@pytest.mark.parametrize(
    "statement",
    [
        "update audit set who = 'nobody' where number = 1",
        "delete from audit where number = 1",
        "update audit set number = number + 10",
    ],
)
def test_an_accident_is_stopped(store: Store, statement: str) -> None:
    audit.record(store, "run")
    before = trail_of(store)

    with pytest.raises(DBAPIError, match="only ever added to"), store.session() as session:
        session.connection().execute(text(statement))

    assert trail_of(store) == before


def test_nothing_is_put_in_the_place_of_an_entry(sqlite_store: Store) -> None:
    copied = "insert or replace into audit select * from audit where number = 1"
    with pytest.raises(DBAPIError, match="only ever added to"), sqlite_store.session() as session:
        session.connection().execute(text(copied))


def test_nor_is_it_emptied(store: Store) -> None:
    emptied = "delete from audit" if store.database.is_sqlite else "truncate audit"
    with pytest.raises(DBAPIError, match="only ever added to"), store.session() as session:
        session.connection().execute(text(emptied))


# --- what is proved


class Forger:
    """Somebody who may do anything to the table."""

    def __init__(self, store: Store) -> None:
        self.store = store
        with store.session() as session:
            for name in ("update", "delete", "replace"):
                session.connection().execute(text(f"drop trigger audit_{name}"))

    def sql(self, *statements: str) -> Self:
        with self.store.session() as session:
            for statement in statements:
                session.connection().execute(text(statement))
        return self

    def shift(self, first: int, by: int) -> Self:
        """Renumber all entries from *first* on, on a detour, as numbers are unique."""
        return self.sql(
            f"update audit set number = number + 1000 where number >= {first}",
            f"update audit set number = number - 1000 + {by} where number > 1000",
        )

    def put(self, number: int, *, sound: bool) -> None:
        """Insert an entry, with a hash that fits or one that does not."""
        before = self.entry(number - 1)
        entry = {**before, "number": number, "previous": before["hash"], "who": "forger"}
        entry["hash"] = chain.digest(entry) if sound else "0" * 64
        with self.store.session() as session:
            session.connection().execute(insert(SQLModel.metadata.tables["audit"]).values(**entry))

    def rewrite(self, number: int) -> Self:
        """Change an entry and give it a hash that fits."""
        entry = {**self.entry(number), "who": "forger"}
        return self.sql(
            f"update audit set who = 'forger', hash = '{chain.digest(entry)}'"
            f" where number = {number}"
        )

    def rewrite_all(self, first: int) -> None:
        """Make every hash from *first* on anew."""
        for number in range(first, len(trail_of(self.store)) + 1):
            previous = self.entry(number - 1)["hash"]
            self.sql(f"update audit set previous = '{previous}' where number = {number}")
            self.rewrite(number)

    def entry(self, number: int) -> Mapping[str, Any]:
        return trail_of(self.store)[number - 1].model_dump()


@pytest.fixture
def eight(sqlite_store: Store) -> Store:
    """Return a store with eight entries."""
    with sqlite_store.session() as session:
        for number in range(2, 9):
            audit.record(session, "run", job="north", details={"number": number})
    return sqlite_store


def test_a_trail_that_nobody_touched_is_whole(eight: Store) -> None:
    proof = audit.verify(eight)

    assert proof.entries == 8
    assert proof.head == audit.head(eight) == (8, trail_of(eight)[-1].hash)


FORGERIES: Mapping[str, tuple[Callable[[Forger], object], str]] = {
    "changed": (
        lambda forger: forger.sql("update audit set who = 'x' where number = 4"),
        "entry 4 was changed: its hash does not fit",
    ),
    "details": (
        lambda forger: forger.sql("update audit set details = '{}' where number = 8"),
        "entry 8 was changed: its hash does not fit",
    ),
    "no text": (
        lambda forger: forger.sql("update audit set moment = x'00ff' where number = 4"),
        "entry 4 was changed: its hash does not fit",
    ),
    "no number": (
        lambda forger: forger.sql("update audit set number = 'four' where number = 4"),
        "entries were reordered: entry 4 stands as four",
    ),
    "last is no number": (
        lambda forger: forger.sql("update audit set number = 'eight' where number = 8"),
        "entry 'eight' was changed: its number is none",
    ),
    "other scheme": (
        lambda forger: forger.sql("update audit set scheme = 2 where number = 4"),
        "entry 4 was changed",
    ),
    "changed, new hash": (
        lambda forger: forger.rewrite(4),
        "entry 4 was changed and given a new hash; entry 5 has the old",
    ),
    "last but one changed, new hash": (
        lambda forger: forger.rewrite(7),
        "entry 8 does not follow entry 7: one of them was changed",
    ),
    "changed, new hash, the next tied to it": (
        lambda forger: forger.rewrite(4).sql(
            "update audit set previous = (select hash from audit where number = 4) where number = 5"
        ),
        "entry 5 was changed: its hash does not fit",
    ),
    "first changed, new hash": (
        lambda forger: forger.rewrite(1),
        "entry 1 was changed and given a new hash; entry 2 has the old",
    ),
    "removed": (
        lambda forger: forger.sql("delete from audit where number = 4"),
        "entry 4 was removed",
    ),
    "several removed": (
        lambda forger: forger.sql("delete from audit where number between 4 and 6"),
        "entries 4 to 6 were removed",
    ),
    "first removed": (
        lambda forger: forger.sql("delete from audit where number = 1"),
        "entry 1 was removed",
    ),
    "removed, renumbered": (
        lambda forger: forger.sql("delete from audit where number in (4, 5)").shift(6, -2),
        "entries 4 to 5 were removed, and later ones renumbered",
    ),
    "inserted": (
        lambda forger: forger.shift(4, 1).put(4, sound=False),
        "entry 4 was inserted: the real one stands as 5",
    ),
    "inserted with a hash": (
        lambda forger: forger.shift(4, 1).put(4, sound=True),
        "entry 4 was inserted: the real one stands as 5",
    ),
    "reordered": (
        lambda forger: forger.sql(
            "update audit set number = 99 where number = 4",
            "update audit set number = 4 where number = 6",
            "update audit set number = 6 where number = 99",
        ),
        "entries were reordered: entry 4 stands as 6",
    ),
}


@pytest.mark.parametrize(("forge", "said"), FORGERIES.values(), ids=FORGERIES.keys())
def test_the_first_wrong_entry_is_named(
    eight: Store, forge: Callable[[Forger], object], said: str
) -> None:
    forge(Forger(eight))

    with pytest.raises(AuditError) as caught:
        audit.verify(eight)

    assert said in str(caught.value)


def test_entries_cut_off_at_the_end_are_missed_by_their_runs(store: Store) -> None:
    row = put_run(store, "r1", "running")
    with store.session() as session:
        audit.run_begins(session, "run", "north", row, None)
    audit.verify(store)
    put_run(store, "r2")

    with pytest.raises(AuditError, match=r"cut off after \d: the last one about run r2"):
        audit.verify(store)


def test_the_end_of_a_run_is_missed_too(store: Store) -> None:
    row = put_run(store, "r1")
    with store.session() as session:
        audit.run_begins(session, "run", "north", row, None)

    with pytest.raises(AuditError, match="the last one about run r1 is not there"):
        audit.verify(store)
    with store.session() as session:
        audit.run_ends(session, "north", row)
    audit.verify(store)


def test_a_hash_kept_elsewhere_shows_what_was_written_anew(eight: Store) -> None:
    known = trail_of(eight)[5].hash
    assert audit.verify(eight, known).known == (6, known)

    forger = Forger(eight)
    forger.rewrite_all(7)
    assert audit.verify(eight, known).known == (6, known)

    forger.rewrite_all(5)
    audit.verify(eight)
    with pytest.raises(AuditError, match=f"no entry has the hash {known}: .* written anew"):
        audit.verify(eight, known)


# --- what runs leave


@pytest.fixture
def no_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every run fail at once."""

    def refuse(*_: object) -> None:
        raise AuthError("no")

    monkeypatch.setattr(Sync, "_pull", refuse)


@pytest.mark.long
def test_what_became_of_accounts_and_tasks_is_recorded(tmp_path: Path) -> None:
    world = World(tmp_path, crm())
    report = world.run()

    verb, ended = told(world.store)[-1]

    assert (verb, ended["state"]) == ("end", "done")
    assert (ended["accounts"], ended["tasks"]) == (report.accounts, report.tasks)
    assert audit.verify(world.store).entries == 3


@pytest.mark.usefixtures("no_source")
def test_a_run_its_override_and_its_end_are_recorded(tmp_path: Path) -> None:
    world = World(tmp_path, FakeCRM())
    with pytest.raises(AuthError):
        world.run(override="moved to a new system")

    (_, begun, reason, end) = trail_of(world.store)

    assert [entry.verb for entry in (begun, reason, end)] == ["run", "override", "end"]
    assert len({entry.run_id for entry in (begun, reason, end)}) == 1
    assert {entry.job for entry in (begun, reason, end)} == {"fake"}
    assert json.loads(begun.details)["as_of"] == "2026-06-30"
    assert json.loads(reason.details) == {"reason": "moved to a new system"}
    assert json.loads(end.details) == {"state": "failed"}
    assert audit.verify(world.store).entries == 4


@pytest.mark.usefixtures("no_source")
def test_a_run_that_fails_and_one_that_was_cut_off_are_recorded(tmp_path: Path) -> None:
    world = World(tmp_path, FakeCRM())
    with pytest.raises(AuthError):
        world.run()
    with world.store.session() as session:
        row = session.exec(select(RunRow)).one()
        row.state = "running"
        row.config_hash = "other rules"
        session.add(row)
    with pytest.raises(AuthError):
        world.run()

    states = [details["state"] for verb, details in told(world.store) if verb == "end"]
    assert of_runs(world.store) == ["run", "end", "end", "run", "end"]
    assert states == ["failed"] * 3
    audit.verify(world.store)


@pytest.mark.usefixtures("no_source")
def test_a_run_taken_up_and_a_plan_are_recorded(tmp_path: Path) -> None:
    world = World(tmp_path, FakeCRM())
    with pytest.raises(AuthError), world.sync().plan():
        pass
    with pytest.raises(AuthError):
        world.run()
    with world.store.session() as session:
        row = session.exec(select(RunRow).where(RunRow.stage != "begin")).all()[-1]
        row.state = "running"
        session.add(row)
    with pytest.raises(AuthError):
        world.run()

    assert of_runs(world.store) == ["plan", "end", "run", "end", "resume", "end"]


@pytest.mark.long
def test_a_run_of_the_schedule_says_so(tmp_path: Path) -> None:
    job = write_job(tmp_path)
    child = [sys.executable, "-m", "connector.schedule.child", str(job), "30"]
    subprocess.run(child, check=True, capture_output=True)

    trail = trail_of(Store(f"sqlite:///{tmp_path / 'connector.db'}"))
    assert [(entry.verb, entry.who.endswith("(schedule)")) for entry in trail] == [
        ("migrate", True), ("run", True), ("end", True),
    ]  # fmt: skip


# --- the command


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a job that ran once, as if by the schedule, and was stopped."""
    folder = tmp_path_factory.mktemp("stopped")
    job = write_job(folder, accounts="id,name\n", deals="id,account_id,status\n")
    with audit.acting_as("schedule"):
        assert run("sync", job).exit_code == 4
    return job


@pytest.fixture
def ran(stopped: Path, tmp_path: Path) -> Path:
    """Return that job with files and a store of its own."""
    shutil.copytree(stopped.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / stopped.name


def test_the_trail_is_listed(ran: Path) -> None:
    said = run_json("audit", ran)

    assert [entry["verb"] for entry in said["entries"]] == ["migrate", "run", "end"]
    assert [entry["who"].endswith("(schedule)") for entry in said["entries"]] == [True] * 3
    assert said["entries"][-1]["details"]["state"] == "stopped"
    assert said["head"] == {"number": 3, "hash": said["entries"][-1]["hash"]}
    shown = run("audit", ran, "--limit", "1")
    assert "state: stopped" in words(shown.stdout)
    assert "migrate" not in shown.stdout
    assert said["head"]["hash"] in shown.stdout


def test_the_entries_of_other_jobs_are_listed_when_asked_for(ran: Path) -> None:
    store = Store(f"sqlite:///{ran.parent / 'connector.db'}")
    audit.record(store, "retry", job="another")

    assert "another" not in run("audit", ran).stdout
    assert "retry another" in words(run("audit", ran, "--all").stdout)


def test_a_trail_that_is_whole_is_proved(ran: Path) -> None:
    proof = run_json("audit", ran, "--verify")
    assert proof["entries"] == 3
    assert proof["known"] is None

    kept = run("audit", ran, "--head", proof["head"]["hash"])

    assert kept.exit_code == 0
    assert "3 entries, each follows the one before it." in kept.stdout
    assert "Up to entry 3 it is what it was" in kept.stdout


def test_a_trail_that_was_changed_has_an_exit_code_of_its_own(ran: Path) -> None:
    forger = Forger(Store(f"sqlite:///{ran.parent / 'connector.db'}"))
    forger.sql("update audit set details = 'nothing' where number = 2")

    said = run("audit", ran, "--verify")

    assert said.exit_code == 7
    assert "error: audit trail: entry 2 was changed" in said.stderr
    assert "not readable: nothing" in words(run("audit", ran).stdout)


def test_a_hash_that_is_none_is_a_mistake(ran: Path) -> None:
    said = run("audit", ran, "--head", "abc")

    assert said.exit_code == 2
    assert "a hash has 64 digits" in said.stderr
