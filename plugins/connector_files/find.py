"""Find the files of a stream, and say in a short text which state of them was read."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from connector import AccessError, ConfigError, Stream
from connector_files.faults import reading
from connector_files.settings import Settings


def find(settings: Settings, stream: Stream) -> list[Path]:
    """Return the stream's files by name; raise ConfigError if the job names none or none is there.

    What we write ourselves (what is in the output folder or has the name of the tasks file) and
    hidden files never match a pattern.
    """
    table = settings.table(stream)
    if table is None:
        raise ConfigError(f"settings.{stream}: not set; name the file of the {stream}")
    folder = settings.folder
    with reading(folder):
        if not folder.is_dir():
            raise ConfigError(f"settings.folder: there is no folder {str(folder)!r}")
        if not os.access(folder, os.R_OK | os.X_OK):
            raise AccessError(f"{folder}: not allowed to read the folder; give this user access")
        if (folder / table.file).is_file():
            return [folder / table.file]
        if Path(table.file).is_absolute():
            raise ConfigError(f"settings.{stream}: there is no file {table.file!r}")
        paths = [path for path in sorted(folder.glob(table.file)) if _is_theirs(path, settings)]
    if not paths:
        raise ConfigError(
            f"settings.{stream}: no file {table.file!r} in {folder}; check the name and the folder"
        )
    return paths


def _is_theirs(path: Path, settings: Settings) -> bool:
    if path.name.startswith((".", "~$")) or path.name == settings.tasks or not path.is_file():
        return False
    output = settings.output_folder
    return output == settings.folder or not path.is_relative_to(output)


def fingerprint(paths: Sequence[Path], *shape: object) -> str:
    """Return a short text that changes with the files' names, sizes and times, and with *shape*."""
    facts: list[object] = []
    for path in paths:
        with reading(path):
            status = path.stat()
        facts.append([str(path), status.st_size, status.st_mtime_ns])
    stated = json.dumps([facts, shape], default=str)
    return hashlib.sha256(stated.encode()).hexdigest()[:24]
