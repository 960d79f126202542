"""A person logs in, in a browser on this computer: OAuth 2.0 with a code, PKCE and a loopback.

As RFC 8252 has it for programs that keep no secret: the code comes back to a server of ours that
listens on this computer alone, and is worth nothing without the verifier, which never left it.
"""

from __future__ import annotations

import logging
import secrets
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from connector.auth import form_of, token_from
from connector.contract import BrowserLogin, Token
from connector.errors import AuthError, ConfigError, Refused
from connector.redaction import keep_secret, without_secrets

logger = logging.getLogger(__name__)

_LOOPBACK: Final = ("127.0.0.1", "localhost")
_PAGE: Final = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Pyramid Connector</title>"
    "<p>{}</p></html>"
)
_DONE: Final = "You can close this window: the connector goes on by itself."
_STRANGE: Final = "This is not the login that was begun. Nothing was done."
_LONGEST: Final = 200


def log_in(
    login: BrowserLogin,
    *,
    browse: Callable[[str], bool],
    show: Callable[[str], None],
    timeout: float,
) -> Token:
    """Return the token that a person grants within *timeout* seconds.

    *browse* opens a URL in a browser and says whether it could; else *show* gives it to the person.
    Raise AuthError if they refuse or don't come back, or the CRM gives no token.
    """
    host = urlsplit(login.authorize).netloc
    verifier, state = secrets.token_urlsafe(64), secrets.token_urlsafe(32)
    keep_secret(verifier)
    with _landing(login.redirect, state) as landing:
        url = _where(login, landing.url, state, verifier)
        if not browse(url):
            show(url)
        code = landing.code(timeout, host)
        asked = {
            **form_of(login),
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": landing.url,
            "code_verifier": verifier,
        }
    try:
        token = token_from(login.token, asked, login.keep)
    except Refused as error:
        raise AuthError(
            f"{error}; check client_id and client_secret, and that the app allows this flow"
        ) from error
    if not token.refresh:
        raise AuthError(
            f"{host}: it gave no refresh token, so that every run would need a person; give the app"
            f" the scopes {' '.join(login.scopes)}"
        )
    return token


def _where(login: BrowserLogin, redirect: str, state: str, verifier: str) -> str:
    digest = sha256(verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": login.client_id,
        "redirect_uri": redirect,
        "state": state,
        "code_challenge": urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    if login.scopes:
        asked["scope"] = " ".join(login.scopes)
    return f"{login.authorize}{'&' if '?' in login.authorize else '?'}{urlencode(asked)}"


class _Landing:
    """Where the browser comes back to; *url* is what the CRM is told."""

    def __init__(self, redirect: str, state: str) -> None:
        parts = urlsplit(redirect)
        if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
            raise ConfigError(f"{redirect!r} is not on this computer: a login can't come back")
        try:
            self.server = ThreadingHTTPServer(("127.0.0.1", parts.port or 0), self._handler())
        except OSError as error:
            raise ConfigError(
                f"port {parts.port} of this computer can't be listened on ({error.strerror}): the"
                " login would not come back; end what uses it, or choose another port in the"
                " settings and in the app"
            ) from error
        self.server.daemon_threads = True
        self.url = urlunsplit(
            ("http", f"{parts.hostname}:{self.server.server_port}", parts.path, "", "")
        )
        self._path, self._state = parts.path, state
        self._came = threading.Event()
        self._code = ""
        self._refusal = ""

    def code(self, timeout: float, host: str) -> str:
        """Return the code that the browser brings; raise AuthError if it brings none."""
        if not self._came.wait(timeout):
            raise AuthError(
                f"{host}: nobody has logged in within {timeout:g} s; run it again, and open the URL"
                " in a browser on this computer"
            )
        if self._refusal:
            raise AuthError(f"{host}: it let nobody in: {self._refusal}")
        return self._code

    def comes(self, path: str) -> tuple[int, str]:
        """Take what a browser asks for; return status and words of what it is shown."""
        parts = urlsplit(path)
        told = dict(parse_qsl(parts.query))
        if parts.path != self._path:
            return 404, _STRANGE
        if not secrets.compare_digest(told.get("state", "").encode(), self._state.encode()):
            logger.warning("somebody came back from a login that was not begun here; not taken")
            return 400, _STRANGE
        if not self._came.is_set():
            self._code = told.get("code", "")
            keep_secret(self._code)
            if not self._code:
                said = ": ".join(filter(None, map(told.get, ("error", "error_description"))))
                self._refusal = without_secrets(" ".join(said.split()))[:_LONGEST] or "no code came"
            self._came.set()
        return 200, _DONE

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        landing = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 10  # browsers open connections that they don't use

            def do_GET(self) -> None:
                status, words = landing.comes(self.path)
                body = _PAGE.format(words).encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:
                """Say nothing: the path holds the code."""

        return Handler


@contextmanager
def _landing(redirect: str, state: str) -> Iterator[_Landing]:
    landing = _Landing(redirect, state)
    thread = threading.Thread(target=landing.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield landing
    finally:
        landing.server.shutdown()
        landing.server.server_close()
        thread.join()
