"""Hands rows of the store to DuckDB, filtered and projected on the way.

Two ways behind one function: DuckDB's own reader, from a wheel that carries the extension (nothing
is downloaded), and ADBC where that wheel does not fit the DuckDB that is installed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module, resources
from typing import Any, Final, Protocol, cast

import duckdb

from connector.store.bulk import AT_ONCE
from connector.store.opening import Database

_EXTENSIONS: Final = {True: "sqlite_scanner", False: "postgres_scanner"}


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a job in a table of the store that are not deleted, under a condition."""

    table: str
    job: int
    where: str = ""

    @property
    def source(self) -> str:
        """What to select from, open for one more condition."""
        return f"{self.table} where job_id = {self.job} and {self.kept}"

    @property
    def kept(self) -> str:
        """The condition besides the job's."""
        return f"not deleted and {self.where}" if self.where else "not deleted"


@dataclass(frozen=True, slots=True)
class Beside:
    """A DuckDB table whose *columns* rows get on the way in, those without a match being left out.

    The rows' column *by* is compared with the table's column *key*, and not kept itself. *columns*
    are the names in the result, each with that in the table.
    """

    table: str
    by: str
    key: str
    columns: Mapping[str, str]

    @property
    def sql(self) -> str:
        """What to add after the rows."""
        picked = "".join(f', "{theirs}" as "{name}"' for name, theirs in self.columns.items())
        other = f'(select "{self.key}" as "beside"{picked} from {self.table})'
        return f' join {other} on "{self.by}" = "beside"'


class Reader(Protocol):
    """Copies rows of the store into DuckDB tables."""

    def copy(
        self,
        into: str,
        records: Records,
        columns: Mapping[str, tuple[str, str]],
        beside: Beside | None = None,
    ) -> None:
        """Create the DuckDB table *into* from *records*, with what stands *beside* them.

        *columns* are the result's: SQL that every database understands, and the DuckDB type as in
        `load`.
        """
        ...

    def load(self, into: str, sql: str, columns: Mapping[str, str]) -> None:
        """Create the DuckDB table *into* from *sql*, run in the store.

        *columns* are the result's columns and the DuckDB type each shall have; times are read as
        `timestamptz`.
        """
        ...


def open_engine(config: Mapping[str, str] | None = None) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB that is to read a store, with these settings of its own.

    Each time it would prove the signature of the extension's 35 MB, which takes a third of a
    second: longer than a small job needs for all else. The file is part of a wheel, as trusted as
    the rest of what is installed, and no other is ever loaded, least of all from the network.
    """
    told = {
        "allow_unsigned_extensions": "true",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    return duckdb.connect(config=cast("dict[str, Any]", told | dict(config or {})))


@contextmanager
def open_reader(
    database: Database, engine: duckdb.DuckDBPyConnection, *, extension: bool = True
) -> Iterator[Reader]:
    """Yield a reader of *database* for the DuckDB connection *engine*."""
    path = _extension_path(database) if extension else None
    if path is not None and _loads(engine, path):
        with _attached(database, engine) as reader:
            yield reader
        return
    adbc = _Adbc(database, engine)
    try:
        yield adbc
    finally:
        adbc.close()


def _extension_path(database: Database) -> str | None:
    name = _EXTENSIONS[database.is_sqlite]
    try:
        package = import_module(f"duckdb_extension_{name}")
    except ImportError:
        return None
    file = resources.files(package) / "extensions" / f"v{duckdb.__version__}"
    path = file / f"{name}.duckdb_extension"
    return str(path) if path.is_file() else None


def _loads(engine: duckdb.DuckDBPyConnection, path: str) -> bool:
    try:
        engine.load_extension(path)
    except duckdb.Error:
        return False
    return True


@contextmanager
def _attached(database: Database, engine: duckdb.DuckDBPyConnection) -> Iterator[Reader]:
    if database.is_sqlite:
        address, kind = str(database.path), "sqlite"
    else:
        url = database.url.set(drivername="postgresql")
        address, kind = url.render_as_string(hide_password=False), "postgres"
    engine.execute(f"attach {_literal(address)} as held (type {kind}, read_only)")
    threads = engine.sql("select current_setting('threads')").fetchall()[0][0]
    if database.is_sqlite:
        # One thread reads SQLite. DuckDB's client would wait for it at full speed on another.
        engine.execute("set threads = 1")
    try:
        yield _Attached(engine, kind)
    finally:
        engine.execute(f"set threads = {threads}")
        engine.execute("detach held")


class _Attached:
    def __init__(self, engine: duckdb.DuckDBPyConnection, kind: str) -> None:
        self._engine = engine
        self._kind = kind

    def load(self, into: str, sql: str, columns: Mapping[str, str]) -> None:
        self._create(into, columns, self._query(sql), None)

    def copy(
        self,
        into: str,
        records: Records,
        columns: Mapping[str, tuple[str, str]],
        beside: Beside | None = None,
    ) -> None:
        types = {name: kind for name, (_, kind) in columns.items()}
        if self._kind != "sqlite" or not self._alone(records):
            source = self._query(_select(records.source, columns))
        else:
            # A query hands every value over as text; a scan doesn't, but it reads all there is:
            # worth it where no other job's records are in the way.
            source = f"({_select(f'held.{records.table} where {records.kept}', columns)})"
        self._create(into, types, source, beside)

    def _query(self, sql: str) -> str:
        # Names and SQL are the store's own; the query runs in the store, so its filter is used.
        return f"{self._kind}_query('held', {_literal(sql)})"

    def _alone(self, records: Records) -> bool:
        """Say whether all records in the table are of the job: the key tells at once."""
        others = f"exists (select 1 from {records.table} where job_id {{}} {records.job})"
        either = f"select {others.format('<')} or {others.format('>')} as other"
        found = self._engine.execute(f"from {self._query(either)}").fetchone() or (0,)
        return not int(found[0])

    def _create(
        self, into: str, columns: Mapping[str, str], source: str, beside: Beside | None
    ) -> None:
        _run(self._engine, _creation(into, columns, source, beside, self._kind == "sqlite"), beside)


class _Adbc:
    def __init__(self, database: Database, engine: duckdb.DuckDBPyConnection) -> None:
        self._engine = engine
        self._naive = database.is_sqlite
        if database.is_sqlite:
            import adbc_driver_sqlite.dbapi as sqlite

            self._connection = sqlite.connect(str(database.path))
        else:
            import adbc_driver_postgresql.dbapi as postgresql

            url = database.url.set(drivername="postgresql")
            self._connection = postgresql.connect(url.render_as_string(hide_password=False))

    def load(self, into: str, sql: str, columns: Mapping[str, str]) -> None:
        self._create(into, sql, columns, None)

    def copy(
        self,
        into: str,
        records: Records,
        columns: Mapping[str, tuple[str, str]],
        beside: Beside | None = None,
    ) -> None:
        types = {name: kind for name, (_, kind) in columns.items()}
        self._create(into, _select(records.source, columns), types, beside)

    def _create(
        self, into: str, sql: str, columns: Mapping[str, str], beside: Beside | None
    ) -> None:
        with self._connection.cursor() as cursor:
            if self._naive:
                cursor.adbc_statement.set_options(**AT_ONCE)
            cursor.execute(sql)
            batches = cursor.fetch_record_batch()
            self._engine.register("arriving", batches)
            try:
                sql = _creation(into, columns, "arriving", beside, self._naive)
                _run(self._engine, sql, beside)
            finally:
                self._engine.unregister("arriving")

    def close(self) -> None:
        self._connection.close()


def _run(engine: duckdb.DuckDBPyConnection, sql: str, beside: Beside | None) -> None:
    """Run *sql*; where rows get something *beside* them, with its join as it is written.

    DuckDB takes what it reads from elsewhere for one row. It would put these millions into the hash
    table, and look up in it those that they have beside them.
    """
    if beside is None:
        engine.execute(sql)
        return
    engine.execute("set disabled_optimizers = 'join_order,build_side_probe_side'")
    try:
        engine.execute(sql)
    finally:
        engine.execute("reset disabled_optimizers")


def _select(source: str, columns: Mapping[str, tuple[str, str]]) -> str:
    picked = ", ".join(f'{sql} as "{name}"' for name, (sql, _) in columns.items())
    return f"select {picked} from {source}"


def _creation(
    into: str, columns: Mapping[str, str], source: str, beside: Beside | None, naive: bool
) -> str:
    """Return SQL that creates a table of *columns* in their types; *naive* times are UTC."""
    parts = []
    for name, kind in columns.items():
        if beside and name == beside.by:
            continue
        value = f'cast("{name}" as {kind})'
        if naive and kind == "timestamptz":
            value = f"timezone('UTC', cast(\"{name}\" as timestamp))"
        parts.append(f'{value} as "{name}"')
    added = ""
    if beside:
        parts += (f'"{name}"' for name in beside.columns)
        added = beside.sql
    return f"create table {into} as select {', '.join(parts)} from {source}{added}"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
