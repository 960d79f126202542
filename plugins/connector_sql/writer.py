"""Writes fields and tasks in batches, each one transaction; a refused row costs one row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import exc

from connector import (
    AccessError,
    Applied,
    AuthError,
    Change,
    CloseTask,
    ConfigError,
    Conflict,
    Current,
    HeldTask,
    PutTask,
    Rejected,
    Retry,
    SetFields,
    Stream,
    Transient,
    Unchanged,
    Unknown,
    WriteOutcome,
)
from connector_sql import tasks
from connector_sql.database import Database, code_of, is_lost
from connector_sql.values import equal, exact, fit

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from connector_sql.settings import SqlSettings

T = TypeVar("T")
_BATCH: Final = 5_000
_IN: Final = 900  # every database takes as many values in one IN


class SqlWriter:
    """A database as a target."""

    def __init__(self, settings: SqlSettings) -> None:
        if settings.target_table is None:
            raise ConfigError("sql: nothing to write to; name accounts_table in the target")
        self.settings = settings
        self.table_name = settings.target_table
        self.database = Database(settings, writing=True)
        self.reader = Database(settings)
        self.tasks = tasks.tasks_table(settings.tasks_table)

    def check(self, fields: Sequence[str]) -> str:
        """Return where we write to, once an UPDATE of no row at all was allowed."""
        with self.database.connect() as connection:
            target = self._target(connection, fields)
            if fields:
                target.try_out(connection, fields)
            if self._has_tasks(connection):
                self._expect_task_columns(connection)
        name = self.database.name
        return f"{name}: table {self.table_name!r}, tasks in {self.settings.tasks_table!r}"

    def current(self, accounts: Sequence[str], fields: Sequence[str]) -> Current:
        """Return the rows of *accounts* and our tasks for them."""
        with self.reader.connect() as connection:
            target = self._target(connection, fields)
            held = target.held(connection, accounts, fields)
            rows = [{**row, "id": account} for account, row in held.items()]
            column = self.tasks.c.account
            return Current(rows, list(self._held_tasks(connection, column, accounts).values()))

    def write(self, changes: Sequence[Change]) -> Iterator[WriteOutcome]:
        """Yield one outcome a change."""
        for batch in _chunks(changes, _BATCH):
            yield from self._deliver(batch)

    def close(self) -> None:
        """Let go of the connections."""
        self.database.close()
        self.reader.close()

    def _deliver(self, batch: Sequence[Change]) -> list[WriteOutcome]:
        """Carry out a batch; if the database refuses it, find out which change is to blame."""
        with self.database.connect() as connection:
            try:
                return self._transaction(connection, batch)
            except exc.SQLAlchemyError as error:
                problem = self.database.error(error)
                words = self.database.words(error)
                if isinstance(problem, Transient):
                    return [Retry(change.marker, None, words) for change in batch]
                by_row = "row-level security" in words
                if isinstance(problem, (AuthError, AccessError)) and not by_row:
                    raise
                if len(batch) == 1:
                    return [Rejected(batch[0].marker, code_of(error), words)]
        middle = len(batch) // 2
        return [*self._deliver(batch[:middle]), *self._deliver(batch[middle:])]

    def _transaction(self, connection: Connection, batch: Sequence[Change]) -> list[WriteOutcome]:
        outcomes = [
            *self._set([change for change in batch if isinstance(change, SetFields)], connection),
            *self._put([change for change in batch if isinstance(change, PutTask)], connection),
            *self._close([change for change in batch if isinstance(change, CloseTask)], connection),
        ]
        try:
            connection.commit()
        except exc.DBAPIError as error:
            if not is_lost(error):
                raise
            words = self.database.words(error)
            return [
                Unknown(outcome.marker, words) if isinstance(outcome, Applied) else outcome
                for outcome in outcomes
            ]
        return outcomes

    def _set(self, changes: Sequence[SetFields], connection: Connection) -> Iterator[WriteOutcome]:
        if not changes:
            return
        fields = list(dict.fromkeys(name for change in changes for name in change.values))
        target = self._target(connection, fields)
        ids = [change.ref.id for change in changes]
        held = target.held(connection, ids, fields, lock=True)
        rows: dict[tuple[str, ...], list[dict[str, object]]] = defaultdict(list)
        for change in changes:
            values = {name: target.fit(name, value) for name, value in change.values.items()}
            outcome = _judged(change, values, held.get(change.ref.id))
            if isinstance(outcome, Applied):
                rows[tuple(values)].append(target.row(change.ref.id, values))
            yield outcome
        for names, updates in rows.items():
            target.update(connection, names, updates)

    def _put(self, changes: Sequence[PutTask], connection: Connection) -> Iterator[WriteOutcome]:
        if not changes:
            return
        if not self._has_tasks(connection):
            self.tasks.create(connection)
        markers = [change.marker for change in changes]
        held = self._held_tasks(connection, self.tasks.c.marker, markers, lock=True)
        accounts = [change.ref.id for change in changes if change.marker not in held]
        target = self._target(connection)
        known = target.held(connection, accounts, ())
        inserts, updates = [], []
        for change in changes:
            task = held.get(change.marker)
            wanted = tasks.content(change)
            if task is None and (change.ref.id not in known or not _on_account(change)):
                yield _missing(change)
            elif task is None:
                inserts.append(tasks.new(change))
                yield Applied(change.marker, change.marker)
            elif task.status != "open" or not tasks.differs(task, wanted):
                yield Unchanged(change.marker)
            else:
                updates.append({"key": change.marker, **wanted})
                yield Applied(change.marker, change.marker)
        if inserts:
            connection.execute(self.tasks.insert(), inserts)
        self._update_tasks(connection, updates)

    def _close(
        self, changes: Sequence[CloseTask], connection: Connection
    ) -> Iterator[WriteOutcome]:
        if not changes:
            return
        markers = [change.marker for change in changes]
        held = self._held_tasks(connection, self.tasks.c.marker, markers, lock=True)
        updates = []
        for change in changes:
            task = held.get(change.marker)
            if task is None:
                yield Rejected(change.marker, "not_found", f"there is no task {change.marker!r}")
            elif task.status != "open":
                yield Unchanged(change.marker)
            else:
                updates.append({"key": change.marker, **tasks.closed(task, change)})
                yield Applied(change.marker, change.marker)
        self._update_tasks(connection, updates)

    def _update_tasks(self, connection: Connection, updates: Sequence[dict[str, Any]]) -> None:
        if not updates:
            return
        names = [name for name in updates[0] if name != "key"]
        statement = self.tasks.update().where(self.tasks.c.marker == sa.bindparam("key"))
        connection.execute(statement.values({n: sa.bindparam(n) for n in names}), updates)

    def _held_tasks(
        self,
        connection: Connection,
        column: sa.ColumnElement[str],
        values: Sequence[str],
        *,
        lock: bool = False,
    ) -> dict[str, HeldTask]:
        if not values or not self._has_tasks(connection):
            return {}
        # Read without types: a person may have written a date in a way of their own.
        untyped = [sa.type_coerce(c, sa.types.NullType()).label(c.name) for c in self.tasks.c]
        statement = sa.select(*untyped)
        found: dict[str, HeldTask] = {}
        for chunk in _chunks(values, _IN):
            asked = statement.where(column.in_(chunk))
            asked = asked.with_for_update() if lock else asked
            for row in connection.execute(asked).mappings():
                found[row["marker"]] = tasks.held(row)
        return found

    def _has_tasks(self, connection: Connection) -> bool:
        return self.database.has_table(connection, self.settings.tasks_table)

    def _expect_task_columns(self, connection: Connection) -> None:
        table = self.database.table(connection, self.settings.tasks_table)
        for column in self.tasks.c:
            self.database.expect(
                f"table {self.settings.tasks_table!r}", column.name, table.c.keys()
            )

    def _target(self, connection: Connection, fields: Sequence[str] = ()) -> _Target:
        target = _Target(self.database, connection, self.table_name, self.settings.target_id)
        for name in (target.id, *fields):
            self.database.expect(f"table {self.table_name!r}", name, target.columns)
        return target


class _Target:
    """The table of accounts."""

    def __init__(self, database: Database, connection: Connection, name: str, id_: str) -> None:
        self.is_sqlite = database.is_sqlite
        table = database.table(connection, name)
        self.columns: Mapping[str, sa.Column[Any]] = {c.name: c for c in table.columns}
        names: list[sa.ColumnClause[Any]] = [sa.column(column) for column in self.columns]
        # As the driver gives and takes them: SQLite's types would refuse what SQLite stores.
        self.untyped = sa.table(table.name, *names, schema=table.schema)
        self.table = self.untyped if database.is_sqlite else table
        self.id = id_

    def key(self, account: str) -> object:
        """Return the account's id in the type of its column; None if it can't be one."""
        kind = self.columns[self.id].type
        try:
            if isinstance(kind, (sa.Integer, sa.Numeric)):
                return int(account) if str(int(account)) == account else None
            return UUID(account) if isinstance(kind, sa.Uuid) else account
        except ValueError:
            return None

    def held(
        self,
        connection: Connection,
        accounts: Iterable[str],
        fields: Sequence[str],
        *,
        lock: bool = False,
    ) -> dict[str, dict[str, object]]:
        """Return the values of *fields* by account, for those that exist."""
        by_key = {key: a for a in accounts if (key := self.key(a)) is not None}
        columns = [self.untyped.c[self.id].label("pc_id"), *(self.untyped.c[n] for n in fields)]
        found: dict[str, dict[str, object]] = {}
        for chunk in _chunks(list(by_key), _IN):
            statement = sa.select(*columns).where(self.untyped.c[self.id].in_(chunk))
            statement = statement.with_for_update() if lock else statement
            for key, *values in connection.execute(statement):
                # A database that ignores case may answer with another account than was asked for.
                if (account := by_key.get(key)) is not None:
                    found[account] = dict(zip(fields, map(exact, values), strict=True))
        return found

    def fit(self, name: str, value: Any) -> object:
        """Return *value* as the column stores it."""
        return fit(value, self.columns[name], sqlite=self.is_sqlite)

    def row(self, account: str, values: Mapping[str, object]) -> dict[str, object]:
        """Return the parameters of one update."""
        # Names of their own: SQLAlchemy would take those of columns for more columns to set.
        numbered = {f"pc_value_{n}": value for n, value in enumerate(values.values())}
        return {"pc_id": self.key(account), **numbered}

    def update(
        self, connection: Connection, names: Sequence[str], rows: Sequence[dict[str, object]]
    ) -> None:
        """Set the columns *names*, each row of *rows* as `row` made it."""
        values: dict[str, sa.BindParameter[Any]]
        values = {name: sa.bindparam(f"pc_value_{n}") for n, name in enumerate(names)}
        statement = sa.update(self.table).where(self.table.c[self.id] == sa.bindparam("pc_id"))
        connection.execute(statement.values(values), rows)

    def try_out(self, connection: Connection, fields: Sequence[str]) -> None:
        """Raise AccessError if the columns may not be written."""
        same = {name: self.untyped.c[name] for name in fields}
        connection.execute(sa.update(self.untyped).values(same).where(sa.false()))
        connection.rollback()


def _judged(
    change: SetFields, values: Mapping[str, object], held: Mapping[str, object] | None
) -> WriteOutcome:
    """Return what becomes of a change of a row that holds *held*."""
    if held is None or change.ref.stream is not Stream.ACCOUNTS:
        return _missing(change)
    differing = [name for name, value in values.items() if not equal(held[name], value)]
    if not differing:
        return Unchanged(change.marker)
    if any(not equal(held[name], change.old.get(name)) for name in differing):
        return Conflict(change.marker, {name: held[name] for name in values})  # type: ignore[misc] # as the column gives it
    return Applied(change.marker, change.ref.id)


def _missing(change: Change) -> Rejected:
    if not _on_account(change):
        message = f"the table of accounts has no {change.ref.stream}"
        return Rejected(change.marker, "unsupported", message)
    return Rejected(change.marker, "not_found", f"there is no account {change.ref.id!r}")


def _on_account(change: Change) -> bool:
    return change.ref.stream is Stream.ACCOUNTS


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    left = iter(items)
    while chunk := list(islice(left, size)):
        yield chunk
