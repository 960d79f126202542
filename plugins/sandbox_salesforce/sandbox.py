"""A Salesforce of one's own, on loopback: for tests, and for trying a job out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from connector.sandbox import Loopback
from connector.sandbox.made_up import DEALS
from sandbox_salesforce.credentials import Credentials
from sandbox_salesforce.founding import GRANTED, found
from sandbox_salesforce.moments import said
from sandbox_salesforce.objects import Edition
from sandbox_salesforce.org import Org, Rule, Settings, now
from sandbox_salesforce.permissions import Permissions
from sandbox_salesforce.schema import FieldDef, Value
from sandbox_salesforce.seed import Company, make_up
from sandbox_salesforce.service import Request, Service
from sandbox_salesforce.store import Row


class SalesforceSandbox(Loopback[Service]):
    """An organisation that answers on *url* while the `with` block lasts.

    Clients in this process can do without the block, by `transport`; `close` it then.
    *clock* is what time it is there. *database* is a file for its records, which must not exist;
    by default they go when it does. With *https* it has a certificate that clients trust by
    `authority`.
    """

    names = (
        "login.salesforce.com", "test.salesforce.com", "*.my.salesforce.com", "*.salesforce.com",
    )  # fmt: skip

    def __init__(
        self,
        *,
        edition: Edition | None = None,
        clock: Callable[[], datetime] = now,
        currency: str = "EUR",
        credentials: Credentials | None = None,
        database: str = "",
        port: int = 0,
        https: bool = False,
    ) -> None:
        self.credentials = credentials or Credentials()
        self.org = Org(edition or Edition(), path=database, clock=clock, currency=currency)
        found(self.org, self.credentials.username)
        super().__init__(Service(self.org, self.credentials), port=port, https=https)

    @property
    def settings(self) -> Settings:
        """What may be changed while it serves."""
        return self.org.settings

    @property
    def permissions(self) -> Permissions:
        """Who may see and change what."""
        return self.org.permissions

    @property
    def user(self) -> str:
        """The id of the user that clients log in as."""
        return self.org.user

    @property
    def requests(self) -> list[Request]:
        """What was asked, in order."""
        return self.service.requests

    @property
    def calls(self) -> int:
        """How many requests counted against the limit of a day."""
        return sum(one.counted for one in self.requests)

    def write_keys(self, folder: Path) -> Mapping[str, str]:
        """Write a job and what clients need into *folder*; return these and what else they need.

        They are good for this sandbox alone, and for as long as it serves.
        """
        folder.mkdir(parents=True, exist_ok=True)
        key = folder / "jwt-key.pem"
        key.touch(mode=0o600)
        key.write_text(self.credentials.private_key, encoding="ascii")
        secret = folder / "client-secret.txt"
        secret.touch(mode=0o600)
        secret.write_text(self.credentials.client_secret, encoding="ascii")
        job = folder / "job.toml"
        job.write_text(self._job(), encoding="utf-8")
        said = {
            "job": str(job),
            "client id": self.credentials.client_id,
            "client secret": self.credentials.client_secret,
            "username": self.credentials.username,
            "password": self.credentials.password,
            "security token": self.credentials.security_token,
            "private key (JWT)": str(key),
        }
        if self.authority:
            authority = folder / "authority.pem"
            authority.write_text(self.authority, encoding="ascii")
            said["certificate authority"] = str(authority)
        return said

    def _job(self) -> str:
        sample = resources.files("sandbox_salesforce").joinpath("job.toml").read_text("utf-8")
        return Template(sample).substitute(
            url=self.url,
            client_id=self.credentials.client_id,
            currency=self.org.currency,
        )

    def token(self) -> str:
        """Return an access token, without a request for one."""
        return self.service.sessions.open(self.user)

    def insert(self, sobject: str, /, *, at: datetime | None = None, **values: Value) -> str:
        """Put a record in as it is and return its id; nothing is checked or derived.

        *at* stamps it: a record may so come to light with a time that has passed, as those do
        whose transaction took long.
        """
        return self.org.seed(sobject, values, at=at)

    def update(
        self, sobject: str, record: str, /, *, at: datetime | None = None, **values: Value
    ) -> None:
        """Change a record as somebody else would, who is allowed everything."""
        stamp = said(at or self.org.clock())
        stamps: Row = {"LastModifiedDate": stamp, "SystemModstamp": stamp}
        self.org.store.update(self.org.schema[sobject], record, stamps | values)
        self.org.permissions.forget()

    def delete(self, sobject: str, record: str, *, merged_into: str | None = None) -> None:
        """Delete a record as somebody else would, or merge it into another."""
        self.update(sobject, record, IsDeleted=True)
        if merged_into is not None:
            self.update(sobject, record, MasterRecordId=merged_into)

    def purge(self, sobject: str, record: str) -> None:
        """Take a record out of the recycle bin, too: only the list of deletions still shows it."""
        stamp = str(self.record(sobject, record)["SystemModstamp"])
        self.org.purged.setdefault(sobject, {})[record] = stamp
        self.org.store.run(f'DELETE FROM "{sobject}" WHERE "Id" = ?', [record])

    def records(self, sobject: str) -> list[Row]:
        """Return all records of an object as they are kept, deleted ones too."""
        store = self.org.store
        return [store.as_row(row) for row in store.rows(f'SELECT * FROM "{sobject}" ORDER BY _n')]

    def record(self, sobject: str, record: str) -> Row:
        """Return a record as it is kept."""
        row = self.org.store.fetch(self.org.schema[sobject], record)
        if row is None:
            raise KeyError(record)
        return row

    def sql(self, text: str, values: Sequence[Value] = ()) -> list[tuple[Any, ...]]:
        """Ask the store by SQL: a table an object, a column a field."""
        return [tuple(row) for row in self.org.store.rows(text, values)]

    def add_field(self, sobject: str, one: FieldDef, *, visible: bool = True) -> None:
        """Add a custom field; *visible* to the user that clients log in as, or still to nobody."""
        field = replace(one, custom=True, id_lookup=one.external_id)
        activity = sobject in ("Task", "Event")
        name = f"{'Activity' if activity else sobject}.{field.name}"
        self.service.components.add_field(name, field)
        if visible:
            for owner in ("Task", "Event") if activity else (sobject,):
                self.grant(owner, field.name)
        self.org.permissions.forget()

    def grant(self, sobject: str, name: str, *, edit: bool = True) -> None:
        """Let the user that clients log in as see a custom field, and *edit* it."""
        granted: Mapping[str, Value] = {
            "ParentId": self.org.look_up("PermissionSet", "Name", GRANTED),
            "SobjectType": self.org.schema[sobject].name,
            "Field": f"{self.org.schema[sobject].name}.{name}",
            "PermissionsRead": True,
            "PermissionsEdit": edit,
        }
        self.org.seed("FieldPermissions", granted)

    def lock(self, record: str, times: int | None = None) -> None:
        """Let the next *times* attempts to write a record fail, as if another had it in hand."""
        self.settings.locked[record] = times

    def rule(self, sobject: str, rule: Rule) -> None:
        """Add a validation rule: it returns what is wrong with a record, or None."""
        self.settings.rules.setdefault(self.org.schema[sobject].name, []).append(rule)

    def make_up(self, accounts: int, deals: int = DEALS) -> Company:
        """Fill it with a made-up company, always the same one for a number of accounts.

        An account has so many *deals* on average.
        """
        return make_up(self.org, accounts, deals)

    def expire_tokens(self) -> None:
        """End all sessions: the next request of each has 401."""
        self.service.sessions.expire()

    def expire_queries(self) -> None:
        """Forget all queries that are under way."""
        self.service.queries.expire()
