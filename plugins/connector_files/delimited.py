"""Read CSV and TSV files: every column as text, nothing guessed, an empty cell as null."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.csv as pa_csv

from connector import ConfigError, RemoteError, Unreadable
from connector_files.dialect import BOM, Dialect, codec_of, open_bytes, open_text, unclosed
from connector_files.faults import reading
from connector_files.paging import paged
from connector_files.settings import Table

_BLOCK: Final = 4 << 20
_DELIMITERS: Final = {";": "a semicolon", ",": "a comma", "\t": "a tab", "|": "a bar"}


class Delimited:
    """One CSV or TSV file."""

    def __init__(self, path: Path, table: Table) -> None:
        self.path = path
        self.table = table
        self.dialect = Dialect(table)
        self.unreadable: list[Unreadable] = []
        with reading(path):
            self.codec = codec_of(path, table.encoding)
            self.columns = self._header()

    def count(self) -> int | None:
        """Return None: it would take a reading of the file."""
        return None

    def pages(self, fields: Sequence[str], skip: int = 0) -> Iterator[pa.Table]:
        """Yield the rows after the first *skip*; rows of another width go to *unreadable*."""
        if not self.columns:
            return
        asked = [name for name in dict.fromkeys(fields) if name in self.columns]
        # Without a column there would be no rows either; the first stands in.
        for page in paged(self._batches(asked or [next(filter(None, self.columns))]), skip):
            yield page.select(asked)

    def _header(self) -> list[str]:
        with open_text(self.path, self.codec) as file:
            lines = islice(file, self.table.skip_rows, None)
            try:
                records = self.dialect.records(lines, self.table.skip_rows + 1)
                number, record = next(
                    ((number, text) for number, text in records if text.strip("\r\n" + BOM)),
                    (0, ""),
                )
            except UnicodeDecodeError as error:
                raise self._undecodable() from error
            except ValueError as error:
                raise unclosed(self.path, error.args[0]) from error
        if not record:
            return []
        text = record.rstrip("\r\n").removeprefix(BOM)
        if "\0" in text or any("\udc80" <= mark <= "\udcff" for mark in text):
            raise self._undecodable()
        if self.codec.startswith("utf-16") and all(mark > "\xff" for mark in text):
            raise self._undecodable()
        columns = [self.dialect.value(cell) for cell in self.dialect.cells(text)]
        self._check_header(text, columns, number)
        return columns

    def _check_header(self, text: str, columns: Sequence[str], line: int) -> None:
        where = f"{self.path} line {line}"
        if text.startswith("sep="):
            raise ConfigError(
                f"{where}: {text!r} is a note to Excel; set skip_rows = {line} and"
                f" delimiter = {text[4:5]!r}"
            )
        likely = [mark for mark in _DELIMITERS if mark in text and mark != self.dialect.delimiter]
        if len(columns) == 1 and likely:
            mark = max(likely, key=text.count)
            raise ConfigError(
                f"{where}: the header is one column, {text[:80]!r}; the delimiter is likely"
                f" {_DELIMITERS[mark]}: set delimiter = {mark!r}"
            )
        twice = [name for name in columns if name and columns.count(name) > 1]
        if twice:
            raise ConfigError(f"{where}: two columns are called {twice[0]!r}; rename one")

    def _batches(self, asked: Sequence[str]) -> Iterator[pa.RecordBatch]:
        refused: list[pa_csv.InvalidRow] = []

        def refuse(row: pa_csv.InvalidRow) -> str:
            refused.append(row)
            return "skip"

        with reading(self.path), closing(_Counted(open_bytes(self.path), self._quote)) as file:
            lines = self._lines()
            try:
                for batch in pa_csv.open_csv(file, **self._options(asked, refuse)):
                    self._set_aside(refused, lines)
                    yield batch
            except UnicodeDecodeError as error:
                raise self._undecodable() from error
            except pa.ArrowInvalid as error:
                raise self._explained(error) from error
            self._set_aside(refused, lines)
            if file.quotes % 2:
                self._check_quotes()

    @property
    def _quote(self) -> bytes:
        return self.dialect.quote.encode(self.codec, "ignore")

    def _options(self, asked: Sequence[str], refuse: object) -> dict[str, object]:
        # One thread: with more, pyarrow does not say which row it refused.
        encoding = "utf8" if self.codec == "utf-8" else self.codec
        return {
            "read_options": pa_csv.ReadOptions(
                use_threads=False,
                block_size=_BLOCK,
                skip_rows=self.table.skip_rows,
                encoding=encoding,
            ),
            "parse_options": pa_csv.ParseOptions(
                delimiter=self.dialect.delimiter,
                quote_char=self.dialect.quote or False,
                newlines_in_values=bool(self.dialect.quote),
                invalid_row_handler=refuse,
            ),
            "convert_options": pa_csv.ConvertOptions(
                column_types=dict.fromkeys(asked, pa.string()),
                include_columns=asked,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        }

    def _lines(self) -> Iterator[tuple[int, int]]:
        """Yield each row's number, as pyarrow counts, and its line; blank lines don't count."""
        with open_text(self.path, self.codec) as file:
            lines = islice(file, self.table.skip_rows, None)
            records = self.dialect.records(lines, self.table.skip_rows + 1)
            count = self.table.skip_rows
            for line, record in records:
                if record.strip("\r\n" + BOM):
                    count += 1
                    yield count, line

    def _set_aside(
        self, refused: list[pa_csv.InvalidRow], lines: Iterator[tuple[int, int]]
    ) -> None:
        for row in refused:
            try:
                line = next((line for count, line in lines if count == row.number), None)
            except ValueError as error:
                raise unclosed(self.path, error.args[0]) from error
            where = f"line {line}" if line is not None else f"row {row.number}"
            self.unreadable.append(
                Unreadable(
                    f"{self.path.name} {where}",
                    row.text,
                    f"{row.actual_columns} cells where the header has {row.expected_columns}",
                )
            )
        refused.clear()

    def _explained(self, error: pa.ArrowInvalid) -> Exception:
        if "UTF8" in str(error) or "UTF-8" in str(error):
            return self._undecodable()
        if "straddl" in str(error):
            self._check_quotes()
        return RemoteError(f"{self.path}: can't be read as {self.table.kind}: {error}")

    def _check_quotes(self) -> None:
        try:
            for _ in self._lines():
                pass
        except ValueError as error:
            raise unclosed(self.path, error.args[0]) from error

    def _undecodable(self) -> ConfigError:
        where = ""
        with open_bytes(self.path) as raw, io.TextIOWrapper(raw, self.codec) as file:
            number = 0
            try:
                for number, _ in enumerate(file, 1):  # noqa: B007 - the last one is wanted
                    pass
            except UnicodeDecodeError as error:
                where = f" line {_line_of(self.path, self.codec, number)}: {error.reason}"
        return ConfigError(
            f"{self.path}{where}: these bytes are not {self.table.encoding}; set `encoding` to what"
            " the file is written in, such as cp1252 (Excel on Windows) or utf-16"
        )


def _line_of(path: Path, codec: str, read: int) -> int:
    """Return the first line that can't be decoded; the first *read* can."""
    with open_bytes(path) as raw, io.TextIOWrapper(raw, codec, "replace") as file:
        for number, line in enumerate(file, 1):
            if number > read and "\ufffd" in line:
                return number
    return read + 1


class _Counted(io.RawIOBase):
    """A file that counts its quotes while it is read: an odd number is worth a closer look."""

    def __init__(self, file: BinaryIO, quote: bytes) -> None:
        super().__init__()
        self._file = file
        self._quote = quote
        self.quotes = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        if self._quote:
            self.quotes += chunk.count(self._quote)
        return chunk

    def close(self) -> None:
        self._file.close()
        super().close()
