"""The store as the rest of the host uses it: sessions for few rows, Arrow for many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import duckdb
from sqlalchemy import text
from sqlmodel import Session, select

from connector.store.bulk import Bulk, open_bulk
from connector.store.opening import Database
from connector.store.reading import Reader, open_reader
from connector.store.tables import JobRow, StreamState


class Store:
    """A database with the connector's tables; every method opens and closes it by itself."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Yield a session for small tables; commit on leaving, unless something was raised."""
        with (
            self.database.exclusively("sqlalchemy"),
            Session(self.database.engine, expire_on_commit=False) as session,
        ):
            yield session
            session.commit()

    @contextmanager
    def bulk(self) -> Iterator[Bulk]:
        """Yield a connection for columnar writes; the caller commits."""
        with self.database.exclusively("adbc"):
            bulk = open_bulk(self.database)
            try:
                yield bulk
            finally:
                bulk.close()

    @contextmanager
    def reader(self, engine: duckdb.DuckDBPyConnection) -> Iterator[Reader]:
        """Yield a reader that copies rows into the DuckDB connection *engine*."""
        with self.database.exclusively("duckdb"), open_reader(self.database, engine) as reader:
            yield reader

    def filled(self, job_id: int) -> Mapping[str, frozenset[str]]:
        """Return the fields of each stream that ever held a value, where that is known."""
        with self.session() as session:
            states = session.exec(select(StreamState).where(StreamState.job_id == job_id)).all()
        return {
            state.stream: frozenset(filter(None, state.filled.split(",")))
            for state in states
            if state.filled is not None
        }

    def job_id(self, name: str) -> int:
        """Return the number under which the job *name* is kept, giving it one the first time."""
        with self.session() as session:
            found = select(JobRow.id).where(JobRow.name == name)
            number = session.exec(found).first()
            if number is None:
                # Another process may be giving it one: the loser takes the winner's.
                session.connection().execute(
                    text("insert into job (name) values (:name) on conflict do nothing"),
                    {"name": name},
                )
                number = session.exec(found).one()
            assert number is not None  # noqa: S101 - the database gave it one
            return number
