"""Write a file anew with some columns replaced or added, and everything else as it was."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from connector_files.dialect import BOM, Dialect, codec_of, create_text, open_text
from connector_files.faults import changed
from connector_files.settings import Table

_CHUNK: Final = 50_000
_NO_ROW: Final = ("\0", "")  # no id is this


def rewrite(
    base: Path,
    into: Path,
    table: Table,
    *,
    id_column: str,
    ids: pa.Array,
    columns: Mapping[str, pa.Array],
) -> None:
    """Write *base* into *into* with *columns*, one value for each of the file's rows.

    *ids* are the ids of these rows as they were read; raise Unavailable if the file holds others
    by now.
    """
    match table.kind:
        case "parquet":
            from connector_files.rewrite_parquet import rewrite_parquet

            rewrite_parquet(base, into, id_column=id_column, ids=ids, columns=columns)
        case "excel":
            from connector_files.rewrite_workbook import rewrite_workbook

            rewrite_workbook(base, into, table, id_column=id_column, ids=ids, columns=columns)
        case _:
            _text(base, into, table, ids, id_column, columns)


def _text(
    base: Path,
    into: Path,
    table: Table,
    ids: pa.Array,
    id_column: str,
    columns: Mapping[str, pa.Array],
) -> None:
    dialect = Dialect(table)
    codec = codec_of(base, table.encoding)
    with ExitStack() as files:
        source = files.enter_context(open_text(base, codec))
        packed = base.suffix.lower() == ".gz"
        target = files.enter_context(create_text(into, codec, compressed=packed))
        target.writelines(islice(source, table.skip_rows))
        target.writelines(_records(base, dialect, source, ids, id_column, columns))


def _records(
    base: Path,
    dialect: Dialect,
    lines: Iterator[str],
    ids: pa.Array,
    id_column: str,
    columns: Mapping[str, pa.Array],
) -> Iterator[str]:
    records = (record for _, record in dialect.records(lines))
    header: list[str] = []
    for record in records:
        body = record.rstrip("\r\n")
        if not body.strip(BOM):
            yield record
            continue
        header = [dialect.value(cell) for cell in dialect.cells(body.removeprefix(BOM))]
        added = [name for name in columns if name not in header]
        names = "".join(dialect.delimiter + dialect.cell(name) for name in added)
        yield body + names + record[len(body) :]
        break
    width, at = len(header), header.index(id_column)
    places = [header.index(name) for name in columns if name in header]
    empty = dialect.delimiter * len(added)
    rows = _rows(dialect, ids, columns, added)
    for record in records:
        body = record.rstrip("\r\n")
        if not body:
            yield record
            continue
        cells = dialect.cells(body)
        if len(cells) != width:
            # A row that can't be read stays one: as many cells too many or too few as before.
            yield body + empty + record[len(body) :]
            continue
        ident, suffix, *ours = next(rows, _NO_ROW)
        if dialect.value(cells[at]) != ident:
            raise changed(base)
        if places:
            for place, cell in zip(places, ours, strict=True):
                cells[place] = cell
            body = dialect.delimiter.join(cells)
        yield body + suffix + record[len(record.rstrip("\r\n")) :]
    if next(rows, None) is not None:
        raise changed(base)


def _rows(
    dialect: Dialect, ids: pa.Array, columns: Mapping[str, pa.Array], added: Sequence[str]
) -> Iterator[tuple[str, ...]]:
    """Yield each row's id, the text of the cells to add, and the cells to put in place."""
    delimiter = pa.scalar(dialect.delimiter)
    for start in range(0, len(ids), _CHUNK):
        part = {
            name: _cells(dialect, column.slice(start, _CHUNK)) for name, column in columns.items()
        }
        idents = pc.fill_null(ids.slice(start, _CHUNK), "").to_pylist()
        suffix: pa.Array = pa.array([""] * len(idents))
        if added:
            ours = [part[name] for name in added]
            suffix = pc.binary_join_element_wise(suffix, *ours, delimiter)
        replaced = [part[name].to_pylist() for name in columns if name not in added]
        yield from zip(idents, suffix.to_pylist(), *replaced, strict=True)


def _cells(dialect: Dialect, values: pa.Array) -> pa.Array:
    """Return the cells that say *values*; only few need quotes, so they are looked for at once."""
    values = pc.fill_null(values.cast(pa.string()), "")
    if not dialect.quote:
        return values
    quote, delimiter = re.escape(dialect.quote), re.escape(dialect.delimiter)
    special = pc.match_substring_regex(values, f"[{quote}{delimiter}\r\n]")
    if not pc.any(special).as_py():
        return values
    doubled = pc.replace_substring(values, dialect.quote, dialect.quote * 2)
    quoted = pc.binary_join_element_wise(dialect.quote, doubled, dialect.quote, "")
    return pc.if_else(special, quoted, values)
