"""Reads the jobs of a folder, and notices what becomes of their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from connector.config import Job, load_job
from connector.cron import Timetable, cron_trigger
from connector.errors import ConfigError, ConnectorError, PluginError
from connector.plugins import Plugins

_Stamp = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A job that has a schedule."""

    path: Path
    name: str
    store_url: str
    timetable: Timetable
    catch_up: Literal["once", "skip"]


class Folder:
    """A folder of job files (`*.toml`); with *plugins*, a job must name adapters they bring."""

    def __init__(self, path: Path, plugins: Plugins | None = None) -> None:
        self.path = path.absolute()
        self._plugins = plugins
        self._stamps: dict[Path, _Stamp] = {}

    def changes(self) -> Mapping[Path, Scheduled | ConnectorError | None]:
        """Return what has become of each file that is new, changed or gone since the last call.

        That is the job, what is wrong with the file, or None for a file that has gone or has no
        schedule. Raise ConfigError if the folder can't be read.
        """
        stamps = self._look()
        before, self._stamps = self._stamps, stamps
        changes: dict[Path, Scheduled | ConnectorError | None] = dict.fromkeys(
            before.keys() - stamps
        )
        touched = [path for path, stamp in stamps.items() if before.get(path) != stamp]
        changes.update((path, self._read(path)) for path in touched)
        return changes

    def _look(self) -> dict[Path, _Stamp]:
        try:
            if not self.path.is_dir():
                raise ConfigError(f"{self.path}: no such folder; name the folder of the job files")
            stamps = {}
            for path in sorted(self.path.glob("*.toml")):
                if path.is_file():
                    status = path.stat()
                    stamps[path] = (status.st_mtime_ns, status.st_size)
        except OSError as error:
            raise ConfigError(f"{self.path}: can't be read: {error.strerror}") from error
        return stamps

    def _read(self, path: Path) -> Scheduled | ConnectorError | None:
        try:
            job = load_job(path)
            if job.model.schedule is None:
                return None
            self._check_adapters(job)
        except ConnectorError as error:
            return error
        return Scheduled(
            path=job.path,
            name=job.name,
            store_url=job.store_url,
            timetable=cron_trigger(job.model.schedule, job.model.timezone),
            catch_up=job.model.catch_up,
        )

    def _check_adapters(self, job: Job) -> None:
        if self._plugins is None:
            return
        named = {"source": job.model.source.adapter, "target": job.model.target.adapter}
        for side, name in named.items():
            try:
                if name is not None:
                    self._plugins.adapter(name)
            except PluginError as error:
                raise PluginError(f"{job.path}: {side}.adapter: {error}") from error
