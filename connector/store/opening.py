"""Opens the database behind the store, brings its schema up to date and keeps its libraries apart.

A process must not have one SQLite file open through two copies of the SQLite library at once: when
one copy closes the file, the locks of the other are gone (sqlite.org, "How To Corrupt An SQLite
Database File", 2.2.1). SQLAlchemy, ADBC and DuckDB each bring a copy, so `Database.exclusively`
lets one of them in at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from zlib import crc32

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from connector.errors import ConfigError, StoreError
from connector.store import chain

SCHEMA: Final = "0007"
"""The newest migration: what `alembic heads` would say (a test compares)."""

_BUSY_MS: Final = 60_000


class _Gate:
    """Lets one library at a time to a database; all that open it share one."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.library: str | None = None


_gates: Final[dict[str, _Gate]] = {}
_gates_guard: Final = threading.Lock()


class Database:
    """The store's database: SQLite (WAL) or PostgreSQL, schema up to date."""

    def __init__(self, url: str) -> None:
        self.url = _parsed(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        # A parameter may be a password too, or the file of one.
        self.shown = self.url.set(query={}).render_as_string(hide_password=True)
        if self.is_sqlite:
            if not self.url.database or self.url.database == ":memory:":
                raise ConfigError("store.url: name a file; a store in memory forgets what it did")
            self.path = Path(self.url.database).absolute()
        # One file has many names (relative, through a link); its gate has one.
        key = str(self.path.resolve()) if self.is_sqlite else str(self.url)
        with _gates_guard:
            self._gate = _gates.setdefault(key, _Gate())
        self.engine = self._engine()
        with self.exclusively("sqlalchemy"):
            self._bring_up_to_date()

    @contextmanager
    def exclusively(self, library: str) -> Iterator[None]:
        """Keep other libraries (and other threads) out while *library* has the file open."""
        gate = self._gate
        with gate.lock:
            outer = gate.library
            if self.is_sqlite and outer not in (None, library):
                raise RuntimeError(f"{library} opens the store while {outer} has it open")
            gate.library = library
            try:
                with self.errors():
                    yield
            finally:
                gate.library = outer

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn what the database says of locks, space and rights into a StoreError."""
        try:
            yield
        except DBAPIError as error:
            raise self._explained(error) or error from error
        except Exception as error:
            if not type(error).__module__.startswith(("adbc_driver", "duckdb", "_duckdb")):
                raise
            raise self._explained(error) or error from error

    def _explained(self, error: Exception) -> StoreError | None:
        said = str(error).lower()
        for words, advice in _ADVICE:
            if words in said:
                return StoreError(f"store {self.shown}: {advice}")
        return None

    def _engine(self) -> Engine:
        if self.is_sqlite and not self.path.parent.is_dir():
            raise StoreError(f"store {self.shown}: folder {self.path.parent} is missing; create it")
        try:
            return _engine_of(self.url)
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"store.url: the driver for {self.url.get_backend_name()} is missing;"
                " install pyramid-connector[postgresql]"
            ) from error

    def _bring_up_to_date(self) -> None:
        with self.engine.connect() as connection:
            version = _version(connection)
        if version == SCHEMA:
            return
        if version is not None and version > SCHEMA:
            raise StoreError(
                f"store {self.shown}: made by a newer connector (schema {version}, this one knows"
                f" {SCHEMA}); upgrade the connector, or name another store"
            )
        migrate(self.engine)


@lru_cache(maxsize=16)
def _engine_of(url: URL) -> Engine:
    """Return the engine of a database, which remembers the SQL that it has compiled.

    It holds no connection open.
    """
    engine = create_engine(url, poolclass=NullPool)
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


_MIGRATING: Final = crc32(b"pyramid-connector migration")


def migrate(engine: Engine, revision: str = "head") -> None:
    """Bring the schema to *revision* (newer or older), in one transaction where possible."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # Two processes may start on a new store; SQLite's transaction keeps them apart already.
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
        config.attributes["connection"] = connection
        before = _version(connection)
        older = revision != "head" and before is not None
        (command.downgrade if older else command.upgrade)(config, revision)
        if revision == "head" and before != SCHEMA:
            _record(connection, before)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.execute(
        text("select version_num from alembic_version")
    ).scalar()
    return version


def _record(connection: Connection, before: str | None) -> None:
    """Tell the audit trail of a migration, and of how many runs it can't know anything."""
    runs = connection.execute(text("select count(*) from run")).scalar()
    chain.append(connection, "migrate", details={"from": before, "to": SCHEMA, "runs": runs})


_ADVICE: Final = (
    ("is locked", "locked by another program for over a minute; stop that program and run again"),
    ("disk is full", "the disk is full; free space and run again, the run goes on where it was"),
    ("disk i/o error", "the disk failed or is full; check it and run again"),
    ("readonly database", "it can't be written; give this user the right to write file and folder"),
    ("unable to open database file", "it can't be opened; check the folder and its permissions"),
    ("not a database", "the file is not a SQLite database; name another file in store.url"),
    ("malformed", "the file is damaged; restore a backup, or name another file in store.url"),
    ("password authentication failed", "the database does not accept user and password"),
    ("connection refused", "no database answers there; start it or correct store.url"),
    ("could not translate host name", "the host is unknown; correct store.url"),
    ("does not exist", "database, user or table is missing; create it or correct store.url"),
    ("permission denied", "the database user lacks a right; grant it"),
)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # a port that is no number is a ValueError
        raise ConfigError(
            "store.url: not a database URL; expected sqlite:///file.db or"
            " postgresql://user:password@host/database"
        ) from None
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend == "sqlite":
        return parsed
    raise ConfigError(f"store.url: {backend!r} is not supported; use sqlite or postgresql")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("begin immediate")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # Left to itself, Python's driver begins no transaction for a migration's DDL.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in sqlite_pragmas():
        cursor.execute(pragma)
    cursor.close()


def sqlite_pragmas() -> tuple[str, ...]:
    """Return what every connection to a SQLite store begins with."""
    return (
        f"pragma busy_timeout = {_BUSY_MS}",
        "pragma journal_mode = wal",
        "pragma synchronous = full",
        "pragma cache_size = -65536",
    )
