"""An EspoCRM sandbox for the tests of the adapter, and the wire to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import httpx

from connector import Adapter, Stream
from connector_espocrm.objects import ENTITIES, FIELDS, LEAD, STATUS
from connector_espocrm.provisioner import EspoProvisioner
from connector_espocrm.settings import EspoSettings
from connector_espocrm.source import EspoSource
from connector_espocrm.writer import EspoWriter
from connector_espocrm.writing import CAPABILITIES
from sandbox_espocrm.sandbox import EspoSandbox

NOON: Final = datetime(2026, 6, 30, 12, tzinfo=UTC)
URL: Final = "https://crm.acme.example"
MARKER: Final = "cPyramidMarker"
WRITES: Final = ("POST", "PUT")
REP: Final = "5f0000000000000aa"
_STAGES: Final = {"won": "Closed Won", "lost": "Closed Lost", "open": "Proposal"}


class Clock:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time


class Wire(httpx.BaseTransport):
    """The way to EspoCRM: it can be cut, lose an answer, or have one of its own.

    *answer* may give an answer in place of EspoCRM's.
    """

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner
        self.cut = False
        self._lost: Sequence[str] = ()
        self.answer: Callable[[httpx.Request], httpx.Response | None] = lambda request: None
        self.sent: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.cut:
            raise httpx.ConnectError("no route to host", request=request)
        self.sent.append(request)
        if own := self.answer(request):
            return own
        response = self._inner.handle_request(request)
        if request.method in self._lost:
            self._lost = ()
            raise httpx.ReadTimeout("timed out", request=request)
        return response

    def lose_next(self, *methods: str) -> None:
        """Lose the answer to the next request by one of *methods*."""
        self._lost = methods

    def calls(self, *methods: str) -> list[str]:
        """Return method and path below the API of what was sent."""
        root = "/api/v1/"
        said = [f"{one.method} {one.url.path.partition(root)[2]}" for one in self.sent]
        return [one for one in said if not methods or one.partition(" ")[0] in methods]


class Backend:
    """What the suites do to EspoCRM behind the adapter's back."""

    def __init__(self, version: str = "8.4.2") -> None:
        self.clock = Clock()
        self.sandbox = EspoSandbox(version=version, clock=self.clock)
        self.wire = Wire(self.sandbox.transport())
        self.known = self.sandbox.credentials
        self.sandbox.insert("User", id=REP, userName="rep", lastName="Rep", isActive=True)

    def put(self, stream: Stream, rows: Sequence[Mapping[str, object]]) -> None:
        entity = ENTITIES[stream][0]
        held = {row["id"] for row in self.sandbox.records(entity)}
        for row in rows:
            values = _stored(row)
            if row["id"] in held:
                record = str(values.pop("id"))
                self.sandbox.update(entity, record, **values)
            else:
                self.sandbox.insert(entity, **values)

    def delete(self, stream: Stream, ids: Sequence[str]) -> None:
        # A list never tells what was deleted: the full reading of the next day does.
        self.clock.time += timedelta(days=1)
        for record in ids:
            self.sandbox.delete(ENTITIES[stream][0], record)

    def tasks(self, marker: str) -> list[dict[str, Any]]:
        """Return the tasks that have this marker, in the field or in the text."""
        found = [task for task in self.sandbox.records("Task") if not task["deleted"]]
        signed = f"pyramid-marker: {marker}"
        return [
            task
            for task in found
            if task.get(MARKER) == marker or signed in str(task["description"]).split("\n")
        ]

    def task_count(self, marker: str) -> int:
        return len(self.tasks(marker))

    def finish(self, marker: str, status: Literal["done", "rejected"]) -> None:
        (task,) = self.tasks(marker)
        theirs = "Completed" if status == "done" else "Canceled"
        self.sandbox.update("Task", task["id"], status=theirs)

    def refuse(self, account: str) -> None:
        def refused(request: httpx.Request) -> httpx.Response | None:
            ours = request.url.path.endswith(account) or account in request.content.decode()
            return invalid("cTier", "valid") if request.method in WRITES and ours else None

        self.wire.answer = refused

    def lose_answer(self) -> None:
        self.wire.lose_next(*WRITES)

    def refuse_logins(self) -> None:
        self.wire.answer = lambda request: httpx.Response(401)

    def refuse_provisioning(self) -> None:
        self.wire.answer = lambda request: (
            httpx.Response(403) if "/Admin/" in request.url.path else None
        )

    def cut_network(self) -> None:
        self.wire.cut = True

    def schema(self) -> Mapping[str, Any]:
        login = (self.known.admin, self.known.admin_password)
        found = {}
        with httpx.Client(transport=self.sandbox.transport(), auth=login) as client:
            for entity in ("Account", "Task"):
                key = {"key": f"entityDefs.{entity}.fields"}
                found[entity] = client.get(f"{URL}/api/v1/Metadata", params=key).json()
        return found


def invalid(field: str, kind: str) -> httpx.Response:
    """Return what EspoCRM says of a value that it does not take."""
    data = {"field": field, "type": kind}
    said = {"label": "validationFailure", "scope": None, "data": data}
    headers = {"X-Status-Reason": "Field validation failure"}
    return httpx.Response(400, json={"messageTranslation": said}, headers=headers)


def settings_of(backend: Backend, *, writing: Any = None, **given: Any) -> EspoSettings:
    """Return the settings of a job on EspoCRM."""
    known = backend.known
    plain: dict[str, Any] = {
        "url": URL,
        "api_key": known.api_key,
        "writing": {"fallback_owner": REP, **(writing or {})},
        **given,
    }
    return EspoSettings.model_validate(plain)


def with_admin(backend: Backend, **given: Any) -> EspoSettings:
    """Return the settings with an administrator's login."""
    known = backend.known
    admin = {"username": known.admin, "password": known.admin_password}
    return settings_of(backend, admin=admin, **given)


def adapter_of(backend: Backend) -> Adapter[EspoSettings]:
    """Return the adapter, its every connection over the backend's wire."""
    wire = backend.wire
    return Adapter(
        "espocrm",
        EspoSettings,
        FIELDS,
        source=lambda settings: EspoSource(settings, transport=wire),
        writer=lambda settings: EspoWriter(settings, transport=wire),
        provisioner=lambda settings: EspoProvisioner(settings, transport=wire),
        capabilities=CAPABILITIES,
    )


def _stored(row: Mapping[str, object]) -> dict[str, Any]:
    """Return *row* in the attributes from which its derived columns come."""
    stored: dict[str, Any] = {}
    for name, value in row.items():
        match name:
            case str() if name == STATUS:
                stored["status"] = "Closed" if value == "closed" else "New"
            case str() if name == LEAD:
                stored |= {"parentType": "Lead", "parentId": value}
            case str() if name == "modifiedAt" or name.endswith("__derived"):
                pass
            case _:
                stored[name] = value
    return stored


def settings_from(api_key: str) -> EspoSettings:
    """Return the settings of a job on an EspoCRM that answers what a test says."""
    return EspoSettings.model_validate({"url": URL, "api_key": api_key})
