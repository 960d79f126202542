"""The organisation: what it is, what it holds, and everything about it that a test may change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from sandbox_salesforce.ids import make_id
from sandbox_salesforce.moments import said
from sandbox_salesforce.objects import Edition, standard_schema
from sandbox_salesforce.permissions import Permissions
from sandbox_salesforce.refusal import ApiError
from sandbox_salesforce.schema import SObject, Value
from sandbox_salesforce.store import Store

Rule: TypeAlias = Callable[[Mapping[str, Value]], str | None]
"""A validation rule: returns what is wrong with a record, or None."""


@dataclass(slots=True)
class Settings:
    """What can be set about an organisation while it serves.

    *retired* is the newest version that is no longer served. A query gives at most *page_size*
    rows at once, a page of a Bulk query *bulk_page*. *views_setup*: whoever has logged in may see
    the limits. A token is good for *session* and a query's cursor for *cursor*. A job of Bulk API
    2.0 is done at the *polls*-th question after its start; one that writes fails after
    *bulk_fails_after* rows, which stay written, if that is set. *locked* are ids of records that
    somebody else is working on, with how many more attempts that stops (None: all). Deletions are
    told of for as long as *deleted_log*.

    Not confirmed, so it can be set: whether two rows with one key in a request both fail
    (*twice_fails*), and whether a custom field of activities can be such a key (*activity_keys*).
    """

    versions: Sequence[int] = range(31, 69)
    retired: int = 30
    page_size: int = 2000
    daily_requests: int = 100_000
    used_requests: int = 0
    api_enabled: bool = True
    views_setup: bool = True
    session: timedelta = timedelta(hours=2)
    cursor: timedelta = timedelta(days=2)
    polls: int = 2
    bulk_page: int = 50_000
    locked: dict[str, int | None] = field(default_factory=dict)
    bulk_fails_after: int | None = None
    rules: dict[str, list[Rule]] = field(default_factory=dict)
    rotates_refresh_tokens: bool = False
    deleted_log: timedelta = timedelta(days=15)
    twice_fails: bool = True
    activity_keys: bool = False


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Org:
    """One organisation with its records."""

    def __init__(
        self,
        edition: Edition,
        *,
        path: str = "",
        clock: Callable[[], datetime] = now,
        currency: str = "EUR",
    ) -> None:
        self.edition = edition
        self.currency = currency
        self.settings = Settings()
        self.clock = clock
        self.schema = standard_schema(edition)
        self.store = Store(self.schema, path)
        self.permissions = Permissions(self.store)
        self.id = make_id("00D", 1)
        # The first user: whoever sets the organisation up, and integrates it.
        self.user = make_id("005", 1)
        self.purged: dict[str, dict[str, str]] = {}
        """By object what is no longer in the bin either, with its last stamp."""

    def stamp(self) -> str:
        """Return the time as records are stamped with it: to the second."""
        return said(self.clock().replace(microsecond=0))

    def object(self, name: str, user: str) -> SObject:
        """Return the object *name*; refuse it where it does not exist, or not for *user*."""
        found = self.schema.find(name)
        if found is None or found.tooling or not self.permissions.may(user, found, "read"):
            raise ApiError("NOT_FOUND", "The requested resource does not exist")
        return found

    def seed(self, name: str, values: Mapping[str, Value], *, at: datetime | None = None) -> str:
        """Add a record as it is, without any rule, stamped with *at*; return its id."""
        sobject = self.schema[name]
        stamp = said(at) if at is not None else self.stamp()
        row: dict[str, Value] = {
            one.name: one.default for one in sobject if one.default is not None
        }
        row |= self.stamps(stamp, self.user) | {"IsDeleted": False}
        if sobject.find("OwnerId"):
            row["OwnerId"] = self.user
        record = self.store.insert(sobject, row | dict(values))
        self.permissions.forget()
        return record

    def stamps(self, stamp: str, user: str) -> dict[str, Value]:
        """Return the stamps of a record that *user* makes."""
        return {
            "CreatedDate": stamp,
            "CreatedById": user,
            "LastModifiedDate": stamp,
            "LastModifiedById": user,
            "SystemModstamp": stamp,
        }

    def look_up(self, name: str, column: str, value: Value) -> Any:
        """Return the id of the first record of *name* with *value* in *column*; None if none."""
        return self.store.one(f'SELECT "Id" FROM "{name}" WHERE "{column}" = ?', [value])
