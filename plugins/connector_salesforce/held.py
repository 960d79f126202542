"""What the org holds now: some records, asked for by id in as few queries as URLs allow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus

from connector import ConfigError
from connector_salesforce.connection import QUERIES

if TYPE_CHECKING:
    from connector_salesforce.connection import Org

_ID: Final = re.compile(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?")
_NAME: Final = re.compile(r"[A-Za-z]\w*")
_LONGEST: Final = 10_000
"""Bytes of a query in a URL: Salesforce and what lies before it answer longer ones with 414 or 431,
and the sheet of facts names no figure; headers count too."""
_PAGE: Final = 2_000


def key_of(record: str) -> str:
    """Return what an id is known by: 15 characters tell records apart, three more are a check."""
    return record[:15]


def is_id(text: str) -> bool:
    """Say whether *text* can be an id: one that can't would spoil the whole query."""
    return bool(_ID.fullmatch(text))


def by_id(
    org: Org,
    select: str,
    column: str,
    ids: Iterable[str],
    *,
    where: str = "",
    archived: bool = False,
) -> Iterator[Mapping[str, Any]]:
    """Yield the records of *select* (`SELECT ... FROM ...`) whose *column* is one of *ids*.

    Many ids are read as all that lies between the first and the last of each 2,000; of another
    column, as all that *where* leaves. Where far more lies there than is asked for, and for what
    did not turn up, they are listed.
    With *archived*, activities too that Salesforce has put away; *where* then leaves out what is in
    the bin.
    """
    room = _LONGEST - len(quote_plus(_query(select, [f"{column} IN ()", where])))
    size = max(1, room // len(quote_plus("'001000000000000AAA', ")))
    left = {key_of(one): one for one in ids if is_id(one)}
    wide = list(_ranges(left, column)) if len(left) > size else []
    asked = [_query(select, [*between, where]) for _, between in wide]
    for (keys, _), page in zip(wide, org.queries(asked, deleted=archived), strict=True):
        if -(-int(page["totalSize"]) // _PAGE) - 1 > -(-len(keys) // (size * QUERIES)):
            continue
        for record in following(org, page):
            key = key_of(str(record[column] or ""))
            if key in keys:
                yield record
            if column == "Id":
                left.pop(key, None)
        if column != "Id":
            left.clear()
    listed = [f"'{one}'" for one in left.values()]
    some = [", ".join(listed[start : start + size]) for start in range(0, len(listed), size)]
    asked = [_query(select, [f"{column} IN ({one})", where]) for one in some]
    for page in org.queries(asked, deleted=archived):
        yield from following(org, page)


def selected(org: Org, soql: str, *, deleted: bool = False) -> Iterator[Mapping[str, Any]]:
    """Yield what *soql* selects, page after page: a page may be smaller than was asked for."""
    yield from following(org, org.query(soql, deleted=deleted))


def following(org: Org, page: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the records of *page* and of those after it."""
    while True:
        yield from page["records"]
        if page.get("done", True):
            return
        page = org.get(page["nextRecordsUrl"])


def field_names(names: Sequence[str]) -> Sequence[str]:
    """Return *names*, once each; raise ConfigError for what is no name of a field."""
    for name in names:
        if not _NAME.fullmatch(name):
            raise ConfigError(f"salesforce: {name!r} is no API name of a field; correct the job")
    return list(dict.fromkeys(names))


def spelled(name: str, names: Iterable[str]) -> str | None:
    """Return how the org writes *name*, if in another case: answers have its spelling, not ours."""
    return next((one for one in names if one.lower() == name.lower() and one != name), None)


def time_of(text: object) -> datetime | None:
    """Return a time as Salesforce writes it, `2026-06-30T12:00:00.000+0000`."""
    try:
        return datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None


def _ranges(ids: Mapping[str, str], column: str) -> Iterator[tuple[set[str], Sequence[str]]]:
    """Yield keys of *ids*, and the conditions under which what they belong to is read at once."""
    if column != "Id":  # only ids proper are known to have an order that a query may ask for
        yield set(ids), []
        return
    keys = sorted(ids)
    for start in range(0, len(keys), _PAGE):
        some = keys[start : start + _PAGE]
        yield set(some), [f"Id >= '{ids[some[0]]}'", f"Id <= '{ids[some[-1]]}'"]


def _query(select: str, conditions: Sequence[str]) -> str:
    where = " AND ".join(filter(None, conditions))
    return f"{select} WHERE {where}" if where else select
