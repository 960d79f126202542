"""An Odoo: one facade for all that is asked of it, whichever way the calls go."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from connector import AccessError, Refused
from connector.http import NotFound
from connector_odoo.transports import opened, transport_of, version_of

if TYPE_CHECKING:
    import httpx

    from connector_odoo.settings import OdooSettings
    from connector_odoo.transports import Transport

logger = logging.getLogger(__name__)

Record = dict[str, Any]

_ATTRIBUTES: Final = ("type", "string", "relation", "selection", "readonly")
_NO_MODEL: Final = "UserError"


class Odoo:
    """An Odoo, opened when it is first asked for something."""

    def __init__(
        self, settings: OdooSettings, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.settings = settings
        self._described: dict[str, Mapping[str, Record] | None] = {}
        self._clock: datetime | None = None
        self._client = opened(settings, transport)
        self._client.event_hooks["response"].append(self._note_time)

    @property
    def host(self) -> str:
        """Return the host, as a message names it."""
        return self._client.base_url.netloc.decode()

    @property
    def now(self) -> datetime:
        """Return the time by the clock of the server, as its last answer told it."""
        return self._clock or datetime.now(UTC)

    @cached_property
    def version(self) -> str:
        """Return what the server says its version is."""
        return version_of(self._client)

    @cached_property
    def _transport(self) -> Transport:
        return transport_of(self._client, self.settings)

    def call(
        self,
        model: str,
        method: str,
        ids: Sequence[int] | None = None,
        *,
        context: Mapping[str, Any] | None = None,
        **named: Any,
    ) -> Any:
        """Return what *method* of *model* answers, on the records *ids* where it needs some."""
        merged = dict(context or {})
        if self.settings.companies:
            merged["allowed_company_ids"] = list(self.settings.companies)
        if merged:
            named["context"] = merged
        return self._transport.call(model, method, ids, named)

    def found(
        self,
        model: str,
        domain: Sequence[Any],
        fields: Sequence[str],
        *,
        limit: int | None = None,
        order: str = "id asc",
    ) -> list[Record]:
        """Return the records of a domain, archived ones too."""
        options: dict[str, Any] = {} if limit is None else {"limit": limit}
        records = self.call(
            model,
            "search_read",
            context={"active_test": False},
            domain=list(domain),
            fields=list(fields),
            order=order,
            **options,
        )
        return list(records)

    def found_in(
        self,
        model: str,
        name: str,
        values: Sequence[int],
        fields: Sequence[str],
        *,
        where: Sequence[Any] = (),
    ) -> Iterator[Record]:
        """Yield the records whose field *name* is one of *values*, a page of values at a time."""
        size = self.settings.page_size
        for start in range(0, len(values), size):
            some = list(values[start : start + size])
            yield from self.found(model, [[name, "in", some], *where], fields)

    def count(self, model: str, domain: Sequence[Any]) -> int:
        """Return how many records there are of a domain, archived ones too."""
        context = {"active_test": False}
        return int(self.call(model, "search_count", context=context, domain=list(domain)))

    def fields_of(self, model: str) -> Mapping[str, Record] | None:
        """Return the fields of a model that we may see; None if it is not installed."""
        if model not in self._described:
            try:
                self._described[model] = self.call(
                    model, "fields_get", attributes=list(_ATTRIBUTES)
                )
            except NotFound:
                self._described[model] = None
            except Refused as error:
                if error.code != _NO_MODEL:
                    raise
                self._described[model] = None
        return self._described[model]

    def needed(self, model: str, app: str) -> Mapping[str, Record]:
        """Return the fields of a model; raise AccessError where its *app* is not installed."""
        fields = self.fields_of(model)
        if fields is None:
            raise AccessError(
                f"{self.host}: there is no model {model}: install the app {app} (Apps > {app} >"
                " Activate), or check the name of the database"
            )
        return fields

    def forget(self) -> None:
        """Look fields up anew: they have been changed."""
        self._described.clear()

    def by_xmlid(self, xmlid: str) -> int | None:
        """Return the number of what has an external id; None if nothing has."""
        module, _, name = xmlid.partition(".")
        domain = [["module", "=", module], ["name", "=", name]]
        for record in self.found("ir.model.data", domain, ["res_id"], limit=1):
            return int(record["res_id"])
        return None

    def user(self) -> str:
        """Return who we are there: name, or login, or number."""
        user = int(self.call("res.users", "context_get")["uid"])
        for record in self.found("res.users", [["id", "=", user]], ["name", "login"]):
            return f"{record['name']} ({record['login']})"
        return f"user {user}"

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _note_time(self, response: httpx.Response) -> None:
        try:
            time = parsedate_to_datetime(response.headers.get("date", ""))
        except ValueError:
            return
        self._clock = time if time.tzinfo else time.replace(tzinfo=UTC)
