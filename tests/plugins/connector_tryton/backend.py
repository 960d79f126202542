"""The suites' view of a true server: it numbers records itself, so that theirs are translated."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import httpx

from connector import (
    Adapter,
    Change,
    Current,
    Page,
    Source,
    Stream,
    WriteOutcome,
    Writer,
)
from connector.testing.suite import records
from connector_tryton import adapters
from connector_tryton.provisioner import TrytonProvisioner
from connector_tryton.settings import TrytonSettings
from connector_tryton.source import TrytonSource
from connector_tryton.writer import TrytonWriter
from tests.plugins.connector_tryton.trytond import DATABASE, REJECTED, SECRET, USER, Trytond

MODELS: Final = {Stream.ACCOUNTS: "party.party", Stream.OPPORTUNITIES: "sale.opportunity"}
WRITING: Final = (".write", ".create", ".delete")
_NOBODY: Final = "999999999"


class Wire(httpx.HTTPTransport):
    """The way to the server: what went over it; it may be cut, and an answer may be lost on it.

    *meanwhile* is done once, just before something is written.
    """

    def __init__(self) -> None:
        super().__init__()
        self.methods: list[str] = []
        self.cut = self.lose = False
        self.meanwhile: Callable[[], object] | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.cut:
            raise httpx.ConnectError("no route to host")
        self.methods.append(json.loads(request.read())["method"])
        writes = self.methods[-1].endswith(WRITING)
        if writes and self.meanwhile is not None:
            do, self.meanwhile = self.meanwhile, None
            do()
        response = super().handle_request(request)
        if writes and self.lose:
            self.lose = False
            response.read()
            response.close()
            raise httpx.ReadTimeout("nobody answers")
        return response


@dataclass
class Ids:
    """The ids of a suite and those of the server."""

    theirs: dict[str, str] = field(default_factory=dict)
    ours: dict[str, str] = field(default_factory=dict)

    def add(self, ours: str, theirs: int) -> None:
        self.theirs[ours] = str(theirs)
        self.ours[str(theirs)] = ours

    def to_theirs(self, one: str) -> str:
        return self.theirs.get(one, _NOBODY)

    def to_ours(self, one: object) -> str:
        return self.ours.get(str(one), str(one))


class Backend:
    """Changes records behind the adapter's back; leaves the rights as they were."""

    def __init__(self, server: Trytond) -> None:
        self.server = server
        self.wire = Wire()
        self.ids = {stream: Ids() for stream in MODELS}
        self.before = {stream: server.newest(model) for stream, model in MODELS.items()}
        self._undo: list[tuple[str, str, list[object]]] = []

    def put(self, stream: Stream, rows: Sequence[Mapping[str, object]]) -> None:
        ids, model = self.ids[stream], MODELS[stream]
        own = {} if stream is Stream.ACCOUNTS else {"company": 1}
        for row in rows:
            values = {name: value for name, value in row.items() if name != "id"}
            key = str(row["id"])
            if key in ids.theirs:
                self.server.call(model, "write", [int(ids.theirs[key])], self._stored(values))
        new = [row for row in rows if str(row["id"]) not in ids.theirs]
        if new:
            stored = [self._stored({**own, **row}) for row in new]
            made = self.server.call(model, "create", stored)
            for row, one in zip(new, made, strict=True):
                ids.add(str(row["id"]), one)

    def delete(self, stream: Stream, ids: Sequence[str]) -> None:
        gone = [int(self.ids[stream].theirs[one]) for one in ids]
        if stream is Stream.OPPORTUNITIES:
            self.server.call(MODELS[stream], "cancel", gone)
        self.server.call(MODELS[stream], "delete", gone)

    def task_count(self, marker: str) -> int:
        return len(self._tasks(marker))

    def finish(self, marker: str, status: Literal["done", "rejected"]) -> None:
        named = [["name", "=", "Done" if status == "done" else REJECTED]]
        (wanted,) = self.server.call("project.work.status", "search", named)
        values = {"status": wanted, "progress": 1.0}
        self.server.call("project.work", "write", self._tasks(marker), values)

    def refuse(self, account: str) -> None:
        key = int(self.ids[Stream.ACCOUNTS].theirs[account])
        not_it = {"party.party": ["id", "!=", key], "project.work": ["party", "!=", key]}
        rules = [
            {"name": f"not {account}", "model": model, "global_p": True, "perm_read": False}
            | {"rules": [["create", [{"domain": json.dumps([clause])}]]]}
            for model, clause in not_it.items()
        ]
        made = self.server.call("ir.rule.group", "create", rules)
        self._undo.append(("ir.rule.group", "delete", [made]))

    def lose_answer(self) -> None:
        self.wire.lose = True

    def refuse_logins(self) -> None:
        user = self._user()
        self.server.call("res.user", "write", user, {"login": "somebody else"})
        self._undo.append(("res.user", "write", [user, {"login": USER}]))

    def refuse_provisioning(self) -> None:
        user = self._user()
        party = self.server.call("res.group", "search", [["name", "=", "Party Administration"]])
        self.server.call("res.user", "write", user, {"groups": [["remove", party]]})
        self._undo.append(("res.user", "write", [user, {"groups": [["add", party]]}]))

    def cut_network(self) -> None:
        self.wire.cut = True

    def schema(self) -> object:
        return self.server.read("party.category", [], "name", "parent")

    def renew(self) -> None:
        """Give back what was taken away."""
        for model, method, params in self._undo:
            self.server.call(model, method, *params)
        self.server.forget_failed_logins()

    def _user(self) -> list[int]:
        found: list[int] = self.server.call("res.user", "search", [["login", "=", USER]])
        return found

    def _tasks(self, marker: str) -> list[int]:
        mine = ["party", ">", self.before[Stream.ACCOUNTS]]
        domain = [["comment", "ilike", f"%key={marker}"], mine]
        found: list[int] = self.server.call("project.work", "search", domain)
        return found

    def _stored(self, row: Mapping[str, object]) -> dict[str, object]:
        """Return *row* as the server takes it: `customer_tier` is a category."""
        stored = {name: value for name, value in row.items() if name not in ("id", "customer_tier")}
        if tier := row.get("customer_tier"):
            named = [["name", "=", tier], ["parent.name", "=", "Customer tier"]]
            categories = self.server.call("party.category", "search", named)
            stored["categories"] = [["add", categories]]
        return stored


def settings_for(server: Trytond, backend: Backend | None = None, **given: Any) -> TrytonSettings:
    """Return settings that see what was made since *backend* was, and work as the user."""
    plain: dict[str, Any] = {"url": server.url, "database": DATABASE, "user": USER}
    if backend is not None:
        after = {stream: [["id", ">", number]] for stream, number in backend.before.items()}
        plain |= {"parties": after[Stream.ACCOUNTS], "deals_where": after[Stream.OPPORTUNITIES]}
    return TrytonSettings.model_validate({**plain, "password": SECRET, **given})


def adapter_on(wire: Wire) -> Adapter[TrytonSettings]:
    """Return the adapter, its requests on *wire*."""
    (adapter,) = adapters()
    return replace(
        adapter,
        source=lambda settings: TrytonSource(settings, transport=wire),
        writer=lambda settings: TrytonWriter(settings, transport=wire),
        provisioner=lambda settings: TrytonProvisioner(settings, transport=wire),
    )


def adapter_over(backend: Backend) -> Adapter[TrytonSettings]:
    """Return the adapter on the wire of *backend*, speaking of records by the suite's ids."""
    ids, wire = backend.ids, backend.wire
    return replace(
        adapter_on(wire),
        source=lambda settings: _Source(TrytonSource(settings, transport=wire), ids),
        writer=lambda settings: _Writer(TrytonWriter(settings, transport=wire), ids),
    )


class _Source:
    def __init__(self, source: Source, ids: Mapping[Stream, Ids]) -> None:
        self._source = source
        self._ids = ids
        self.check, self.close = source.check, source.close

    def pull(self, stream: Stream, fields: Sequence[str], cursor: str | None) -> Iterator[Page]:
        ours = self._ids[stream].to_ours
        for page in self._source.pull(stream, fields, cursor):
            rows = [{**row, "id": ours(row["id"])} for row in records(page.rows)]
            yield replace(page, rows=rows, deleted=[ours(one) for one in page.deleted])


class _Writer:
    def __init__(self, writer: Writer, ids: Mapping[Stream, Ids]) -> None:
        self._writer = writer
        self._ids = ids[Stream.ACCOUNTS]
        self.check, self.close = writer.check, writer.close

    def current(self, accounts: Sequence[str], fields: Sequence[str]) -> Current:
        held = self._writer.current([self._ids.to_theirs(one) for one in accounts], fields)
        ours = self._ids.to_ours
        return Current(
            [{**row, "id": ours(row["id"])} for row in records(held.accounts)],
            [replace(task, account=ours(task.account)) for task in held.tasks],
        )

    def write(self, changes: Sequence[Change]) -> Iterator[WriteOutcome]:
        # A change of fields is known by its account's id; a task by a marker that is its own.
        known: dict[str, str] = {}
        translated: list[Change] = []
        for change in changes:
            ref = replace(change.ref, id=self._ids.to_theirs(change.ref.id))
            translated.append(replace(change, ref=ref))
            known[translated[-1].marker] = change.marker
        for outcome in self._writer.write(translated):
            yield replace(outcome, marker=known[outcome.marker])
