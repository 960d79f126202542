"""What a failed call means: told by the exception that Odoo names, not by the status."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import httpx

from connector import Refused
from connector.http import NotFound, quoted
from connector_odoo.advice import NO_JSON2, REMOVED, advice_for

if TYPE_CHECKING:
    from connector import RemoteError

_JSON2: Final = "/json/2/"
_BUSY: Final = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)


def judged(response: httpx.Response, error: RemoteError) -> RemoteError:
    """Return the error for a failed answer of JSON-2; *error* is what its status means."""
    said = _body(response)
    if response.status_code in _BUSY:
        return error
    if said.get("name"):
        return understood(response, str(said["name"]), str(said.get("message") or ""))
    if isinstance(error, NotFound):
        path = response.url.path
        return NotFound(f"{error}; {NO_JSON2 if path.startswith(_JSON2) else REMOVED}")
    return error


def understood(response: httpx.Response, full_name: str, words: str) -> RemoteError:
    """Return the error for the exception *full_name*, of which Odoo says *words*.

    Whatever is not in the table of advice undid its transaction and would do so again: a record
    that an addon chokes on is refused, and costs no other. The traceback that comes along is left
    out, as is everything else of the answer.
    """
    name = full_name.rpartition(".")[2]
    where = f"{response.request.method} {response.request.url.host}{response.request.url.path}"
    words = quoted(response, words) or name
    advice = advice_for(name, words)
    if advice is None:
        return Refused(f"{where}: {name}: {words}", code=name, words=words)
    return advice.kind(f"{where}: {name}: {words}; {advice.do}")


def _body(response: httpx.Response) -> Mapping[str, Any]:
    try:
        body = json.loads(response.content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
