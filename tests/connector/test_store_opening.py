"""The store opens, brings its schema up to date, and says what is wrong when it can't."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import adbc_driver_sqlite.dbapi
import pyarrow as pa
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.engine import make_url
from sqlmodel import SQLModel, select

import connector.store
from connector import FIELDS, ConfigError, StoreError, Stream
from connector.pull import TABLES
from connector.store import Database, Store, bulk, migrate, opening
from connector.store.tables import JobRow

NAMES = {"account", "opportunity", "crm_user", "run", "ledger", "standing"}


def tables_of(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        return set(inspect(connection).get_table_names())


# --- schema


def test_a_new_store_has_every_table(empty_url: str) -> None:
    database = Database(empty_url)

    assert set(SQLModel.metadata.tables) <= tables_of(database)


def test_the_migrations_make_what_the_tables_declare(empty_url: str) -> None:
    database = Database(empty_url)

    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        differences = compare_metadata(context, SQLModel.metadata)

    assert differences == []


def test_the_migrations_lead_back_to_nothing_and_up_again(empty_url: str) -> None:
    database = Database(empty_url)

    migrate(database.engine, "base")
    assert tables_of(database) == {"alembic_version"}

    assert tables_of(Database(empty_url)) >= NAMES


def test_the_schema_constant_is_the_newest_migration() -> None:
    config = Config()
    folder = Path(connector.store.__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder))

    assert ScriptDirectory.from_config(config).get_heads() == [opening.SCHEMA]


@pytest.mark.parametrize("stream", list(Stream))
def test_a_stream_is_kept_in_the_fields_of_the_model(stream: Stream) -> None:
    columns = [column.name for column in SQLModel.metadata.tables[TABLES[stream]].columns]

    assert columns == ["job_id", *FIELDS[stream], "scan", "deleted"]


ACCOUNT = {"job_id": 1, "id": "A1", "name": "Acme", "excluded": False, "deleted": False}
DEAL = {"job_id": 1, "id": "D1", "status": "won", "amount": 125_000, "deleted": False}
ACTION = {
    "job_id": 1, "goal": "retention", "account_id": "A1", "decision": "create",
    "priority": "High", "due": "2026-07-01", "expected_value": 90_000, "subject": "Call Acme",
    "reason": "It is late.", "evidence": "{}", "run_id": "r1",
}  # fmt: skip
READ = {"job_id": 1, "stream": "accounts", "cursor": "c7", "mapping_hash": "f00", "scan": 3}
NEVER = "0001-01-01"
LINE = {"job_id": 1, "id": "L1", "opportunity_id": "D1", "quantity": 20_000, "deleted": False}
ASIDE = {
    "job_id": 1, "stream": "line_items", "record": "L2", "problems": "[]", "content": "{}",
    "nature": "row", "since": "2026-07-01 12:00:00",
}  # fmt: skip


def put(database: Database, table: str, row: dict[str, object]) -> None:
    names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
    with database.engine.begin() as connection:
        connection.execute(text(f"insert into {table} ({names}) values ({marks})"), row)


def held(database: Database, table: str, *names: str) -> list[tuple[object, ...]]:
    with database.engine.connect() as connection:
        found = connection.execute(text(f"select {', '.join(names)} from {table} order by 1, 2"))
        return [tuple(row) for row in found]


@pytest.fixture
def first_schema(empty_url: str) -> Database:
    """Return a store as the first schema made it, with rows in it."""
    database = Database(empty_url)
    migrate(database.engine, "0001")
    for table, row in (("account", ACCOUNT), ("opportunity", DEAL), ("action", ACTION)):
        put(database, table, row)
    put(database, "stream_state", READ)
    return database


def test_what_the_first_schema_held_is_carried_over(first_schema: Database) -> None:
    migrate(first_schema.engine)

    assert held(first_schema, "account", "id", "name", "wallet", "blocked") == [
        ("A1", "Acme", None, None)
    ]
    assert held(first_schema, "opportunity", "id", "amount", "promised_on") == [
        ("D1", 125_000, None)
    ]
    assert held(first_schema, "action", "account_id", "item", "expires_on", "config_hash") == [
        ("A1", "", None, "")
    ]
    assert held(first_schema, "stream_state", "stream", "cursor", "mapping_hash") == [
        ("accounts", "c7", "f00")
    ]


def test_an_account_may_have_an_action_an_item(first_schema: Database) -> None:
    migrate(first_schema.engine)

    put(first_schema, "action", {**ACTION, "item": "pumps"})

    assert held(first_schema, "action", "account_id", "item") == [("A1", ""), ("A1", "pumps")]


def test_what_the_first_schema_knows_is_carried_back(first_schema: Database) -> None:
    migrate(first_schema.engine)
    put(first_schema, "action", {**ACTION, "item": "pumps", "subject": "Offer pumps"})
    put(first_schema, "account", {**ACCOUNT, "id": "A2", "wallet": 10_000, "strategic": True})

    migrate(first_schema.engine, "0001")

    assert held(first_schema, "account", "id", "name") == [("A1", "Acme"), ("A2", "Acme")]
    assert held(first_schema, "opportunity", "id", "amount") == [("D1", 125_000)]
    assert held(first_schema, "action", "account_id", "subject") == [("A1", "Call Acme")]
    assert not {"line_item", "trial"} & tables_of(first_schema)


def test_what_was_lost_on_the_way_back_is_read_again(first_schema: Database) -> None:
    migrate(first_schema.engine)
    put(first_schema, "line_item", LINE)
    put(first_schema, "quarantine", ASIDE)
    put(first_schema, "stream_state", {**READ, "stream": "line_items"})

    migrate(first_schema.engine, "0001")
    migrate(first_schema.engine)

    assert held(first_schema, "stream_state", "stream", "mapping_hash") == [("accounts", "")]
    assert held(first_schema, "quarantine", "stream", "record") == []
    assert held(first_schema, "line_item", "id", "quantity") == []


def test_rates_go_with_their_schema_and_nothing_else_does(empty_url: str) -> None:
    database = Database(empty_url)
    put(database, "rate", {"job_id": 1, "currency": "USD", "valid_from": NEVER, "rate": "0.8"})
    put(database, "account", ACCOUNT)
    put(database, "call_count", {"organisation": "acme", "hour": 7, "calls": 3})

    migrate(database.engine, "0006")
    assert "rate" not in tables_of(database)
    migrate(database.engine)

    assert held(database, "rate", "currency", "rate") == []
    assert held(database, "account", "id", "name") == [("A1", "Acme")]
    assert held(database, "call_count", "hour", "calls") == [(7, 3)]


def test_opening_again_keeps_what_is_there(store_url: str) -> None:
    number = Store(store_url).job_id("northwind")

    assert Store(store_url).job_id("northwind") == number


def test_every_job_has_a_number_of_its_own(store: Store) -> None:
    assert store.job_id("one") != store.job_id("two")


def test_a_store_from_a_newer_version_is_left_alone(empty_url: str) -> None:
    database = Database(empty_url)
    with database.engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))

    with pytest.raises(StoreError, match=r"newer connector \(schema 9999, this one knows 0"):
        Database(empty_url)


BREAKS_OFF = """
import os, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
seen = 0

@event.listens_for(Engine, "after_cursor_execute")
def count(connection, cursor, statement, *rest):
    global seen
    seen += statement.lstrip().upper().startswith("CREATE")
    if seen == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

from connector.store import Store
Store(sys.argv[1])
"""


@pytest.mark.long
def test_a_migration_that_was_killed_is_made_by_the_next_start(empty_url: str) -> None:
    killed = subprocess.run([sys.executable, "-c", BREAKS_OFF, empty_url, "9"], check=False)
    assert killed.returncode == -9

    database = Database(empty_url)

    assert tables_of(database) >= NAMES
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []


@pytest.mark.long
def test_two_processes_may_make_one_store_at_once(
    make_postgres_database: Callable[[], str],
) -> None:
    empty_url = make_postgres_database()
    code = (
        "import sys; from connector.store import Store; store = Store(sys.argv[1])\n"
        "for number in range(100): store.job_id(f'job {number}')"
    )
    starting = [
        subprocess.Popen([sys.executable, "-c", code, empty_url], stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    said = [process.communicate()[1].decode() for process in starting]

    assert [process.returncode for process in starting] == [0, 0], said
    with Store(empty_url).session() as session:
        numbers = session.exec(select(JobRow.id)).all()
    assert len(set(numbers)) == 100


# --- what can be wrong with the URL


@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param("nonsense", "not a database URL; expected sqlite:///", id="no URL"),
        pytest.param("", "not a database URL", id="empty"),
        pytest.param("sqlite://", "name a file", id="no file"),
        pytest.param("sqlite:///:memory:", "name a file", id="memory"),
        pytest.param("mysql://user:canary@host/db", "'mysql' is not supported", id="mysql"),
        pytest.param("postgresql://u:canary@h:port/db", "not a database URL", id="port"),
    ],
)
def test_a_url_that_names_no_store_says_what_is_expected(url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        Database(url)

    assert str(caught.value).startswith("store.url: ")
    assert "canary" not in str(caught.value)


def test_a_postgresql_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(StoreError, match="no database answers there; start it") as caught:
        Database("postgresql://user:canary@127.0.0.1:1/db")

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"database": "nowhere"}, "database, user or table is missing", id="database"),
        pytest.param({"username": "nobody"}, "database, user or table is missing", id="user"),
    ],
)
def test_what_postgresql_does_not_know_is_explained(
    postgres_url: str, change: dict[str, str], said: str
) -> None:
    url = make_url(postgres_url).set(**change)  # type: ignore[arg-type]  # of one kind

    with pytest.raises(StoreError, match=said):
        Database(url.render_as_string(hide_password=False))


def test_without_its_driver_postgresql_asks_for_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(ConfigError, match=r"install pyramid-connector\[postgresql\]"):
        Database("postgresql://user@host/db")


# --- what can be wrong with the file


def test_a_missing_folder_is_to_be_created(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"folder \S+nowhere is missing; create it"):
        Database(f"sqlite:///{tmp_path / 'nowhere' / 'store.db'}")


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="can't be opened; check the folder"):
        Database(f"sqlite:///{tmp_path}")


def test_a_file_of_another_kind_is_no_store(tmp_path: Path) -> None:
    path = tmp_path / "accounts.csv"
    path.write_text("id,name\n" * 1000)

    with pytest.raises(StoreError, match="not a SQLite database; name another file"):
        Database(f"sqlite:///{path}")

    assert path.read_text() == "id,name\n" * 1000


def test_a_store_cut_short_is_damaged(sqlite_store: Store) -> None:
    sqlite_store.job_id("one")
    path = sqlite_store.database.path
    content = path.read_bytes()
    path.write_bytes(content[:6000])

    with pytest.raises(StoreError, match="damaged; restore a backup"):
        Store(f"sqlite:///{path}").job_id("two")


def test_a_store_that_can_not_be_written_says_so(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    pragmas = (*opening.sqlite_pragmas(), "pragma query_only = on")
    monkeypatch.setattr(opening, "sqlite_pragmas", lambda: pragmas)

    with pytest.raises(StoreError, match="can't be written; give this user the right"):
        sqlite_store.job_id("one")


def test_a_store_that_can_not_be_written_says_so_for_rows_too(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    pragmas = (*opening.sqlite_pragmas(), "pragma query_only = on")
    monkeypatch.setattr(bulk, "sqlite_pragmas", lambda: pragmas)

    with pytest.raises(StoreError, match="can't be written"), sqlite_store.bulk() as rows:
        rows.upsert("job", pa.table({"id": [7], "name": ["seven"]}))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_BUSY_MS", 20)


LOCKS = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("begin immediate")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked_by_another_process(path: Path) -> Iterator[None]:
    # Not in this process: the locks of two SQLite libraries in one process don't see each other.
    command = [sys.executable, "-c", LOCKS, str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        yield
        other.communicate("")


def write_a_job(store: Store) -> None:
    with store.bulk() as rows:
        rows.upsert("job", pa.table({"id": [7], "name": ["seven"]}))
        rows.commit()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "work",
    [
        pytest.param(lambda store: store.job_id("one"), id="session"),
        pytest.param(write_a_job, id="bulk"),
        pytest.param(lambda store: migrate(store.database.engine, "base"), id="migration"),
    ],
)
def test_a_locked_store_names_the_reason(
    sqlite_store: Store, work: Callable[[Store], object]
) -> None:
    with (
        locked_by_another_process(sqlite_store.database.path),
        pytest.raises(StoreError, match="locked by another program"),
        sqlite_store.database.errors(),
    ):
        work(sqlite_store)


WRITES = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as connection:
    connection.execute("insert into job (id, name) values (1, 'theirs')")
"""


def test_a_writer_that_read_first_is_not_refused(sqlite_store: Store) -> None:
    # SQLite refuses at once, without waiting, if a transaction began with reading.
    with sqlite_store.bulk() as rows:
        rows.fetch("select count(*) as n from job")
        path = str(sqlite_store.database.path)
        subprocess.run([sys.executable, "-c", WRITES, path], check=True)
        rows.upsert("job", pa.table({"id": [2], "name": ["ours"]}))
        rows.commit()

    assert (sqlite_store.job_id("theirs"), sqlite_store.job_id("ours")) == (1, 2)


def test_a_full_disk_is_named_and_nothing_is_half_kept(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = sqlite_store.database.path.stat().st_size // 4096 + 5
    pragmas = (*opening.sqlite_pragmas(), f"pragma max_page_count = {pages}")
    monkeypatch.setattr(bulk, "sqlite_pragmas", lambda: pragmas)
    many = pa.table({"id": list(range(9000)), "name": [f"job {n}" * 9 for n in range(9000)]})

    with (
        pytest.raises(StoreError, match="the disk is full; free space"),
        sqlite_store.bulk() as rows,
    ):
        rows.upsert("job", many)

    path = str(sqlite_store.database.path)
    with (
        closing(adbc_driver_sqlite.dbapi.connect(path)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("select count(*) from job")
        assert cursor.fetchone() == (0,)


# --- one library at a time


def use_both(store: Store, other: Store) -> None:
    with store.session(), other.bulk():
        pass


def test_two_libraries_never_have_the_file_open_at_once(sqlite_store: Store) -> None:
    with pytest.raises(RuntimeError, match="adbc opens the store while sqlalchemy has it open"):
        use_both(sqlite_store, sqlite_store)


def test_nor_through_two_stores_of_one_file(sqlite_store: Store, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(sqlite_store.database.path)

    with pytest.raises(RuntimeError, match="adbc opens the store while sqlalchemy has it open"):
        use_both(sqlite_store, Store(f"sqlite:///{link}"))


def test_one_library_may_come_twice(sqlite_store: Store) -> None:
    with sqlite_store.session(), sqlite_store.database.exclusively("sqlalchemy"):
        pass


def test_after_an_error_the_store_is_free_again(sqlite_store: Store) -> None:
    with pytest.raises(ZeroDivisionError), sqlite_store.session():
        raise ZeroDivisionError

    with sqlite_store.bulk() as rows:
        assert rows.fetch("select count(*) as n from job").to_pylist() == [{"n": 0}]


def test_a_session_that_fails_keeps_nothing(store: Store) -> None:
    def fail() -> None:
        with store.session() as session:
            session.add(JobRow(name="half"))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    with store.session() as session:
        assert session.get(JobRow, 1) is None
