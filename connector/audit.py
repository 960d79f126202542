"""The audit trail of a store: who ran, retried and overrode what, and the proof that it is whole.

Entries are only ever added, each with the hash of the one before it (`connector.store.chain`). That
shows every change but one by somebody who makes all later hashes anew. Against that helps the hash
of the last entry, kept where that person can't write.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from sqlalchemy import Select
from sqlalchemy import select as select_rows
from sqlmodel import Session, SQLModel, and_, col, func, or_, select

from connector.errors import AuditError
from connector.store import Store
from connector.store.chain import SCHEME, START, acting_as, append, digest
from connector.store.tables import AuditRow, RunRow

__all__ = [
    "Head", "Proof", "acting_as", "entries", "head", "record", "run_begins", "run_ends", "verify",
]  # fmt: skip

_CHUNK: Final = 1000
_ENDED: Final = ("done", "partial")
"""States that a run is in only after its end has been recorded."""
_AUDIT: Final = SQLModel.metadata.tables["audit"]
_ENTRIES: Final = select_rows(_AUDIT)  # rows as they are: SQLite may hold what no model takes

Entry: TypeAlias = Mapping[str, Any]


class Head(NamedTuple):
    """The last entry of a trail, by which all of it is known."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Proof:
    """A trail that is whole; *known* is the entry with the hash that was kept elsewhere."""

    entries: int
    head: Head | None
    known: Head | None = None


def record(
    to: Session | Store,
    verb: str,
    *,
    job: str = "",
    run_id: str = "",
    details: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry to the trail: in the transaction of a session, or in one of its own.

    *details* are for figures, states and names of rules: never a secret or anything of a customer.
    Others who add entries wait for the session to end, so this is the last thing to do in it.
    """
    if isinstance(to, Store):
        with to.session() as session:
            record(session, verb, job=job, run_id=run_id, details=details)
        return
    append(to.connection(), verb, job=job, run_id=run_id, details=details)


def run_begins(
    session: Session, verb: str, job: str, run: RunRow, override: str | None, about: str = ""
) -> None:
    """Record that a run *about* something begins, and who let it pass its guards.

    *verb* is run, plan, apply, undo or resume.
    """
    details = {"as_of": str(run.as_of), "rules": run.config_hash}
    details |= {"about": about} if about else {}
    record(session, verb, job=job, run_id=run.id, details=details)
    if override:
        record(session, "override", job=job, run_id=run.id, details={"reason": override})


def run_ends(session: Session, job: str, run: RunRow) -> None:
    """Record how a run ended: its message stays in the run, as it may name records."""
    counts = {part: run.counts[part] for part in ("accounts", "tasks") if run.counts.get(part)}
    record(session, "end", job=job, run_id=run.id, details={"state": run.state, **counts})


def entries(store: Store, job: str | None, limit: int | None) -> Sequence[AuditRow]:
    """Return the newest *limit* entries, in order: those of *job* and of the store, or all."""
    query = select(AuditRow).order_by(col(AuditRow.number).desc()).limit(limit)
    if job is not None:
        query = query.where(or_(AuditRow.job == job, AuditRow.job == ""))
    with store.session() as session:
        return session.exec(query).all()[::-1]


def head(store: Store) -> Head | None:
    """Return the last entry's number and hash."""
    query = select(AuditRow.number, AuditRow.hash).order_by(col(AuditRow.number).desc())
    with store.session() as session:
        found = session.exec(query.limit(1)).first()
    return Head(*found) if found else None


def verify(store: Store, kept: str | None = None) -> Proof:
    """Prove that the trail is as it was written; raise AuditError with the first wrong entry.

    *kept* is the hash of an entry that was last when it was noted elsewhere: where the trail still
    has it, nothing up to that entry has been changed by anybody.
    """
    with store.session() as session:  # one transaction: a run may add entries meanwhile
        last, known = _walk(session, kept)
        _check_runs(session, last)
    if kept is not None and known is None:
        raise AuditError(
            f"audit trail: no entry has the hash {kept}: the trail was cut off before it or written"
            " anew, or the hash is of another store"
        )
    return Proof(last.number if last else 0, last, known)


def _walk(session: Session, kept: str | None) -> tuple[Head | None, Head | None]:
    """Return the last entry, and the one with the hash *kept*."""
    last: Head | None = None
    known: Head | None = None
    for entry in _in_order(session):
        number, before = (last.number + 1, last.hash) if last else (1, START)
        fits = entry["number"] == number and entry["previous"] == before
        if not fits or entry["scheme"] != SCHEME or digest(entry) != entry["hash"]:
            raise AuditError(f"audit trail: {_wrong(session, entry, number, before)}")
        last = Head(number, entry["hash"])
        known = last if last.hash == kept else known
    return last, known


def _in_order(session: Session) -> Iterator[Entry]:
    last: Entry | None = None
    while True:
        query = _ENTRIES if last is None else _ENTRIES.where(_AUDIT.c.number > last["number"])
        chunk = _found(session, query.order_by(_AUDIT.c.number).limit(_CHUNK))
        yield from chunk
        if len(chunk) < _CHUNK:
            return
        last = chunk[-1]


def _wrong(session: Session, entry: Entry, number: int, before: str) -> str:
    """Say what was done to *entry*, the first that is not what should stand at *number*."""
    stands = entry["number"]
    if not isinstance(stands, int):  # SQLite takes anything
        return f"entry {stands!r} was changed: its number is none"
    origin = _origin(session, entry)
    real = _successor(session, before, number)
    if real is not None and real["number"] != stands:
        if origin is None:
            return f"entry {stands} was inserted: the real one stands as {real['number']}"
        return f"entries were reordered: entry {number} stands as {real['number']}"
    if stands != number:
        return f"{_range(number, stands - 1)} removed"
    if origin is None:
        return f"entry {number} was changed: its hash does not fit what it says"
    if origin > number:
        return f"{_range(number, origin - 1)} removed, and later ones renumbered"
    if origin < number:
        return f"entry {origin} was inserted: the real one stands as {number}"
    return _unlinked(session, entry, number)


def _unlinked(session: Session, entry: Entry, number: int) -> str:
    """Say which of two entries is wrong that are each sound and don't follow one another."""
    next_one = _found(session, _ENTRIES.where(_AUDIT.c.previous == entry["hash"]))
    if number > 1 and next_one:
        return f"entry {number - 1} was changed and given a new hash; entry {number} has the old"
    if number > 1:
        return (
            f"entry {number} does not follow entry {number - 1}: one of them was changed and given"
            f" a new hash, or entry {number} was inserted"
        )
    return "entry 1 was changed: it follows an entry that there is not"


def _range(first: int, last: int) -> str:
    return f"entry {first} was" if first == last else f"entries {first} to {last} were"


def _origin(session: Session, entry: Entry) -> int | None:
    """Return the number that *entry* had when its hash was made; None if more was changed."""
    count = session.exec(select(func.count()).select_from(AuditRow)).one()
    # As many as are left may have been removed before it: it needs a bound, not a close one.
    candidates = range(1, 2 * count + _CHUNK)
    return next((n for n in candidates if digest({**entry, "number": n}) == entry["hash"]), None)


def _successor(session: Session, before: str, number: int) -> Entry | None:
    """Return the entry that was made to follow the hash *before*, wherever it stands now."""
    found = _found(session, _ENTRIES.where(_AUDIT.c.previous == before))
    return next((one for one in found if digest({**one, "number": number}) == one["hash"]), None)


def _found(session: Session, query: Select[Any]) -> Sequence[Entry]:
    return [dict(row) for row in session.connection().execute(query).mappings()]


def _check_runs(session: Session, last: Head | None) -> None:
    """Raise AuditError if the store has a run of which the trail does not tell.

    Entries that were cut off at the end leave a chain that is whole, and runs that nobody began.
    """
    told = select(AuditRow.run_id)
    ended = told.where(AuditRow.verb == "end")
    run = col(RunRow.id)
    without_end = and_(col(RunRow.state).in_(_ENDED), run.not_in(ended))
    untold = select(RunRow.id).where(or_(run.not_in(told), without_end))
    missing = session.exec(untold.order_by(col(RunRow.started_at).desc())).all()
    if len(missing) > _runs_before(session):
        raise AuditError(
            f"audit trail: entries were cut off after {last.number if last else 0}: the last one"
            f" about run {missing[0]} is not there"
        )


def _runs_before(session: Session) -> int:
    """Return how many runs there were when the trail began."""
    first = session.get(AuditRow, 1)
    return int(json.loads(first.details).get("runs", 0)) if first else 0
