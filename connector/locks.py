"""Locks across processes and threads that go with whoever holds them, however that ends.

Beside a SQLite store it is a lock of the operating system, in PostgreSQL an advisory lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from zlib import crc32

from filelock import FileLock, Timeout
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from connector.errors import StoreError
from connector.store import Store


class Taken(Exception):
    """Somebody else holds the lock."""


@contextmanager
def locked(store: Store, kind: str, number: int, *, wait: float = 0.0) -> Iterator[None]:
    """Hold lock *number* of a *kind* while the block runs; raise Taken after *wait* seconds."""
    hold = _file_lock if store.database.is_sqlite else _advisory_lock
    with hold(store, kind, number, wait):
        yield


@contextmanager
def _file_lock(store: Store, kind: str, number: int, wait: float) -> Iterator[None]:
    path = store.database.path
    lock = FileLock(path.with_name(f"{path.name}.{kind}-{number}.lock"))
    try:
        lock.acquire(timeout=wait)
    except Timeout:
        raise Taken from None
    except OSError as error:
        raise StoreError(
            f"store {store.database.shown}: no lock file can be made beside it: {error.strerror}"
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _advisory_lock(store: Store, kind: str, number: int, wait: float) -> Iterator[None]:
    key = _space(kind) << 31 | number
    engine = store.database.engine
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(
            text("select set_config('lock_timeout', :wait, false)"),
            {"wait": f"{wait * 1000:.0f}ms"},
        )
        asked = "pg_advisory_lock(:key) is not null" if wait else "pg_try_advisory_lock(:key)"
        try:
            taken = connection.execute(text(f"select {asked}"), {"key": key}).scalar()
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
                raise Taken from None
            raise
        if not taken:
            raise Taken
        try:
            yield
        finally:
            connection.execute(text("select pg_advisory_unlock(:key)"), {"key": key})


_LOCK_NOT_AVAILABLE = "55P03"


def _space(kind: str) -> int:
    # That of jobs has no name: connectors of two versions must keep each other out.
    return crc32(b"pyramid-connector" if kind == "job" else f"pyramid-connector {kind}".encode())
