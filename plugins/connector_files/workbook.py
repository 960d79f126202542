"""Read Excel and OpenDocument sheets: numbers as numbers, dates as dates, the rest as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

import pyarrow as pa
import python_calamine as calamine

from connector import ConfigError, RemoteError, Unreadable
from connector_files import paging
from connector_files.columns import column_of
from connector_files.faults import reading
from connector_files.settings import Table

_EXACT: Final = 10**15


class Workbook:
    """One sheet of a workbook; it is read as a whole."""

    def __init__(self, path: Path, table: Table) -> None:
        self.path = path
        self.unreadable: list[Unreadable] = []
        with reading(path):
            try:
                self._open(path, table)
            except calamine.PasswordError as error:
                raise RemoteError(f"{path}: protected by a password; remove it") from error
            except calamine.CalamineError as error:
                raise RemoteError(
                    f"{path}: can't be read as Excel ({error}); save it again"
                ) from error

    def _open(self, path: Path, table: Table) -> None:
        with calamine.CalamineWorkbook.from_path(path) as book:
            sheets = [
                sheet.name
                for sheet in book.sheets_metadata
                if sheet.typ is calamine.SheetTypeEnum.WorkSheet
            ]
            if not sheets or (table.sheet is not None and table.sheet not in sheets):
                raise ConfigError(
                    f"{path}: there is no sheet {table.sheet!r}; its sheets: {', '.join(sheets)}"
                )
            self.sheet = sheets[0] if table.sheet is None else table.sheet
            sheet = book.get_sheet_by_name(self.sheet)
            self.first_column = sheet.start[1] + 1 if sheet.start else 1
            rows = list(enumerate(sheet.iter_rows(), 1))[table.skip_rows :]
        filled = [(number, row) for number, row in rows if any(cell != "" for cell in row)]
        header = filled[0][1] if filled else []
        self.header_row = filled[0][0] if filled else 1
        self.columns = ["" if cell == "" else str(plain(cell)) for cell in header]
        self.row_numbers = [number for number, _ in filled[1:]]
        self._rows = [row for _, row in filled[1:]]
        twice = [name for name in self.columns if name and self.columns.count(name) > 1]
        if twice:
            raise ConfigError(f"{path}: two columns are called {twice[0]!r}; rename one")

    def count(self) -> int | None:
        """Return the number of rows that are not empty."""
        return len(self._rows)

    def pages(self, fields: Sequence[str], skip: int = 0) -> Iterator[pa.Table]:
        """Yield the rows after the first *skip*; a column of several kinds comes as text."""
        asked = [name for name in dict.fromkeys(fields) if name in self.columns and name]
        places = [self.columns.index(name) for name in asked]
        for start in range(skip, len(self._rows), paging.PAGE):
            rows = self._rows[start : start + paging.PAGE]
            columns = [column_of([plain(row[place]) for row in rows]) for place in places]
            if not asked:
                yield pa.table({"": pa.nulls(len(rows))}).select([])
                continue
            yield pa.table(columns, names=asked)

    def rows(self) -> list[list[object]]:
        """Return all rows, value by value."""
        return [[plain(cell) for cell in row] for row in self._rows]


def plain(cell: object) -> object:
    """Return a cell's value: None if empty, 5 for 5.0, a Decimal of 15 digits as Excel shows it."""
    if cell == "":
        return None
    if isinstance(cell, float):
        if cell.is_integer() and abs(cell) < _EXACT:
            return int(cell)
        return Decimal(f"{cell:.15g}")
    return cell if isinstance(cell, str | bool | int | date | datetime) else str(cell)
