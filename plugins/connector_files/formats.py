"""Open a file as what it is: delimited text, Parquet or a workbook."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from connector_files.settings import Table

if TYPE_CHECKING:
    from connector_files.paging import Reader


def open_table(path: Path, table: Table) -> Reader:
    """Return a reader of *path*, its header read and checked."""
    match table.kind:
        case "parquet":
            from connector_files.parquet import Parquet

            return Parquet(path)
        case "excel":
            from connector_files.workbook import Workbook

            return Workbook(path, table)
        case _:
            from connector_files.delimited import Delimited

            return Delimited(path, table)
