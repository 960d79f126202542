"""What clients log in with: an app with its secret, its key, and the user's password."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


@dataclass
class Credentials:
    """The credentials that are good here. The key is made when it is asked for the first time."""

    client_id: str = field(default_factory=lambda: f"3MVG9{secrets.token_urlsafe(40)}")
    client_secret: str = field(default_factory=lambda: secrets.token_hex(32).upper())
    username: str = "integration@sandbox.example"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    security_token: str = field(default_factory=lambda: secrets.token_urlsafe(18))

    @cached_property
    def key(self) -> RSAPrivateKey:
        """The private key of JWT bearer assertions."""
        from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

        return generate_private_key(65537, 2048)

    @property
    def private_key(self) -> str:
        """The same as a PEM file, without a password."""
        from cryptography.hazmat.primitives import serialization

        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
