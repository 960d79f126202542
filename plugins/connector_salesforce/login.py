"""How a token is got: by a signed assertion, as the app itself, or with what a person granted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from connector import (
    AuthError,
    BrowserLogin,
    ConfigError,
    Refused,
    RemoteError,
    Unavailable,
    keep_secret,
)
from connector.http import NotFound
from connector_salesforce.password import by_password
from connector_salesforce.settings import JwtBearer, SalesforceSettings, safe_url

if TYPE_CHECKING:
    import httpx
    from pydantic import SecretStr

    from connector import Granted, Token

_ASSERTION_LASTS: Final = 180  # seconds; Salesforce takes none that lasts longer than this
_JWT_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Session:
    """A token and the instance that takes it; *user* is the id of who we are, where it is told.

    *granted* is the same token as the host keeps it, where a person has granted it.
    """

    token: str = field(repr=False)
    instance: str
    user: str | None = None
    granted: Token | None = field(default=None, repr=False)


def browser_login(settings: SalesforceSettings) -> BrowserLogin | None:
    """Return how a person lets us in; None if the settings log in otherwise."""
    login = settings.login
    if login is None:
        return None
    # Our sheet of facts knows this flow by its name alone. That an app may call back at localhost
    # without https, and names the port too, is from memory of the vendor's guide.
    base = f"{settings.login_url}/services/oauth2"
    return BrowserLogin(
        authorize=f"{base}/authorize",
        token=f"{base}/token",
        client_id=login.client_id,
        client_secret=_kept(login.client_secret) if login.client_secret else None,
        scopes=("api", "refresh_token"),
        redirect=f"http://localhost:{login.port}/callback",
        keep=("instance_url", "id"),
    )


def granted_session(
    settings: SalesforceSettings, granted: Granted | None, refused: Session | None = None
) -> Session:
    """Return a session with the token that a person has granted; another than the *refused* one."""
    if granted is None:
        raise ConfigError("salesforce: login: only the connector's commands know of such a login")
    old = refused.granted if refused else None
    token = granted.token() if old is None else granted.renewed(old)
    told = {"access_token": token.access, **token.more}
    return replace(_session(told, settings), granted=token)


def logged_in(settings: SalesforceSettings, client: httpx.Client) -> Session:
    """Return a new session; raise AuthError, with what to click, if Salesforce gives none."""
    url = f"{settings.login_url}/services/oauth2/token"
    try:
        if settings.password:
            return _session(by_password(settings, settings.password, client), settings)
        form, basic = _grant(settings)
        answer = client.request("POST", url, data=form, auth=basic).json()
    except Refused as error:
        raise AuthError(f"{error}; {_WHERE}") from error
    except NotFound as error:
        raise NotFound(f"{error}; nobody logs in here: {_WHERE}") from error
    except Unavailable as error:
        raise type(error)(f"{error}; if this stays so, {_WHERE}") from error
    return _session(answer, settings)


_WHERE: Final = "check domain: Setup > My Domain shows it"


def _grant(settings: SalesforceSettings) -> tuple[Mapping[str, str], tuple[str, str] | None]:
    """Return the form to ask with, and the name and password that go along."""
    if app := settings.client_credentials:
        return {"grant_type": "client_credentials"}, (app.client_id, _kept(app.client_secret))
    if given := settings.refresh:
        form = {
            "grant_type": "refresh_token",
            "client_id": given.client_id,
            "refresh_token": _kept(given.refresh_token),
        }
        if given.client_secret:
            form["client_secret"] = _kept(given.client_secret)
        return form, None
    assert settings.jwt is not None  # noqa: S101 - the settings hold exactly one way
    return {"grant_type": _JWT_GRANT, "assertion": _signed(settings.jwt, settings.audience)}, None


def _signed(jwt_bearer: JwtBearer, audience: str) -> str:
    import jwt

    claims = {
        "iss": jwt_bearer.client_id,
        "sub": jwt_bearer.username,
        "aud": audience,
        "exp": int(time.time()) + _ASSERTION_LASTS,
    }
    try:
        return jwt.encode(claims, _kept(jwt_bearer.private_key), algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError):
        # The message may show the key.
        raise ConfigError(
            "salesforce: jwt.private_key is not an RSA key in PEM; give the whole file, from"
            " -----BEGIN to END-----, without a passphrase"
        ) from None


def _kept(secret: SecretStr) -> str:
    """Return *secret*, which nothing shows from now on: an answer may repeat it."""
    keep_secret(secret.get_secret_value())
    return secret.get_secret_value()


def _session(answer: Any, settings: SalesforceSettings) -> Session:
    try:
        token, instance = str(answer["access_token"]), str(answer["instance_url"])
        url = settings.instance_url or safe_url(instance)
    except (TypeError, LookupError, ValueError):
        raise RemoteError(
            f"{settings.login_url}: no token and instance in the answer; {_WHERE}"
        ) from None
    keep_secret(token)
    # `id` is https://login.salesforce.com/id/ORG/USER. It is not in our sheet of facts: without
    # it only `check` says less.
    user = str(answer.get("id") or "").rpartition("/")[2]
    return Session(token, url, user or None)
