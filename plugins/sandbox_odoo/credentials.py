"""What clients log in with."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials that are good here. RPC takes the API key for a password; JSON-2 only it."""

    database: str = "sandbox"
    login: str = "connector@sandbox.example"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    api_key: str = field(default_factory=lambda: secrets.token_hex(20))
