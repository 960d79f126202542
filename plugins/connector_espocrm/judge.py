"""Which of our errors a failed answer of EspoCRM is: in its words, with what to do.

The body of most failures is empty: the reason stands in the header `X-Status-Reason`. A value that
is not taken is named in the body, as what a translation would be made of.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import httpx

from connector import RateLimited, Refused
from connector.http import quoted, told
from connector_espocrm.advice import advice_for

if TYPE_CHECKING:
    from connector import RemoteError

_REASON: Final = "x-status-reason"


def judged(response: httpx.Response, error: RemoteError) -> RemoteError:
    """Return the error that a failed answer of EspoCRM is: in its words, with what to do."""
    label, words = said_in(response)
    advice = advice_for(response.status_code, words, page=is_page(response))
    text = told(response, words) if words else str(error)
    if response.status_code == httpx.codes.CONFLICT:  # whose body holds records
        text = told(response, words or response.reason_phrase)
    if advice is None:
        return _made(type(error), text, label, words, response, error)
    return _made(advice.kind, f"{text}; {advice.do}", label, words, response, error)


def said_in(response: httpx.Response) -> tuple[str, str]:
    """Return the label and the words of a failed answer, both "" where it has none."""
    reason = response.headers.get(_REASON, "").strip()
    found = _translation(response)
    label = str(found.get("label") or "")
    data = found.get("data")
    named: list[str] = []
    if isinstance(data, dict):
        # Which field, and what of it: never its value.
        named = [str(data[key]) for key in ("field", "type") if isinstance(data.get(key), str)]
    said = [": ".join(part for part in (label, *named) if part), reason]
    return label, "; ".join(dict.fromkeys(part for part in said if part))


def is_page(response: httpx.Response) -> bool:
    """Say whether an answer is a page for people."""
    return "html" in response.headers.get("content-type", "")


def _translation(response: httpx.Response) -> dict[str, Any]:
    try:
        body = json.loads(response.content)
    except ValueError:
        return {}
    found = body.get("messageTranslation") if isinstance(body, dict) else None
    return found if isinstance(found, dict) else {}


def _made(
    kind: type[RemoteError],
    text: str,
    label: str,
    words: str,
    response: httpx.Response,
    error: RemoteError,
) -> RemoteError:
    if issubclass(kind, RateLimited):
        pause = error.retry_after if isinstance(error, RateLimited) else None
        return kind(text, retry_after=pause)
    if issubclass(kind, Refused):
        code = label or str(response.status_code)
        said = quoted(response, words) if words else text.rpartition("; ")[2]
        return kind(text, code=code, words=said)
    return kind(text)
