"""Put a new file in another's place at once, so that a crash leaves the old one or the new one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from connector_files.faults import writing


@contextmanager
def replacing(path: Path, *, like: Path | None = None) -> Iterator[Path]:
    """Yield the path of an empty file that takes the place of *path* when the block ends.

    It is beside *path*, has its mode (a new one that of *like*), and is removed if the block
    raises. What a killed writer left there is removed too.
    """
    target = path.resolve()  # a link stays a link
    with writing(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        for left in target.parent.glob(f".{target.name}.*.tmp"):
            left.unlink(missing_ok=True)
        handle, name = tempfile.mkstemp(".tmp", f".{target.name}.", target.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            temporary.chmod(_mode(target if like is None or target.exists() else like))
            _sync(temporary)
            os.replace(temporary, target)  # noqa: PTH105 - a test breaks it here
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        _sync(target.parent)


def _mode(target: Path) -> int:
    if target.exists():
        return target.stat().st_mode & 0o7777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return  # Windows can't open a folder
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
