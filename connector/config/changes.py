"""Changes of a job that are only tried: `KEY=VALUE` for a key of its rules, the file untouched."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Change:
    """A key of the job with another value; *path* are the parts of the key."""

    key: str
    path: tuple[str, ...]
    value: Any


def read_changes(given: Sequence[str]) -> tuple[Change, ...]:
    """Return the changes that *given*, each a KEY=VALUE, asks for.

    A value is TOML; what is none is taken as text, so that a shell needs no second quotes. Raise
    ConfigError for a key that is not below `rules`, or one that is given twice.
    """
    changes = tuple(_read(text) for text in given)
    paths = [change.path for change in changes]
    for change in changes:
        if paths.count(change.path) > 1:
            raise ConfigError(f"--set {change.key!r}: given twice; give it once")
    return changes


def changed(data: Mapping[str, Any], changes: Sequence[Change]) -> dict[str, Any]:
    """Return the content of a job file with *changes* in it."""
    result = dict(data)
    for change in changes:
        result = _with(result, change.path, change.value)
    return result


@contextmanager
def blaming(path: Path, changes: Sequence[Change]) -> Iterator[None]:
    """Let a ConfigError of the job at *path* name the change that caused it, line by line."""
    try:
        yield
    except ConfigError as error:
        lines = [_blamed(line, path, changes) for line in str(error).splitlines()]
        raise ConfigError("\n".join(lines)) from error


def _read(text: str) -> Change:
    key, equals, value = text.partition("=")
    key = key.strip()
    path = _path(key)
    if not equals or not path:
        raise ConfigError(
            f"--set {text!r}: expected KEY=VALUE, such as rules.settings.pyramid.min_top=0"
        )
    if path[0] != "rules" or len(path) == 1:
        raise ConfigError(f"--set {key!r}: only the rules can be tried; give a key below 'rules.'")
    if path == ("rules", "as_of"):
        raise ConfigError(f"--set {key!r}: the day is no rule; give it with --as-of")
    return Change(key, path, _value(value.strip()))


def _path(key: str) -> tuple[str, ...]:
    """Return the parts of a dotted key; none of what is no key."""
    try:
        found: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    path = []
    while isinstance(found, dict) and len(found) == 1:
        ((part, found),) = found.items()
        path.append(part)
    return tuple(path) if found == 0 else ()


def _value(text: str) -> Any:
    try:
        found = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return found["value"] if len(found) == 1 else text


def _with(data: Mapping[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    first, *rest = path
    if not rest:
        return {**data, first: value}
    inner = data.get(first)
    return {**data, first: _with(inner if isinstance(inner, dict) else {}, tuple(rest), value)}


def _blamed(line: str, path: Path, changes: Sequence[Change]) -> str:
    said = line.removeprefix(f"{path}: ")
    key = said.partition(":")[0]
    guilty = [f"--set {change.key}" for change in changes if _touch(change.key, key)]
    return f"{path} {' '.join(guilty)}: {said}" if guilty and said != line else line


def _touch(one: str, other: str) -> bool:
    """Say whether one of the keys is the other, or holds it."""
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")
