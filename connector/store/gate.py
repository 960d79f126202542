"""Lets one library at a time to a database, and keeps what it has open there for its next use.

A process must not have one SQLite file open through two copies of the SQLite library at once: when
one copy closes the file, the locks of the other are gone (sqlite.org, "How To Corrupt An SQLite
Database File", 2.2.1). SQLAlchemy, ADBC and DuckDB each bring a copy.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol, TypeVar


class _Closable(Protocol):
    def close(self) -> None: ...


Connected = TypeVar("Connected", bound=_Closable)


_LONG: Final = 0.01
"""Seconds of use, beside which those to open a connection are few."""


class Gate:
    """Where everybody passes who uses one database; *alone* if no two libraries may be there."""

    def __init__(self, *, alone: bool) -> None:
        self._lock = threading.RLock()
        self._alone = alone
        self._library: str | None = None
        self._keepers = 0
        self._idle: dict[str, Any] = {}

    @contextmanager
    def exclusively(self, library: str) -> Iterator[None]:
        """Keep other libraries (and other threads) out while *library* has the database open."""
        with self._lock:
            outer = self._library
            if self._alone and outer not in (None, library):
                raise RuntimeError(f"{library} opens the store while {outer} has it open")
            if library not in self._idle:
                self._close_idle()
            self._library = library
            try:
                yield
            finally:
                self._library = outer

    @contextmanager
    def connection(self, library: str, connect: Callable[[], Connected]) -> Iterator[Connected]:
        """Yield a connection of *library*, one that waits for its next use or a new one.

        It must be given back as it was new. After an error it is closed, and after a long use,
        which has filled its cache.
        """
        with self.exclusively(library):
            connection: Connected = self._idle.pop(library, None) or connect()
            begun, usable = time.monotonic(), False
            try:
                yield connection
                usable = time.monotonic() - begun < _LONG
            finally:
                # A file stays where it is; a server may drop who says nothing for an hour.
                if usable and self._alone and self._keepers and library not in self._idle:
                    self._idle[library] = connection
                else:
                    connection.close()

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Let connections to a file wait for their next use until the block ends."""
        with self._lock:
            self._keepers += 1
        try:
            yield
        finally:
            with self._lock:
                self._keepers -= 1
                if not self._keepers:
                    self._close_idle()

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.popitem()[1].close()
