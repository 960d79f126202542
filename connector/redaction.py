"""Secrets that this process has been given, and texts without them.

Our own messages are written so that they hold none. This is for the words of others that pass
through us: a CRM that repeats what it was sent, a driver, a plugin, a traceback.
"""

from __future__ import annotations

import json
import re
import traceback
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, unquote, unquote_plus, urlsplit

BLOT: Final = "***"
"""What stands where a secret was."""

_SHORTEST: Final = 4  # a shorter one is found by chance, and its blot would tell it
_IN_URL: Final = (re.compile(r"^[\w.+-]+://[^/?#:@]*:([^@]*)@"), re.compile(r"://[^:]*:([^/?#]*)@"))
_IN_ODBC: Final = re.compile(r"\b(?:pwd|password)=\{?([^;}]*)", re.IGNORECASE)
_SENSITIVE: Final = re.compile(
    r"auth(?!or(?!iz))|token|secret|pass|pwd|key|\bsig(nature)?\b|cookie|session|assertion",
    re.IGNORECASE,
)
_known: Final[set[str]] = set()


def keep_secret(secret: str) -> None:
    """Blot *secret* out of every text from now on; of a database's URL what is secret in it."""
    _known.update(parts_of(secret))


def without_secrets(text: str, *others: str) -> str:
    """Return *text* with every secret of this process, and *others*, replaced by a blot."""
    secrets = (one for one in {*_known, *others} if len(one) >= _SHORTEST)
    for secret in sorted(secrets, key=len, reverse=True):
        text = _pattern(secret).sub(BLOT, text)
    return text


def traceback_of(error: BaseException) -> str:
    """Return the traceback of *error* as Python prints it, without secrets."""
    return without_secrets("".join(traceback.format_exception(error)))


def is_sensitive(name: str) -> bool:
    """Say whether what a header, a parameter or a setting of this *name* holds may be a secret."""
    return bool(_SENSITIVE.search(name))


def parts_of(secret: str) -> Iterator[str]:
    """Yield what is to be kept of *secret*: all of it, of a URL its password and parameters.

    A database's URL without a password is no secret: the name of its file may be told.
    """
    if "://" not in secret or secret.startswith(("http://", "https://")):
        yield secret
    if "://" not in secret:
        return
    for pattern in _IN_URL:
        if found := pattern.search(secret):
            yield from (found[1], unquote(found[1]), unquote_plus(found[1]))
    for name, value in parse_qsl(_query(secret)):
        if is_sensitive(name):
            yield value
        yield from _IN_ODBC.findall(value)


def _query(url: str) -> str:
    try:
        return urlsplit(url).query
    except ValueError:  # a bracket in the password
        return url.partition("?")[2]


@lru_cache(maxsize=256)
def _pattern(secret: str) -> re.Pattern[str]:
    """Return what finds *secret* in a text: as it is, in a URL, quoted as often as may be, base64.

    A traceback may show the JSON of a text that was JSON before: each time, quotes and backslashes
    get more backslashes before them.
    """
    parts = ["".join(map(_escaped, secret)), *map(re.escape, _encoded(secret.encode()))]
    return re.compile("|".join(sorted(parts, key=len, reverse=True)), re.IGNORECASE)


def _escaped(letter: str) -> str:
    if letter.isascii() and letter.isalnum():
        return letter
    if letter == "\\":
        return r"(?:\\+|%5C)"
    ways = [re.escape(letter), "".join(f"%{byte:02X}" for byte in letter.encode())]
    ways += [
        re.escape(way).removeprefix(r"\\")
        for way in (ascii(letter)[1:-1], json.dumps(letter)[1:-1])
    ]
    if letter == " ":
        ways.append(r"\+")
    return rf"\\*(?:{'|'.join(dict.fromkeys(ways))})"


def _encoded(secret: bytes) -> Iterator[str]:
    """Yield the characters that *secret* makes in base64, whatever stands before and after it."""
    for before in range(3):
        text = bytes(before) + secret
        inner = slice((before * 8 + 5) // 6, len(text) * 8 // 6)
        if inner.stop - inner.start >= 2 * _SHORTEST:
            yield from (code(text).decode()[inner] for code in (b64encode, urlsafe_b64encode))
