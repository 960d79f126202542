"""Tokens that people have granted, renewed once when the CRM no longer takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import httpx

from connector.contract import BrowserLogin, Token
from connector.errors import AuthError, Refused, RemoteError
from connector.http import crm_client
from connector.redaction import is_sensitive, keep_secret
from connector.tokens import Tokens

Refresh: TypeAlias = Callable[[Token], Token]
"""Gets the token that follows one; raises AuthError if the CRM does not give it."""


class Grant:
    """The token of *connection*, renewed by *refresh*; *how* says how a person logs in.

    One process and thread renews at a time, and first looks whether another has done so: of many
    that meet a token that has run out, exactly one asks *refresh*.
    """

    def __init__(
        self, tokens: Tokens, connection: str, refresh: Refresh, *, how: str = "log in"
    ) -> None:
        self._tokens = tokens
        self._connection = connection
        self._refresh = refresh
        self._how = how

    def token(self) -> Token:
        """Return the token as it is kept; raise AuthError if there is none."""
        token = self._tokens.get(self._connection)
        if token is None:
            raise AuthError(
                f"connection {self._connection!r}: there is no token for it; {self._how}"
            )
        return token

    def renewed(self, refused: Token) -> Token:
        """Return the token that follows the *refused* one, whoever got it."""
        with self._tokens.locked(self._connection):
            token = self.token()
            if token == refused:
                token = self._refresh(token)
                self._tokens.put(self._connection, token)
        return token

    def keep(self, token: Token) -> None:
        """Keep the *token* of a new login in place of the one before."""
        with self._tokens.locked(self._connection):
            self._tokens.put(self._connection, token)


def refresh_of(login: BrowserLogin, how: str) -> Refresh:
    """Return what renews the tokens of *login*; *how* says how a person logs in."""
    return refresh_grant(login.token, form_of(login), keep=login.keep, how=how)


def refresh_grant(
    url: str, form: Mapping[str, str], *, keep: Sequence[str] = (), how: str = "log in"
) -> Refresh:
    """Return what renews a token at *url* as OAuth 2.0 says (RFC 6749, section 6).

    *form* goes with it: client_id, and client_secret where the CRM asks for one.
    """

    def refresh(token: Token) -> Token:
        asked = {**form, "grant_type": "refresh_token", "refresh_token": token.refresh}
        try:
            return token_from(url, asked, keep, token)
        except Refused as error:
            raise AuthError(f"{error}; {how} again") from error

    return refresh


def form_of(login: BrowserLogin) -> dict[str, str]:
    """Return by what the app says who it is."""
    secret = {"client_secret": login.client_secret} if login.client_secret else {}
    return {"client_id": login.client_id, **secret}


def token_from(
    url: str, form: Mapping[str, str], keep: Sequence[str], before: Token | None = None
) -> Token:
    """Return the token that *url* gives for *form*, in place of the one *before*; raise Refused."""
    for name, value in form.items():
        if is_sensitive(name):
            keep_secret(value)
    with crm_client("") as client:
        answer = client.post(url, data=form).json()
    try:
        return _token(answer, keep, before)
    except (ValueError, TypeError, LookupError) as error:
        host = httpx.URL(url).host
        raise RemoteError(f"{host}: no token in the answer; check its URL") from error


def _token(answer: Any, keep: Sequence[str], before: Token | None) -> Token:
    access = str(answer["access_token"])
    # A CRM that does not rotate leaves the refresh token as it is.
    refresh = str(answer.get("refresh_token") or (before.refresh if before else ""))
    more = {name: str(answer[name]) for name in keep if name in answer}
    token = Token(access, refresh, {**(before.more if before else {}), **more})
    keep_secret(token.access)
    keep_secret(token.refresh)
    return token
