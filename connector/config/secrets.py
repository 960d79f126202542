"""Secrets of a job: in the environment, a file, the system's keyring or where a plugin knows."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

from pydantic import BaseModel, PlainValidator, SecretStr, WithJsonSchema

from connector.config.problems import mentions_secret, models_in
from connector.errors import ConfigError
from connector.plugins import Plugins
from connector.redaction import keep_secret

_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]*")

_OURS: Final = ("env", "file", "keyring")


def _place(given: Any) -> SecretStr | dict[str, str]:
    match given:
        case str(text):
            keep_secret(text)
            return SecretStr(text)
        case dict():
            match list(given.items()):
                case [(str(place), str(name))] if place in _OURS or place in Plugins().secrets:
                    return {place: name}
    raise ValueError(_expected())


Secret: TypeAlias = Annotated[
    SecretStr | dict[str, str],
    PlainValidator(_place),
    WithJsonSchema({"type": "string", "format": "password", "writeOnly": True}),
]
"""A secret of the job's own model, or the place where it is kept until somebody needs it."""


def revealed(given: SecretStr | Mapping[str, str], path: Path, key: str) -> str:
    """Return a secret; raise ConfigError if it is not where the job says."""
    return given.get_secret_value() if isinstance(given, SecretStr) else secret(given, path, key)


def resolve_secrets(model: type[BaseModel], data: dict[str, Any], path: Path, at: str) -> None:
    """Put the secrets of *data* in place of where they are kept, in the tables inside it too."""
    for name, field in model.model_fields.items():
        given = data.get(name)
        if mentions_secret(field.annotation):
            if isinstance(given, dict):
                data[name] = secret(given, path, f"{at}.{name}")
            elif isinstance(given, str):
                keep_secret(given)
        elif isinstance(given, dict):
            data[name] = inner = {**given}
            for table in models_in(field.annotation):
                if issubclass(table, BaseModel):
                    resolve_secrets(table, inner, path, f"{at}.{name}")


def secret(given: Mapping[str, Any], path: Path, key: str) -> str:
    """Return the secret that is kept where *given* says."""
    found = _kept(given, f"{path}: {key}", path)
    keep_secret(found)
    return found


def _kept(given: Mapping[str, Any], where: str, path: Path) -> str:
    match list(given.items()):
        case [("env", str(name))]:
            value = os.environ.get(name)
            if value is None:
                # What is no name of a variable may be the secret itself, put in its place.
                shown = f" {name}" if _VARIABLE.fullmatch(name) else ""
                raise ConfigError(
                    f"{where}: environment variable{shown} is not set; set it, or correct the name"
                )
            return value
        case [("file", str(name))]:
            file = path.parent / name
            try:
                return file.read_text(encoding="utf-8").strip()
            except OSError as error:
                raise ConfigError(
                    f"{where}: secret file {file} can't be read: {error.strerror};"
                    " correct the name or the file's rights"
                ) from error
            except UnicodeDecodeError:
                raise ConfigError(
                    f"{where}: secret file {file} is not UTF-8; save it as UTF-8"
                ) from None
        case [("keyring", str(name))] if "/" in name:
            return _from_keyring(name, where)
        case [(place, str(reference))] if found := Plugins().secrets.get(place):
            try:
                return found.fetch(reference)
            except ConfigError as error:
                raise ConfigError(f"{where}: {error}") from error
    raise ConfigError(f"{where}: {_expected()}")


def _expected() -> str:
    others = "".join(f", {{ {name} = ... }}" for name in Plugins().secrets)
    return (
        f'expected text, {{ env = "NAME" }}, {{ file = "path" }}{others}'
        ' or { keyring = "service/user" }'
    )


def _from_keyring(name: str, where: str) -> str:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError as error:
        raise ConfigError(
            f"{where}: the keyring package is missing; install pyramid-connector[keyring]"
        ) from error
    service, _, user = name.partition("/")
    try:
        value = keyring.get_password(service, user)
    except KeyringError as error:
        raise ConfigError(
            f"{where}: the keyring can't be asked: {error}; unlock it, or keep the secret elsewhere"
        ) from error
    if value is None:
        raise ConfigError(f"{where}: the keyring has no password for {name!r}; store it first")
    return str(value)
