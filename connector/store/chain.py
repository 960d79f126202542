"""The chain under the audit trail: each entry holds the hash of the one before it.

To change, remove or insert an entry unseen, every hash after it must be made anew; so whoever has
kept the last hash elsewhere can tell. `connector.audit` writes entries and proves them; this module
is below the store's opening, which has a migration to tell of.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from getpass import getuser
from hashlib import sha256
from typing import Any, Final
from zlib import crc32

from sqlalchemy import Connection, insert, select, text
from sqlmodel import SQLModel, col

from connector.store.tables import AuditRow

SCHEME: Final = 1
"""How hashes are made; another way gets another number, and old entries keep theirs."""

START: Final = ""
"""What the first entry holds for the hash before it."""

_HASHED: Final = (
    "scheme", "number", "moment", "who", "verb", "job", "run_id", "details", "previous",
)  # fmt: skip
_APPENDING: Final = crc32(b"pyramid-connector audit")
_acting: Final[ContextVar[str]] = ContextVar("acting", default="")


@contextmanager
def acting_as(what: str) -> Iterator[None]:
    """Say in entries that are made in the block that *what* (the schedule) acts, not a person."""
    token = _acting.set(what)
    try:
        yield
    finally:
        _acting.reset(token)


def append(
    connection: Connection,
    verb: str,
    *,
    job: str = "",
    run_id: str = "",
    details: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry in the transaction of *connection*.

    Others who append wait until that transaction has ended: let it be the last thing in it.
    """
    if connection.dialect.name == "postgresql":
        # A transaction of SQLite has the whole store to itself already.
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _APPENDING})
    newest = select(col(AuditRow.number), col(AuditRow.hash))
    newest = newest.order_by(col(AuditRow.number).desc()).limit(1)
    last = connection.execute(newest).first()
    entry = {
        "scheme": SCHEME,
        "number": last.number + 1 if last else 1,
        "moment": datetime.now(UTC).isoformat(timespec="microseconds"),
        "who": _who(),
        "verb": verb,
        "job": job,
        "run_id": run_id,
        "details": _canonical(details or {}),
        "previous": last.hash if last else START,
    }
    table = SQLModel.metadata.tables["audit"]
    connection.execute(insert(table).values(**entry, hash=digest(entry)))


def digest(entry: Mapping[str, Any]) -> str:
    """Return the hash of *entry*: SHA-256 over the JSON list of all that stands in it."""
    return sha256(_canonical([entry[name] for name in _HASHED]).encode("ascii")).hexdigest()


def _canonical(value: object) -> str:
    # ASCII only: whatever is in a command line can be kept, and has one form. `repr` for what only
    # somebody who has tampered with the table can have put into it.
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=repr)


def _who() -> str:
    by = _acting.get()
    return f"{_login()}@{socket.gethostname()}{f' ({by})' if by else ''}"


def _login() -> str:
    """Return the account that the process runs under; the environment could name any other."""
    try:
        import pwd
    except ImportError:  # Windows
        return getuser()
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run as somebody whom nobody has named
        return f"uid {os.getuid()}"
