"""Take a delimited text apart without changing it: records, cells, quotes and byte order marks.

pyarrow reads the values (`connector_files.delimited`); this is for the header, for the line of a
row that pyarrow refused, and for a rewrite that keeps every cell as it stands.
"""

from __future__ import annotations

import codecs
import gzip
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, TextIO, cast

from connector import RemoteError
from connector_files.settings import Table

BOM: Final = "\ufeff"


class Dialect:
    """How one table's text files are written."""

    def __init__(self, table: Table) -> None:
        self.delimiter = table.separator
        self.quote = table.quote
        delimiter, quote = re.escape(self.delimiter), re.escape(self.quote)
        if quote:
            # Possessive, so that an unclosed quote is refused and never tried another way.
            inside = f"{quote}(?:[^{quote}]++|{quote}{quote})*+{quote}[^{delimiter}]*"
            cell = f"(?:{inside}|(?!{quote})[^{delimiter}]*)"
            self._whole = re.compile(f"{cell}(?:{delimiter}{cell})*")
            self._cells = re.compile(f"{delimiter}({cell})")
            self._special = re.compile(f"[{delimiter}{quote}\r\n]")

    def records(self, lines: Iterable[str], first: int = 1) -> Iterator[tuple[int, str]]:
        """Yield each record's line number and text as it stands; a quoted line break is inside.

        Raise `ValueError` with the line number if a quote is never closed.
        """
        begun, start = "", first
        for number, line in enumerate(lines, first):
            if not begun and (not self.quote or self.quote not in line):
                yield number, line
                continue
            start = start if begun else number
            begun += line
            if self._whole.fullmatch(begun.rstrip("\r\n")):
                yield start, begun
                begun = ""
        if begun:
            raise ValueError(start)

    def cells(self, record: str) -> list[str]:
        """Return the cells of a record as they stand, quotes and all."""
        if not self.quote or self.quote not in record:
            return record.split(self.delimiter)
        return self._cells.findall(self.delimiter + record)

    def value(self, cell: str) -> str:
        """Return what a cell says."""
        if not self.quote or not cell.startswith(self.quote):
            return cell
        end = cell.rindex(self.quote)
        return cell[1:end].replace(self.quote * 2, self.quote) + cell[end + 1 :]

    def cell(self, value: str) -> str:
        """Return how a cell says *value*, in quotes only where it must be."""
        if not self.quote or not self._special.search(value):
            return value
        return self.quote + value.replace(self.quote, self.quote * 2) + self.quote

    def holds(self, value: str) -> bool:
        """Say whether a cell can hold *value* at all."""
        return bool(self.quote) or not re.search(f"[{re.escape(self.delimiter)}\r\n]", value)


def codec_of(path: Path, encoding: str) -> str:
    """Return the codec that keeps a byte order mark as a character, for *path*."""
    name = codecs.lookup(encoding).name
    if name == "utf-8-sig":
        return "utf-8"
    if name != "utf-16":
        return name
    with open_bytes(path) as file:
        return "utf-16-be" if file.read(2) == codecs.BOM_UTF16_BE else "utf-16-le"


def open_bytes(path: Path) -> BinaryIO:
    """Open *path* for reading, uncompressed."""
    if path.suffix.lower() == ".gz":
        return cast("BinaryIO", gzip.open(path, "rb"))
    return path.open("rb")


def open_text(path: Path, codec: str) -> TextIO:
    """Open *path* with its line ends and byte order mark kept.

    Bytes that the codec doesn't know come back as they were when written again.
    """
    return io.TextIOWrapper(open_bytes(path), codec, _keeping(codec), newline="")


def create_text(path: Path, codec: str, *, compressed: bool) -> TextIO:
    """Open *path* for writing, the counterpart of `open_text`; the caller closes it."""
    file = path.open("wb") if not compressed else gzip.open(path, "wb", 6)  # noqa: SIM115
    return io.TextIOWrapper(cast("BinaryIO", file), codec, _keeping(codec), newline="")


def unclosed(path: Path, line: int) -> RemoteError:
    """Return the error for a quote that is never closed."""
    return RemoteError(
        f"{path} line {line}: a quote is opened and never closed, so what follows can't be told"
        " apart; correct the file, or set `quote` to what encloses its cells"
    )


def _keeping(codec: str) -> str:
    return "strict" if codec.startswith(("utf-16", "utf-32")) else "surrogateescape"
