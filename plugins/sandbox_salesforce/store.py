"""What the organisation holds: a table of SQLite for each object, a column for each field."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

from sandbox_salesforce.ids import make_id
from sandbox_salesforce.schema import IDS, FieldDef, Schema, SObject, Value

Row: TypeAlias = dict[str, Value]
NUMBER: Final = "_n"
"""The number of a record within its object; its id is made of it."""
_TYPES: Final = {
    "boolean": "INTEGER", "int": "INTEGER", "double": "REAL", "currency": "REAL",
    "percent": "REAL", "date": "TEXT", "datetime": "TEXT", "id": "TEXT", "reference": "TEXT",
}  # fmt: skip
_LOOKED_UP: Final = {
    "Opportunity": ("AccountId",), "OpportunityLineItem": ("OpportunityId",),
    "Task": ("WhatId", "AccountId"), "Case": ("AccountId",), "Contact": ("AccountId",),
    "Account": ("ParentId",),
}  # fmt: skip


class Store:
    """The records of an organisation; one caller works at a time."""

    def __init__(self, schema: Schema, path: str = "") -> None:
        # An empty path is a file that SQLite makes for itself, and that goes with it: what doesn't
        # fit into its cache is on disk, so that millions of records take no memory.
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.row_factory = sqlite3.Row
        self._database.create_function("sf_id", 2, make_id, deterministic=True)
        self.lock = threading.RLock()
        self._depth = 0
        self._numbers: dict[str, int] = {}
        self.run("PRAGMA journal_mode = MEMORY")
        self.run("PRAGMA synchronous = OFF")
        self.run("PRAGMA cache_size = -32000")
        for one in schema:
            self._create(one)

    def _create(self, sobject: SObject) -> None:
        columns = ", ".join(_column(one) for one in sobject if one.is_stored)
        self.run(f'CREATE TABLE "{sobject.name}" ({NUMBER} INTEGER PRIMARY KEY, {columns})')
        self.run(f'CREATE UNIQUE INDEX "{sobject.name}.Id" ON "{sobject.name}" ("Id")')
        # With all that the usual query of a sync looks at: the records themselves are not read.
        self.index(sobject, "SystemModstamp", "Id", "IsDeleted")
        for name in _LOOKED_UP.get(sobject.name, ()):
            self.index(sobject, name)

    def add_column(self, sobject: SObject, one: FieldDef) -> None:
        """Add a custom field, with its default in the records that are there."""
        self.run(f'ALTER TABLE "{sobject.name}" ADD COLUMN {_column(one)}')
        if one.default is not None:
            self.run(f'UPDATE "{sobject.name}" SET "{one.name}" = ?', [one.default])
        if one.external_id or one.unique:
            self.index(sobject, one.name)

    def drop_column(self, sobject: SObject, one: FieldDef) -> None:
        """Take a custom field away, with what records hold in it."""
        self.run(f'DROP INDEX IF EXISTS "{sobject.name}.{one.name}"')
        self.run(f'ALTER TABLE "{sobject.name}" DROP COLUMN "{one.name}"')

    def index(self, sobject: SObject, *names: str) -> None:
        """Make lookups by these columns quick."""
        columns = ", ".join(f'"{name}"' for name in names)
        self.run(f'CREATE INDEX "{sobject.name}.{names[0]}" ON "{sobject.name}" ({columns})')

    @contextmanager
    def filling(self) -> Iterator[None]:
        """Make many records quickly; where that fails, what is held is lost.

        Nothing is remembered of how it was before: for millions of records that is most memory.
        """
        with self.lock:
            self.run("PRAGMA journal_mode = OFF")
            self.run("BEGIN")
            yield
            self.run("COMMIT")
            self.run("PRAGMA journal_mode = MEMORY")

    @contextmanager
    def without_indexes(self, sobject: SObject) -> Iterator[None]:
        """Make the indexes of an object anew after what is done within: quicker for many rows."""
        found = self.rows(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ?",
            [sobject.name],
        )
        for row in found:
            self.run(f'DROP INDEX "{row["name"]}"')
        yield
        for row in found:
            self.run(row["sql"])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep what is done within, or nothing of it if it raises; they may be nested."""
        with self.lock:
            name = f"level_{self._depth}"
            self._database.execute(f"SAVEPOINT {name}")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._database.execute(f"ROLLBACK TO {name}")
                raise
            finally:
                self._depth -= 1
                self._database.execute(f"RELEASE {name}")

    def run(self, sql: str, values: Sequence[Value] = ()) -> int:
        """Carry *sql* out and return how many rows it changed."""
        with self.lock:
            return self._database.execute(sql, values).rowcount

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[sqlite3.Row]:
        """Return all rows of *sql*."""
        with self.lock:
            found: list[sqlite3.Row] = self._database.execute(sql, values).fetchall()
            return found

    def one(self, sql: str, values: Sequence[Value] = ()) -> Any:
        """Return the first value of the first row of *sql*; None if there is no row."""
        with self.lock:
            row = self._database.execute(sql, values).fetchone()
            return row[0] if row else None

    def numbers(self, sql: str, values: Sequence[Value]) -> Iterator[int]:
        """Yield the first column of *sql*; give it to something that reads it at once."""
        with self.lock:
            for row in self._database.execute(sql, values):
                yield row[0]

    def fetch(self, sobject: SObject, record: str) -> Row | None:
        """Return a record, deleted or not, with all its fields; None if there never was one."""
        found = self.rows(f'SELECT * FROM "{sobject.name}" WHERE "Id" = ?', [record])
        return self.as_row(found[0]) if found else None

    def as_row(self, found: sqlite3.Row) -> Row:
        """Return what SQLite found as a record."""
        return {name: value for name, value in dict(found).items() if name != NUMBER}

    def insert(self, sobject: SObject, row: Mapping[str, Value]) -> str:
        """Add a record and return its id."""
        with self.lock:
            number = self.next_number(sobject)
            record = make_id(sobject.prefix, number)
            whole = {NUMBER: number, **row, "Id": record}
            names = ", ".join(f'"{name}"' for name in whole)
            marks = ", ".join("?" * len(whole))
            self.run(f'INSERT INTO "{sobject.name}" ({names}) VALUES ({marks})', [*whole.values()])
            return record

    def next_number(self, sobject: SObject, count: int = 1) -> int:
        """Return the first of *count* numbers that no record has had."""
        with self.lock:
            first = self._numbers.get(sobject.name, 0) + 1
            self._numbers[sobject.name] = first + count - 1
            return first

    def last_number(self, sobject: SObject) -> int:
        """Return the number of the newest record; 0 if there is none."""
        with self.lock:
            return self._numbers.get(sobject.name, 0)

    def update(self, sobject: SObject, record: str, row: Mapping[str, Value]) -> None:
        """Set fields of a record."""
        if row:
            names = ", ".join(f'"{name}" = ?' for name in row)
            self.run(f'UPDATE "{sobject.name}" SET {names} WHERE "Id" = ?', [*row.values(), record])

    def close(self) -> None:
        """Let go of the database."""
        with self.lock:
            self._database.close()


def _column(one: FieldDef) -> str:
    kind = _TYPES.get(one.type, "TEXT")
    folded = kind == "TEXT" and one.type not in (*IDS, "date", "datetime")
    collation = " COLLATE NOCASE" if folded and not one.case_sensitive else ""
    return f'"{one.name}" {kind}{collation}'
