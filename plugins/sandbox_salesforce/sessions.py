"""Who has logged in: access tokens, refresh tokens and codes, and how long each is good."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sandbox_salesforce.org import Org
from sandbox_salesforce.refusal import ApiError

_CODE_LASTS: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Session:
    """A login of a user; it ends when it has not been used for as long as sessions last."""

    user: str
    used: datetime


@dataclass(frozen=True, slots=True)
class Code:
    """A code of the web server flow: good once, for where it was sent."""

    user: str
    redirect_uri: str
    challenge: str
    scope: str
    made: datetime


class Sessions:
    """The logins of an organisation."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._sessions: dict[str, Session] = {}
        self._refresh: dict[str, str] = {}
        self._codes: dict[str, Code] = {}

    def open(self, user: str) -> str:
        """Log *user* in and return the access token."""
        token = f"{self._org.id[:15]}!{secrets.token_urlsafe(48)}"
        self._sessions[token] = Session(user, self._org.clock())
        return token

    def user_of(self, token: str) -> str:
        """Return whose token it is; refuse one that is not good, or not any more."""
        session = self._sessions.get(token)
        now = self._org.clock()
        if session is None or now - session.used >= self._org.settings.session:
            self._sessions.pop(token, None)
            raise ApiError("INVALID_SESSION_ID", "Session expired or invalid")
        self._sessions[token] = replace(session, used=now)
        return session.user

    def expire(self) -> None:
        """End all sessions; who has a refresh token can have another."""
        self._sessions.clear()

    def keep_refresh(self, user: str) -> str:
        """Return a new refresh token of *user*."""
        token = f"5Aep861{secrets.token_urlsafe(48)}"
        self._refresh[token] = user
        return token

    def refreshed(self, token: str) -> str | None:
        """Return whose refresh token it is; None if it is not good."""
        return self._refresh.get(token)

    def revoke(self, token: str) -> bool:
        """End a token; that of a refresh ends its user's sessions too. Say if there was one."""
        user = self._refresh.pop(token, None)
        if user is not None:
            self._sessions = {k: one for k, one in self._sessions.items() if one.user != user}
            return True
        return self._sessions.pop(token, None) is not None

    def give_code(self, code: Code) -> str:
        """Return the text that stands for *code*."""
        text = f"aPrx{secrets.token_urlsafe(32)}"
        self._codes[text] = code
        return text

    def take_code(self, text: str) -> Code | None:
        """Return what *text* stands for, once; None if nothing, or too late."""
        code = self._codes.pop(text, None)
        if code is None or self._org.clock() - code.made >= _CODE_LASTS:
            return None
        return code
