"""A secret that is easy to recognise, in whatever form it comes out."""

from __future__ import annotations

import sqlite3
from base64 import b16encode, b64encode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path

CORE = "Kn4ryC0re7xQ"
CANARY = f'{CORE}+/ "{CORE}\\=&%{CORE}'
"""Its core survives quoting in a URL, in JSON and in a traceback, and being cut."""


def forms() -> Iterator[str]:
    """Yield what must be found nowhere, in lower case."""
    core = CORE.encode()
    yield from (CORE, CORE[::-1], b16encode(core).decode())
    for before in range(3):
        for code in (b64encode, urlsafe_b64encode):
            yield code(bytes(before) + core).decode()[before + 1 : -4]


FORMS = frozenset(form.lower() for form in forms())


def told(text: str) -> str | None:
    """Return the first place at which *text* tells the secret, with what is around it."""
    found = [at for form in FORMS if (at := text.lower().find(form)) >= 0]
    return text[max(0, min(found) - 80) : min(found) + 80] if found else None


def told_in_files(folder: Path, *keepers: Path) -> list[str]:
    """Return which files below *folder*, other than its *keepers*, tell the secret, and where."""
    leaks = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path not in keepers:
            text = dump(path) if path.suffix == ".db" else path.read_bytes().decode("latin-1")
            if found := told(text):
                leaks.append(f"{path.name}: …{found}…")
    return leaks


def dump(path: Path) -> str:
    """Return every table of a SQLite store as text."""
    connection = sqlite3.connect(path)
    try:
        return "\n".join(connection.iterdump())
    finally:
        connection.close()
