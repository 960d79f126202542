"""A package to start from for an adapter of somebody else's CRM: it works and passes its tests."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

from connector.errors import ConfigError

_FILES: Final = {
    "pyproject.toml.txt": "pyproject.toml",
    "README.md.txt": "README.md",
    "adapter.py.txt": "$package/__init__.py",
    "test_adapter.py.txt": "tests/test_$package.py",
}
_NAME: Final = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")


def new(name: str, folder: Path | None) -> None:
    """Write the package of an adapter called *name*; raise ConfigError if it can't be."""
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} is no name for an adapter; use small letters and digits, such as 'acme' or"
            " 'acme-crm'"
        )
    folder = folder or Path(f"{name}-connector")
    if folder.exists() and any(folder.iterdir() if folder.is_dir() else [folder]):
        raise ConfigError(f"{folder}: exists and is not empty; name another with --folder")
    written = write(name, folder)
    print(f"{folder} written:")
    for path in written:
        print(f"  {path.relative_to(folder)}")
    print(
        f"Next:\n  pip install -e {folder}[test]\n  pytest {folder}\n"
        f"  connector init job.toml --source {name}"
    )


def write(name: str, folder: Path) -> list[Path]:
    """Write the files into *folder*; return their paths."""
    plain = name.replace("-", "_")
    words = [word.capitalize() for word in plain.removesuffix("_crm").split("_")]
    said = {
        "name": name,
        "package": f"connector_{plain}",
        "distribution": f"{name.replace('_', '-')}-connector",
        "adapter_class": "".join(words) + "Crm",
        "title": f"{' '.join(words)} CRM",
    }
    written = []
    for source, target in _FILES.items():
        path = folder / Template(target).substitute(said)
        text = (files("connector.cli") / "skeleton" / source).read_text(encoding="utf-8")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(Template(text).substitute(said), encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{path}: can't be written: {error.strerror}") from error
        written.append(path)
    return written
