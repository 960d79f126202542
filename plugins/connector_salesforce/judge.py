"""Which of our errors a failed answer of Salesforce is: in its words, with what to do.

The status alone misleads: 403 may be a spent limit, 400 a lock that will be gone in a second.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from connector import RateLimited, Refused
from connector.http import quoted, told
from connector_salesforce.advice import advice_for

if TYPE_CHECKING:
    import httpx

    from connector import RemoteError

_FAULT: Final = re.compile(r"<faultcode[^>]*>(?:\w+:)?(\w+)</faultcode>")
_FAULT_WORDS: Final = re.compile(r"<faultstring[^>]*>(.*?)</faultstring>", re.DOTALL)
_UNCERTAIN: Final = ("UNKNOWN_EXCEPTION", "Server")
_CODE: Final = re.compile(r"[A-Za-z0-9_]+")


def judged(response: httpx.Response, error: RemoteError) -> RemoteError:
    """Return the error that a failed answer of Salesforce is: in its words, with what to do."""
    code, words = said_in(response)
    text = told(response, f"{code}: {words}") if words else str(error)
    advice = advice_for(code, words)
    if advice is None:
        # A fault of SOAP comes with 500, and yet is an answer.
        kind = Refused if _is_fault(response) and code not in _UNCERTAIN else type(error)
        return _made(kind, text, response, code, words, _pause_of(error))
    return _made(advice.kind, f"{text}; {advice.do}", response, code, words, advice.pause)


def said_in(response: httpx.Response) -> tuple[str, str]:
    """Return the code and the words of a failed answer; the status and "" where it has none."""
    code = words = ""
    if fault := _FAULT.search(response.text):
        said = _FAULT_WORDS.search(response.text)
        code, words = fault[1], said[1] if said else ""
    else:
        first = _first(response)
        code = str(first.get("errorCode") or first.get("error") or "")
        words = str(first.get("message") or first.get("error_description") or "")
    if not _CODE.fullmatch(code):  # a code is a name: nothing else is shown unread
        return str(response.status_code), words
    return code, words


def _is_fault(response: httpx.Response) -> bool:
    return _FAULT.search(response.text) is not None


def _first(response: httpx.Response) -> dict[str, Any]:
    try:
        body = json.loads(response.content)
    except ValueError:
        return {}
    first = body[0] if isinstance(body, list) and body else body
    return first if isinstance(first, dict) else {}


def _pause_of(error: RemoteError) -> float | None:
    return error.retry_after if isinstance(error, RateLimited) else None


def _made(
    kind: type[RemoteError],
    text: str,
    response: httpx.Response,
    code: str,
    words: str,
    pause: float | None,
) -> RemoteError:
    if issubclass(kind, RateLimited):
        return kind(text, retry_after=pause)
    if issubclass(kind, Refused):
        return kind(text, code=code, words=quoted(response, words))
    return kind(text)
