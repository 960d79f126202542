"""Read Parquet files by batch, only the columns asked for, with their types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from connector import ConfigError, RemoteError, Unreadable
from connector_files import paging
from connector_files.faults import reading


class Parquet:
    """One Parquet file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.unreadable: list[Unreadable] = []
        with reading(path), _damage(path), pq.ParquetFile(path) as file:
            self.columns: list[str] = file.schema_arrow.names
            self._count = int(file.metadata.num_rows)
        twice = [name for name in self.columns if self.columns.count(name) > 1]
        if twice:
            raise ConfigError(f"{path}: two columns are called {twice[0]!r}; rename one")

    def count(self) -> int | None:
        """Return the number of rows, which the file states."""
        return self._count

    def pages(self, fields: Sequence[str], skip: int = 0) -> Iterator[pa.Table]:
        """Yield the rows after the first *skip*; row groups before them are not read."""
        asked = [name for name in dict.fromkeys(fields) if name in self.columns]
        with reading(self.path), _damage(self.path), pq.ParquetFile(self.path) as file:
            sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
            first = 0
            while first < len(sizes) and skip >= sizes[first]:
                skip -= sizes[first]
                first += 1
            groups = range(first, len(sizes))
            batches = file.iter_batches(paging.PAGE, row_groups=groups, columns=asked)
            yield from paging.paged(batches, skip)


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except pa.ArrowException as error:
        raise RemoteError(f"{path}: can't be read as Parquet ({error}); export it again") from error
