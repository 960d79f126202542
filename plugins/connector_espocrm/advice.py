"""What to do about what EspoCRM says, in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector import AccessError, AuthError, RateLimited, Refused, Unavailable
from connector.http import NoAnswer, NotFound

if TYPE_CHECKING:
    from connector import RemoteError

ADDRESS: Final = (
    "check url: it must be where people open EspoCRM, and api_path what its API has below that"
)


class Denied(AccessError):
    """A right is missing."""


class Unexplained(Denied):
    """A right is missing, or we are locked out: the answer does not say which."""


_ROLE: Final = "Administration > Roles > the connector's role"


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about an answer of *status*, said with any of *words*; without, however said.

    *kind* is the error it is. A *page* is one for people, which no API sends.
    """

    status: int
    words: Sequence[str]
    do: str
    kind: type[RemoteError]
    page: bool = False

    def fits(self, status: int, words: str, *, page: bool) -> bool:
        """Say whether this row is about such an answer."""
        said = words.lower()
        if (self.status, self.page) != (status, page):
            return False
        return not self.words or any(one in said for one in self.words)


ADVICE: Final[Sequence[Advice]] = (
    Advice(
        401,
        (),
        "the login is not taken: Administration > API Users > the user: it must be active, and its"
        " Authentication Method API Key, or HMAC with secret_key; copy the key anew into api_key"
        " (for provision: check admin.username and admin.password). Nothing more is sent in this"
        " run, for EspoCRM locks out whoever fails too often",
        AuthError,
    ),
    Advice(
        403,
        ("failed login", "login attempts"),
        "too many wrong logins came from this computer's address: EspoCRM refuses everything from"
        " it for a minute, right keys too. Correct api_key, wait a minute, and run again",
        AuthError,
    ),
    Advice(
        403,
        ("max size",),
        "set page_size to what EspoCRM allows (recordListMaxSizeLimit of its config, 200 unless"
        " changed)",
        AccessError,
    ),
    Advice(
        403,
        ("cannotrelatenonexisting",),
        "what the record would be linked to is not there, or not shown to us: name a user in"
        " writing.fallback_owner, and set Assignment Permission of the role to all",
        Denied,
    ),
    Advice(
        403,
        ("assign",),
        f"{_ROLE} > Assignment Permission: all",
        Denied,
    ),
    Advice(
        403,
        ("no create access", "no edit access", "no read access", "no access"),
        f"{_ROLE}: give the entity Create, Read and Edit: all; and check that the user has the"
        " role: Administration > API Users > the user > Roles",
        Denied,
    ),
    Advice(
        403,
        (),
        f"{_ROLE} lacks a right to this; or, if everything is refused, wrong logins have locked"
        " this computer's address out: correct api_key and wait a minute",
        Unexplained,
    ),
    Advice(404, (), f"no API of EspoCRM answers here; {ADDRESS}", AccessError, page=True),
    Advice(
        404,
        (),
        "there is no such record or entity, or it is switched off: Administration > Entity Manager",
        NotFound,
    ),
    Advice(
        400,
        ("not existing attribute", "non-existing field"),
        "correct the name in the job: Administration > Entity Manager > the entity > Fields shows"
        " the names",
        AccessError,
    ),
    Advice(
        400,
        ("assigneduser: required",),
        "EspoCRM wants an owner for each task: name a user in writing.fallback_owner",
        Refused,
    ),
    Advice(
        400,
        ("validationfailure",),
        "the field does not take this value: 'connector provision' adds choices that are missing;"
        " else see Administration > Entity Manager > the entity > Fields",
        Refused,
    ),
    Advice(
        409,
        (),
        "EspoCRM takes it for a duplicate of another record, or the name is in use already",
        Refused,
    ),
    Advice(
        429,
        (),
        "a server before EspoCRM asks to slow down; it is tried again",
        RateLimited,
    ),
    Advice(
        500,
        (),
        "EspoCRM failed on its side: the newest file in its folder data/logs says why",
        NoAnswer,
    ),
    Advice(
        503,
        (),
        "EspoCRM or the server before it is down for maintenance; it is tried again",
        Unavailable,
    ),
)


def advice_for(status: int, words: str, *, page: bool = False) -> Advice | None:
    """Return the first row about such an answer."""
    return next((row for row in ADVICE if row.fits(status, words, page=page)), None)
