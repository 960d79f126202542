"""Read when rows last changed, as microseconds since 1970 (UTC), from whatever a file holds."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

_READ = """
    select case when isfinite(moment) then epoch_us(moment) end from (
        select coalesce(
            try_cast(trim(stamp) as timestamptz),
            try_strptime(
                trim(stamp), ['%d.%m.%Y %H:%M:%S', '%d.%m.%Y %H:%M', '%d.%m.%Y']
            )::timestamptz
        ) as moment from stamps
    )
"""


def microseconds(stamps: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the times as integers, null where there is none or it can't be read.

    Times without a zone are taken as UTC: here they are only compared with each other.
    """
    kind = stamps.type
    if pa.types.is_timestamp(kind):
        return stamps.cast(pa.timestamp("us", kind.tz), safe=False).cast(pa.int64())
    if pa.types.is_date(kind):
        return stamps.cast(pa.timestamp("us")).cast(pa.int64())
    with duckdb.connect(config={"threads": 1}) as engine:
        engine.execute("set timezone = 'UTC'")
        engine.register("stamps", pa.table({"stamp": stamps.cast(pa.string())}))
        return engine.execute(_READ).to_arrow_table().column(0)


def since(rows: pa.Table, column: str, low: int | None) -> tuple[pa.Table, int | None]:
    """Return the rows that changed at *low* or later, and the latest change of all *rows*.

    A row whose time can't be read is always among them: it must not be lost.
    """
    stamps = microseconds(rows.column(column))
    latest = pc.max(stamps).as_py()
    if low is None:
        return rows, latest
    recent = pc.or_kleene(pc.is_null(stamps), pc.greater_equal(stamps, low))
    return rows.filter(recent), latest
