"""The Acme CRM for Pyramid Connector."""

import json
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from connector import (
    Adapter,
    Applied,
    Change,
    CloseTask,
    ConfigError,
    Current,
    HeldTask,
    Page,
    PutTask,
    RemoteError,
    SetFields,
    Stream,
    WriteOutcome,
    hookimpl,
)
from connector.http import crm_client, outcome_of

THEIRS = {Stream.ACCOUNTS: "accounts", Stream.OPPORTUNITIES: "deals"}
ACCOUNTS = {"id": "id", "name": "company", "owner_id": "owner", "kind": "type"}
DEALS = {"id": "id", "account_id": "account", "name": "title", "status": "state"}
DEALS |= {"amount": "value", "currency": "currency", "close_date": "closed"}


class Settings(BaseModel):
    """What a job says about an Acme CRM."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(description="address of the CRM")
    token: SecretStr = Field(description="API token of a user who may write accounts and tasks")


class Acme:
    """An Acme CRM as a source and as a target."""

    def __init__(self, settings: Settings) -> None:
        token = settings.token.get_secret_value()
        self.http = crm_client(settings.url, headers={"Authorization": f"Bearer {token}"})

    def check(self, fields: Sequence[str] = ()) -> str:
        me = self.http.get("/me").json()
        for name in fields:
            if name not in me["fields"]:
                raise ConfigError(f"acme: accounts have no field {name!r}; create it there")
        return f"Acme CRM as {me['user']}"

    def pull(self, stream: Stream, fields: Sequence[str], cursor: str | None) -> Iterator[Page]:
        while True:
            page = self.http.get(f"/{THEIRS[stream]}", params={"after": cursor or "0"}).json()
            if not page["rows"] and not page["deleted"]:
                return
            cursor = str(page["cursor"])
            rows = [{name: row[name] for name in fields if name in row} for row in page["rows"]]
            yield Page(rows, cursor, page["deleted"])

    def current(self, accounts: Sequence[str], fields: Sequence[str]) -> Current:
        found = self.http.post("/lookup", json={"ids": list(accounts)}).json()
        rows = [
            {"id": row["id"], **{name: row.get(name) for name in fields}}
            for row in found["accounts"]
        ]
        return Current(rows, [_held(task) for task in found["tasks"]])

    def write(self, changes: Sequence[Change]) -> Iterator[WriteOutcome]:
        for change in changes:
            try:
                yield Applied(change.marker, self._send(change))
            except RemoteError as error:
                yield outcome_of(change.marker, error)

    def close(self) -> None:
        self.http.close()

    def _send(self, change: Change) -> str:
        if isinstance(change, SetFields):
            return self._request(
                "PATCH", f"/accounts/{quote(change.ref.id, safe='')}", change.values
            )
        task = f"/tasks/{quote(change.marker, safe='')}"
        if isinstance(change, CloseTask):
            return self._request("PATCH", task, {"status": "done", "closed_on": change.closed_on})
        return self._request("PUT", task, _content(change))

    def _request(self, method: str, path: str, content: object) -> str:
        return str(
            self.http.request(method, path, content=json.dumps(content, default=str)).json()["id"]
        )


def _content(put: PutTask) -> dict[str, Any]:
    names = ("subject", "body", "owner", "due", "priority", "created_on")
    return {"account": put.ref.id, **{name: getattr(put, name) for name in names}}


def _held(task: dict[str, Any]) -> HeldTask:
    days = {n: task[n] and date.fromisoformat(task[n]) for n in ("due", "created_on", "closed_on")}
    return HeldTask(**{**task, **days})


@hookimpl
def adapters() -> Sequence[Adapter[Settings]]:
    """Return the adapter `acme`."""
    fields = {Stream.ACCOUNTS: ACCOUNTS, Stream.OPPORTUNITIES: DEALS}
    return [Adapter("acme", Settings, fields, source=Acme, writer=Acme, about="the Acme CRM")]
