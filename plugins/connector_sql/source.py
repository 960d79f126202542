"""Reads a table by key: in full in the order of its ids, or what changed since the last run."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import sqlalchemy as sa

from connector import ConfigError, Page, Stream
from connector_sql import cursor as place
from connector_sql.database import Database
from connector_sql.values import exact

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from connector_sql.settings import Rows, SqlSettings

logger = logging.getLogger(__name__)

_COLON: Final = re.compile(r"(?<![:\\]):(?=\w)")


class SqlSource:
    """A database as a source."""

    def __init__(self, settings: SqlSettings) -> None:
        self.settings = settings
        self.database = Database(settings)

    def check(self) -> str:
        """Return the database and what is read from it, once each has been looked at."""
        origins = {stream: self._origin(stream) for stream in Stream}
        named = {stream: origin for stream, origin in origins.items() if origin is not None}
        if not named:
            raise ConfigError(
                "sql: nothing to read; name a table in accounts, opportunities or users"
            )
        with self.database.connect() as connection:
            for origin in named.values():
                rows = self._columns(connection, origin).rows
                connection.execute(sa.select(rows.c[origin.id]).limit(1)).first()
        read = ", ".join(f"{stream} from {_title(origin)}" for stream, origin in named.items())
        return f"{self.database.name}: {read}"

    def pull(self, stream: Stream, fields: Sequence[str], cursor: str | None) -> Iterator[Page]:
        """Yield the rows after *cursor*; a stream without a table has none.

        Without a cursor column, and the first time with one, it is a scan in the order of the
        ids. After that come the rows without a stamp, and those stamped since the last pull began.
        """
        origin = self._origin(stream)
        if origin is None:
            logger.info("%s: no table for %s", self.database.name, stream)
            return
        with self.database.connect() as connection:
            reading = _Reading(
                connection,
                self._columns(connection, origin),
                origin,
                fields,
                self.settings.page_size,
            )
            yield from reading.pages(place.load(cursor))

    def close(self) -> None:
        """Let go of the connection."""
        self.database.close()

    def _origin(self, stream: Stream) -> Rows | None:
        origin: Rows | None = getattr(self.settings, stream.value)
        return origin

    def _columns(self, connection: Connection, origin: Rows) -> _Columns:
        columns = _columns(self.database, connection, origin)
        for wanted in filter(None, (origin.id, origin.cursor)):
            self.database.expect(_title(origin), wanted, columns.names)
        return columns


@dataclass(frozen=True, slots=True)
class _Columns:
    """What can be selected from: values come as the driver gives them, no type guesses at them."""

    rows: sa.FromClause
    names: Sequence[str]
    ids_are_certain: bool = False


def _columns(database: Database, connection: Connection, origin: Rows) -> _Columns:
    if origin.table is None:
        # A colon starts a parameter for SQLAlchemy, and is part of a text or a cast here.
        query = _COLON.sub(r"\\:", (origin.query or "").strip().rstrip(";"))
        empty = f"SELECT * FROM ({query}) q WHERE 1 = 0"  # noqa: S608 - the admin's own query
        names = list(connection.execute(sa.text(empty)).keys())
        columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in names]
        return _Columns(sa.text(query).columns(*columns).subquery("q"), names)
    table = database.table(connection, origin.table)
    names = [column.name for column in table.columns]
    certain = origin.id in table.columns and not table.columns[origin.id].nullable
    untyped = sa.table(table.name, *(sa.column(name) for name in names), schema=table.schema)
    return _Columns(untyped, names, certain)


class _Reading:
    """One pull of one stream."""

    def __init__(
        self,
        connection: Connection,
        columns: _Columns,
        origin: Rows,
        fields: Sequence[str],
        page_size: int,
    ) -> None:
        self.connection = connection
        self.columns = columns
        self.origin = origin
        self.page_size = page_size
        wanted = [*fields, origin.id, *([origin.cursor] if origin.cursor else [])]
        self.names = [name for name in dict.fromkeys(wanted) if name in columns.names]
        self.id = columns.rows.c[origin.id]

    def pages(self, state: dict[str, Any]) -> Iterator[Page]:
        """Go on where *state* says, or begin."""
        if "scan" in state:
            return self._scan(state)
        if self.origin.cursor and state.get("by") == self.origin.cursor:
            return self._changes(state)
        return self._scan({"scan": uuid4().hex, "mark": self._mark(None), "total": self._total()})

    def _scan(self, state: dict[str, Any]) -> Iterator[Page]:
        done = place.dump(by=self.origin.cursor, since=state.get("mark"))
        scan, total = state["scan"], state.get("total")
        last = False
        for batch, last in _with_last(self._in_order_of_id(state.get("after"))):
            where = done if last else place.dump(**{**state, "after": batch.after})
            yield Page(batch.rows, where, scan=scan, total=total)
        if not last:  # there are no rows: only a page can tell that
            yield Page([], done, scan=scan, total=total)

    def _changes(self, state: dict[str, Any]) -> Iterator[Page]:
        # What changes while this is read is stamped after the mark, where the next run begins.
        mark = state["mark"] if "mark" in state else self._mark(state.get("since"))
        done = place.dump(by=self.origin.cursor, since=mark)
        here = {"by": self.origin.cursor, "since": state.get("since"), "mark": mark}
        for batch, last in _with_last(self._in_order_of_change(state)):
            where = done if last else place.dump(**here, after=batch.after)
            yield Page(batch.rows, where)

    def _in_order_of_id(self, after: object) -> Iterator[_Batch]:
        if after is None:
            yield from self._without_id()
        statement = self._select().where(self.id.is_not(None)).order_by(self.id)
        if after is not None:
            statement = statement.where(self.id > after)
        for rows in self._batches(statement):
            yield _Batch(rows, rows[-1][self.origin.id])

    def _in_order_of_change(self, state: dict[str, Any]) -> Iterator[_Batch]:
        column = str(self.origin.cursor)
        stamp = self.columns.rows.c[column]
        after, since = state.get("after"), state.get("since")
        if after is None:
            yield from self._without_id()
            # A row without a stamp may have changed at any time.
            unstamped = self._select().where(self.id.is_not(None), stamp.is_(None))
            for rows in self._batches(unstamped.order_by(self.id)):
                yield _Batch(rows, None)
        statement = self._select().where(self.id.is_not(None), stamp.is_not(None))
        if after is not None:
            later = sa.or_(stamp > after[0], self.id > after[1])
            statement = statement.where(stamp >= after[0], later)
        elif since is not None:
            statement = statement.where(stamp >= place.back(since, self.origin.overlap))
        for rows in self._batches(statement.order_by(stamp, self.id)):
            yield _Batch(rows, [rows[-1][column], rows[-1][self.origin.id]])

    def _without_id(self) -> Iterator[_Batch]:
        # No page can end at such a row; they come first, to be set aside by whoever reads them.
        if not self.columns.ids_are_certain:
            for rows in self._batches(self._select().where(self.id.is_(None))):
                yield _Batch(rows, None)

    def _select(self) -> sa.Select[Any]:
        return sa.select(*(self.columns.rows.c[name] for name in self.names))

    def _batches(self, statement: sa.Select[Any]) -> Iterator[list[dict[str, object]]]:
        # One statement, streamed: a statement a page would sort the table again for each.
        options = {"yield_per": self.page_size}
        with self.connection.execute(statement, execution_options=options) as found:
            for batch in found.partitions():
                yield [dict(zip(self.names, map(exact, row), strict=True)) for row in batch]

    def _mark(self, since: object) -> object:
        if self.origin.cursor is None:
            return None
        stamp = self.columns.rows.c[self.origin.cursor]
        newest = self.connection.scalar(sa.select(sa.func.max(stamp)))
        return since if newest is None else place.not_after(newest, place.utc_now())

    def _total(self) -> int | None:
        if self.origin.query is not None:
            return None
        return self.connection.scalar(sa.select(sa.func.count()).select_from(self.columns.rows))


@dataclass(frozen=True, slots=True)
class _Batch:
    """Rows, and the place after the last of them; None is the beginning."""

    rows: list[dict[str, object]]
    after: object


def _with_last(batches: Iterator[_Batch]) -> Iterator[tuple[_Batch, bool]]:
    """Yield each batch, and whether it is the last."""
    held: _Batch | None = None
    for batch in batches:
        if held is not None:
            yield held, False
        held = batch
    if held is not None:
        yield held, True


def _title(origin: Rows) -> str:
    return f"table {origin.table!r}" if origin.table else "the query"
