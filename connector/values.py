"""Values of CRMs, as adapters compare and say them; and where a CRM is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final
from urllib.parse import urlsplit

_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


def is_empty(value: object) -> bool:
    """Say whether there is no value: None and the empty text are one to most CRMs."""
    return value is None or value == ""


def exact(value: object) -> object:
    """Return the number that *value* is or reads as; what is none comes back as it is."""
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return value


def to_the_second(value: object) -> object:
    """Return the moment that *value* is or reads as; what is none comes back as it is.

    Few CRMs keep more of it than seconds. Without a zone it is UTC.
    """
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        return value
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).replace(microsecond=0)


def as_text(value: object) -> str:
    """Return *value* as it is put into a text field: numbers without exponent, days in ISO 8601."""
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case date():
            return value.isoformat()
    return str(value)


def server_url(given: str, example: str) -> str:
    """Return scheme, host and path of a CRM's URL, without a slash at its end.

    Raise ValueError, with an *example*, for what is none, or to which a key would go in the clear.
    """
    parts = urlsplit(given.strip())
    if not parts.hostname or parts.username or parts.password or parts.query:
        raise ValueError(f"this is not a URL like {example}")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ValueError("only https; http is for a server on this computer (127.0.0.1)")
    # As copied from the browser, `https://crm.acme.com/#Account`: what follows # is not the CRM.
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")
