"""An EspoCRM of one's own, on loopback: for tests, and for trying a job out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from connector.sandbox import Loopback, made_up
from sandbox_espocrm import seed
from sandbox_espocrm.login import Credentials
from sandbox_espocrm.moments import said
from sandbox_espocrm.schema import Entity
from sandbox_espocrm.service import Request, Service
from sandbox_espocrm.settings import Role, Settings, connector_role
from sandbox_espocrm.store import LIVE, Row


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class EspoSandbox(Loopback[Service]):
    """An installation that answers on *url* while the `with` block lasts.

    Clients in this process can do without the block, by `transport`; `close` it then.
    *version* is what it behaves as, *clock* what time it is there. With *https* it has a
    certificate that clients trust by `authority`.
    """

    def __init__(
        self,
        version: str = "8.4.2",
        *,
        clock: Callable[[], datetime] = now,
        port: int = 0,
        https: bool = False,
    ) -> None:
        self.credentials = Credentials()
        service = Service(
            version=version,
            clock=clock,
            credentials=self.credentials,
            settings=Settings(prefix="c" if int(version.partition(".")[0]) >= 8 else ""),
            role=connector_role(),
        )
        super().__init__(service, port=port, https=https)

    @property
    def settings(self) -> Settings:
        """What may be changed while it serves."""
        return self.service.settings

    @property
    def role(self) -> Role:
        """What the API user may do with each entity, which may be changed as well."""
        return self.service.records.role

    @property
    def requests(self) -> list[Request]:
        """What was asked, in order: method, path and status."""
        return self.service.requests

    def insert(self, entity: str, /, *, at: datetime | None = None, **attributes: Any) -> str:
        """Put a record in as it is and return its id: nothing is checked, and nobody asked.

        *at* is when it was made and last changed.
        """
        kind = self._entity(entity)
        row = self.service.records.add(kind, _kept(kind, attributes), at=at)
        return str(row["id"])

    def update(
        self, entity: str, record: str, /, *, at: datetime | None = None, **attributes: Any
    ) -> None:
        """Change a record as somebody else would, who is allowed everything."""
        kind = self._entity(entity)
        self.service.records.change(kind, record, _kept(kind, attributes), at=at)

    def delete(self, entity: str, record: str) -> None:
        """Delete a record as somebody else would."""
        self.service.records.remove(self._entity(entity), record)

    def records(self, entity: str) -> list[Row]:
        """Return all records of an entity as they are kept, `deleted` ones too."""
        kind, store = self._entity(entity), self.service.records.store
        names = [*kind.attributes]
        live = {row["id"] for row in store.select(kind, ["id"], LIVE)}
        return [
            row | {"deleted": row["id"] not in live}
            for row in store.select(kind, names, "1 ORDER BY t._n")
        ]

    def record(self, entity: str, record: str) -> Row:
        """Return a record as it is kept; raise KeyError if it was never there."""
        for row in self.records(entity):
            if row["id"] == record:
                return row
        raise KeyError(record)

    def add_field(
        self, entity: str, name: str, type: str, *, options: Sequence[str] = (), **defs: Any
    ) -> None:
        """Add a custom field of exactly this name, as metadata have it: `c` stands before it."""
        told = {"options": [*options]} if options else {}
        self.service.fields.add(self._entity(entity), name, {"type": type, **told, **defs})

    def make_up(self, accounts: int) -> None:
        """Fill it with a made-up company, always the same one for a number of accounts."""
        seed.fill(self.service.records, made_up.make_up(accounts, self.service.now()))

    def write_keys(self, folder: Path) -> Mapping[str, str]:
        """Write a job and what clients need into *folder*; return these and what else they need.

        They are good for this sandbox alone, and for as long as it serves.
        """
        folder.mkdir(parents=True, exist_ok=True)
        known = self.credentials
        key = folder / "api-key.txt"
        key.touch(mode=0o600)
        key.write_text(known.api_key, encoding="ascii")
        job = folder / "job.toml"
        job.write_text(self._job(), encoding="utf-8")
        said = {
            "job": str(job),
            "API key": known.api_key,
            "secret key (HMAC)": known.secret_key,
            "administrator": known.admin,
            "password": known.admin_password,
        }
        if self.authority:
            authority = folder / "authority.pem"
            authority.write_text(self.authority, encoding="ascii")
            said["certificate authority"] = str(authority)
        return said

    def _job(self) -> str:
        sample = resources.files("sandbox_espocrm").joinpath("job.toml").read_text("utf-8")
        return Template(sample).substitute(url=self.url, currency=self.settings.currency)

    def _entity(self, name: str) -> Entity:
        return self.service.schema[name]


def _kept(entity: Entity, attributes: Mapping[str, Any]) -> Row:
    """Return attributes as they are kept; raise ValueError for one that there is not."""
    unknown = [
        name
        for name in attributes
        if name not in entity.attributes or entity.attributes[name].derived
    ]
    if unknown:
        raise ValueError(f"{entity.name} keeps no {unknown[0]!r}")
    return {name: _as_kept(value) for name, value in attributes.items()}


def _as_kept(value: Any) -> Any:
    match value:
        case datetime():
            return said(value)
        case date():
            return value.isoformat()
        case Decimal():
            return float(value)
    return value
