"""Moves rows into the store as Arrow tables: no object a row.

SQLite takes a prepared upsert, PostgreSQL a COPY into a temporary table and one upsert from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc
from sqlmodel import SQLModel

from connector.store.opening import Database, sqlite_pragmas

AT_ONCE: Final = {"adbc.sqlite.query.batch_rows": str(2**20)}
"""From so many rows SQLite's driver tells the type of a column: none may come later that has no
value among the first ones, and then a text."""


class Bulk(Protocol):
    """One connection for columnar writes; nothing is kept before `commit`.

    *sorts_by_code_point*: texts are in order as Python has them, whatever the language.
    """

    sorts_by_code_point: bool

    def upsert(self, table: str, rows: pa.Table, *, unless: str | None = None) -> int:
        """Insert *rows* or update those that exist; return how many were written.

        The columns of *rows* are those of the table. An existing row for which *unless* (SQL over
        `old` and `new`) holds is left as it is and not counted.
        """
        ...

    def update(self, table: str, rows: pa.Table) -> None:
        """Set the columns of *rows* in the rows of the table that have their key."""
        ...

    def execute(self, sql: str, *values: object) -> int:
        """Run a statement with ? for each of *values*; return the number of rows it changed."""
        ...

    def fetch(self, sql: str, *values: object) -> pa.Table:
        """Return what a query with ? for each of *values* gives."""
        ...

    def as_kept(self, rows: pa.Table) -> pa.Table:
        """Return *rows* with the types in which `fetch` would hand them back."""
        ...

    def commit(self) -> None:
        """Keep what has been written."""
        ...

    def rollback(self) -> None:
        """Forget what has been written since the last commit."""
        ...

    def close(self) -> None:
        """Close the connection; what was not committed is forgotten."""
        ...


def open_bulk(database: Database) -> Bulk:
    """Return a connection for columnar writes into *database*."""
    return _Sqlite(database) if database.is_sqlite else _Postgres(database)


def _key_of(table: str) -> list[str]:
    return [column.name for column in SQLModel.metadata.tables[table].primary_key]


def _upsert_sql(table: str, columns: Sequence[str], values: str, unless: str | None) -> str:
    key = _key_of(table)
    updates = [f'"{column}" = excluded."{column}"' for column in columns if column not in key]
    names = ", ".join(f'"{column}"' for column in columns)
    keys = ", ".join(key)
    # Table and column names are those of `tables`, never from outside.
    sql = f"insert into {table} as old ({names}) {values} on conflict ({keys})"
    if not updates:
        return f"{sql} do nothing"
    sql += f" do update set {', '.join(updates)}"
    if unless is None:
        return sql
    return f"{sql} where not coalesce({unless.replace('new.', 'excluded.')}, false)"


class _Sqlite:
    sorts_by_code_point = True

    def __init__(self, database: Database) -> None:
        import adbc_driver_sqlite.dbapi as driver

        self._connection = driver.connect(str(database.path))
        self._connection.adbc_connection.set_autocommit(True)
        self._cursor = self._connection.cursor()
        self._cursor.adbc_statement.set_options(**AT_ONCE)
        for pragma in sqlite_pragmas():
            self._cursor.execute(pragma)
        self._writing = False

    def upsert(self, table: str, rows: pa.Table, *, unless: str | None = None) -> int:
        if rows.num_rows == 0:
            return 0
        # A null in the statement costs less than half of one that is bound row by row.
        empty = [column.null_count == rows.num_rows for column in rows.columns]
        marks = ", ".join("null" if nothing else "?" for nothing in empty)
        sql = _upsert_sql(table, rows.column_names, f"values ({marks})", unless)
        bound = rows.select([n for n, nothing in enumerate(empty) if not nothing])
        self._begin()
        before = self._total_changes()
        self._cursor.executemany(sql, _as_sqlite_keeps_it(bound))
        return self._total_changes() - before

    def update(self, table: str, rows: pa.Table) -> None:
        if rows.num_rows == 0:
            return
        key = _key_of(table)
        values = [name for name in rows.column_names if name not in key]
        empty = {name for name in values if rows.column(name).null_count == rows.num_rows}
        settings = ", ".join(f'"{n}" = {"null" if n in empty else "?"}' for n in values)
        where = " and ".join(f'"{name}" = ?' for name in key)
        self._begin()
        self._cursor.executemany(
            f"update {table} set {settings} where {where}",
            _as_sqlite_keeps_it(rows.select([*(n for n in values if n not in empty), *key])),
        )

    def _begin(self) -> None:
        # The driver's own transaction would begin with the first reading: SQLite then refuses to
        # write, without waiting, if another process has written since.
        if not self._writing:
            self._cursor.execute("begin immediate")
            self._writing = True

    def _total_changes(self) -> int:
        self._cursor.execute("select total_changes()")
        return int(self._cursor.fetchone()[0])

    def execute(self, sql: str, *values: object) -> int:
        self._begin()
        before = self._total_changes()
        self._cursor.execute(sql, values or None)
        self._cursor.fetchall()
        return self._total_changes() - before

    def fetch(self, sql: str, *values: object) -> pa.Table:
        self._cursor.execute(sql, values or None)
        return self._cursor.fetch_arrow_table()

    def as_kept(self, rows: pa.Table) -> pa.Table:
        return _as_sqlite_keeps_it(rows)

    def commit(self) -> None:
        self._end("commit")

    def rollback(self) -> None:
        import adbc_driver_sqlite.dbapi as driver

        # On a full disk SQLite has ended the transaction by itself, and there is nothing to undo.
        with suppress(driver.OperationalError):
            self._end("rollback")

    def _end(self, how: str) -> None:
        if self._writing:
            self._writing = False
            self._cursor.execute(how)

    def close(self) -> None:
        self._cursor.close()
        self._connection.close()


def _as_sqlite_keeps_it(rows: pa.Table) -> pa.Table:
    columns = []
    for column in rows.columns:
        kind = column.type
        if pa.types.is_boolean(kind):
            column = pc.cast(column, pa.int8())
        elif pa.types.is_timestamp(kind):
            # Text as SQLAlchemy writes it: UTC, without the zone.
            column = pc.cast(pc.cast(column, pa.timestamp("us")), pa.string())
        elif pa.types.is_date(kind):
            column = pc.cast(column, pa.string())
        columns.append(column)
    return pa.table(columns, names=rows.column_names)


class _Postgres:
    sorts_by_code_point = False  # but as the database was told to when it was made

    def __init__(self, database: Database) -> None:
        import adbc_driver_postgresql.dbapi as driver

        url = database.url.set(drivername="postgresql")
        self._connection = driver.connect(url.render_as_string(hide_password=False))
        self._cursor = self._connection.cursor()

    def upsert(self, table: str, rows: pa.Table, *, unless: str | None = None) -> int:
        if rows.num_rows == 0:
            return 0
        names = ", ".join(f'"{column}"' for column in rows.column_names)
        source = f"select {names} from {self._staged(table, rows)}"
        return self.execute(_upsert_sql(table, rows.column_names, source, unless))

    def update(self, table: str, rows: pa.Table) -> None:
        if rows.num_rows == 0:
            return
        key = _key_of(table)
        values = [name for name in rows.column_names if name not in key]
        settings = ", ".join(f'"{name}" = new."{name}"' for name in values)
        where = " and ".join(f'old."{name}" = new."{name}"' for name in key)
        stage = self._staged(table, rows)
        self._cursor.execute(
            f"update {table} as old set {settings} from {stage} as new where {where}"
        )

    def _staged(self, table: str, rows: pa.Table) -> str:
        """Return the name of a temporary table that holds *rows*."""
        stage = f"stage_{table}"
        self._cursor.execute(f"drop table if exists pg_temp.{stage}")
        self._cursor.adbc_ingest(stage, rows, mode="create", temporary=True)
        return f"pg_temp.{stage}"

    def execute(self, sql: str, *values: object) -> int:
        # The driver counts no rows of a statement with values; the statement does it itself.
        counted = f"with changed as ({sql} returning 1) select count(*) from changed"
        self._cursor.execute(_numbered(counted), values or None)
        return int(self._cursor.fetchone()[0])

    def fetch(self, sql: str, *values: object) -> pa.Table:
        self._cursor.execute(_numbered(sql), values or None)
        return self._cursor.fetch_arrow_table()

    def as_kept(self, rows: pa.Table) -> pa.Table:
        return rows

    def commit(self) -> None:
        self._connection.commit()

    def rollback(self) -> None:
        self._connection.rollback()

    def close(self) -> None:
        self._cursor.close()
        self._connection.close()


def _numbered(sql: str) -> str:
    parts = sql.split("?")
    return "".join(f"{part}${n}" for n, part in enumerate(parts[:-1], start=1)) + parts[-1]
