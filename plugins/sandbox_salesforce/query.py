"""Queries and their pages: what is found is noted once, and read a page at a time."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from connector.sandbox import Answer
from sandbox_salesforce.call import Call, Endpoint
from sandbox_salesforce.ids import make_id
from sandbox_salesforce.org import Org
from sandbox_salesforce.refusal import ApiError
from sandbox_salesforce.soql import parse
from sandbox_salesforce.translate import Statement, translate
from sandbox_salesforce.values import to_json

_LEAST: Final = 200
_MOST: Final = 2000
_KEPT: Final = 50
"""So many queries are kept: each remembers all that it has found."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a query has found: the numbers of its records, in their order."""

    statement: Statement
    numbers: array[int]
    user: str
    made: datetime
    size: int


class Queries:
    """The queries that have not been read to their end."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._open: dict[str, Found] = {}
        self._count = 0

    def found(self, statement: Statement, user: str, size: int) -> Found:
        """Carry a query out."""
        numbers = array("q", self._org.store.numbers(statement.numbers, statement.values))
        return Found(statement, numbers, user, self._org.clock(), size)

    def keep(self, found: Found) -> str:
        """Keep a query for its later pages, and return its name."""
        self._count += 1
        locator = make_id("0r8", self._count)
        self._open[locator] = found
        if len(self._open) > _KEPT:
            del self._open[next(iter(self._open))]
        return locator

    def resume(self, locator: str, user: str) -> Found:
        """Return a query that was kept; refuse one that is too old, or somebody else's."""
        found = self._open.get(locator)
        if (
            found is None
            or found.user != user
            or self._org.clock() - found.made >= self._org.settings.cursor
        ):
            self._open.pop(locator, None)
            raise ApiError("INVALID_QUERY_LOCATOR", "invalid query locator")
        return found

    def expire(self) -> None:
        """Forget all queries that are under way."""
        self._open.clear()


def endpoints() -> Iterator[Endpoint]:
    """Yield where queries are asked."""
    yield Endpoint("GET", "/query", asked)
    yield Endpoint("GET", "/queryAll", lambda call: asked(call, include_deleted=True))
    yield Endpoint("GET", "/query/{locator}", _more)
    yield Endpoint("GET", "/queryAll/{locator}", _more)


def asked(call: Call, *, include_deleted: bool = False, tooling: bool = False) -> Answer:
    """Return the first page of what a query finds."""
    text = call.query.get("q")
    if text is None:
        raise ApiError("MALFORMED_QUERY", "A query string has to be specified")
    statement = translate(
        call.org, call.user, parse(text), include_deleted=include_deleted, tooling=tooling
    )
    if statement.is_count:
        total = call.org.store.one(statement.count, statement.values)
        return Answer({"totalSize": total, "done": True, "records": []})
    if statement.is_grouped:
        return Answer(_aggregates(call, statement))
    found = call.service.queries.found(statement, call.user, _page_size(call))
    locator = call.service.queries.keep(found) if len(found.numbers) > found.size else ""
    return Answer(_page(call, found, locator, 0))


def _more(call: Call) -> Answer:
    locator, _, offset = call.args["locator"].partition("-")
    found = call.service.queries.resume(locator, call.user)
    if not offset.isdigit() or int(offset) > len(found.numbers):
        raise ApiError("INVALID_QUERY_LOCATOR", "invalid query locator")
    return Answer(_page(call, found, locator, int(offset)))


def _page_size(call: Call) -> int:
    """Return how many rows a page has: what was asked for is a hint only."""
    limit = call.org.settings.page_size
    options = call.headers.get("sforce-query-options", "")
    for option in options.replace(";", ",").split(","):
        name, _, value = option.strip().partition("=")
        if name.strip().lower() == "batchsize" and value.strip().isdigit():
            return min(limit, max(_LEAST, min(_MOST, int(value))))
    return limit


def _page(call: Call, found: Found, locator: str, start: int) -> dict[str, Any]:
    end = min(start + found.size, len(found.numbers))
    numbers = found.numbers[start:end]
    page: dict[str, Any] = {
        "totalSize": len(found.numbers),
        "done": end == len(found.numbers),
        "records": [*records(call.org, found.statement, numbers, call.version)],
    }
    if not page["done"]:
        page["nextRecordsUrl"] = f"/services/data/v{call.version}.0/query/{locator}-{end}"
    return page


def values_of(org: Org, statement: Statement, numbers: array[int]) -> Iterator[Any]:
    """Yield the rows of SQL for these records, in their order, as they are now."""
    found = org.store.rows(statement.page(len(numbers)), numbers)
    by_number = {row[0]: row for row in found}
    for number in numbers:
        if row := by_number.get(number):
            yield row


def records(
    org: Org, statement: Statement, numbers: array[int], version: int
) -> Iterator[dict[str, Any]]:
    """Yield these records as they stand in an answer."""
    has_id = [place for place, one in enumerate(statement.columns, 1) if one.path == ("Id",)]
    first_parent = len(statement.columns) + 1
    for row in values_of(org, statement, numbers):
        own = row[has_id[0]] if has_id else make_id(statement.sobject.prefix, row[0])
        record: dict[str, Any] = {"attributes": attributes(statement.sobject.name, own, version)}
        parents: dict[tuple[str, ...], dict[str, Any] | None] = {(): record}
        for place, one in enumerate(statement.parents, first_parent):
            parent = (
                {"attributes": attributes(one.name, row[place], version)} if row[place] else None
            )
            parents[one.path] = parent
            holder = parents.get(one.path[:-1])
            if holder is not None:
                holder[one.path[-1]] = parent
        for place, column in enumerate(statement.columns, 1):
            at = parents.get(column.path[:-1])
            if at is not None:
                at[column.path[-1]] = to_json(column.kind, row[place])
        yield record


def attributes(name: str, record: str, version: int) -> dict[str, str]:
    """Return what every record says of itself: its kind, and where it is."""
    return {"type": name, "url": f"/services/data/v{version}.0/sobjects/{name}/{record}"}


def _aggregates(call: Call, statement: Statement) -> dict[str, Any]:
    rows = [
        {"attributes": {"type": "AggregateResult"}}
        | {
            column.path[-1]: to_json(column.kind, row[place])
            for place, column in enumerate(statement.columns, 1)
        }
        for row in call.org.store.rows(statement.groups, statement.values)
    ]
    return {"totalSize": len(rows), "done": True, "records": rows}
