"""What the org holds now: some records, asked for by id in as few queries as URLs allow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus

from connector import ConfigError

if TYPE_CHECKING:
    from connector_salesforce.connection import Org

_ID: Final = re.compile(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?")
_NAME: Final = re.compile(r"[A-Za-z]\w*")
_LONGEST: Final = 10_000
"""Bytes of a query in a URL: Salesforce and what lies before it answer longer ones with 414 or 431,
and the sheet of facts names no figure; headers count too."""


_FEW: Final = 1
"""Queries by a list of ids that cost no more than looking how much lies between them."""
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

    Of many ids all records between the first and the last are read, if that takes fewer calls; of
    another column, all that *where* leaves.
    With *archived*, activities too that Salesforce has put away; *where* then leaves out what is in
    the bin.
    """
    condition = f" AND {where}" if where else ""
    room = _LONGEST - len(quote_plus(f"{select} WHERE {column} {condition}"))
    chunks = list(_chunks(ids, room))
    if len(chunks) > _FEW:
        listed = {key_of(one): one for chunk in chunks for one in chunk}
        first, last = listed[min(listed)], listed[max(listed)]
        # Only ids proper are known to have an order that a query may ask for.
        between = [f"Id >= '{first}'", f"Id <= '{last}'"] if column == "Id" else []
        wider = f" WHERE {' AND '.join([*between, *filter(None, [where])])}"
        page = org.query(select + wider, deleted=archived)
        if -(-int(page["totalSize"]) // _PAGE) <= len(chunks):
            for record in following(org, page):
                if key_of(str(record[column] or "")) in listed:
                    yield record
            return
    for chunk in chunks:
        some = ", ".join(f"'{one}'" for one in chunk)
        soql = f"{select} WHERE {column} IN ({some}){condition}"
        yield from selected(org, soql, deleted=archived)


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


def _chunks(ids: Iterable[str], room: int) -> Iterator[Sequence[str]]:
    """Yield as many ids at a time as fit into a URL."""
    size = max(1, room // len(quote_plus("'001000000000000AAA', ")))
    left = [one for one in dict.fromkeys(ids) if is_id(one)]
    for start in range(0, len(left), size):
        yield left[start : start + size]
