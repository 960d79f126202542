"""Read files as a source: in full when a file has changed, or only the rows that have.

A full scan is named by the state of its files. While they stay the same, a cursor is a place in
them and a finished scan yields no page; when one has changed, the scan starts anew. Rows that a
finished scan did not hold count as deleted.

With a `modified` column the files are still read from end to end, but only rows whose time is at or
after the last one seen, less the overlap, are yielded. Nothing counts as deleted then.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import pyarrow as pa

from connector import ConfigError, Page, Stream, Unavailable, Unreadable
from connector_files.find import find, fingerprint
from connector_files.formats import open_table
from connector_files.paging import Reader
from connector_files.settings import Settings, Table
from connector_files.stamps import since

logger = logging.getLogger(__name__)
_MICRO: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reading stands: in file number *file*, after *rows* good and *bad* unreadable rows.

    *low* is where a changed-since reading began, *high* the latest time that it has met.
    """

    scan: str
    shape: str
    file: int = 0
    rows: int = 0
    bad: int = 0
    done: bool = False
    low: int | None = None
    high: int | None = None

    @classmethod
    def after(cls, cursor: str | None, *, scan: str, shape: str) -> Place:
        """Return where to go on after *cursor*: at the beginning if the files are not the same."""
        try:
            place = cls(**json.loads(cursor)) if cursor else cls(scan, shape)
        except (ValueError, TypeError):
            return cls(scan, shape)
        if place.shape != shape:
            return cls(scan, shape)
        if place.scan != scan:
            return cls(scan, shape, low=place.high if place.done else place.low)
        return place

    @property
    def cursor(self) -> str:
        """Return the place as the host keeps it."""
        return json.dumps(asdict(self), separators=(",", ":"))


class FileSource:
    """A folder of files."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def check(self) -> str:
        """Return which files are read; raise ConfigError or AccessError if one can't be."""
        told = []
        for stream in Stream:
            table = self._settings.table(stream)
            if table is None:
                continue
            paths = find(self._settings, stream)
            for path in paths:
                _check_modified(open_table(path, table), path, table)
            told.append(f"{stream} in {_counted(paths)}")
        if not told:
            raise ConfigError("settings: no file is named; add accounts, opportunities or users")
        return f"{self._settings.folder}: {', '.join(told)}"

    def pull(self, stream: Stream, fields: Sequence[str], cursor: str | None) -> Iterator[Page]:
        """Yield the rows after *cursor*; no page if no file has changed since it was finished."""
        table = self._settings.table(stream)
        if table is None and stream.optional:
            return
        paths = find(self._settings, stream)
        assert table is not None  # noqa: S101 - `find` has raised if it is
        shape = fingerprint((), table.model_dump(), sorted(fields))
        scan = fingerprint(paths, shape)
        place = Place.after(cursor, scan=scan, shape=shape)
        if place.done:
            return
        reading = _Reading(paths, table, fields)
        last: Page | None = None
        end = place
        for page, end in reading.pages(place):  # noqa: B007 - the last is wanted
            if last is not None:
                yield last
            last = page
        if fingerprint(paths, shape) != scan:
            raise Unavailable(
                f"{self._settings.folder}: the {stream} were changed while they were being read;"
                " they are read again"
            )
        end = replace(end, done=True, high=_latest(end, paths))
        if last is None:
            last = Page([], "", scan=None if table.modified else scan, total=reading.total)
        yield replace(last, cursor=end.cursor)

    def close(self) -> None:
        """Do nothing: each file is closed when it has been read."""


class _Reading:
    """The reading of one stream, from a place to its end."""

    def __init__(self, paths: Sequence[Path], table: Table, fields: Sequence[str]) -> None:
        self._table = table
        self._asked = list(dict.fromkeys(fields))
        self._modified = table.modified
        self._paths = paths
        self.total: int | None = None

    def pages(self, place: Place) -> Iterator[tuple[Page, Place]]:
        if self._modified is None and self._table.kind == "parquet":
            counts = [open_table(path, self._table).count() for path in self._paths]
            self.total = sum(count or 0 for count in counts)
        for number in range(place.file, len(self._paths)):
            for page, place in self._file(number, place):  # noqa: B020 - it moves on
                yield page, place
            place = replace(place, file=number + 1, rows=0, bad=0)

    def _file(self, number: int, place: Place) -> Iterator[tuple[Page, Place]]:
        path = self._paths[number]
        reader = open_table(path, self._table)
        _check_modified(reader, path, self._table)
        columns = [*self._asked, *([self._modified] if self._modified else [])]
        told = place.bad
        for rows in reader.pages(columns, place.rows):
            bad = len(reader.unreadable)
            place = replace(place, rows=place.rows + rows.num_rows, bad=max(bad, told))
            kept, place = self._kept(rows, place)
            page = self._page(kept, place, reader.unreadable[told:])
            told = max(bad, told)
            yield page, place
        if rest := reader.unreadable[told:]:
            place = replace(place, bad=len(reader.unreadable))
            yield self._page([], place, rest), place

    def _kept(self, rows: pa.Table, place: Place) -> tuple[pa.Table, Place]:
        if self._modified is None:
            return rows, place
        low = None if place.low is None else place.low - self._table.overlap * _MICRO
        kept, latest = since(rows, self._modified, low)
        highs = [time for time in (place.high, latest) if time is not None]
        shown = [name for name in rows.column_names if name in self._asked]
        return kept.select(shown), replace(place, high=max(highs, default=None))

    def _page(
        self, rows: pa.Table | list[dict[str, object]], place: Place, bad: Sequence[Unreadable]
    ) -> Page:
        scan = None if self._modified else place.scan
        return Page(rows, place.cursor, unreadable=tuple(bad), scan=scan, total=self.total)


def _check_modified(reader: Reader, path: Path, table: Table) -> None:
    if table.modified is not None and reader.columns and table.modified not in reader.columns:
        raise ConfigError(
            f"{path}: there is no column {table.modified!r} (`modified`);"
            f" it has: {', '.join(reader.columns)}"
        )


def _latest(place: Place, paths: Sequence[Path]) -> int | None:
    """Return from when to read next time.

    No row has changed after its file was written: a later time is a mistake, and to go on from it
    would lose what changes until then.
    """
    times = [time for time in (place.low, place.high) if time is not None]
    written = max(path.stat().st_mtime_ns // 1000 for path in paths)
    return min(max(times), written) if times else None


def _counted(paths: Sequence[Path]) -> str:
    return paths[0].name if len(paths) == 1 else f"{len(paths)} files"
