"""What a file of some kind can't hold, asked before it is written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias

from connector_files.dialect import Dialect, codec_of
from connector_files.settings import Format, Table
from connector_files.values import text

Limit: TypeAlias = Callable[[object], str | None]
_EXCEL_CELL: Final = 32_767


def limit_of(path: Path, table: Table) -> Limit:
    """Return what says why the file can't hold a value, None if it can."""
    if table.kind == "excel":
        return _in_excel
    if table.kind == "parquet":
        return encodable("utf-8")
    dialect = Dialect(table)
    encoded = encodable(codec_of(path, table.encoding))

    def in_text(value: object) -> str | None:
        if isinstance(value, str) and not dialect.holds(value):
            return "it holds the delimiter or a line break, and the job sets no `quote`"
        return encoded(value)

    return in_text


def encodable(codec: str) -> Limit:
    """Return what says why *codec* can't write a value."""

    def encoded(value: object) -> str | None:
        if not isinstance(value, str):
            return None
        try:
            value.encode(codec)
        except UnicodeEncodeError as error:
            return f"{value[error.start]!r} can't be written in {codec}"
        return None

    return encoded


def _in_excel(value: object) -> str | None:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if not isinstance(value, str):
        return None
    if ILLEGAL_CHARACTERS_RE.search(value):
        return "it holds a control character, which Excel can't hold"
    if len(value) > _EXCEL_CELL:
        return f"it is longer than the {_EXCEL_CELL:,} characters that a cell holds"
    return None


def shown(value: object, kind: Format) -> object:
    """Return *value* as a file of this format holds it, before it is fitted into a column."""
    if kind in ("csv", "tsv"):
        return text(value) or None
    if kind == "excel" and isinstance(value, datetime) and value.tzinfo is not None:
        return text(value)  # Excel knows no zones
    return value
