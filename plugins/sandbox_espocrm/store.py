"""What is held: a table of SQLite for each entity, a column for each attribute."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from sandbox_espocrm.schema import Attribute, Entity, Schema

Row: TypeAlias = dict[str, Any]
_TYPES: Final = {
    # Texts are compared as the collation of EspoCRM's database does: small letters are capitals.
    "text": "TEXT COLLATE NOCASE", "int": "INTEGER", "float": "REAL", "bool": "INTEGER",
    "date": "TEXT", "datetime": "TEXT",
}  # fmt: skip
LIVE: Final = "t.deleted = 0"
_LOOKED_UP: Final = ("modifiedAt", "accountId", "parentId")


class Store:
    """The records of all entities, deleted ones too; one caller works at a time.

    *rate* is what one unit of a currency is worth in that of the company.
    """

    def __init__(self, schema: Schema, rate: Callable[[str | None], float]) -> None:
        self.schema = schema
        self.lock = threading.RLock()
        self._numbers: Counter[str] = Counter()
        # An empty path is a file that SQLite makes for itself, and that goes with it.
        self._database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._database.row_factory = sqlite3.Row
        self._database.create_function("rate", 1, rate)
        self._run("PRAGMA journal_mode = MEMORY")
        self._run("PRAGMA synchronous = OFF")
        for entity in schema:
            self._create(entity)

    def _create(self, entity: Entity) -> None:
        columns = ", ".join(_column(one) for one in _kept(entity))
        self._run(
            f'CREATE TABLE "{entity.name}" (_n INTEGER PRIMARY KEY, deleted INTEGER DEFAULT 0,'
            f" {columns})"
        )
        self._run(f'CREATE UNIQUE INDEX "{entity.name}.id" ON "{entity.name}" (id)')
        for name in _LOOKED_UP:
            if name in entity.attributes:
                self._run(
                    f'CREATE INDEX "{entity.name}.{name}" ON "{entity.name}"'
                    f' ("{name}", id, deleted)'
                )

    def add_columns(self, entity: Entity, attributes: Iterable[Attribute]) -> None:
        """Keep more of each record."""
        for one in attributes:
            self._run(f'ALTER TABLE "{entity.name}" ADD COLUMN {_column(one)}')

    def drop_columns(self, entity: Entity, attributes: Iterable[Attribute]) -> None:
        """Keep less of each record."""
        for one in attributes:
            self._run(f'ALTER TABLE "{entity.name}" DROP COLUMN "{one.name}"')

    def next_number(self, entity: Entity | None = None) -> int:
        """Return the number of a new record: among those of *entity*, or among all."""
        name = entity.name if entity else ""
        with self.lock:
            self._numbers[name] += 1
            return self._numbers[name]

    def insert(self, entity: Entity, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add records, which all have the same attributes."""
        names = ", ".join(f'"{name}"' for name in rows[0])
        marks = ", ".join("?" * len(rows[0]))
        with self.lock, self._database:
            self._run("BEGIN")
            self._database.executemany(
                f'INSERT INTO "{entity.name}" ({names}) VALUES ({marks})',
                [[*row.values()] for row in rows],
            )

    def update(self, entity: Entity, record: str, values: Mapping[str, Any]) -> None:
        """Change a record."""
        told = ", ".join(f'"{name}" = ?' for name in values)
        self._run(f'UPDATE "{entity.name}" SET {told} WHERE id = ?', [*values.values(), record])

    def fetch(self, entity: Entity, record: str) -> Row | None:
        """Return a record that is not deleted."""
        found = self.select(entity, [*entity.attributes], f"{LIVE} AND t.id = ?", [record])
        return found[0] if found else None

    def select(
        self, entity: Entity, names: Sequence[str], where: str = "1", values: Sequence[Any] = ()
    ) -> list[Row]:
        """Return attributes of the records of which *where* is true, which are called `t` there."""
        told = ", ".join(f'{self.expression(entity, name)} AS "{name}"' for name in names)
        with self.lock:
            found = self._run(
                f'SELECT {told} FROM "{entity.name}" t WHERE {where}', values
            ).fetchall()
        booleans = [name for name in names if entity.attributes[name].kind == "bool"]
        return [{**dict(row), **{name: bool(row[name]) for name in booleans}} for row in found]

    def page(
        self,
        entity: Entity,
        names: Sequence[str],
        where: str,
        values: Sequence[Any],
        order: str,
        offset: int,
        size: int,
    ) -> list[Row]:
        """Return as many records of those, in that order."""
        # What is told of each is looked up when it is known which: not of all before them.
        page = (
            f't._n IN (SELECT t._n FROM "{entity.name}" t WHERE {where} ORDER BY {order}'
            f" LIMIT {size} OFFSET {offset}) ORDER BY {order}"
        )
        return self.select(entity, names, page, values)

    def count(self, entity: Entity, where: str = "1", values: Sequence[Any] = ()) -> int:
        """Return how many records there are."""
        asked = f'SELECT count(*) FROM "{entity.name}" t WHERE {where}'
        with self.lock:
            counted: int = self._run(asked, values).fetchone()[0]
        return counted

    def expression(self, entity: Entity, name: str) -> str:
        """Return the SQL of an attribute of a record in `t`."""
        attribute = entity.attributes[name]
        if not attribute.derived:
            return f't."{name}"'
        if attribute.kind == "converted":
            amount = name.removesuffix("Converted")
            return f't."{amount}" * rate(t."{amount}Currency")'
        link = attribute.field
        if entity.fields[link]["type"] == "linkParent":
            cases = " ".join(
                f"WHEN '{one}' THEN {_named(one, link)}"
                for one in entity.fields[link]["entityList"]
            )
            return f'CASE t."{link}Type" {cases} END'
        return _named(entity.target(link), link)

    def close(self) -> None:
        """Let go of everything."""
        self._database.close()

    def _run(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        with self.lock:
            return self._database.execute(sql, values)


def _named(target: str, link: str) -> str:
    return f'(SELECT x.name FROM "{target}" x WHERE x.id = t."{link}Id" AND x.deleted = 0)'


def _kept(entity: Entity) -> list[Attribute]:
    return [one for one in entity.attributes.values() if not one.derived]


def _column(one: Attribute) -> str:
    return f'"{one.name}" {_TYPES[one.kind]}'
