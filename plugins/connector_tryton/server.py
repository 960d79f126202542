"""A database of a Tryton server: one client, one session, the calls of its models."""

from __future__ import annotations

import base64
from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import httpx

from connector import AccessError, AuthError, ConfigError, keep_secret
from connector.http import NoAnswer, crm_client
from connector_tryton.refusal import judged, refusal
from connector_tryton.typed_json import dumps, typed

if TYPE_CHECKING:
    from connector_tryton.settings import TrytonSettings

_BY_ID: Final = (("id", "ASC"),)
_ENGLISH: Final = "en"
"""The language that we ask in: errors are told apart by their words, categories found by name."""


class Tryton:
    """A database, logged in to when it is first asked for something."""

    def __init__(
        self, settings: TrytonSettings, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.settings = settings
        self.name = f"{settings.url.partition('://')[2]}/{settings.database}"
        self._now: datetime | None = None
        self._described: dict[str, Mapping[str, Mapping[str, Any]]] = {}
        self._client = crm_client(
            f"{settings.url}/{settings.database}/",
            auth=_Session(self._logged_in),
            headers={"Content-Type": "application/json"},
            timeout=settings.timeout,
            transport=transport,
            judge=judged,
        )

    @property
    def now(self) -> datetime:
        """Return the time by the server's clock, as its last answer told it."""
        return self._now or datetime.now(UTC)

    @cached_property
    def company(self) -> tuple[int, str]:
        """Return the id and the name of the company that we work in."""
        wanted = self.settings.company
        if wanted is None:
            mine = self.call("res.user", "get_preferences", True, context={})
            if mine.get("company") is None:
                raise ConfigError(
                    "tryton: company: the user's preferences name none; write its name"
                )
            return int(mine["company"]), str(mine.get("company.rec_name") or mine["company"])
        found = self.call(
            "company.company", "search_read", [["rec_name", "=", wanted]], 0, 1, None,
            ["rec_name"], context={},
        )  # fmt: skip
        if not found:
            raise ConfigError(f"tryton: company: {self.name} has no company {wanted!r}")
        return int(found[0]["id"]), str(found[0]["rec_name"])

    def call(
        self, model: str, method: str, *params: object, context: Mapping[str, object] | None = None
    ) -> Any:
        """Return the result of a method of a model; raise our error for any other answer.

        *context* is that of our company if it is not given.
        """
        if context is None:
            context = self.context
        asked = [*params, {"language": _ENGLISH, **context}]
        return self._said(self._post(f"model.{model}.{method}", asked))

    @property
    def context(self) -> Mapping[str, object]:
        """Return the context of our company: it decides what may be seen, and defaults."""
        return {"company": self.company[0]}

    def search_read(
        self,
        model: str,
        domain: Sequence[object],
        fields: Sequence[str],
        *,
        limit: int | None = None,
    ) -> list[dict[str, Any]]:
        """Return *fields* of the records in *domain*, archived ones too, in the order of their ids.

        A dotted field, such as `party.name`, lies in the record that is under `party.`.
        """
        found: list[dict[str, Any]] = self.call(
            model, "search_read", domain, 0, limit, _BY_ID, fields, context=self._all
        )
        return found

    def count(self, model: str, domain: Sequence[object]) -> int:
        """Return how many records are in *domain*, archived ones too."""
        return int(self.call(model, "search_count", domain, context=self._all))

    @property
    def _all(self) -> Mapping[str, object]:
        return {**self.context, "active_test": False}

    def described(self, model: str) -> Mapping[str, Mapping[str, Any]]:
        """Return what a model's fields are; raise AccessError if there is no such model."""
        if model not in self._described:
            self._described[model] = self.call(model, "fields_get", [])
        return self._described[model]

    def may(self, model: str, *, module: str, rights: Sequence[str] = ("read",)) -> None:
        """Raise ConfigError if *module* is not activated, AccessError if we lack a right."""
        try:
            held = self.call("ir.model.access", "get_access", [model])[model]
        except AccessError as error:
            raise ConfigError(
                f"tryton: {self.name} has no {model}: activate the module {module!r}"
                " (Administration > Modules)"
            ) from error
        if lacking := [right for right in rights if not held[right]]:
            raise AccessError(
                f"{self.name}: {self.settings.user!r} may not {lacking[0]} {model}; give the user"
                f" a group that may (Administration > Users > Users)"
            )

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _post(self, method: str, params: Sequence[object], **options: Any) -> httpx.Response:
        # All three keys, or the answer is not one of JSON-RPC.
        body = dumps({"id": 0, "method": method, "params": params})
        response = self._client.post("rpc/", content=body, **options)
        self._now = _date_of(response) or self._now
        return response

    def _said(self, response: httpx.Response) -> Any:
        said = response.json(object_hook=typed, parse_float=Decimal)
        if not isinstance(said, dict) or not said.keys() & {"result", "error"}:
            raise NoAnswer(f"{self.name}: the answer is not one of JSON-RPC; check url")
        if "error" in said:
            raise refusal(response, said["error"])
        return said["result"]

    def _logged_in(self) -> str:
        """Return what a new session is named by."""
        # Basic would do without; but each call costs the server a fifth of a second then, to
        # compare a slow hash, and it sleeps if somebody has failed to log in under our name.
        user = self.settings.user
        password = self.settings.password.get_secret_value()
        asked = [user, {"password": password}, _ENGLISH]
        result = self._said(self._post("common.db.login", asked, auth=None))
        if not result:
            raise AuthError(f"{self.name}: {user!r} is not let in; check user and password")
        number, token, *_ = result
        keep_secret(token)
        return base64.b64encode(f"{user}:{number}:{token}".encode()).decode()


class _Session(httpx.Auth):
    """Sends a session; refused, the request goes out once more with a new one.

    A server forgets a session that was not used for some minutes. It does nothing of a request
    whose session it does not know.
    """

    def __init__(self, log_in: Callable[[], str]) -> None:
        self._log_in = log_in
        self._name: str | None = None

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        fresh = self._name is None
        response = yield self._signed(request)
        if response.status_code == httpx.codes.UNAUTHORIZED and not fresh:
            self._name = None
            yield self._signed(request)

    def _signed(self, request: httpx.Request) -> httpx.Request:
        if self._name is None:
            self._name = self._log_in()
        request.headers["Authorization"] = f"Session {self._name}"
        return request


def _date_of(response: httpx.Response) -> datetime | None:
    try:
        date = parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
