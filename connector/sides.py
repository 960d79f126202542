"""The two sides of a job, opened: its source, and the target that it writes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

from connector.auth import Grant, refresh_of
from connector.config import Job, adapter_settings
from connector.contract import Adapter, BrowserLogin, Provisioner, Source, Writer
from connector.errors import ConfigError, PluginError
from connector.governor import Governed
from connector.grants import granting
from connector.plugins import Plugins
from connector.quota import governed
from connector.store import Store
from connector.tokens import Tokens, token_keys

Side = Literal["source", "target"]
Opened = TypeVar("Opened", Source, Writer, Provisioner)


class Sides:
    """The adapters of a job; what is opened of them is governed, and logged in where it must be."""

    def __init__(self, job: Job, plugins: Plugins, store: Store, governor: Governed) -> None:
        self._job = job
        self._store = store
        self._governor = governor
        self.reads = _adapter(job, plugins, job.model.source.adapter, "source")
        """The adapter of the source."""
        target = job.model.target.adapter
        self.writes = _adapter(job, plugins, target, "target") if target else self.reads
        """The adapter of the target: the source's, if the job names none."""

    @contextmanager
    def source(self) -> Iterator[Source]:
        """Yield what is read from; ConfigError if it can't be."""
        opening = self.reads.source
        if opening is None:
            name = self.reads.name
            raise ConfigError(f"{self._job.path}: source.adapter: {name!r} can't be read from")
        with self._open(opening, "source") as source:
            yield source

    @contextmanager
    def writer(self) -> Iterator[Writer]:
        """Yield the target's writer; ConfigError if it has none."""
        opening = self.writes.writer
        if opening is None:
            name = self.writes.name
            raise ConfigError(f"{self._job.path}: target.adapter: {name!r} can't be written to")
        with self._open(opening, self._target_side) as writer:
            yield writer

    @contextmanager
    def provisioner(self) -> Iterator[Provisioner]:
        """Yield what makes the target's fields; ConfigError if the adapter makes none."""
        opening = self.writes.provisioner
        if opening is None:
            name = self.writes.name
            raise ConfigError(
                f"{self._job.path}: target.adapter: {name!r} makes no fields; create those of"
                " target.fields there yourself, 'connector check' says which are missing"
            )
        with self._open(opening, self._target_side) as provisioner:
            yield provisioner

    def browser_login(self, side: Side) -> BrowserLogin | None:
        """Return how a person logs in at *side* by a browser; None if its settings say how else."""
        if side == "target" and self._target_side != side:
            return None
        adapter = self._adapter_of(side)
        if adapter.login is None:
            return None
        return adapter.login(adapter_settings(self._job, side, adapter))

    def grant(self, side: Side, login: BrowserLogin) -> Grant:
        """Return the token that a person has granted at *side*, or will."""
        how = f"run 'connector login {self._job.path}'"
        connection = f"{self._job.name}/{side}"
        tokens = Tokens(self._store, token_keys())
        return Grant(tokens, connection, refresh_of(login, how), how=how)

    @contextmanager
    def _open(self, opening: Callable[[Any], Opened], side: Side) -> Iterator[Opened]:
        """Yield what *opening* makes of the settings of *side*, and close it in the end."""
        adapter = self._adapter_of(side)
        settings = adapter_settings(self._job, side, adapter)
        login = adapter.login(settings) if adapter.login else None
        grant = self.grant(side, login) if login else None
        with governed(self._governor), granting(grant):
            opened = opening(settings)
        try:
            yield opened
        except ConfigError as error:
            raise self._located(error, side) from error
        finally:
            opened.close()

    def _adapter_of(self, side: Side) -> Adapter[Any]:
        return self.reads if side == "source" else self.writes

    @property
    def _target_side(self) -> Side:
        return "target" if self._job.model.target.adapter else "source"

    def _located(self, error: ConfigError, side: str) -> ConfigError:
        """Return *error* with the job's file; an adapter does not know which job it serves."""
        said = str(error)
        if said.startswith("settings"):
            return ConfigError(f"{self._job.path}: {side}.{said}")
        if said.startswith("target."):
            return ConfigError(f"{self._job.path}: {said}")
        return error


def _adapter(job: Job, plugins: Plugins, name: str, side: str) -> Adapter[Any]:
    try:
        return plugins.adapter(name)
    except PluginError as error:
        raise PluginError(f"{job.path}: {side}.adapter: {error}") from error
