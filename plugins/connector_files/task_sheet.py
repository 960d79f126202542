"""How a tasks file is stored: as CSV, Parquet or Excel, with what people added kept."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from connector import ConfigError, RemoteError
from connector_files.dialect import BOM
from connector_files.faults import changed, no_folder, reading
from connector_files.limits import Limit, encodable, limit_of
from connector_files.replace import replacing
from connector_files.settings import Table
from connector_files.values import text

COLUMNS: Final = (
    "marker",
    "account",
    "goal",
    "subject",
    "body",
    "owner",
    "due",
    "priority",
    "status",
    "created_on",
    "closed_on",
)
_DAYS: Final = ("due", "created_on", "closed_on")
_DELIMITERS: Final = ",;\t|"


def open_sheet(path: Path) -> TaskSheet:
    """Return the tasks file as it is; an empty one if there is none yet."""
    storages: dict[str, type[_Storage]] = {".parquet": _Parquet, ".xlsx": _Excel}
    with reading(path):
        return TaskSheet(path, storages.get(path.suffix.lower(), _Csv)(path))


class TaskSheet:
    """The rows of a tasks file. Numbers of rows that were changed or added go into *changed*."""

    def __init__(self, path: Path, storage: _Storage) -> None:
        self.path = path
        self._storage = storage
        self._state = _state(path)
        self.header: list[str] = []
        self.rows: list[list[object]] = []
        if self._state is not None:
            self.header, self.rows = storage.load()
        if self.header and "marker" not in self.header:
            raise ConfigError(
                f"{path}: this is no tasks file, it has no column 'marker'; move it away or name"
                " another in `tasks`"
            )
        self.header += [name for name in COLUMNS if name not in self.header]
        for row in self.rows:
            row.extend([None] * (len(self.header) - len(row)))
        self.changed: set[int] = set()
        self.limit: Limit = storage.limit

    def is_fresh(self) -> bool:
        """Say whether the file is as it was when it was read or saved."""
        return self._state == _state(self.path)

    def save(self) -> None:
        """Write the file anew if a row has changed."""
        if not self.changed:
            return
        with replacing(self.path) as temporary:
            with temporary.open("wb") as file:
                file.write(self._storage.dump(self.header, self.rows, self.changed))
            if not self.is_fresh():
                raise changed(self.path)
            self._state = _state(temporary)
        self.changed.clear()


class _Storage(Protocol):
    def __init__(self, path: Path) -> None: ...
    def load(self) -> tuple[list[str], list[list[object]]]: ...
    def dump(self, header: list[str], rows: list[list[object]], changed: set[int]) -> bytes: ...
    @property
    def limit(self) -> Limit: ...


class _Csv:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._delimiter = ","
        self._line_end = "\n"
        self._mark = BOM  # without it Excel takes the file for the local 8-bit encoding
        self.limit = encodable("utf-8")

    def load(self) -> tuple[list[str], list[list[object]]]:
        try:
            content = self._path.read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            raise ConfigError(
                f"{self._path}: not UTF-8; save it as 'CSV UTF-8' in Excel"
            ) from error
        self._mark = BOM if content.startswith(BOM) else ""
        content = content.removeprefix(BOM)
        first = content.split("\n", 1)[0]
        self._line_end = "\r\n" if first.endswith("\r") else "\n"
        self._delimiter = max(_DELIMITERS, key=first.count) if first.strip() else ","
        lines = csv.reader(io.StringIO(content, newline=""), delimiter=self._delimiter, strict=True)
        try:
            rows: list[list[object]] = [[*row] for row in lines if row]
        except csv.Error as error:
            raise RemoteError(f"{self._path} line {lines.line_num}: {error}; correct it") from error
        return ([str(name).strip() for name in rows[0]], rows[1:]) if rows else ([], [])

    def dump(self, header: list[str], rows: list[list[object]], changed: set[int]) -> bytes:
        out = io.StringIO(newline="")
        lines = csv.writer(out, delimiter=self._delimiter, lineterminator=self._line_end)
        lines.writerow(header)
        lines.writerows([text(cell) for cell in row] for row in rows)
        return (self._mark + out.getvalue()).encode()


class _Parquet:
    def __init__(self, path: Path) -> None:
        self._path = path
        self.limit = encodable("utf-8")
        self._kinds: dict[str, object] = {}

    def load(self) -> tuple[list[str], list[list[object]]]:
        import pyarrow.parquet as pq

        with pq.ParquetFile(self._path) as file:
            table = file.read()
        self._kinds = {field.name: field.type for field in table.schema}
        columns = [column.to_pylist() for column in table.columns]
        return list(table.column_names), [list(row) for row in zip(*columns, strict=True)]

    def dump(self, header: list[str], rows: list[list[object]], changed: set[int]) -> bytes:
        import pyarrow as pa
        import pyarrow.parquet as pq

        from connector_files.columns import fitting

        days = dict.fromkeys(_DAYS, pa.date32())
        theirs = {name: kind for name, kind in self._kinds.items() if not pa.types.is_null(kind)}
        ours = {name: pa.string() for name in COLUMNS if name not in _DAYS}
        kinds = {**self._kinds, **days, **theirs, **ours}
        columns = []
        for place, name in enumerate(header):
            values = map(fitting(kinds[name]), [row[place] for row in rows])
            columns.append(pa.array([*values], kinds[name]))
        out = io.BytesIO()
        pq.write_table(pa.table(columns, names=header), out)
        return out.getvalue()


class _Excel:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._table = Table(file=path.name)
        self._row_numbers: Sequence[int] = ()
        self._first_column = 1
        self._header_row = 1
        self._sheet: str | None = None
        self.limit = limit_of(path, self._table)

    def load(self) -> tuple[list[str], list[list[object]]]:
        from connector_files.workbook import Workbook

        book = Workbook(self._path, self._table)
        self._row_numbers = book.row_numbers
        self._first_column, self._header_row = book.first_column, book.header_row
        self._sheet = book.sheet
        return [name.strip() for name in book.columns], book.rows()

    def dump(self, header: list[str], rows: list[list[object]], changed: set[int]) -> bytes:
        import openpyxl

        from connector_files.rewrite_workbook import put

        if self._sheet is None:
            book = openpyxl.Workbook()
            book.active.title = "Tasks"
        else:
            book = openpyxl.load_workbook(self._path)
        sheet = book[self._sheet or "Tasks"]
        last = max(self._row_numbers, default=self._header_row)
        numbers = [
            *self._row_numbers,
            *range(last + 1, last + 1 + len(rows) - len(self._row_numbers)),
        ]
        places = range(self._first_column, self._first_column + len(header))
        for place, name in zip(places, header, strict=True):
            put(sheet.cell(self._header_row, place), name)
        for row in sorted(changed):
            for place, value in zip(places, rows[row], strict=False):
                put(sheet.cell(numbers[row], place), value)
        self._row_numbers, self._sheet = numbers, sheet.title
        out = io.BytesIO()
        book.save(out)
        book.close()
        return out.getvalue()


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    except NotADirectoryError as error:
        raise no_folder(path) from error
    return status.st_ino, status.st_size, status.st_mtime_ns
