"""What to do about what Salesforce says, in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector import AccessError, AuthError, RateLimited, Transient, Unavailable
from connector.http import NotFound

if TYPE_CHECKING:
    from connector import RemoteError

LATER: Final = 3600.0
"""Seconds after which a spent daily limit is looked at again: longer than the host waits."""


class QueryTimeout(Transient):
    """A query took too long; a smaller one may not."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about *code*, said with any of *words* in it; without words, however said.

    *kind* is the error it is, *pause* how many seconds it asks to wait.
    """

    code: str
    words: Sequence[str]
    do: str
    kind: type[RemoteError]
    pause: float | None = None

    def fits(self, code: str, words: str) -> bool:
        """Say whether this row is about *code* and *words*."""
        said = words.lower()
        return self.code == code and (not self.words or any(one in said for one in self.words))


ADVICE: Final[Sequence[Advice]] = (
    # Of the login; the words are as they are known, and a row without words catches the rest.
    Advice(
        "invalid_grant",
        ("approved this consumer", "not admin approved"),
        "open the app's policies, set Permitted Users to 'Admin approved users are"
        " pre-authorized', and give the app to a permission set of the user",
        AuthError,
    ),
    Advice(
        "invalid_app_access",
        (),
        "open the app's policies and give the app to a permission set of the user",
        AuthError,
    ),
    Advice(
        "invalid_client_id",
        (),
        "client_id is not that of an app of this org: copy the consumer key from Setup > External"
        " Client App Manager > the app > Settings > OAuth (a new app takes ten minutes), and check"
        " domain",
        AuthError,
    ),
    Advice(
        "invalid_client",
        (),
        "client_id or client_secret is wrong: copy both from Setup > External Client App Manager >"
        " the app > Settings > OAuth",
        AuthError,
    ),
    Advice(
        "invalid_grant",
        ("inactive",),
        "the user is not active: Setup > Users > the user > Edit > Active",
        AuthError,
    ),
    Advice(
        "invalid_grant",
        ("ip restrict", "login hours"),
        "the user may not log in from here or now: add this computer's address in Setup > Profiles"
        " > the user's profile > Login IP Ranges, or set the app's policy IP Relaxation to 'Relax"
        " IP restrictions'",
        AuthError,
    ),
    Advice(
        "invalid_grant",
        ("audience",),
        "the assertion is for another login: set audience to https://login.salesforce.com, or to"
        " https://test.salesforce.com for a sandbox",
        AuthError,
    ),
    Advice(
        "invalid_grant",
        ("assertion",),
        "the certificate in the app is not that of private_key, or has expired, or this computer's"
        " clock is wrong: make a new pair, upload the certificate under the app's JWT bearer flow,"
        " and check the time",
        AuthError,
    ),
    Advice(
        "invalid_assertion",
        (),
        "the certificate in the app is not that of private_key, or has expired, or this computer's"
        " clock is wrong: make a new pair, upload the certificate under the app's JWT bearer flow,"
        " and check the time",
        AuthError,
    ),
    Advice(
        "invalid_grant",
        ("expired", "revoked"),
        "the refresh token is no longer valid: let the person grant the app anew",
        AuthError,
    ),
    Advice(
        "invalid_grant",
        ("no client credentials user",),
        "name the user to work as: the app > Policies > Enable Client Credentials Flow > Run As",
        AuthError,
    ),
    Advice(
        "invalid_grant",
        ("not supported on this domain",),
        "client credentials log in at the org's own address: put its My Domain into domain",
        AuthError,
    ),
    Advice(
        "unsupported_grant_type",
        (),
        "switch the flow on: the app > Settings > OAuth > Flow Enablement",
        AuthError,
    ),
    Advice(
        "invalid_scope",
        (),
        "give the app the scope 'Manage user data via APIs (api)'",
        AuthError,
    ),
    Advice(
        "invalid_grant",
        (),
        "check username, and that the user is active, in this org (domain), and may use the app",
        AuthError,
    ),
    # Of the login with a password. LOGIN_MUST_USE_SECURITY_TOKEN and INVALID_OPERATION are from
    # memory: our sheet of facts does not name the codes of this login.
    Advice(
        "INVALID_LOGIN",
        (),
        "username, password or security_token is wrong (a new token: the user's Settings > Reset My"
        " Security Token), or the user is locked out (Setup > Users > the user > Unlock), or needs"
        " a second factor, which a program hasn't: log in by jwt or 'connector login', or take the"
        " permission 'Multi-Factor Authentication for API Logins' from the user",
        AuthError,
    ),
    Advice(
        "LOGIN_MUST_USE_SECURITY_TOKEN",
        (),
        "give security_token too (the user's Settings > Reset My Security Token), or trust this"
        " computer's address in Setup > Network Access",
        AuthError,
    ),
    Advice(
        "INVALID_OPERATION",
        ("login()",),
        "the org takes no passwords from programs: log in by jwt",
        AuthError,
    ),
    Advice(
        "UNSUPPORTED_API_VERSION",
        ("login()",),
        "from version 65.0 on there is no login with a password: set api_version to 64.0 or lower,"
        " or log in by jwt",
        AccessError,
    ),
    # Of the API.
    Advice(
        "INVALID_SESSION_ID",
        (),
        "a new token was refused too: check that the user has 'API Enabled', and that the app's"
        " session policies allow this computer's address",
        AuthError,
    ),
    Advice(
        "API_DISABLED_FOR_ORG",
        (),
        "give the user the permission 'API Enabled'; Professional editions have no API until"
        " Salesforce enables it",
        AccessError,
    ),
    Advice(
        "API_CURRENTLY_DISABLED",
        (),
        "give the user the permission 'API Enabled'",
        AccessError,
    ),
    Advice(
        "UNSUPPORTED_API_VERSION",
        (),
        "set api_version to one that the org offers",
        AccessError,
    ),
    Advice("410", (), "the version has been retired: set api_version to a newer one", AccessError),
    Advice(
        "REQUEST_LIMIT_EXCEEDED",
        ("concurrent",),
        "too many long requests at once; it is tried again",
        RateLimited,
    ),
    Advice(
        "REQUEST_LIMIT_EXCEEDED",
        (),
        "the org's API calls of 24 hours are spent: see Setup > Company Information; run again"
        " later, it goes on where it was",
        RateLimited,
        LATER,
    ),
    Advice(
        "QUERY_TIMEOUT",
        (),
        "the query took too long; it is tried again with fewer rows",
        QueryTimeout,
    ),
    Advice(
        "UNABLE_TO_LOCK_ROW", (), "somebody else holds the record; it is tried again", Transient
    ),
    Advice("SERVER_UNAVAILABLE", (), "Salesforce is busy; it is tried again", Unavailable),
    Advice("420", (), "Salesforce could not route the request; it is tried again", Unavailable),
    Advice(
        "INVALID_TYPE",
        (),
        "the user does not see this object: give a permission set of the user Read on it",
        AccessError,
    ),
    Advice(
        "INVALID_FIELD",
        (),
        "the field does not exist, or the user may not see it: give a permission set of the user"
        " Read Access to it (field-level security), or correct the name",
        AccessError,
    ),
    Advice(
        "INSUFFICIENT_ACCESS",
        (),
        "give a permission set of the user this object and its fields, and the record by sharing",
        AccessError,
    ),
    Advice(
        "INSUFFICIENT_ACCESS_OR_READONLY",
        (),
        "give a permission set of the user Edit on this object and its fields, and the record by"
        " sharing",
        AccessError,
    ),
    Advice(
        "URL_NOT_RESET",
        (),
        "the org has another address: put its My Domain into domain, and leave instance_url out",
        AccessError,
    ),
    Advice("NOT_FOUND", (), "there is no such thing, or the user does not see it", NotFound),
)


def advice_for(code: str, words: str) -> Advice | None:
    """Return the first row about *code* and *words*."""
    return next((row for row in ADVICE if row.fits(code, words)), None)
