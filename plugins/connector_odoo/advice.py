"""What to do about what Odoo says, in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector import AccessError, AuthError, Unavailable
from connector.http import NoAnswer, NotFound

if TYPE_CHECKING:
    from connector import RemoteError


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about the exception *name*, said with any of *words*; without words, however.

    *kind* is the error it is.
    """

    name: str
    words: Sequence[str]
    do: str
    kind: type[RemoteError]

    def fits(self, name: str, words: str) -> bool:
        """Say whether this row is about *name* and *words*."""
        said = words.lower()
        return self.name == name and (not self.words or any(one in said for one in self.words))


_NEW_KEY: Final = (
    "the key is wrong, expired or was deleted: as the connector's user, Preferences > Account"
    " Security > New API Key, and put it into api_key"
)

_HELD: Final = "somebody else holds the record; it is tried again"

ADVICE: Final[Sequence[Advice]] = (
    Advice("Unauthorized", (), _NEW_KEY, AuthError),
    Advice(
        "AccessDenied",
        (),
        "login or key is not taken: check login and database, and that the user is active; if the"
        " key has expired, Preferences > Account Security > New API Key",
        AuthError,
    ),
    Advice(
        "AccessError",
        (),
        "the user lacks a right: Settings > Users > the connector's user > Access Rights: Sales:"
        " 'User: All Documents', Contact Creation; for invoices Invoicing, for tickets Helpdesk;"
        " Allowed Companies",
        AccessError,
    ),
    Advice("Forbidden", (), "the user may not do this: check its access rights", AccessError),
    Advice(
        "OperationalError",
        ("does not exist",),
        "there is no such database: write the one that the page /web/database/selector shows into"
        " database",
        AccessError,
    ),
    Advice(
        "OperationalError",
        (),
        "Odoo can't reach its database; it is tried again",
        NoAnswer,
    ),
    Advice(
        "SerializationFailure", (), "others write the same records; it is tried again", Unavailable
    ),
    Advice("LockNotAvailable", (), _HELD, Unavailable),
    Advice("DeadlockDetected", (), _HELD, Unavailable),
    Advice("PoolError", (), "Odoo has no connection left; it is tried again", Unavailable),
    Advice("MemoryError", (), "Odoo ran out of memory; make page_size smaller", NoAnswer),
    Advice(
        "AttributeError",
        (),
        "this Odoo does not know the call: it needs 17 or newer, or an addon is broken",
        AccessError,
    ),
    Advice("NotFound", (), "there is no such model or method, or another database", NotFound),
)

REMOVED: Final = "this server has no JSON-RPC: set transport to json2; or it is no Odoo: check url"
"""What to do where /jsonrpc is not there."""

NO_JSON2: Final = (
    "this server has no JSON-2, which begins with Odoo 19: set transport to auto or jsonrpc, and"
    " check url and database"
)
"""What to do where /json/2 is not there."""


def advice_for(name: str, words: str) -> Advice | None:
    """Return the first row about *name* and *words*."""
    return next((row for row in ADVICE if row.fits(name, words)), None)
