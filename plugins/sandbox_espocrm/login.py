"""Who asks: API keys, signed requests, the administrator's password, and who is locked out."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sandbox_espocrm.refusal import Refused
from sandbox_espocrm.settings import Settings

_PASSWORD_HEADERS: Final = ("authorization", "espo-authorization")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is good for logging in: of an API user, and of the administrator."""

    api_key: str = field(default_factory=lambda: secrets.token_hex(16))
    secret_key: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    admin: str = "admin"
    admin_password: str = field(default_factory=lambda: secrets.token_urlsafe(12), repr=False)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    user: str
    is_admin: bool


class Logins:
    """Lets callers in, and nobody for a while after too many have failed."""

    def __init__(
        self,
        credentials: Credentials,
        settings: Settings,
        clock: Callable[[], datetime],
        *,
        api_user: str,
        admin: str,
    ) -> None:
        self._credentials = credentials
        self._settings = settings
        self._clock = clock
        self._api_user = Caller(api_user, is_admin=False)
        self._admin = Caller(admin, is_admin=True)
        # All callers have the one address of this computer.
        self._failed: list[datetime] = []

    def caller(self, method: str, path: str, headers: Mapping[str, str]) -> Caller:
        """Return who asks for *path*, below the API's root and without its query."""
        now = self._clock()
        self._failed = [at for at in self._failed if now - at < self._settings.lock_out]
        if len(self._failed) > self._settings.failures:
            raise Refused(403)
        found = self._found(method, path, headers)
        if found is None:
            if self._tried(headers):
                self._failed.append(now)
            raise Refused(401)
        return found

    def _found(self, method: str, path: str, headers: Mapping[str, str]) -> Caller | None:
        known = self._credentials
        if signed := headers.get("x-hmac-authorization"):
            return self._api_user if self._is_signed(f"{method} {path}", signed) else None
        if key := headers.get("x-api-key"):
            return self._api_user if _same(key.encode(), known.api_key.encode()) else None
        whole = f"{known.admin}:{known.admin_password}".encode()
        for name in _PASSWORD_HEADERS:
            if sent := headers.get(name):
                return self._admin if _same(_decoded(sent.removeprefix("Basic ")), whole) else None
        return None

    def _is_signed(self, what: str, signed: str) -> bool:
        key, _, signature = _decoded(signed).partition(b":")
        known = self._credentials
        right = hmac.new(known.secret_key.encode(), what.encode(), hashlib.sha256)
        if not _same(key, known.api_key.encode()):
            return False
        return _same(signature, right.digest()) or _same(signature, right.hexdigest().encode())

    def _tried(self, headers: Mapping[str, str]) -> bool:
        tried = ("x-hmac-authorization", "x-api-key", *_PASSWORD_HEADERS)
        return any(headers.get(name) for name in tried)


def _same(one: bytes, other: bytes) -> bool:
    return hmac.compare_digest(one, other)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""
