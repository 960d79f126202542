"""Secrets of a job: kept in the environment, a file or the system's keyring."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from connector.config.problems import mentions_secret
from connector.errors import ConfigError


def resolve_secrets(model: type[BaseModel], data: dict[str, Any], path: Path, at: str) -> None:
    for name, field in model.model_fields.items():
        given = data.get(name)
        if isinstance(given, dict) and mentions_secret(field.annotation):
            data[name] = secret(given, path, f"{at}.{name}")


def secret(given: Mapping[str, Any], path: Path, key: str) -> str:
    where = f"{path}: {key}"
    match list(given.items()):
        case [("env", str(name))]:
            value = os.environ.get(name)
            if value is None:
                raise ConfigError(f"{where}: environment variable {name} is not set; set it")
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
        case [("keyring", str(name))]:
            return _from_keyring(name, where)
    raise ConfigError(
        f'{where}: expected text, {{ env = "NAME" }}, {{ file = "path" }}'
        ' or { keyring = "service/user" }'
    )


def _from_keyring(name: str, where: str) -> str:
    try:
        import keyring
    except ImportError as error:
        raise ConfigError(
            f"{where}: the keyring package is missing; install pyramid-connector[keyring]"
        ) from error
    service, _, user = name.partition("/")
    value = keyring.get_password(service, user)
    if value is None:
        raise ConfigError(f"{where}: the keyring has no password for {name!r}; store it first")
    return str(value)
