"""Tiers that people have changed by hand: neither what we wrote, nor what we would write now.

A value that the target holds in place of ours may also be an old one of ours, where a change was
refused or its answer lost. The ledger tells the two apart.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import pyarrow as pa
from sqlmodel import col, select

from connector.contract import Ref, SetFields
from connector.plan import means_another, quoted
from connector.store import Store
from connector.store.tables import RunRow

WATCHED: Final = ("tier", "layer")
"""The results that people change on purpose; figures are nobody's to choose."""

_PARAMETERS: Final = 500  # of one query


@dataclass(frozen=True, slots=True)
class Override:
    """A tier that a person has changed in the target: *held* there, *ours* by the rules."""

    account: str
    field: str
    held: str | None
    ours: str | None
    kept: bool


class Overrides:
    """Finds what was changed by hand since a job's last run, and keeps it for the comparison."""

    def __init__(self, store: Store, job_id: int) -> None:
        self._store = store
        self._job_id = job_id

    def find(
        self, database: duckdb.DuckDBPyConnection, fields: Mapping[str, str], *, keep: bool
    ) -> Sequence[Override]:
        """Return what is by hand, and put its accounts into the engine's table `by_hand`.

        *fields* maps our results to the target's, *keep* is what the job does about it. Of a field
        that the last run did not write to, nothing is known.
        """
        wrote = self._last_fields()
        found = tuple(
            override
            for ours in WATCHED
            if ours in fields and wrote.get(ours) == fields[ours]
            for override in self._of_field(database, ours, fields[ours], keep)
        )
        accounts = sorted({override.account for override in found})
        database.register("overrides", pa.table({"account_id": pa.array(accounts, pa.string())}))
        try:
            database.execute("create or replace table by_hand as from overrides")
        finally:
            database.unregister("overrides")
        return found

    def _last_fields(self) -> Mapping[str, str]:
        """Return to which fields of the target the last run wrote."""
        with self._store.session() as session:
            last = session.exec(
                select(RunRow)
                .where(RunRow.job_id == self._job_id, col(RunRow.state).in_(("done", "partial")))
                .order_by(col(RunRow.started_at).desc())
            ).first()
        found: Mapping[str, str] = (last.counts or {}).get("target", {}) if last else {}
        return found

    def _of_field(
        self, database: duckdb.DuckDBPyConnection, ours: str, theirs: str, keep: bool
    ) -> Iterator[Override]:
        held = f"h.{quoted(theirs)}"
        rows = database.execute(
            f"select account_id, {held}, s.{ours} from held h join before b using (account_id)"
            f" join standings s using (account_id) where {means_another('text', f's.{ours}', held)}"
            f" and {means_another('text', f'b.{ours}', held)} order by account_id"
        ).fetchall()
        last = self._last_sent([account for account, _, _ in rows])
        for account, value, wanted in rows:
            if _is_by_hand(value, theirs, last.get(account)):
                yield Override(account, ours, value, wanted, keep)

    def _last_sent(self, accounts: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """Return for each account the newest change of its fields in the ledger."""
        found: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(accounts), _PARAMETERS):
            part = accounts[start : start + _PARAMETERS]
            marks = ", ".join("?" * len(part))
            with self._store.bulk() as bulk:
                rows = bulk.fetch(
                    "select l.account_id, l.state, l.content from run r join ledger l"
                    f" on l.run_id = r.id and l.marker in ({marks}) where r.job_id = ?"
                    " and l.state not in ('planned', 'approved') order by l.run_id",
                    *(SetFields(Ref(account), {}, {}).marker for account in part),
                    self._job_id,
                ).to_pylist()
            found |= {row["account_id"]: row for row in rows}
        return found


def not_locked(
    database: duckdb.DuckDBPyConnection, overrides: Sequence[Override]
) -> Sequence[Override]:
    """Return *overrides* without those of accounts in the engine's table `locked`.

    Those are kept and told of anyway.
    """
    if not overrides:
        return overrides
    locked = {account for (account,) in database.execute("from locked").fetchall()}
    return tuple(override for override in overrides if override.account not in locked)


def _is_by_hand(held: str | None, theirs: str, last: Mapping[str, Any] | None) -> bool:
    if last is None:
        return True  # the last run found the target as it should be, and sent nothing
    said = json.loads(last["content"])
    if theirs not in said:
        # It was right then; or nothing at all could be written, as the account was not there.
        return bool(last["state"] != "rejected")
    before, written = said[theirs]
    arrived = last["state"] in ("applied", "unchanged")
    ours = {_text(written)} if arrived else {_text(before), _text(written)}
    return _text(held) not in ours


def _text(value: object) -> str:
    return "" if value is None else str(value)
