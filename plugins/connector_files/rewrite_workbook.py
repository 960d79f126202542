"""Write a workbook anew with some columns of a sheet replaced or added, all else kept."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

import openpyxl
import pyarrow as pa

from connector import ConfigError
from connector_files.faults import changed
from connector_files.settings import Table
from connector_files.values import same
from connector_files.workbook import Workbook

if TYPE_CHECKING:
    from openpyxl.cell import Cell

ENDINGS: Final = (".xlsx", ".xlsm")
_LOST: Final = re.compile(r"xl/(charts|media|drawings/drawing|pivotTables|slicers)")
_FORMULA: Final = re.compile(rb"<f[ >]")


def rewrite_workbook(
    base: Path,
    into: Path,
    table: Table,
    *,
    id_column: str,
    ids: pa.Array,
    columns: Mapping[str, pa.Array],
) -> None:
    """Write *base* into *into* with *columns*; other sheets, formats and formulas are kept."""
    view = Workbook(base, table)
    held = list(chain.from_iterable(p.column(0).to_pylist() for p in view.pages([id_column])))
    if held != ids.to_pylist():
        raise changed(base)
    names = [*view.columns, *(name for name in columns if name not in view.columns)]
    book = openpyxl.load_workbook(base, keep_vba=base.suffix.lower() == ".xlsm")
    sheet = book[view.sheet]
    for name, column in columns.items():
        place = view.first_column + names.index(name)
        put(sheet.cell(view.header_row, place), name)
        for row, value in zip(view.row_numbers, column.to_pylist(), strict=True):
            put(sheet.cell(row, place), value)
    book.save(into)
    book.close()


def put(cell: Cell, value: object) -> None:
    """Set a cell's value unless it is there already; a text that begins with = is no formula."""
    if same(cell.value, value):
        return
    cell.value = value  # what it can't hold has been refused before
    if isinstance(value, str):
        cell.data_type = "s"


def refuse_losses(path: Path) -> None:
    """Raise ConfigError if a rewrite of the workbook would lose something that people put there."""
    with zipfile.ZipFile(path) as parts:
        names = parts.namelist()
        if any(_LOST.match(name) for name in names):
            raise ConfigError(
                f"{path}: holds charts, pictures or pivot tables, which would be lost; set"
                " mode = 'copy', or keep the accounts in a workbook without them"
            )
        sheets = [name for name in names if name.startswith("xl/worksheets/sheet")]
        if any(_FORMULA.search(parts.read(name)) for name in sheets):
            raise ConfigError(
                f"{path}: holds formulas, whose results would be lost until Excel saves it again;"
                " set mode = 'copy', or replace the formulas by their values"
            )
