"""What became of a row, by what Salesforce says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from connector import Rejected, Retry

_LATER: Final = frozenset(
    {
        "UNABLE_TO_LOCK_ROW",
        "SERVER_UNAVAILABLE",
        "QUERY_TIMEOUT",
        "REQUEST_LIMIT_EXCEEDED",
        # Nothing is wrong with the row itself: another one of its request was refused.
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "PROCESSING_HALTED",
    }
)
_LOCKED: Final = ("unable_to_lock_row", "unable to obtain exclusive access")
"""A trigger that met a lock says so in its own error."""

_OWNER: Final = "INACTIVE_OWNER_OR_USER"


def refused(marker: str, errors: Any) -> Retry | Rejected:
    """Return what the *errors* of a row mean: not now, or never, in the words of Salesforce."""
    error = first(errors)
    # Of a row it is `statusCode`, of a whole request `errorCode`.
    code = str(error.get("statusCode") or error.get("errorCode") or "UNKNOWN")
    words = str(error.get("message") or code)
    return judged(marker, code, words)


def judged(marker: str, code: str, words: str) -> Retry | Rejected:
    """Return the outcome for a code and its words."""
    if code in _LATER or any(sign in words.lower() for sign in _LOCKED):
        return Retry(marker, None, f"{code}: {words}")
    return Rejected(marker, code, words)


def blames_owner(errors: Any) -> bool:
    """Say whether a row was refused for the sake of whom it would belong to."""
    error = first(errors)
    fields = error.get("fields") or ()
    return error.get("statusCode") == _OWNER or "OwnerId" in fields


def first(errors: Any) -> Mapping[str, Any]:
    """Return the first error of a row; Salesforce names one that matters."""
    found = errors[0] if isinstance(errors, list) and errors else errors
    return found if isinstance(found, dict) else {}
