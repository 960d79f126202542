"""The conformance suite's view of a Salesforce sandbox: records put there as its columns are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import EntryPoint
from typing import Any, Final

import httpx

from connector import Adapter, Stream
from connector_salesforce import adapters
from connector_salesforce.objects import (
    DISCONTINUED,
    HAPPENED_AT,
    KIND,
    LEAD,
    OBJECTS,
    STATUS,
)
from connector_salesforce.settings import SalesforceSettings
from connector_salesforce.source import SalesforceSource
from sandbox_salesforce.sandbox import SalesforceSandbox

NOON: Final = datetime(2026, 6, 30, 12, tzinfo=UTC)
INSTALLED: Final = [
    EntryPoint("salesforce", "connector_salesforce", "connector"),
    EntryPoint("sql", "connector_sql", "connector"),
    EntryPoint("goals", "six_goals.pack", "connector"),
]
"""What whole runs from an org into a database need."""


class Clock:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time


class Wire(httpx.HTTPTransport):
    """The way to the sandbox, which may be cut."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.cut = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.cut:
            raise httpx.ConnectError("no route to host")
        return super().handle_request(request)


class Backend:
    """Changes records behind the adapter's back."""

    def __init__(self, sandbox: SalesforceSandbox, wire: Wire) -> None:
        self.sandbox = sandbox
        self.wire = wire
        self.secret = sandbox.credentials.client_secret

    def put(self, stream: Stream, rows: Sequence[Mapping[str, object]]) -> None:
        sobject = OBJECTS[stream][0]
        known = {record["Id"] for record in self.sandbox.records(sobject)}
        for row in rows:
            values = self._stored(stream, row)
            record = str(row["Id"])
            if record not in known:
                made = self.sandbox.insert(sobject)
                self.sandbox.org.store.run(
                    f'UPDATE "{sobject}" SET "Id" = ? WHERE "Id" = ?', [record, made]
                )
            self.sandbox.update(sobject, record, **values)

    def delete(self, stream: Stream, ids: Sequence[str]) -> None:
        for record in ids:
            self.sandbox.delete(OBJECTS[stream][0], record)

    def renew(self) -> None:
        """Leave nothing behind for the next test."""
        empty(self.sandbox)
        self.sandbox.credentials.client_secret = self.secret

    def refuse_logins(self) -> None:
        self.sandbox.credentials.client_secret = "another"  # noqa: S105 - of no app
        self.sandbox.expire_tokens()

    def cut_network(self) -> None:
        self.wire.cut = True

    def _stored(self, stream: Stream, row: Mapping[str, object]) -> dict[str, Any]:
        """Return *row* in the fields from which its derived and parents' columns come."""
        stored: dict[str, Any] = {}
        product: dict[str, Any] = {}
        for name, value in row.items():
            match name:
                case "Id" | "SystemModstamp":
                    pass
                case str() if name == STATUS:
                    won = {"IsWon": value == "won", "IsClosed": value in ("won", "lost", "closed")}
                    lead = {"IsConverted": value == "won"}
                    stored |= lead if stream is Stream.LEADS else won
                case str() if name == KIND:
                    stored["TaskSubtype"] = value
                case str() if name == HAPPENED_AT:
                    stored |= {"IsClosed": True, "CompletedDateTime": _plain(value)}
                case str() if name == LEAD:
                    stored["WhoId"] = value
                case str() if name == DISCONTINUED:
                    product["IsActive"] = not value
                case str() if name.startswith("Product2."):
                    product[name.partition(".")[2]] = value
                case _:
                    stored[name] = _plain(value)
        if stream is Stream.CASES:
            stored.pop("IsWon", None)
        if product:
            stored["Product2Id"] = self.sandbox.insert("Product2", **product)
        return stored


def empty(sandbox: SalesforceSandbox) -> None:
    """Forget all records, save the user that logs in."""
    for sobject in {one for objects in OBJECTS.values() for one in objects}:
        sandbox.org.store.run(f'DELETE FROM "{sobject}" WHERE "Id" <> ?', [sandbox.user])
    sandbox.org.purged.clear()


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000+0000"
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def settings_for(sandbox: SalesforceSandbox, **given: Any) -> SalesforceSettings:
    secret = sandbox.credentials.client_secret
    app = {"client_id": sandbox.credentials.client_id, "client_secret": secret}
    login = {} if "jwt" in given else {"client_credentials": app}
    plain: dict[str, Any] = {"domain": "acme", "instance_url": sandbox.url, **login, **given}
    return SalesforceSettings.model_validate(plain)


def adapter_over(wire: httpx.BaseTransport) -> Adapter[SalesforceSettings]:
    """Return the adapter, its requests on *wire*, its pauses none."""
    (adapter,) = adapters()
    # The sandbox's leads have no address.
    leads = {ours: name for ours, name in adapter.fields[Stream.LEADS].items() if ours != "region"}
    return replace(
        adapter,
        fields={**adapter.fields, Stream.LEADS: leads},
        source=lambda settings: SalesforceSource(
            settings, transport=wire, sleep=lambda pause: None
        ),
    )
