"""OAuth: the grants that a client can log in by."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt

from connector.sandbox import Answer
from sandbox_salesforce.call import Call, Endpoint
from sandbox_salesforce.sessions import Code

_AUDIENCES: Final = ("https://login.salesforce.com", "https://test.salesforce.com")
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_SCOPE: Final = "api refresh_token id"


class OAuthError(Exception):
    """A grant that is refused; the endpoint of tokens has a form of its own for that."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.answer = Answer({"error": error, "error_description": description}, 400)


def endpoints() -> Iterator[Endpoint]:
    """Yield where one logs in."""
    yield Endpoint("POST", "/services/oauth2/token", _or_refusal(_token))
    yield Endpoint("GET", "/services/oauth2/authorize", _or_refusal(_authorize))
    yield Endpoint("POST", "/services/oauth2/revoke", _or_refusal(_revoke))
    yield Endpoint("GET", "/services/oauth2/revoke", _or_refusal(_revoke))
    yield Endpoint("GET", "/services/oauth2/userinfo", _userinfo)
    yield Endpoint("GET", "/id/{org}/{user}", _userinfo)


def _or_refusal(handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
    def answered(call: Call) -> Answer:
        try:
            return handler(call)
        except OAuthError as error:
            return error.answer

    return answered


def _token(call: Call) -> Answer:
    form = dict(parse_qsl(call.body.decode(errors="replace"), keep_blank_values=True))
    match form.get("grant_type"):
        case "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return _granted(call, _by_assertion(call, form))
        case "client_credentials":
            _check_client(call, form, secret=True)
            return _granted(call, _active(call, call.service.credentials.username))
        case "password":
            _check_client(call, form, secret=True)
            return _granted(call, _by_password(call, form))
        case "refresh_token":
            _check_client(call, form, secret="client_secret" in form)
            return _refreshed(call, form)
        case "authorization_code":
            _check_client(call, form, secret="client_secret" in form)
            return _by_code(call, form)
    raise OAuthError("unsupported_grant_type", "grant type not supported")


def _granted(call: Call, user: str, **more: str) -> Answer:
    issued = str(int(call.org.clock().timestamp() * 1000))
    identity = f"{call.service.url}/id/{call.org.id}/{user}"
    signed = hmac.new(
        call.service.credentials.client_secret.encode(),
        (identity + issued).encode(),
        hashlib.sha256,
    )
    return Answer(
        {
            "access_token": call.service.sessions.open(user),
            "signature": base64.b64encode(signed.digest()).decode(),
            "scope": _SCOPE,
            "instance_url": call.service.url,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued,
            **more,
        }
    )


def _by_assertion(call: Call, form: Mapping[str, str]) -> str:
    known = call.service.credentials
    try:
        claims: dict[str, Any] = jwt.decode(
            form.get("assertion", ""),
            known.key.public_key(),
            algorithms=["RS256"],
            audience=[*_AUDIENCES, call.service.url],
            # The time is that of our own clock.
            options={
                "require": ["iss", "sub", "aud", "exp"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except jwt.InvalidAudienceError:
        raise OAuthError("invalid_grant", "audience is invalid") from None
    except jwt.InvalidTokenError:
        raise OAuthError("invalid_grant", "invalid assertion") from None
    if claims["iss"] != known.client_id:
        raise OAuthError("invalid_client_id", "client identifier invalid")
    if datetime.fromtimestamp(float(claims["exp"]), UTC) <= call.org.clock():
        raise OAuthError("invalid_grant", "expired authorization code")
    return _active(call, str(claims["sub"]))


def _check_client(call: Call, form: Mapping[str, str], *, secret: bool) -> None:
    known = call.service.credentials
    given_id, given_secret = _basic(call.headers.get("authorization", ""))
    given_id = given_id or form.get("client_id", "")
    given_secret = given_secret or form.get("client_secret", "")
    if given_id != known.client_id:
        raise OAuthError("invalid_client_id", "client identifier invalid")
    if secret and not hmac.compare_digest(given_secret, known.client_secret):
        raise OAuthError("invalid_client", "invalid client credentials")


def _basic(header: str) -> tuple[str, str]:
    kind, _, encoded = header.partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise OAuthError("invalid_client", "invalid client credentials") from None
    return name, secret


def _by_password(call: Call, form: Mapping[str, str]) -> str:
    known = call.service.credentials
    passwords = (known.password, known.password + known.security_token)
    if form.get("username") != known.username or form.get("password") not in passwords:
        raise OAuthError("invalid_grant", "authentication failure")
    return _active(call, known.username)


def _active(call: Call, username: str) -> str:
    user: str | None = call.org.look_up("User", "Username", username)
    if user is None:
        raise OAuthError("invalid_grant", "user hasn't approved this consumer")
    if not call.org.store.one('SELECT "IsActive" FROM "User" WHERE "Id" = ?', [user]):
        raise OAuthError("invalid_grant", "inactive user")
    return user


def _refreshed(call: Call, form: Mapping[str, str]) -> Answer:
    sent = form.get("refresh_token", "")
    user = call.service.sessions.refreshed(sent)
    if user is None:
        raise OAuthError("invalid_grant", "expired access/refresh token")
    if not call.org.settings.rotates_refresh_tokens:
        return _granted(call, user)
    call.service.sessions.revoke(sent)
    return _granted(call, user, refresh_token=call.service.sessions.keep_refresh(user))


def _by_code(call: Call, form: Mapping[str, str]) -> Answer:
    code = call.service.sessions.take_code(form.get("code", ""))
    if code is None:
        raise OAuthError("invalid_grant", "expired authorization code")
    if form.get("redirect_uri") != code.redirect_uri:
        raise OAuthError("redirect_uri_mismatch", "redirect_uri must match configuration")
    if code.challenge and _challenge(form.get("code_verifier", "")) != code.challenge:
        raise OAuthError("invalid_grant", "invalid code verifier")
    if "refresh_token" not in code.scope and "offline_access" not in code.scope:
        return _granted(call, code.user)
    return _granted(call, code.user, refresh_token=call.service.sessions.keep_refresh(code.user))


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _authorize(call: Call) -> Answer:
    """Say yes at once, as somebody who trusts the app, and send the browser back."""
    asked = call.query
    target = asked.get("redirect_uri", "")
    if asked.get("client_id") != call.service.credentials.client_id:
        raise OAuthError("invalid_client_id", "client identifier invalid")
    if urlsplit(target).hostname not in _LOOPBACK:
        raise OAuthError("redirect_uri_mismatch", "redirect_uri must match configuration")
    if asked.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "response type not supported")
    challenge = asked.get("code_challenge", "")
    if challenge and asked.get("code_challenge_method") != "S256":
        raise OAuthError("invalid_request", "code challenge method not supported")
    user = _active(call, call.service.credentials.username)
    scope = asked.get("scope") or _SCOPE
    code = Code(user, target, challenge, scope, call.org.clock())
    said = {"code": call.service.sessions.give_code(code)}
    if "state" in asked:
        said["state"] = asked["state"]
    joint = "&" if urlsplit(target).query else "?"
    return Answer(status=302, headers={"Location": target + joint + urlencode(said)})


def _revoke(call: Call) -> Answer:
    form = dict(parse_qsl(call.body.decode(errors="replace"))) or call.query
    if not call.service.sessions.revoke(form.get("token", "")):
        raise OAuthError("unsupported_token_type", "this token type is not supported")
    return Answer()


def _userinfo(call: Call) -> Answer:
    user = call.service.sessions.user_of(call.session)
    row = call.org.store.fetch(call.org.schema["User"], user) or {}
    identity = f"{call.service.url}/id/{call.org.id}/{user}"
    return Answer(
        {
            "sub": identity,
            "id": identity,
            "user_id": user,
            "organization_id": call.org.id,
            "preferred_username": row.get("Username"),
            "username": row.get("Username"),
            "email": row.get("Email"),
            "name": row.get("Name"),
            "display_name": row.get("Name"),
            "active": bool(row.get("IsActive")),
            "urls": {"rest": f"{call.service.url}/services/data/v{{version}}/"},
        }
    )
