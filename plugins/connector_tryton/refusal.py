"""What an answer means that says `error`, and one that fails: as our errors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from connector import AccessError, AuthError, RateLimited, Refused, RemoteError, Unavailable
from connector.http import NotFound, quoted, told

if TYPE_CHECKING:
    import httpx

_NO_ACCESS: Final = "You are not allowed to access "
"""Begins what a user is told who lacks the right to a whole model. We ask in English always."""
_KEY: Final = re.compile(r"'([^']*)'")
_NO_DATABASE: Final = "doesn't exist"


class Changed(Refused):
    """A record is not as it was when it was read: somebody else has written it."""


def refusal(response: httpx.Response, error: Any) -> RemoteError:
    """Return our error for the *error* of an answer: a class of Tryton's, or what it tripped over.

    Whatever it is, the server has undone all of the request.
    """
    name, said = _parts(error)
    words = quoted(response, said or name)
    text = f"{_where(response)}: {name}: {words}"
    match name:
        case "UserError" if words.startswith(_NO_ACCESS):
            return AccessError(text)
        case "UserError" | "UserWarning":
            return Refused(text, code=name, words=words)
        case "ConcurrencyException":
            return Changed(text, code=name, words=words)
        case "LoginException":
            return AuthError(f"{text}; the user needs to log in with a password alone")
        case "RateLimitException":
            return RateLimited(text)
    words = quoted(response, name)
    if missing := _KEY.fullmatch(name):
        return AccessError(
            f"{_where(response)}: there is no model or field {missing[1]!r}; activate its module,"
            " or correct the job"
        )
    return Unavailable(f"{_where(response)}: the server failed: {words}")


def judged(response: httpx.Response, error: RemoteError) -> RemoteError:
    """Return the error to raise for a failed answer; *error* is what its status means."""
    if isinstance(error, NotFound) or (
        response.status_code == 503 and _NO_DATABASE in response.text.replace("&#39;", "'")
    ):
        return NotFound(told(response, "no such database; check url and database"))
    return error


def _parts(error: Any) -> tuple[str, str]:
    """Return the class of an error, or a text alone, and what people are told."""
    first, *more = error if isinstance(error, list) and error else [error]
    said = more[0] if more else ""
    if isinstance(said, list):
        # Message and description; a warning has its name before them, an error a domain after.
        words = said[1:3] if first == "UserWarning" else said[:2]
        said = " ".join(str(part) for part in words if part)
    known = isinstance(first, str) and first.isidentifier()
    return str(first), str(said) if known else ""


def _where(response: httpx.Response) -> str:
    return f"{response.request.url.host}{response.request.url.path}"
