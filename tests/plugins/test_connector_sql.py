"""The SQL adapter passes the suites on SQLite and on PostgreSQL, in full and by changed-since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
import sqlalchemy as sa
from sqlalchemy import event

import connector_sql
from connector import FIELDS, Adapter, Kind, Stream
from connector.testing import ProvisionerContract, SourceContract, WriterContract
from connector_sql.settings import SqlSettings

PASSWORD = "s3cret-word"  # noqa: S105 - of a database that the test makes
STAMP = "2026-07-01 12:00:00"
STREAMS = (Stream.ACCOUNTS, Stream.OPPORTUNITIES, Stream.LINE_ITEMS, Stream.CASES)
TYPES: Mapping[Kind, sa.types.TypeEngine[Any]] = {
    Kind.MONEY: sa.Numeric(18, 4),
    Kind.NUMBER: sa.Numeric(18, 4),
    Kind.DATE: sa.Date(),
    Kind.TIME: sa.DateTime(timezone=True),
    Kind.FLAG: sa.Boolean(),
}


class Backend:
    """A database with a table for each stream, and a clock that stands still."""

    def __init__(self, admin: str, url: str) -> None:
        self.url = url
        self.engine = sa.create_engine(admin)
        metadata = sa.MetaData()
        self.tables = {stream: _table(stream, metadata) for stream in STREAMS}
        metadata.drop_all(self.engine)
        metadata.create_all(self.engine)
        with self.engine.begin() as connection:
            connection.execute(sa.text("DROP TABLE IF EXISTS pyramid_tasks"))

    def put(self, stream: Stream, rows: Sequence[Mapping[str, object]]) -> None:
        table = self.tables[stream]
        with self.engine.begin() as connection:
            for row in rows:
                connection.execute(table.delete().where(table.c.id == row["id"]))
                connection.execute(table.insert(), {"changed": self.stamp(table), **row})

    def stamp(self, table: sa.Table) -> object:
        return STAMP

    def delete(self, stream: Stream, ids: Sequence[str]) -> None:
        table = self.tables[stream]
        with self.engine.begin() as connection:
            connection.execute(table.delete().where(table.c.id.in_(ids)))

    def execute(self, statement: str, **values: object) -> Any:
        with self.engine.begin() as connection:
            result = connection.execute(sa.text(statement), values)
            return result.scalar() if result.returns_rows else None

    def task_count(self, marker: str) -> int:
        with self.engine.connect() as connection:
            if not sa.inspect(connection).has_table("pyramid_tasks"):
                return 0
        statement = "SELECT count(*) FROM pyramid_tasks WHERE marker = :marker"
        return int(self.execute(statement, marker=marker))

    def finish(self, marker: str, status: Literal["done", "rejected"]) -> None:
        word = {"done": "Completed", "rejected": "CANCELLED"}[status]
        statement = "UPDATE pyramid_tasks SET status = :word WHERE marker = :marker"
        self.execute(statement, word=word, marker=marker)

    def schema(self) -> object:
        with self.engine.connect() as connection:
            found = sa.inspect(connection)
            columns = found.get_columns("accounts")
            return {column["name"]: str(column["type"]) for column in columns}, sorted(
                found.get_table_names()
            )

    def lose_answer(self) -> None:
        @event.listens_for(sa.Engine, "commit", once=True)
        def commit(connection: sa.Connection) -> None:
            driver: Any = connection.connection.dbapi_connection
            driver.commit()
            driver.close()


def _table(stream: Stream, metadata: sa.MetaData) -> sa.Table:
    fields = [field for name, field in FIELDS[stream].items() if name != "id"]
    return sa.Table(
        stream.value,
        metadata,
        sa.Column("id", sa.String(40), primary_key=True),
        *(sa.Column(field.name, TYPES.get(field.kind, sa.Text())) for field in fields),
        sa.Column("tier", sa.Text),
        sa.Column("changed", sa.Text),
    )


class SQLite(Backend):
    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'crm.db'}?timeout=0.05"
        super().__init__(url, url)

    def refuse(self, account: str) -> None:
        for table, column in (("accounts", "id"), ("pyramid_tasks", "account")):
            self._expect_tasks()
            for verb in ("INSERT", "UPDATE"):
                self.execute(
                    f"CREATE TRIGGER no_{verb}_{table} BEFORE {verb} ON {table} "
                    f"WHEN NEW.{column} = '{account}' "
                    "BEGIN SELECT RAISE(ABORT, 'locked by a rule'); END"
                )

    def _expect_tasks(self) -> None:
        from connector_sql.tasks import tasks_table

        tasks_table("pyramid_tasks").create(self.engine, checkfirst=True)


class PostgreSQL(Backend):
    """The adapter logs in as a role of its own, through a socket that can be taken away."""

    def __init__(self, admin: str, folder: Path) -> None:
        url = sa.make_url(admin)
        self.socket = folder / "socket"
        self.socket.symlink_to(str(url.query["host"]))
        mine = url.set(username="rep", password=PASSWORD, query={"host": str(self.socket)})
        super().__init__(admin, mine.render_as_string(hide_password=False))
        self.execute(f"ALTER ROLE rep LOGIN PASSWORD '{PASSWORD}'")
        self.execute("GRANT ALL ON SCHEMA public TO rep")
        self.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO rep")

    def refuse(self, account: str) -> None:
        from connector_sql.tasks import tasks_table

        self.execute(f"ALTER TABLE accounts ADD CHECK (id <> '{account}' OR tier IS NULL)")
        tasks_table("pyramid_tasks").create(self.engine, checkfirst=True)
        self.execute(f"ALTER TABLE pyramid_tasks ADD CHECK (account <> '{account}')")
        self.execute("GRANT ALL ON pyramid_tasks TO rep")

    def allow_provisioning(self) -> None:
        self.execute("ALTER TABLE accounts OWNER TO rep")

    def refuse_provisioning(self) -> None:
        self.execute("ALTER TABLE accounts OWNER TO CURRENT_USER")
        self.execute("REVOKE CREATE ON SCHEMA public FROM rep, PUBLIC")

    def refuse_logins(self) -> None:
        self.execute("ALTER ROLE rep NOLOGIN")

    def cut_network(self) -> None:
        self.socket.unlink()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SQLite]:
    backend = SQLite(tmp_path)
    yield backend
    backend.engine.dispose()


@pytest.fixture(scope="session")  # its server lives as long, and a worker may come back here
def admin_url(postgres_url: str) -> str:
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE ROLE rep"))
    return postgres_url


@pytest.fixture
def postgres(admin_url: str, tmp_path: Path) -> Iterator[PostgreSQL]:
    backend = PostgreSQL(admin_url, tmp_path)
    yield backend
    backend.engine.dispose()


class SqlAdapter:
    @pytest.fixture
    def adapter(self) -> Adapter[Any]:
        (adapter,) = connector_sql.adapters()
        return adapter

    @pytest.fixture
    def field(self) -> str:
        return "tier"


class Scans(SqlAdapter):
    @pytest.fixture
    def settings(self, backend: Backend) -> SqlSettings:
        return settings_of(backend, **{stream: stream.value for stream in STREAMS})


class Changes(SqlAdapter):
    @pytest.fixture
    def settings(self, backend: Backend) -> SqlSettings:
        return settings_of(
            backend,
            accounts={"table": "accounts", "cursor": "changed", "overlap": 0},
            opportunities={"query": "SELECT * FROM opportunities", "cursor": "changed"},
            line_items={"table": "line_items", "cursor": "changed", "overlap": 0},
            cases={"query": "SELECT * FROM cases", "cursor": "changed"},
        )


def settings_of(backend: Backend, **more: object) -> SqlSettings:
    return SqlSettings.model_validate({"url": backend.url, "page_size": 2, **more})


NO_LOGIN = "a file has no login"
NO_NETWORK = "a file has no network"
ANY_TEXT = "a column takes any text"
NO_FEED = "changed-since does not see deletions; a job without a cursor column does"


class OnSQLite:
    @pytest.fixture
    def backend(self, sqlite: SQLite) -> SQLite:
        return sqlite


class OnPostgreSQL:
    @pytest.fixture
    def backend(self, postgres: PostgreSQL) -> PostgreSQL:
        return postgres


class TestScansSQLite(OnSQLite, Scans, SourceContract):
    streams = STREAMS
    cannot: ClassVar = {"refuse_logins": NO_LOGIN, "cut_network": NO_NETWORK}


class TestChangesSQLite(OnSQLite, Changes, SourceContract):
    streams = STREAMS
    cannot: ClassVar = {"refuse_logins": NO_LOGIN, "cut_network": NO_NETWORK, "delete": NO_FEED}


@pytest.mark.long
class TestScansPostgreSQL(OnPostgreSQL, Scans, SourceContract):
    streams = (Stream.ACCOUNTS, Stream.LINE_ITEMS)
    many = 5


@pytest.mark.long
class TestChangesPostgreSQL(OnPostgreSQL, Changes, SourceContract):
    streams = (Stream.OPPORTUNITIES, Stream.CASES)
    many = 5
    cannot: ClassVar = {"delete": NO_FEED}


class TestWriterSQLite(OnSQLite, Scans, WriterContract):
    cannot: ClassVar = {"refuse_logins": NO_LOGIN, "cut_network": NO_NETWORK}
    detects_conflicts = True


class TestWriterPostgreSQL(OnPostgreSQL, Scans, WriterContract):
    detects_conflicts = True


class TestProvisionerSQLite(OnSQLite, Scans, ProvisionerContract):
    cannot: ClassVar = {
        "refuse_logins": NO_LOGIN,
        "cut_network": NO_NETWORK,
        "refuse_provisioning": "who may write to the file may change it",
        "choices": ANY_TEXT,
    }


@pytest.mark.long
class TestProvisionerPostgreSQL(OnPostgreSQL, Scans, ProvisionerContract):
    cannot: ClassVar = {"choices": ANY_TEXT}

    @pytest.fixture
    def backend(self, postgres: PostgreSQL) -> PostgreSQL:
        postgres.allow_provisioning()
        return postgres


def test_the_adapter_offers_every_stream_under_our_names() -> None:
    (adapter,) = connector_sql.adapters()
    assert adapter.fields == {stream: {name: name for name in FIELDS[stream]} for stream in Stream}
    assert (adapter.name, adapter.capabilities.write_batch) == ("sql", 5_000)
