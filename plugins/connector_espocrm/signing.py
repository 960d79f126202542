"""How a request says who we are: by a key, by its signature, or by an administrator's login."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Generator
from hashlib import sha256
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from connector_espocrm.settings import EspoSettings


def auth_of(settings: EspoSettings, *, admin: bool) -> httpx.Auth:
    """Return what signs requests; as administrator where *admin* is wanted and the job has one."""
    if admin and settings.admin is not None:
        login = settings.admin
        return httpx.BasicAuth(login.username, login.password.get_secret_value())
    key = settings.api_key.get_secret_value()
    if settings.secret_key is None:
        return _Key(key)
    root = httpx.URL(settings.api_url).path
    return _Signed(key, settings.secret_key.get_secret_value(), root)


class _Key(httpx.Auth):
    def __init__(self, key: str) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["X-Api-Key"] = self._key
        yield request


class _Signed(httpx.Auth):
    """Signs method and path below *root*, such as `GET /Account`; the secret never leaves."""

    def __init__(self, key: str, secret: str, root: str) -> None:
        self._key = key
        self._secret = secret
        self._root = root

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        said = f"{request.method} /{request.url.path.removeprefix(self._root)}"
        digest = hmac.digest(self._secret.encode(), said.encode(), sha256)
        signed = base64.b64encode(self._key.encode() + b":" + digest).decode("ascii")
        request.headers["X-Hmac-Authorization"] = signed
        yield request
