"""A sandbox org for the tests of the writer and the provisioner, and the wire to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import httpx

from connector import Adapter, Stream
from connector_salesforce.objects import FIELDS
from connector_salesforce.provisioner import SalesforceProvisioner
from connector_salesforce.settings import SalesforceSettings
from connector_salesforce.writer import SalesforceWriter
from sandbox_salesforce.fields import text
from sandbox_salesforce.ids import make_id
from sandbox_salesforce.sandbox import SalesforceSandbox
from sandbox_salesforce.schema import FieldDef

MARKER = "Pyramid_Marker__c"
PAGES = ("Layout", "ListView")
WRITES = ("POST", "PATCH", "PUT")
_NO_METADATA = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">'
    "<soapenv:Body><soapenv:Fault><faultcode>sf:INSUFFICIENT_ACCESS</faultcode>"
    "<faultstring>INSUFFICIENT_ACCESS: use of the Metadata API requires a right</faultstring>"
    "</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
)
"""What a login without the right hears; the words are not in our sheet of facts."""


class Wire(httpx.BaseTransport):
    """The way to the org: it can be cut, or lose what the org answers to a call that writes."""

    def __init__(self) -> None:
        self._inner = httpx.HTTPTransport()
        self.cut = False
        self.metadata_refused = False
        self.lost: Callable[[httpx.Request], bool] = lambda request: False
        self.sent: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.cut:
            raise httpx.ConnectError("no route to host", request=request)
        if self.metadata_refused and "/Soap/m/" in request.url.path:
            return httpx.Response(500, text=_NO_METADATA, request=request)
        lost = self.lost(request)
        response = self._inner.handle_request(request)
        self.sent.append(request)
        if lost:
            response.close()
            raise httpx.ReadTimeout("timed out", request=request)
        return response

    def close(self) -> None:
        """Stay open: one wire serves many clients."""

    def hang_up(self) -> None:
        """Let go of the connections."""
        self._inner.close()

    def lose_next(self, methods: Sequence[str] = WRITES) -> None:
        """Lose the answer to the next call of the API by one of *methods*."""
        left = [True]

        def lost(request: httpx.Request) -> bool:
            path = request.url.path
            looks = path.endswith("/composite")  # several descriptions in one
            due = request.method in methods and "/services/data/" in path and not looks
            return due and bool(left) and left.pop()

        self.lost = lost

    def calls(self, path: str = "") -> list[str]:
        """Return method and end of the path of what was sent to the API."""
        data = [one for one in self.sent if "/services/data/v" in one.url.path]
        ends = [f"{one.method} {one.url.path.split('.0/', 1)[-1]}" for one in data]
        return [end for end in ends if path in end]


class Backend:
    """What the suites do to the org behind the adapter's back; *losing* are the calls that lose
    their answer."""

    losing: Sequence[str] = WRITES

    def __init__(self, sandbox: SalesforceSandbox) -> None:
        self.sandbox = sandbox
        self.wire = Wire()

    def put(self, stream: Stream, rows: Sequence[Mapping[str, object]]) -> None:
        assert stream is Stream.ACCOUNTS
        held = {row["Id"] for row in self.sandbox.records("Account")}
        for row in rows:
            values: dict[str, Any] = {name: value for name, value in row.items() if name != "Id"}
            if row["Id"] in held:
                self.sandbox.update("Account", str(row["Id"]), **values)
            else:
                made = self.sandbox.insert("Account", **values)
                # The suite chooses its ids, an org its own.
                self.sandbox.sql(
                    'UPDATE "Account" SET "Id" = ? WHERE "Id" = ?', [str(row["Id"]), made]
                )

    def tasks(self, marker: str) -> list[dict[str, Any]]:
        """Return the tasks in the org that have this marker, in the field or in the text."""
        return [
            task
            for task in self.sandbox.records("Task")
            if not task["IsDeleted"]
            and (task.get(MARKER) == marker or f": {marker}" in str(task["Description"]))
        ]

    def task_count(self, marker: str) -> int:
        return len(self.tasks(marker))

    def finish(self, marker: str, status: Literal["done", "rejected"]) -> None:
        (task,) = self.tasks(marker)
        if status == "done":
            self.sandbox.update("Task", task["Id"], Status="Completed", IsClosed=True)
        else:
            self.sandbox.update("Task", task["Id"], Status="Deferred")

    def refuse(self, account: str) -> None:
        words = "the account is locked by a rule"

        def of_account(record: Mapping[str, object]) -> str | None:
            return words if record.get("Id") == account else None

        def of_task(record: Mapping[str, object]) -> str | None:
            return words if record.get("WhatId") == account else None

        self.sandbox.rule("Account", of_account)
        self.sandbox.rule("Task", of_task)

    def schema(self) -> object:
        fields = {name: self.fields(name) for name in ("Account", "Task", "Event")}
        rights = ("PermissionSet", "FieldPermissions", "PermissionSetAssignment")
        kept = self.sandbox.service.components
        pages = {(kind, n): kept.find(kind, n) for kind in PAGES for n in kept.names(kind)}
        return fields, {name: self.sandbox.records(name) for name in rights}, pages

    def fields(self, sobject: str) -> list[FieldDef]:
        """Return the fields of an object, whoever may see them."""
        return list(self.sandbox.org.schema[sobject])

    def layout(self) -> Mapping[str, Any]:
        """Return the one page layout of accounts, as it was last sent."""
        found = self.sandbox.service.components.find("Layout", "Account-Account Layout")
        assert found is not None
        return found

    def list_views(self) -> dict[str, Mapping[str, Any]]:
        """Return the list views by name."""
        kept = self.sandbox.service.components
        return {name: kept.find("ListView", name) or {} for name in kept.names("ListView")}

    def refuse_provisioning(self) -> None:
        self.wire.metadata_refused = True

    def lose_answer(self) -> None:
        self.wire.lose_next(self.losing)

    def refuse_logins(self) -> None:
        self.sandbox.credentials.client_secret = "another one"  # noqa: S105 - of the test
        self.sandbox.expire_tokens()

    def cut_network(self) -> None:
        self.wire.cut = True


@contextmanager
def an_org(*, marker: bool = True, **options: Any) -> Iterator[Backend]:
    """Give an org with a text field `Tier__c` of accounts, and one for markers."""
    with SalesforceSandbox(**options) as sandbox:
        sandbox.add_field("Account", text("Tier__c"))
        if marker:
            sandbox.add_field("Task", text(MARKER, external_id=True))
        backend = Backend(sandbox)
        yield backend
        backend.wire.hang_up()


def settings_of(backend: Backend, **writing: object) -> SalesforceSettings:
    """Return the settings of a job on the org."""
    good = backend.sandbox.credentials
    return SalesforceSettings.model_validate(
        {
            "instance_url": backend.sandbox.url,
            "client_credentials": {
                "client_id": good.client_id,
                "client_secret": good.client_secret,
            },
            "writing": {"rejected_statuses": ["Deferred"], **writing},
        }
    )


def adapter_of(backend: Backend) -> Adapter[SalesforceSettings]:
    """Return an adapter whose every connection goes over the backend's wire."""

    wire = backend.wire

    def writer(settings: SalesforceSettings) -> SalesforceWriter:
        return SalesforceWriter(
            settings, settings.writing, transport=wire, sleep=lambda pause: None
        )

    def provisioner(settings: SalesforceSettings) -> SalesforceProvisioner:
        return SalesforceProvisioner(settings, settings.writing, transport=wire)

    return Adapter("salesforce", SalesforceSettings, FIELDS, writer=writer, provisioner=provisioner)


def account_id(number: int) -> str:
    """Return the id of an account."""
    return make_id("001", number + 5000)
