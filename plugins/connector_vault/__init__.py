"""HashiCorp Vault as a place of secrets: `{ vault = "secret/crm/acme#token" }`, KV version 2."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from connector import AccessError, AuthError, ConfigError, Secrets, hookimpl

if TYPE_CHECKING:
    import httpx

# The first part is the mount, as it is for most: `vault kv get -mount=secret crm/acme`.
_REFERENCE: Final = re.compile(r"(?P<mount>[^/#]+)/(?P<path>[^#]+)#(?P<key>.+)")


@hookimpl
def secrets() -> Sequence[Secrets]:
    """Return the place `vault`."""
    return [Secrets("vault", fetch, "mount/path#key in HashiCorp Vault (KV version 2)")]


def fetch(reference: str) -> str:
    """Return what Vault holds at *reference*, its newest version.

    Where Vault is and who we are say the variables of its own command: VAULT_ADDR, VAULT_TOKEN (or
    the file ~/.vault-token, which `vault login` writes) and VAULT_NAMESPACE.
    """
    asked = _REFERENCE.fullmatch(reference)
    if asked is None:
        # Not shown: it may be the secret itself, put in the place of its name.
        raise ConfigError('expected "mount/path#key", such as "secret/crm/acme#token"')
    url = f"v1/{quote(asked['mount'])}/data/{quote(asked['path'])}"
    return _value(_asked(url), asked)


def _asked(path: str) -> Any:
    from connector.http import NotFound, crm_client

    with crm_client(_address(), headers=_headers()) as vault:
        try:
            return _body(vault.get(path))
        except NotFound:
            return None
        except AccessError as error:
            # Vault says 403 of an expired token too.
            raise AuthError(
                f"{error}; renew VAULT_TOKEN, or let its policy read this path"
            ) from error


def _body(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        raise ConfigError(
            f"{response.url.host} does not answer as Vault does; check VAULT_ADDR"
        ) from None


def _value(body: Any, asked: re.Match[str]) -> str:
    where = f"Vault, {asked['mount']}/{asked['path']}"
    held = ((body or {}).get("data") or {}).get("data")
    if held is None:
        raise ConfigError(
            f"{where}: nothing is there; put the secret there, or correct the path (the mount must"
            " be KV version 2)"
        )
    value = held.get(asked["key"])
    if not isinstance(value, str):
        there = ", ".join(sorted(held)) or "none"
        raise ConfigError(f"{where}: no text with the key {asked['key']!r}; its keys: {there}")
    return value


def _address() -> str:
    address = os.environ.get("VAULT_ADDR")
    if not address:
        raise ConfigError("VAULT_ADDR is not set; set it to Vault's URL")
    return address


def _headers() -> dict[str, str]:
    token = os.environ.get("VAULT_TOKEN")
    if not token:
        try:
            token = (Path.home() / ".vault-token").read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise ConfigError(
                "neither VAULT_TOKEN is set nor can ~/.vault-token be read; run 'vault login'"
            ) from None
    namespace = os.environ.get("VAULT_NAMESPACE")
    # A Vault agent may ask for the second, which no page in a browser can send.
    headers = {"X-Vault-Token": token, "X-Vault-Request": "true"}
    return headers | ({"X-Vault-Namespace": namespace} if namespace else {})
