"""Records of an object by the REST API, one query a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from connector_salesforce import soql
from connector_salesforce.advice import QueryTimeout
from connector_salesforce.rows import table_of

if TYPE_CHECKING:
    from connector_salesforce.connection import Org
    from connector_salesforce.selection import Selection

_LEAST: Final = 100


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records of an object: *rows* of text, and the ids of those that are *gone*.

    *after* says which was the last, by the fields that they are ordered by; *ended* that no more
    follow.
    """

    rows: pa.Table
    gone: Sequence[str] = ()
    after: tuple[str, ...] = ()
    ended: bool = False


class Records:
    """The records of an org, *size* at a time: fewer after a query that took too long."""

    def __init__(self, org: Org, size: int) -> None:
        self._org = org
        self._size = size

    def by_id(self, part: Selection, after: tuple[str, ...]) -> Batch:
        """Return the records after *after* in the order of their ids."""
        where = [*whole(part), *([soql.above_id(after[0])] if after else [])]
        return self._batch(part, part.fields, where, ("Id",), deleted=part.archives)

    def by_change(self, part: Selection, after: tuple[str, ...], first: str, last: str) -> Batch:
        """Return those stamped from *first* to *last*, deleted ones too, in the order of that."""
        stamp = str(part.stamp)
        where = [f"{stamp} <= {soql.literal(last)}"]
        # Of any record type: one that is no longer read would otherwise stay as it was.
        if after:
            where.append(soql.above(stamp, *after))
        else:
            where.append(f"{stamp} >= {soql.literal(first)}")
        fields = [*part.fields, *(["IsDeleted"] if part.tells_deleted else [])]
        batch = self._batch(part, fields, where, (stamp, "Id"), deleted=part.tells_deleted)
        gone = _is_gone(part, batch.rows)
        ids = batch.rows.filter(gone).column("Id").to_pylist()
        return Batch(batch.rows.filter(pc.invert(gone)), ids, batch.after, batch.ended)

    def _batch(
        self,
        part: Selection,
        fields: Sequence[str],
        where: Sequence[str],
        keys: Sequence[str],
        *,
        deleted: bool = False,
    ) -> Batch:
        names, size = list(dict.fromkeys(fields)), self._size
        order = f" ORDER BY {', '.join(keys)} LIMIT {size}"
        try:
            asked = soql.select(names, part.sobject, where, order)
            answer = self._org.query(asked, deleted=deleted)
        except QueryTimeout:
            self._size = max(size // 2, min(size, _LEAST))
            raise
        records = answer["records"]
        after = tuple(str(records[-1][key]) for key in keys) if records else ()
        # A page may hold fewer than were asked for, and more follow.
        ended = bool(answer["done"]) and len(records) < size
        return Batch(table_of(records, names), after=after, ended=ended)


def whole(part: Selection) -> list[str]:
    """Return the conditions that hold for all that is read of an object, and for nothing else."""
    # What is archived comes only where what is deleted comes too.
    there = ["IsDeleted = false"] if part.archives else []
    return there if part.types is None else [*there, soql.one_of("RecordTypeId", part.types)]


def _is_gone(part: Selection, rows: pa.Table) -> pa.Array:
    """Say of each row whether it was deleted, or is of a record type that is not read."""
    gone = pa.repeat(False, rows.num_rows)
    if part.tells_deleted:
        gone = pc.fill_null(pc.equal(rows.column("IsDeleted"), "true"), False)
    if part.types is not None:
        ours = pc.is_in(rows.column("RecordTypeId"), pa.array(part.types, pa.string()))
        gone = pc.or_(gone, pc.invert(ours))
    return gone
