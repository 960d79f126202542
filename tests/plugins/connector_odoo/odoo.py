"""An Odoo for the tests: a sandbox in this process, the wire to it, and what is done to both."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import httpx

from connector import Adapter, Stream
from connector_odoo import adapters
from connector_odoo.held import PARTNER
from connector_odoo.provisioner import OdooProvisioner
from connector_odoo.settings import OdooSettings
from connector_odoo.source import OdooSource
from connector_odoo.streams import origin_of
from connector_odoo.tasks import ACTIVITY
from connector_odoo.writer import OdooWriter
from sandbox_odoo.sandbox import OdooSandbox

NOON: Final = datetime(2026, 6, 30, 12, tzinfo=UTC)
MARKER: Final = "x_pyramid_marker"
MEMORY: Final = "x_pyramid_tasks"
VERSIONS: Final[Sequence[Literal["17.0", "19.0"]]] = ("17.0", "19.0")
READS: Final = (
    "search_read", "search_count", "read", "fields_get", "context_get", "version", "login",
)  # fmt: skip


WRITES: Final = ("write", "load", "create", "activity_schedule", "action_feedback")


TRACE: Final = "Traceback (most recent call last): with s3cret values"


class Wire(httpx.BaseTransport):
    """The way to the sandbox: it can be cut, or lose what is answered to a call that writes."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner
        self.cut = False
        self.lost: Callable[[httpx.Request], bool] = lambda request: False
        self.refused = ""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.cut:
            raise httpx.ConnectError("no route to host", request=request)
        if self.refused and _writes(request, self.refused):
            return _refusal(request)
        response = self._inner.handle_request(request)
        if self.lost(request):
            raise httpx.ReadTimeout("timed out", request=request)
        return response

    def lose_next(self, methods: Sequence[str] = WRITES) -> None:
        """Lose the answer to the next call of one of *methods*."""
        left = [True]

        def lost(request: httpx.Request) -> bool:
            said = f"{request.url.path} {request.read().decode()}"
            due = any(f"/{m} " in said or f'"{m}"' in said for m in methods)
            return due and bool(left) and left.pop()

        self.lost = lost


def _writes(request: httpx.Request, account: str) -> bool:
    """Say whether a call writes to a partner, or makes a task of it."""
    body = json.loads(request.read())
    _, _, method = request.url.path.rpartition("/")
    if method != "jsonrpc":
        given = [body.get("ids"), body.get("data"), body.get("vals_list")]
    elif body["params"]["method"] == "execute_kw":
        *_, method, given, _ = body["params"]["args"]
    return method in WRITES and account in re.findall(r"\d+", json.dumps(given))


def _refusal(request: httpx.Request) -> httpx.Response:
    """Return what a constraint of an addon makes Odoo answer."""
    said = {"name": "odoo.exceptions.ValidationError", "message": "This customer is closed."}
    if request.url.path == "/jsonrpc":
        error = {"code": 200, "message": "Odoo Server Error", "data": {**said, "debug": TRACE}}
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "error": error})
    return httpx.Response(422, json={**said, "debug": TRACE})


class Backend:
    """What the suites do to an Odoo behind the adapter's back."""

    def __init__(self, version: Literal["17.0", "19.0"], **given: Any) -> None:
        self.time = NOON
        self.sandbox = OdooSandbox(version, clock=lambda: self.time, **given)
        self.wire = Wire(self.sandbox.transport())

    def add_field(self, model: str, name: str, kind: str, *choices: str) -> None:
        """Make a field, as a person does in Settings."""
        (number,) = [m["id"] for m in self.sandbox.records("ir.model") if m["model"] == model]
        values: dict[str, Any] = {"model_id": number, "name": name, "field_description": name,
                                  "ttype": kind, "state": "manual"}  # fmt: skip
        if choices:
            values["selection_ids"] = [
                (0, 0, {"value": c, "name": c, "sequence": n}) for n, c in enumerate(choices)
            ]
        self.sandbox.insert("ir.model.fields", **values)

    def put(self, stream: Stream, rows: Sequence[Mapping[str, object]]) -> None:
        origin = origin_of(stream, self.settings())
        assert origin is not None
        model = self.sandbox.org.models[origin.model]
        for row in rows:
            number = int(str(row["id"]))
            values: dict[str, Any] = {name: value for name, value in row.items() if name != "id"}
            if number in model.rows:
                self.sandbox.update(origin.model, number, **values)
                continue
            values |= {"is_company": True} if stream is Stream.ACCOUNTS else {"type": "opportunity"}
            # The suite chooses its ids, an Odoo its own.
            last, model.last = model.last, number - 1
            self.sandbox.insert(origin.model, **values)
            model.last = max(last, number)

    def delete(self, stream: Stream, ids: Sequence[str]) -> None:
        origin = origin_of(stream, self.settings())
        assert origin is not None
        for one in ids:
            self.sandbox.delete(origin.model, int(one))

    def tasks(self, marker: str) -> list[dict[str, Any]]:
        """Return the activities that have this marker, in the field or in the note."""
        return [
            task
            for task in self.sandbox.records(ACTIVITY)
            if f"{marker} " in f"{task.get(MARKER)} {task['note']}"
        ]

    def task_count(self, marker: str) -> int:
        """Return how many there are; one that is only remembered is one that Odoo has deleted."""
        partners = self.sandbox.records(PARTNER)
        remembered = any(marker in str(one.get(MEMORY) or "") for one in partners)
        return len(self.tasks(marker)) or int(remembered)

    def finish(self, marker: str, status: Literal["done", "rejected"]) -> None:
        (task,) = self.tasks(marker)
        with self.sandbox.org.transaction(2, su=True) as env:
            words = "No sense: they have closed" if status == "rejected" else "They will think"
            env[ACTIVITY].action_feedback(env, [task["id"]], feedback=words)  # type: ignore[attr-defined] # of its own class

    def refuse_logins(self) -> None:
        self.sandbox.settings.key_expires = NOON - timedelta(days=1)

    def cut_network(self) -> None:
        self.wire.cut = True

    def refuse(self, account: str) -> None:
        self.wire.refused = account

    def lose_answer(self) -> None:
        self.wire.lose_next()

    def settings(self, **given: Any) -> OdooSettings:
        good = self.sandbox.credentials
        plain = {
            "url": "http://127.0.0.1",
            "database": good.database,
            "login": good.login,
            "api_key": good.api_key,
            "writing": {"rejected_words": ["no sense"]},
            **given,
        }
        return OdooSettings.model_validate(plain)

    def asked(self) -> list[str]:
        """Return model and method of each call, in order."""
        return [f"{one.model} {one.method}".strip() for one in self.sandbox.requests]

    def written(self) -> list[str]:
        """Return model and method of each call that is not one that reads."""
        return [
            f"{one.model} {one.method}" for one in self.sandbox.requests if one.method not in READS
        ]


def adapter_over(wire: httpx.BaseTransport) -> Adapter[OdooSettings]:
    """Return the adapter, its requests on *wire*."""
    (adapter,) = adapters()
    return replace(
        adapter,
        source=lambda settings: OdooSource(settings, transport=wire),
        writer=lambda settings: OdooWriter(settings, transport=wire),
        provisioner=lambda settings: OdooProvisioner(settings, transport=wire),
    )
