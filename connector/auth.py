"""Requests with an OAuth token of the store, renewed once when the CRM no longer takes it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import TypeAlias

import httpx

from connector.errors import AuthError, Refused, RemoteError
from connector.http import crm_client
from connector.redaction import is_sensitive, keep_secret
from connector.tokens import Token, Tokens

Refresh: TypeAlias = Callable[[Token], Token]
"""Gets the token that follows one; raises AuthError if the CRM does not give it."""


class RefreshingAuth(httpx.Auth):
    """Sends the access token of *connection*; after a 401 it is renewed and sent once more.

    One process and thread renews at a time, and first looks whether another has done so: of many
    that meet a token that has run out, exactly one asks *refresh*. What is still refused then is
    AuthError, by the client of `connector.http`.
    """

    requires_request_body = True  # a body that can be read once could not be sent again

    def __init__(self, tokens: Tokens, connection: str, refresh: Refresh) -> None:
        self._tokens = tokens
        self._connection = connection
        self._refresh = refresh
        self._token: Token | None = None

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Send *request*, and if need be send it again."""
        token = self._token = self._token or self._kept()
        response = yield _with(request, token)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            yield _with(request, self._renewed(token))

    def _renewed(self, refused: Token) -> Token:
        """Return the token that follows the *refused* one, whoever got it."""
        with self._tokens.locked(self._connection):
            token = self._kept()
            if token == refused:
                token = self._refresh(token)
                self._tokens.put(self._connection, token)
        self._token = token
        return token

    def _kept(self) -> Token:
        token = self._tokens.get(self._connection)
        if token is None:
            raise AuthError(f"connection {self._connection!r}: there is no token for it; log in")
        return token


def refresh_grant(url: str, form: Mapping[str, str]) -> Refresh:
    """Return what renews a token at *url* as OAuth 2.0 says (RFC 6749, section 6).

    *form* goes with it: client_id, and client_secret where the CRM asks for one.
    """
    for name, value in form.items():
        if is_sensitive(name):
            keep_secret(value)

    def refresh(token: Token) -> Token:
        asked = {**form, "grant_type": "refresh_token", "refresh_token": token.refresh}
        try:
            with crm_client("") as client:
                answer = client.post(url, data=asked).json()
            # A CRM that does not rotate leaves the refresh token as it is.
            return Token(answer["access_token"], answer.get("refresh_token", token.refresh))
        except Refused as error:
            raise AuthError(f"{error}; log in again") from error
        except (ValueError, TypeError, LookupError) as error:
            host = httpx.URL(url).host
            raise RemoteError(f"{host}: no token in the answer; check its URL") from error

    return refresh


def _with(request: httpx.Request, token: Token) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {token.access}"
    return request
