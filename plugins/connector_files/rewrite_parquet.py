"""Write a Parquet file anew with some columns replaced or added."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from connector_files.faults import changed


def rewrite_parquet(
    base: Path, into: Path, *, id_column: str, ids: pa.Array, columns: Mapping[str, pa.Array]
) -> None:
    """Write *base* into *into* with *columns*; row groups, types and compression are kept."""
    with ExitStack() as files:
        source = files.enter_context(pq.ParquetFile(base))
        schema = source.schema_arrow
        for name, column in columns.items():
            field = pa.field(name, column.type)
            place = schema.get_field_index(name)
            schema = schema.append(field) if place < 0 else schema.set(place, field)
        if source.metadata.num_rows != len(ids):
            raise changed(base)
        target = files.enter_context(
            pq.ParquetWriter(into, schema, compression=_compression(source))
        )
        done = 0
        for group in range(source.num_row_groups):
            rows = source.read_row_group(group)
            if (
                not rows.column(id_column)
                .cast(ids.type)
                .equals(pa.chunked_array([ids.slice(done, rows.num_rows)]))
            ):
                raise changed(base)
            for name, column in columns.items():
                part = column.slice(done, rows.num_rows)
                place = rows.schema.get_field_index(name)
                field = pa.field(name, column.type)
                rows = (
                    rows.append_column(field, part)
                    if place < 0
                    else rows.set_column(place, field, part)
                )
            target.write_table(rows.cast(schema), row_group_size=max(rows.num_rows, 1))
            done += rows.num_rows


def _compression(source: object) -> str:
    metadata = source.metadata  # type: ignore[attr-defined]  # pyarrow has no types
    if not metadata.num_row_groups or not metadata.num_columns:
        return "snappy"
    name = str(metadata.row_group(0).column(0).compression)
    return "none" if name == "UNCOMPRESSED" else name
