"""The Acme CRM for Pyramid Connector."""

import json
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from pydantic import BaseModel, Field, SecretStr, TypeAdapter

import connector as host
from connector import Change, HeldTask, Stream
from connector.http import crm_client, outcome_of

THEIRS = {Stream.ACCOUNTS: "accounts", Stream.OPPORTUNITIES: "deals"}
ACCOUNTS = {"id": "id", "name": "company", "owner_id": "owner", "kind": "type"}
DEALS = {"id": "id", "account_id": "account", "name": "title", "status": "state"}
DEALS |= {"amount": "value", "currency": "currency", "close_date": "closed"}
TASK = ("subject", "body", "owner", "due", "priority", "created_on")


class Settings(BaseModel, extra="forbid"):
    """What a job says about an Acme CRM."""

    url: str = Field(description="address of the CRM")
    token: SecretStr = Field(description="API token of a user who may write accounts and tasks")


class Acme:
    """An Acme CRM as a source and as a target."""

    def __init__(self, settings: Settings) -> None:
        token = settings.token.get_secret_value()
        self.http = crm_client(settings.url, headers={"Authorization": f"Bearer {token}"})
        self.close = self.http.close

    def check(self, fields: Sequence[str] = ()) -> str:
        me = self.http.get("/me").json()
        for name in sorted(set(fields) - set(me["fields"])):
            raise host.ConfigError(f"acme: accounts have no field {name!r}; create it there")
        return f"Acme CRM as {me['user']}"

    def pull(
        self, stream: Stream, fields: Sequence[str], cursor: str | None
    ) -> Iterator[host.Page]:
        while True:
            page = self.http.get(f"/{THEIRS[stream]}", params={"after": cursor or "0"}).json()
            if not page["rows"] and not page["deleted"]:
                return
            cursor = str(page["cursor"])
            yield host.Page(page["rows"], cursor, page["deleted"])

    def current(self, accounts: Sequence[str], fields: Sequence[str]) -> host.Current:
        found = self.http.post("/lookup", json={"ids": list(accounts)}).json()
        tasks = TypeAdapter(list[HeldTask]).validate_python(found["tasks"])
        return host.Current(found["accounts"], tasks)

    def write(self, changes: Sequence[Change]) -> Iterator[host.WriteOutcome]:
        for change in changes:
            try:
                yield host.Applied(change.marker, self._send(change))
            except host.RemoteError as error:
                yield outcome_of(change.marker, error)

    def _send(self, change: Change) -> str:
        path, sent = f"/tasks/{quote(change.marker, safe='')}", dict[str, object]()
        if isinstance(change, host.SetFields):
            path, sent = f"/accounts/{quote(change.ref.id, safe='')}", dict(change.values)
        elif isinstance(change, host.PutTask):
            sent = {"account": change.ref.id, **{name: getattr(change, name) for name in TASK}}
        else:
            sent = {"status": "done", "closed_on": change.closed_on}
        answer = self.http.put(path, content=json.dumps(sent, default=str))
        return str(answer.json()["id"])


@host.hookimpl
def adapters() -> Sequence[host.Adapter[Settings]]:
    """Return the adapter `acme`."""
    fields = {Stream.ACCOUNTS: ACCOUNTS, Stream.OPPORTUNITIES: DEALS}
    return [host.Adapter("acme", Settings, fields, source=Acme, writer=Acme, about="the Acme CRM")]
