"""What the ledger costs: a first delivery to a target that takes everything at once."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

from connector.contract import Applied, Change, Current, Ref, Scalar, SetFields, WriteOutcome
from connector.deliver import Delivery
from connector.store import Store

CHANGES: Final = 1_000_000
_BATCH: Final = 10_000


def ledger(folder: Path, stages: dict[str, float]) -> int:
    """Send a million tier changes through the ledger; what remains of them is the ledger's cost."""
    store = Store(f"sqlite:///{folder}/ledger.db")
    target = _Taking(stages)
    delivery = Delivery(store, store.job_id("ledger"), "20261231T000000-000000", target)
    applied = sum(delivery.send(batch).applied for batch in _batches(stages))
    with store.bulk() as bulk:
        noted = bulk.fetch("select count(*) as n from ledger where state = 'applied'")
    if noted.column("n")[0].as_py() != applied:
        raise AssertionError("the ledger does not hold what was sent")
    return applied


def ledger_floor(folder: Path, stages: dict[str, float]) -> int:
    """Write the same rows into SQLite by hand: one insert before, one update after each batch."""
    file = sqlite3.connect(folder / "ledger_floor.db")
    file.execute("pragma journal_mode = wal")
    file.execute("pragma synchronous = normal")
    file.execute(
        "create table ledger (run text, marker text, job integer, account text, kind text,"
        " state text, target text, content text, primary key (run, marker)) without rowid"
    )
    applied = 0
    for batch in _batches(stages):
        rows = [
            ("run", change.marker, 1, change.ref.id, "fields", "sending", None, _said(change))
            for change in batch
        ]
        with file:
            file.executemany("insert into ledger values (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        with file:
            file.executemany(
                "update ledger set state = 'applied', target = ? where run = ? and marker = ?",
                [(row[3], row[0], row[1]) for row in rows],
            )
        applied += len(rows)
    file.close()
    return applied


def _said(change: SetFields) -> str:
    return json.dumps(
        {n: (change.old[n], value) for n, value in change.values.items()}, default=str
    )


def _batches(stages: dict[str, float]) -> Iterator[Sequence[SetFields]]:
    """Yield the changes; note apart the CPU seconds that it takes to make them."""
    making = 0.0
    for start in range(0, CHANGES, _BATCH):
        begun = time.process_time()
        batch = [_change(n) for n in range(start, start + _BATCH)]
        making += time.process_time() - begun
        yield batch
    stages["making the changes"] = making


def _change(n: int) -> SetFields:
    new: dict[str, Scalar] = {"Tier": "Small", "Rank": n, "Revenue": Decimal(n).scaleb(-2)}
    old: dict[str, Scalar] = dict.fromkeys(new)
    return SetFields(Ref(f"001{n:015d}"), new, old)


class _Taking:
    """A target that takes every change, and notes the CPU seconds that it takes itself."""

    def __init__(self, stages: dict[str, float]) -> None:
        self._stages = stages

    def check(self, fields: Sequence[str]) -> str:
        return "nowhere"

    def current(self, accounts: Sequence[str], fields: Sequence[str]) -> Current:
        return Current([])

    def write(self, changes: Sequence[Change]) -> Iterator[WriteOutcome]:
        begun = time.process_time()
        outcomes = [Applied(change.marker, change.ref.id) for change in changes]
        spent = time.process_time() - begun
        self._stages["the target"] = self._stages.get("the target", 0.0) + spent
        return iter(outcomes)

    def close(self) -> None:
        pass
