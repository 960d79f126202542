"""An Odoo of one's own, on loopback: for tests, and for trying a job out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from connector.sandbox import Loopback
from sandbox_odoo import seed
from sandbox_odoo.calling import Caller
from sandbox_odoo.credentials import Credentials
from sandbox_odoo.founding import found
from sandbox_odoo.org import ADMIN, CONNECTOR, Org, now
from sandbox_odoo.rights import SETTINGS, Right
from sandbox_odoo.service import Request, Service
from sandbox_odoo.settings import Settings, Version


class OdooSandbox(Loopback[Service]):
    """A database of Odoo community that answers on *url* while the `with` block lasts.

    *clock* is what time it is there; *apps* are those that are installed. The user whom
    `credentials` are of has all rights, until they are revoked.
    """

    def __init__(
        self,
        version: Version = "19.0",
        *,
        clock: Callable[[], datetime] = now,
        port: int = 0,
        https: bool = False,
        apps: tuple[str, ...] = ("crm", "sale", "account"),
        credentials: Credentials | None = None,
    ) -> None:
        self.credentials = credentials or Credentials()
        self.org = Org(version, apps, clock)
        found(self.org, self.credentials)
        super().__init__(Service(Caller(self.org, self.credentials)), port=port, https=https)

    @property
    def settings(self) -> Settings:
        """What may be changed while it serves."""
        return self.org.settings

    @property
    def requests(self) -> list[Request]:
        """What was asked, in order."""
        return self.service.requests

    @property
    def user(self) -> int:
        """The id of the user that clients log in as."""
        return CONNECTOR

    def insert(self, model: str, /, *, at: datetime | None = None, **values: Any) -> int:
        """Make a record as somebody else would, who is allowed everything; return its id.

        *at* stamps it: a record may so come to light with a time that has passed, as those do
        whose transaction took long. What is derived, such as `date_closed`, may be given.
        """
        with self.org.transaction(ADMIN, su=True, at=at) as env:
            return env[model].make(env, values)

    def update(
        self, model: str, record: int, /, *, at: datetime | None = None, **values: Any
    ) -> None:
        """Change a record as somebody else would."""
        with self.org.transaction(ADMIN, su=True, at=at) as env:
            env[model].change(env, [record], values)

    def delete(self, model: str, record: int) -> None:
        """Delete a record as somebody else would; raise Refused where an order or so needs it."""
        with self.org.transaction(ADMIN, su=True) as env:
            env[model].remove(env, record)

    def records(self, model: str) -> list[dict[str, Any]]:
        """Return all records of a model as a client reads them, also archived ones."""
        return self._read(model, [*self.org.models[model].rows])

    def record(self, model: str, record: int) -> dict[str, Any]:
        """Return a record as a client reads it, with plain ids; raise KeyError if it is gone."""
        return self._read(model, [self.org.models[model].rows[record]["id"]])[0]

    def _read(self, model: str, ids: list[int]) -> list[dict[str, Any]]:
        with self.org.transaction(ADMIN, {"active_test": False}, su=True) as env:
            return env[model].read(env, ids, load=None)

    def revoke(self, *rights: Right, model: str = "") -> None:
        """Take rights on *model* away from the user that clients log in as.

        Without any, it is the Settings right; what is left suffices for everyday work.
        """
        if not rights:
            group = self.org.xmlid(SETTINGS)
            with self.org.transaction(ADMIN, su=True) as env:
                left = {self.org.groups_field: [(3, group)]}
                env["res.users"].change(env, [CONNECTOR], left)
        self.org.denied |= {(right, model) for right in rights}

    def make_up(self, accounts: int) -> None:
        """Fill it with a made-up company, always the same one for a number of accounts."""
        seed.make_up(self.org, accounts)

    def write_keys(self, folder: Path) -> Mapping[str, str]:
        """Write a job and what clients need into *folder*; return these and what else they need.

        They are good for this sandbox alone, and for as long as it serves.
        """
        folder.mkdir(parents=True, exist_ok=True)
        key = folder / "api-key.txt"
        key.touch(mode=0o600)
        key.write_text(self.credentials.api_key, encoding="ascii")
        job = folder / "job.toml"
        job.write_text(self._job(), encoding="utf-8")
        said = {
            "version": self.org.version,
            "job": str(job),
            "database": self.credentials.database,
            "login": self.credentials.login,
            "password": self.credentials.password,
            "API key": self.credentials.api_key,
        }
        if self.authority:
            authority = folder / "authority.pem"
            authority.write_text(self.authority, encoding="ascii")
            said["certificate authority"] = str(authority)
        return said

    def _job(self) -> str:
        sample = resources.files("sandbox_odoo").joinpath("job.toml").read_text("utf-8")
        return Template(sample).substitute(
            url=self.url, database=self.credentials.database, login=self.credentials.login
        )
