"""OAuth tokens of connections to CRMs, kept encrypted in the store.

A CRM that rotates refresh tokens takes each one once: whoever renews must be alone, and must have
kept the new one before anybody else asks.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zlib import crc32

from connector.contract import Token
from connector.errors import BusyError, ConfigError
from connector.locks import Taken, locked
from connector.redaction import keep_secret
from connector.store import Store
from connector.store.tables import TokenRow

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

KEY: Final = "CONNECTOR_TOKEN_KEY"
KEY_FILE: Final = "CONNECTOR_TOKEN_KEY_FILE"
KEYRING: Final = ("pyramid-connector", "token-key")
_WAIT: Final = 60.0
"""Seconds in which another process must have renewed a token: one request to a CRM."""
_HOW: Final = (
    "make one with: python -c 'from cryptography.fernet import Fernet;"
    " print(Fernet.generate_key().decode())'"
)


class Tokens:
    """The tokens of a store; *keys* encrypt and decrypt them, the first of them what is new."""

    def __init__(self, store: Store, keys: Sequence[str]) -> None:
        self._store = store
        self._box = _box(keys)

    def get(self, connection: str) -> Token | None:
        """Return the token of *connection*; raise ConfigError if none of the keys opens it."""
        with self._store.session() as session:
            row = session.get(TokenRow, connection)
        return None if row is None else self._opened(connection, row.sealed)

    def put(self, connection: str, token: Token) -> None:
        """Keep *token* for *connection* in place of the one before."""
        said = {"connection": connection, "access": token.access, "refresh": token.refresh}
        whole = {**said, "more": dict(token.more)}
        _discreet(token)
        row = TokenRow(
            connection=connection,
            sealed=self._box.encrypt(json.dumps(whole).encode()).decode(),
            renewed_at=datetime.now(UTC),
        )
        with self._store.session() as session:
            session.merge(row)

    def forget(self, connection: str) -> None:
        """Delete the token of *connection*, if there is one."""
        with self._store.session() as session:
            row = session.get(TokenRow, connection)
            if row is not None:
                session.delete(row)

    @contextmanager
    def locked(self, connection: str) -> Iterator[None]:
        """Keep other processes and threads from renewing the token of *connection*.

        Raise BusyError if another one takes longer than a minute.
        """
        with ExitStack() as held:
            try:
                number = crc32(connection.encode()) >> 1
                held.enter_context(locked(self._store, "token", number, wait=_WAIT))
            except Taken:
                raise BusyError(
                    f"connection {connection!r}: another process has been renewing its token for"
                    f" {_WAIT:.0f} s; run again later"
                ) from None
            yield

    def _opened(self, connection: str, sealed: str) -> Token:
        from cryptography.fernet import InvalidToken

        try:
            said = json.loads(self._box.decrypt(sealed.encode()))
        except InvalidToken:
            raise ConfigError(
                f"connection {connection!r}: its token in store {self._store.database.shown} was"
                f" encrypted with another key; give that one in ${KEY} too (new,old), or log in"
                " again"
            ) from None
        # Bound to its connection: rows that are swapped send no token to the wrong CRM.
        if said["connection"] != connection:
            raise ConfigError(
                f"connection {connection!r}: the store holds the token of"
                f" {said['connection']!r} for it; log in again"
            )
        token = Token(said["access"], said["refresh"], said.get("more", {}))
        _discreet(token)
        return token


def token_keys() -> Sequence[str]:
    """Return the keys at hand, the newest first: of the environment, a file or the keyring.

    Several are separated by commas or blanks. Raise ConfigError if there is none, or if others
    than its owner may read the file.
    """
    if given := os.environ.get(KEY):
        return _separate(given)
    if name := os.environ.get(KEY_FILE):
        return _separate(_from_file(Path(name)))
    if kept := _from_keyring():
        return _separate(kept)
    raise ConfigError(
        f"no key for tokens: set ${KEY}, name a file in ${KEY_FILE} or put one into the keyring"
        f" ({'/'.join(KEYRING)}); {_HOW}"
    )


def _from_file(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError(
                f"{KEY_FILE}: {path} can be read by others (mode {stat.S_IMODE(mode):04o});"
                f" chmod 600 {path}"
            )
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise ConfigError(
            f"{KEY_FILE}: {path} can't be read: {error.strerror}; correct the name"
        ) from error
    except UnicodeDecodeError:
        raise ConfigError(f"{KEY_FILE}: {path} holds no key; {_HOW}") from None


def _from_keyring() -> str | None:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        kept = keyring.get_password(*KEYRING)
    except KeyringError:
        return None
    return kept if isinstance(kept, str) else None


def _separate(keys: str) -> Sequence[str]:
    found = keys.replace(",", " ").split()
    for key in found:
        keep_secret(key)
    return found


def _box(keys: Sequence[str]) -> MultiFernet:
    try:
        from cryptography.fernet import Fernet, MultiFernet
    except ImportError as error:
        raise ConfigError(
            "the cryptography package is missing; install pyramid-connector[tokens]"
        ) from error
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        raise ConfigError(f"a key for tokens is none: 32 bytes in base64; {_HOW}") from None


def _discreet(token: Token) -> None:
    keep_secret(token.access)
    keep_secret(token.refresh)
