"""Reads a stream into the store, page by page; it can be killed anywhere and goes on from there.

A page's rows, what was set aside of it and its cursor are saved in one transaction. Rows read twice
(an overlap, a page sent again) change nothing: a row is known by its id and its modification time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from json import loads
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from sqlmodel import select

from connector.contract import Page, Source
from connector.errors import GuardError
from connector.mapping import StreamMapping
from connector.model import Stream
from connector.normalise import (
    Normalised,
    Normaliser,
    Problem,
    Quarantined,
    again,
    problems_as_json,
)
from connector.retry import retrying
from connector.scratch import open_scratch
from connector.store import Bulk, Store
from connector.store.tables import QuarantineRow, StreamState

logger = logging.getLogger(__name__)

TABLES: Final = {
    Stream.ACCOUNTS: "account",
    Stream.OPPORTUNITIES: "opportunity",
    Stream.USERS: "crm_user",
    Stream.LINE_ITEMS: "line_item",
    Stream.CASES: "service_case",
    Stream.LEADS: "lead",
    Stream.ACTIVITIES: "activity",
    Stream.COSTS: "cost",
    Stream.CONTACT_TARGETS: "contact_target",
}

_STATE: Final = pa.schema(
    [
        ("job_id", pa.int64()),
        ("stream", pa.string()),
        ("cursor", pa.string()),
        ("mapping_hash", pa.string()),
        ("scan", pa.int64()),
        ("scan_name", pa.string()),
        ("scan_day", pa.date32()),
        ("filled", pa.string()),
    ]
)

Progress = Callable[[str, int, int | None], None]
"""Called with what is being done, how much of it is done, and the total if it is known."""


@dataclass(slots=True)
class Pulled:
    """What became of a stream's rows: read = stored + unchanged + quarantined."""

    read: int = 0
    stored: int = 0
    unchanged: int = 0
    quarantined: int = 0
    deleted: int = 0
    pages: int = 0
    scanned: bool = False

    def assert_adds_up(self) -> None:
        """Raise AssertionError if a row got lost on the way."""
        if self.read != self.stored + self.unchanged + self.quarantined:
            raise AssertionError(f"rows do not add up: {asdict(self)}")


class Pull:
    """The reading of one stream of one job."""

    def __init__(
        self,
        store: Store,
        job_id: int,
        mapping: StreamMapping,
        *,
        where: str,
        allow_empty: bool = False,
        max_deleted: float = 1.0,
        progress: Progress | None = None,
    ) -> None:
        self._store = store
        self._job_id = job_id
        self._mapping = mapping
        self._stream = mapping.stream
        self._table = TABLES[mapping.stream]
        self._where = where
        self._allow_empty = allow_empty
        self._max_deleted = max_deleted
        self._progress = progress or (lambda what, done, total: None)
        self._held: set[str] = set()
        self._waiting: Page | None = None
        self.counts = Pulled()

    def run(self, source: Source) -> Pulled:
        """Bring the store up to date with *source*; return what was read.

        Raise GuardError if a full reading that used to have rows has none, or if more of them have
        vanished than *max_deleted*; none counts as deleted then, and the next run asks again.
        """
        normaliser = Normaliser(self._mapping, self._where)
        try:
            state = self._state()
            if state.mapping_hash != self._mapping.digest:
                self._begin_again(state)
            elif state.scan_name is not None and state.scan_day != _today():
                self._scan_anew(state)
            self._read_quarantine_again(normaliser, state)
            self._read(source, normaliser, state)
        finally:
            normaliser.close()
        self.counts.assert_adds_up()
        logger.info(
            "pulled %s: %d read, %d stored, %d unchanged, %d quarantined, %d deleted",
            self._stream,
            self.counts.read,
            self.counts.stored,
            self.counts.unchanged,
            self.counts.quarantined,
            self.counts.deleted,
        )
        return self.counts

    def _read(self, source: Source, normaliser: Normaliser, state: StreamState) -> None:
        """Save every page; the last one together with the end of its scan.

        A page waits until it is known whether another one follows it: a scan is over only if its
        end was seen, and no crash can fall between its last page and its end.
        """
        pages = retrying(lambda: self._pages(source))
        while True:
            try:
                page = next(pages, None)
            except Exception:
                if self._waiting is not None:
                    self._save(self._waiting, normaliser, state)
                raise
            if page is None:
                break
            ready, self._waiting = self._waiting, page
            if ready is not None:
                self._save(ready, normaliser, state)
        if self._waiting is not None:
            self._save(self._waiting, normaliser, state, last=True)
        elif state.scan_name is not None:
            # The rest of the scan was gone when it was taken up again.
            with self._store.bulk() as bulk:
                self.counts.deleted += self._finish_scan(bulk, state)
                bulk.commit()

    def _pages(self, source: Source) -> Iterator[Page]:
        # Asked again after a failure, it goes on after the last page that arrived.
        cursor = self._waiting.cursor if self._waiting else self._state().cursor
        return source.pull(self._stream, self._mapping.theirs, cursor)

    def _state(self) -> StreamState:
        with self._store.session() as session:
            state = session.get(StreamState, (self._job_id, str(self._stream)))
        if state is None:
            digest = self._mapping.digest
            return StreamState(
                job_id=self._job_id, stream=self._stream, mapping_hash=digest, filled=""
            )
        return state

    def _begin_again(self, state: StreamState) -> None:
        """Forget how far the stream was read: rows are kept as they were understood then.

        Understood otherwise, all are read again, also those that were set aside; and none counts
        as newer than what comes, for its age was understood otherwise too.
        """
        state.cursor, state.scan_name = None, None
        state.mapping_hash = self._mapping.digest
        with self._store.bulk() as bulk:
            bulk.execute(
                f"update {self._table} set modified_at = null where job_id = ?", self._job_id
            )
            bulk.execute(
                "delete from quarantine where job_id = ? and stream = ?",
                self._job_id,
                str(self._stream),
            )
            self._save_state(bulk, state)
            bulk.commit()

    def _scan_anew(self, state: StreamState) -> None:
        """Forget a scan that broke off on another day: what it read then may have changed since."""
        state.cursor, state.scan_name = None, None
        with self._store.bulk() as bulk:
            self._save_state(bulk, state)
            bulk.commit()

    def _save(
        self, page: Page, normaliser: Normaliser, state: StreamState, *, last: bool = False
    ) -> None:
        self._enter_scan(page, state)
        scanning = page.scan is not None
        result = normaliser.read(page.rows, page.unreadable, scanning=scanning)
        with self._store.bulk() as bulk:
            try:
                written, repeated = self._upsert(bulk, result.rows, state, scanning)
                if self._held:
                    self._release(bulk, self._held & set(result.rows.column("id").to_pylist()))
                self._set_aside(bulk, [*result.quarantined, *repeated], state)
                deleted = self._delete(bulk, page.deleted)
                state.cursor = page.cursor
                _note_filled(state, result.rows)
                if last and scanning:
                    deleted += self._finish_scan(bulk, state)
                self._save_state(bulk, state)
            except BaseException:
                bulk.rollback()
                raise
            bulk.commit()
        aside = len(result.quarantined) + len(repeated)
        self._count(page, result, written, aside, deleted)

    def _count(
        self, page: Page, result: Normalised, written: int, aside: int, deleted: int
    ) -> None:
        count = page.rows.num_rows if isinstance(page.rows, pa.Table) else len(page.rows)
        read = count + len(page.unreadable)
        counts = self.counts
        counts.read += read
        counts.stored += written
        counts.quarantined += aside
        counts.unchanged += result.duplicates + result.rows.num_rows - written
        counts.unchanged -= aside - len(result.quarantined)
        counts.deleted += deleted
        counts.pages += 1
        self._progress(f"Reading {self._stream}", counts.read, page.total)

    def _enter_scan(self, page: Page, state: StreamState) -> None:
        if page.scan is None:
            # A scan that broke off, and increments since: what it did not reach is not deleted.
            state.scan_name = None
        elif page.scan != state.scan_name:
            state.scan_name, state.scan_day = page.scan, _today()
            state.scan += 1
        self.counts.scanned |= page.scan is not None

    def _upsert(
        self, bulk: Bulk, rows: pa.Table, state: StreamState, scanning: bool
    ) -> tuple[int, list[Quarantined]]:
        ready = self._with_keys(rows, state.scan if scanning else None)
        if not scanning:
            written = bulk.upsert(self._table, ready, unless=_says_nothing_new(rows))
            if written < ready.num_rows:
                # Touched, but not changed; often by our own writing. Its time still counts.
                bulk.upsert(self._table, ready, unless=_is_no_newer(rows))
            return written, []
        written = bulk.upsert(self._table, ready, unless="old.scan = new.scan")
        if written == ready.num_rows:
            return written, []
        # Rare: an id came on an earlier page of this scan too. Find which, and whether it differs.
        return written, self._repeated(bulk, rows, state.scan)

    def _repeated(self, bulk: Bulk, rows: pa.Table, scan: int) -> list[Quarantined]:
        names = [name for name in rows.column_names if name != "id"]
        stored = bulk.fetch(
            f"select * from {self._table} where job_id = ? and scan = ? and id between ? and ?",
            self._job_id,
            scan,
            *(bound.as_py() for bound in pc.min_max(rows.column("id")).values()),
        )
        known = self._with_keys(rows, scan)
        with open_scratch() as engine:
            engine.register("stored", stored)
            engine.register("arrived", bulk.as_kept(known))
            # As text: SQLite hands times back as text, PostgreSQL as times.
            differs = " or ".join(
                f's."{n}"::varchar is distinct from a."{n}"::varchar' for n in names
            )
            found = engine.sql(
                f"select a.* from arrived a join stored s using (id) where {differs}"
            ).to_arrow_table()
        rows_found = found.select(rows.column_names).to_pylist()
        return [again(str(row["id"]), row) for row in rows_found]

    def _with_keys(self, rows: pa.Table, scan: int | None) -> pa.Table:
        count = rows.num_rows
        rows = rows.append_column("job_id", pa.repeat(pa.scalar(self._job_id, pa.int64()), count))
        rows = rows.append_column("scan", pa.repeat(pa.scalar(scan, pa.int64()), count))
        return rows.append_column("deleted", pa.repeat(pa.scalar(False), count))

    def _set_aside(self, bulk: Bulk, rows: Sequence[Quarantined], state: StreamState) -> None:
        if not rows:
            return
        scan = state.scan if state.scan_name is not None else None
        bulk.upsert("quarantine", self._quarantine_table(rows, scan))
        self._held |= {row.record for row in rows if row.nature == "row"}
        for row in rows:
            # What was understood of the record before stays; it has not been deleted.
            if row.nature == "row" and scan is not None:
                bulk.execute(
                    f"update {self._table} set scan = ? where job_id = ? and id = ?",
                    scan,
                    self._job_id,
                    row.record,
                )

    def _quarantine_table(self, rows: Sequence[Quarantined], scan: int | None) -> pa.Table:
        unique = {row.record: row for row in rows}.values()
        return pa.table(
            {
                "job_id": pa.array([self._job_id] * len(unique), pa.int64()),
                "stream": pa.array([str(self._stream)] * len(unique)),
                "record": pa.array([row.record for row in unique]),
                "problems": pa.array([problems_as_json(row.problems) for row in unique]),
                "content": pa.array([row.content for row in unique]),
                "nature": pa.array([row.nature for row in unique]),
                "scan": pa.array([scan] * len(unique), pa.int64()),
                "since": pa.array([datetime.now(UTC)] * len(unique), pa.timestamp("us", "UTC")),
            }
        )

    def _delete(self, bulk: Bulk, ids: Sequence[str]) -> int:
        self._release(bulk, self._held & set(ids))
        sql = f"update {self._table} set deleted = true where job_id = ? and id = ? and not deleted"
        return sum(bulk.execute(sql, self._job_id, record) for record in ids)

    def _save_state(self, bulk: Bulk, state: StreamState) -> None:
        bulk.upsert("stream_state", pa.Table.from_pylist([state.model_dump()], schema=_STATE))

    def _finish_scan(self, bulk: Bulk, state: StreamState) -> int:
        """Mark as deleted what a finished full reading did not hold; return how many these are."""
        gone = "job_id = ? and not deleted and coalesce(scan, -1) <> ?"
        key = (self._job_id, state.scan)
        seen = self._count_where(bulk, "job_id = ? and scan = ?", *key)
        before = self._count_where(bulk, gone, *key)
        if not seen and before and not self._allow_empty:
            raise GuardError(
                f"{self._where}: the source sent no {self._stream}, where it had {before};"
                " nothing was changed. Check the source; if it is right, run with"
                " --override REASON"
            )
        bulk.execute(
            "delete from quarantine where job_id = ? and stream = ? and coalesce(scan, -1) <> ?",
            self._job_id,
            str(self._stream),
            state.scan,
        )
        state.scan_name = None
        self._save_state(bulk, state)
        unread = bulk.fetch(
            "select count(*) as n from quarantine"
            " where job_id = ? and stream = ? and nature = 'unreadable'",
            self._job_id,
            str(self._stream),
        )
        if unread.column("n")[0].as_py():
            # One of the rows that could not be read may be one that seems to be missing.
            logger.warning(
                "%s: rows without a readable id; what is missing is not taken as deleted",
                self._stream,
            )
            return 0
        self._guard_deleted(before, seen + before)
        return bulk.execute(f"update {self._table} set deleted = true where {gone}", *key)

    def _guard_deleted(self, gone: int, before: int) -> None:
        if gone > self._max_deleted * before:
            raise GuardError(
                f"{self._where}: {gone} of {before} {self._stream} are gone from the source"
                f" ({gone / before:.0%}; guard.max_deleted allows {self._max_deleted:.0%});"
                " nothing was written. Check the source; if it is right, run with"
                " --override REASON"
            )

    def _count_where(self, bulk: Bulk, condition: str, *values: object) -> int:
        sql = f"select count(*) as n from {self._table} where {condition}"
        return int(bulk.fetch(sql, *values).column("n")[0].as_py())

    def _read_quarantine_again(self, normaliser: Normaliser, state: StreamState) -> None:
        """Try what was set aside once more: the mapping or the rates may have been corrected."""
        with self._store.session() as session:
            held = session.exec(
                select(QuarantineRow).where(
                    QuarantineRow.job_id == self._job_id,
                    QuarantineRow.stream == str(self._stream),
                    QuarantineRow.nature == "row",
                )
            ).all()
        self._held = {row.record for row in held}
        if not held:
            return
        rows = [loads(row.content) for row in held]
        result = normaliser.read(rows)
        still = {row.record: row for row in result.quarantined}
        with self._store.bulk() as bulk:
            ready = self._with_keys(result.rows, state.scan)
            bulk.upsert(self._table, ready, unless="old.modified_at > new.modified_at")
            self._release(bulk, self._held - still.keys())
            _note_filled(state, result.rows)
            self._save_state(bulk, state)
            bulk.commit()

    def _release(self, bulk: Bulk, records: Collection[str]) -> None:
        for record in records:
            bulk.execute(
                "delete from quarantine where job_id = ? and stream = ? and record = ?",
                self._job_id,
                str(self._stream),
                record,
            )
        self._held -= set(records)


def _today() -> date:
    return datetime.now(UTC).date()


def _note_filled(state: StreamState, rows: pa.Table) -> None:
    """Note which columns of *rows* hold a value, unless it is not known of earlier rows."""
    if state.filled is not None:
        holding = {name for name in rows.column_names if rows.column(name).null_count < len(rows)}
        state.filled = ",".join(sorted(holding.union(filter(None, state.filled.split(",")))))


def _says_nothing_new(rows: pa.Table) -> str:
    """Return when a row of an increment is no change: it is older than ours, or says the same.

    The time of its last change may have moved: CRMs move it when we write a tier, or anybody saves
    a record as it was.
    """
    same = _same(name for name in rows.column_names if name != "modified_at")
    return f"not old.deleted and (old.modified_at > new.modified_at or ({same}))"


def _is_no_newer(rows: pa.Table) -> str:
    """Return when nothing of a row of an increment is kept: it is older than ours, or the same."""
    same = _same(rows.column_names)
    return f"not old.deleted and (old.modified_at > new.modified_at or ({same}))"


def _same(names: Iterable[str]) -> str:
    return " and ".join(f'old."{name}" is not distinct from new."{name}"' for name in names)


def problems_of(row: QuarantineRow) -> Sequence[Problem]:
    """Return the problems of a quarantined row."""
    return [Problem(**problem) for problem in loads(row.problems)]
