"""A connection to the database, its tables, and its failures as our errors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.pool import NullPool

from connector import AccessError, AuthError, ConfigError, RemoteError, Unavailable

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Connection, Engine

    from connector_sql.settings import SqlSettings

_TIMEOUTS: Final[Mapping[str, Mapping[str, int]]] = {
    "postgresql": {"connect_timeout": 10},
    "mysql": {"connect_timeout": 10},
    "mariadb": {"connect_timeout": 10},
}
_AUTH: Final = re.compile(
    r"password authentication failed|no password supplied|not permitted to log in|access denied "
    r"for user|login failed|ora-01017|role \".*\" does not exist|authentication failed",
    re.IGNORECASE,
)
_ACCESS: Final = re.compile(
    r"permission denied|database \".*\" does not exist|command denied|insufficient privilege"
    r"|unable to open database file|not a database|readonly database|no such table"
    r"|unknown database|unknown column",
    re.IGNORECASE,
)
_UNREACHABLE: Final = re.compile(
    r"connection refused|could not translate host name|name or service not known|no such host"
    r"|failed to resolve host|connection timeout|timed out",
    re.IGNORECASE,
)
_BUSY: Final = re.compile(
    r"is locked|deadlock|lock wait timeout|could not serialize|too many connections"
    r"|too many clients",
    re.IGNORECASE,
)
_BUSY_STATES: Final = ("08", "40", "53", "55P03", "57P")
_AUTH_STATES: Final = ("28",)
_ACCESS_STATES: Final = ("42501", "42P01", "3D000", "3F000")


class Database:
    """The database of a job; *writing* takes SQLite's write lock when a transaction begins."""

    def __init__(self, settings: SqlSettings, *, writing: bool = False) -> None:
        url = _with_driver(sa.make_url(settings.url.get_secret_value()))
        self.url = url
        self.name = url.set(query={}).render_as_string(hide_password=True)
        self.engine = _engine(url, self.name)
        if writing and self.is_sqlite:
            _begin_immediately(self.engine)

    @property
    def is_sqlite(self) -> bool:
        """Whether values have no strict types here."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Give a connection; whatever goes wrong on it is one of our errors."""
        if self.is_sqlite:
            self._expect_file()
        with self.translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise the database's errors as ours."""
        try:
            yield
        except exc.SQLAlchemyError as error:
            raise self.error(error) from error

    def error(self, error: exc.SQLAlchemyError) -> RemoteError:
        """Return our error for one of the database's."""
        words = self.words(error)
        text = f"{self.name}: {words}"
        if _UNREACHABLE.search(words):
            return Unavailable(f"{text}; check host and port in url, and that the database runs")
        if is_busy(error) or is_lost(error):
            return Unavailable(text)
        state = _state(error)
        if state.startswith(_AUTH_STATES) or _AUTH.search(words):
            return AuthError(f"{text}; check user and password in url")
        if state.startswith(_ACCESS_STATES) or _ACCESS.search(words):
            return AccessError(text)
        if isinstance(error, exc.OperationalError) and not self.is_sqlite and not state:
            return Unavailable(text)
        return RemoteError(text)

    def words(self, error: exc.SQLAlchemyError) -> str:
        """Return what the database said, in one line and without the password."""
        origin = getattr(error, "orig", None) or error
        line = (str(origin).strip() or type(origin).__name__).splitlines()[0]
        password = self.url.password
        return line.replace(str(password), "***") if password else line

    def table(self, connection: Connection, name: str) -> sa.Table:
        """Return a table or view with its columns; raise AccessError if there is none."""
        schema, _, bare = name.rpartition(".")
        try:
            # Columns alone: keys and indexes would take a query each and are of no use here.
            found = sa.inspect(connection).get_columns(bare, schema or None)
        except exc.NoSuchTableError as error:
            names = self._table_names(connection, schema or None)
            raise AccessError(
                f"{self.name}: there is no table {name!r}; there are {names};"
                " correct the name in the job"
            ) from error
        columns: list[sa.Column[Any]] = [
            sa.Column(column["name"], column["type"], nullable=column["nullable"])
            for column in found
        ]
        return sa.Table(bare, sa.MetaData(), *columns, schema=schema or None)

    def has_table(self, connection: Connection, name: str) -> bool:
        """Return whether the table exists."""
        schema, _, bare = name.rpartition(".")
        return sa.inspect(connection).has_table(bare, schema or None)

    def expect(self, table: str, column: str, columns: Iterable[str]) -> None:
        """Raise ConfigError if *table* has no such column."""
        found = list(columns)
        if column not in found:
            raise ConfigError(
                f"{self.name}: {table} has no column {column!r}; it has {_listed(found)};"
                " add it there, or correct the job"
            )

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()

    def _table_names(self, connection: Connection, schema: str | None) -> str:
        inspector = sa.inspect(connection)
        return _listed(sorted(inspector.get_table_names(schema) + inspector.get_view_names(schema)))

    def _expect_file(self) -> None:
        # SQLite would make an empty database, and every table would be missing from it.
        name = self.url.database
        if name and not name.startswith((":memory:", "file:")) and not Path(name).is_file():
            raise AccessError(f"{self.name}: there is no such file; check url")


def is_lost(error: BaseException) -> bool:
    """Return whether the connection is gone."""
    return isinstance(error, exc.DBAPIError) and error.connection_invalidated


def is_busy(error: BaseException) -> bool:
    """Return whether the same may succeed later: a lock, a deadlock, too many connections."""
    if not isinstance(error, exc.DBAPIError):
        return False
    return _state(error).startswith(_BUSY_STATES) or bool(_BUSY.search(str(error.orig)))


def code_of(error: exc.SQLAlchemyError) -> str:
    """Return the database's code for a refusal: SQLSTATE, or the name of the error."""
    origin = getattr(error, "orig", None) or error
    return _state(error) or getattr(origin, "sqlite_errorname", "") or type(origin).__name__


def _state(error: BaseException) -> str:
    return str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")


def _with_driver(url: URL) -> URL:
    # SQLAlchemy 2.0 would take psycopg2 here, which the connector does not install.
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def _engine(url: URL, name: str) -> Engine:
    given = dict(_TIMEOUTS.get(url.get_backend_name(), {}))
    timeouts = {key: value for key, value in given.items() if key not in url.query}
    try:
        # One instance serves one thread, batch by batch: a pool would only keep dead connections.
        return sa.create_engine(
            url, hide_parameters=True, poolclass=NullPool, connect_args=timeouts
        )
    except (exc.NoSuchModuleError, ImportError) as error:
        raise ConfigError(
            f"{name}: no driver for {url.drivername!r} ({error}); install it or change url"
        ) from error
    except exc.ArgumentError as error:
        raise ConfigError(f"{name}: the driver does not understand this url") from error


def _begin_immediately(engine: Engine) -> None:
    # The driver would begin at the first UPDATE, after the values were read and compared.
    @event.listens_for(engine, "connect")
    def connect(connection: object, record: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined] # a sqlite3.Connection

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _listed(names: list[str]) -> str:
    if not names:
        return "none"
    more = f" and {len(names) - 30} more" if len(names) > 30 else ""
    return ", ".join(names[:30]) + more
