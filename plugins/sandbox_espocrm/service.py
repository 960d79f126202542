"""The endpoints below `/api/v1`, and what they answer."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeAlias

from connector.sandbox import Answer, Asked, Endpoint, Router
from connector.sandbox.wire import NoSuchMethod, NoSuchPath
from sandbox_espocrm.admin import Fields, Layouts
from sandbox_espocrm.login import Caller, Credentials, Logins
from sandbox_espocrm.records import EVERYTHING, Records
from sandbox_espocrm.refusal import Refused, no_access
from sandbox_espocrm.schema import Entity, Schema
from sandbox_espocrm.settings import Role, Settings
from sandbox_espocrm.where import Sql, read_query, read_search

logger = logging.getLogger(__name__)
_ROOT: Final = "/api/v1"


class Request(NamedTuple):
    """A request that came in, as tests look at it; *path* is below the API's root."""

    method: str
    path: str
    status: int


@dataclass(frozen=True, slots=True)
class Call:
    """A request of somebody who was let in."""

    caller: Caller
    query: str
    headers: Mapping[str, str]
    body: bytes
    args: Mapping[str, str]

    def json(self) -> Any:
        """Return the body; EspoCRM has no better answer than 500 to one that can't be read."""
        try:
            return json.loads(self.body or b"{}")
        except ValueError:
            raise Refused(500) from None

    def object(self) -> Mapping[str, Any]:
        """Return the body, which is to be an object."""
        body = self.json()
        if not isinstance(body, dict):
            raise Refused(400)
        return body

    def says(self, header: str) -> bool:
        """Say whether a header is set to true."""
        return self.headers.get(header, "").lower() == "true"


Handler: TypeAlias = Callable[[Call], Any]


class Service:
    """Answers requests on one installation."""

    def __init__(
        self,
        *,
        version: str,
        clock: Callable[[], datetime],
        credentials: Credentials,
        settings: Settings,
        role: Role,
    ) -> None:
        self.url = "https://sandbox.invalid"
        self.requests: list[Request] = []
        self.settings = settings
        self.schema = Schema()
        self.records = Records(self.schema, settings, role, clock)
        self.fields = Fields(self.records.store, settings)
        self._clock = clock
        self._major = int(version.partition(".")[0])
        self._layouts = Layouts()
        users = self.schema["User"]
        admin = {"userName": credentials.admin, "lastName": "Admin", "type": "admin"}
        robot = {"userName": "connector", "lastName": "Connector", "type": "api"}
        self._logins = Logins(
            credentials,
            settings,
            clock,
            admin=self.records.add(users, admin)["id"],
            api_user=self.records.add(users, robot)["id"],
        )
        field, record = "/Admin/fieldManager/{entity}/{name}", "/{entity}/{id}"
        self._router: Router[Handler] = Router(
            Endpoint(method, pattern, handler)
            for method, pattern, handler in (
                ("GET", "/App/user", self._user),
                ("GET", "/Metadata", self._metadata),
                ("POST", "/MassAction", self._mass_action),
                ("POST", "/Admin/fieldManager/{entity}", self._make_field),
                ("GET", field, self._field),
                ("PUT", field, self._change_field),
                ("PATCH", field, self._change_field),
                ("DELETE", field, self._delete_field),
                ("GET", "/{entity}/layout/{name}", self._layout),
                ("PUT", "/{entity}/layout/{name}", self._change_layout),
                ("GET", "/{entity}", self._list),
                ("POST", "/{entity}", self._create),
                ("GET", record, self._read),
                ("PUT", record, self._update),
                ("PATCH", record, self._update),
                ("DELETE", record, self._delete),
                ("GET", "/{entity}/{id}/{link}", self._linked),
            )
        )

    def answer(self, asked: Asked) -> Answer:
        """Return the answer to a request, whatever it is, and note that it came."""
        whole, _, query = asked.url.partition("?")
        path = whole.removeprefix(_ROOT) if whole.startswith(f"{_ROOT}/") else whole
        with self.records.store.lock:
            try:
                if path == whole:
                    raise Refused(404)
                answer = self._answered(asked, path, query)
            except Refused as refused:
                answer = refused.answer()
            except Exception:
                # The client sees 500; whoever reads the log sees that it is our bug.
                logger.exception("the sandbox can't answer %s %s", asked.method, path)
                raise
            self.requests.append(Request(asked.method, path, answer.status))
        return answer

    def _answered(self, asked: Asked, path: str, query: str) -> Answer:
        caller = self._logins.caller(asked.method, path, asked.headers)
        try:
            handler, args = self._router.find(asked.method, path)
        except NoSuchPath:
            raise Refused(404) from None
        except NoSuchMethod:
            raise Refused(405) from None
        return Answer(handler(Call(caller, query, asked.headers, asked.body, args)))

    def now(self) -> datetime:
        """Return what time it is there."""
        return self._clock()

    def close(self) -> None:
        """Let go of the records."""
        self.records.store.close()

    def _entity(self, call: Call) -> Entity:
        entity = self.schema.find(call.args["entity"])
        if entity is None:
            raise Refused(404)
        return entity

    def _set_up(self, call: Call) -> Entity:
        if not call.caller.is_admin:
            raise Refused(403)
        return self._entity(call)

    def _user(self, call: Call) -> Any:
        # The fact sheet has nothing on it: what clients look at, from memory.
        user = self.records.read(call.caller, self.schema["User"], call.caller.user)
        return {"user": user, "acl": {"table": self.records.role}}

    def _metadata(self, call: Call) -> Any:
        found: Any = {"entityDefs": self.schema.defs}
        for part in str(read_query(call.query).get("key", "")).split("."):
            if part:
                found = found.get(part) if isinstance(found, dict) else None
        return found

    def _mass_action(self, call: Call) -> Any:
        raise no_access("mass update")

    def _make_field(self, call: Call) -> Any:
        return self.fields.create(self._set_up(call), call.object())

    def _field(self, call: Call) -> Any:
        return self.fields.read(self._set_up(call), call.args["name"])

    def _change_field(self, call: Call) -> Any:
        return self.fields.update(self._set_up(call), call.args["name"], call.object())

    def _delete_field(self, call: Call) -> Any:
        self.fields.delete(self._set_up(call), call.args["name"])
        return True

    def _layout(self, call: Call) -> Any:
        return self._layouts.read(self._entity(call), call.args["name"])

    def _change_layout(self, call: Call) -> Any:
        return self._layouts.update(self._set_up(call), call.args["name"], call.json())

    def _list(self, call: Call, only: Sql = EVERYTHING, entity: Entity | None = None) -> Any:
        search = read_search(call.query, aliases=self._major >= 9)
        return self.records.page(
            call.caller,
            entity or self._entity(call),
            search,
            counted=not call.says("x-no-total"),
            only=only,
        )

    def _linked(self, call: Call) -> Any:
        entity, record = self._entity(call), call.args["id"]
        link = entity.defs["links"].get(call.args["link"])
        if link is None or link["type"] not in ("hasMany", "hasChildren"):
            raise Refused(404)
        self.records.read(call.caller, entity, record)
        only: Sql = (f't."{link["foreign"]}Id" = ?', [record])
        if link["type"] == "hasChildren":
            only = ("t.parentType = ? AND t.parentId = ?", [entity.name, record])
        return self._list(call, only, self.schema[link["entity"]])

    def _create(self, call: Call) -> Any:
        entity, body = self._entity(call), call.object()
        unchecked = call.says("x-skip-duplicate-check")
        return self.records.create(call.caller, entity, body, duplicates=unchecked)

    def _read(self, call: Call) -> Any:
        return self.records.read(call.caller, self._entity(call), call.args["id"])

    def _update(self, call: Call) -> Any:
        entity, body = self._entity(call), call.object()
        return self.records.update(call.caller, entity, call.args["id"], body)

    def _delete(self, call: Call) -> Any:
        self.records.delete(call.caller, self._entity(call), call.args["id"])
        return True
