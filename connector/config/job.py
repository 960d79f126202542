"""A job that has been read: its settings, and the file they come from."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from connector.config.changes import Change, blaming, changed
from connector.config.models import JobModel
from connector.config.problems import validated
from connector.config.secrets import resolve_secrets, secret
from connector.contract import Adapter
from connector.errors import ConfigError
from connector.redaction import keep_secret


@dataclass(frozen=True, slots=True)
class Job:
    """A job that has been read: its settings and the file they come from."""

    path: Path
    model: JobModel

    @property
    def name(self) -> str:
        """Return the job's name, by which the store knows it."""
        return self.model.name or self.path.stem

    @property
    def folder(self) -> Path:
        """Return the folder against which relative paths of the job are read."""
        return self.path.parent

    @property
    def store_url(self) -> str:
        """Return the store's URL, relative SQLite paths resolved beside the job."""
        given = self.model.store.url
        url = given.get_secret_value() if given else os.environ.get("CONNECTOR_STORE")
        keep_secret(url or "")
        if url is None:
            return f"sqlite:///{self.folder / 'connector.db'}"
        prefix = "sqlite:///"
        if given and url.startswith(prefix) and not url.startswith(prefix + "/"):
            return f"{prefix}{self.folder / url.removeprefix(prefix)}"
        return url

    @property
    def zone(self) -> ZoneInfo:
        """Return the job's time zone."""
        return ZoneInfo(self.model.timezone)


def load_job(path: Path, changes: Sequence[Change] = ()) -> Job:
    """Return the job in the file *path*; raise ConfigError with a line for each mistake.

    *changes* are tried on it as if they stood in the file.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path}: no such file; name a job file, or make one with 'connector init'"
        ) from error
    except OSError as error:
        raise ConfigError(
            f"{path}: can't be read: {error.strerror}; name a job file that this user may read"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8"
        ) from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    path = path.absolute()
    store = data.get("store")
    if isinstance(store, dict) and isinstance(store.get("url"), dict):
        store["url"] = secret(store["url"], path, "store.url")
    with blaming(path, changes):
        return Job(path, validated(JobModel, changed(data, changes), path, ""))


def adapter_settings(job: Job, side: Literal["source", "target"], adapter: Adapter[Any]) -> Any:
    """Return the settings of *side* as the adapter's own model, secrets resolved."""
    given = job.model.source if side == "source" else job.model.target
    data = {**given.settings}
    key = f"{side}.settings"
    resolve_secrets(adapter.settings, data, job.path, key)
    return validated(adapter.settings, data, job.path, key)
