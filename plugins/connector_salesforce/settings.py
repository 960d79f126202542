"""What a job says about an org: where it is, how to log in, and how to read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from connector import Stream
from connector.values import server_url
from connector_salesforce.writing import Writing

ConversionRate: TypeAlias = Literal["currency per corporate", "corporate per currency"]

_SHARED: Final = ("login", "test")
_HOST: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*", re.IGNORECASE)
_VERSION: Final = re.compile(r"v?(\d{2,3})(\.0)?")
_LAST_WITH_PASSWORDS: Final = 64.0
_PAGES: Final = (".lightning.force.com", ".salesforce-setup.com", ".force.com")


class JwtBearer(BaseModel):
    """Log in with a key of ours, whose certificate the app in Salesforce holds."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    client_id: str = Field(description="consumer key of the app")
    username: str = Field(description="user to work as, such as connector@acme.com")
    private_key: SecretStr = Field(
        description="private key (PEM, RSA), whose certificate was uploaded to the app"
    )
    audience: str | None = Field(
        None,
        description="who the assertion is for; without it https://login.salesforce.com, for `test`"
        " and My Domains theirs",
    )


class ClientCredentials(BaseModel):
    """Log in as the app, which works as the user that it names in Run As."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    client_id: str = Field(description="consumer key of the app")
    client_secret: SecretStr = Field(description="consumer secret of the app")


class RefreshToken(BaseModel):
    """Log in with a refresh token that a person has granted; it must not be a rotating one."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    client_id: str = Field(description="consumer key of the app")
    refresh_token: SecretStr = Field(description="refresh token that was granted to the app")
    client_secret: SecretStr | None = Field(
        None, description="consumer secret, unless the app does without"
    )


class Login(BaseModel):
    """Log in with what a person grants by `connector login`."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    client_id: str = Field(description="consumer key of the app")
    client_secret: SecretStr | None = Field(
        None, description="consumer secret, unless the app does without"
    )
    port: int = Field(
        8717,
        ge=0,
        le=65_535,
        description="port of the app's callback URL, http://localhost:8717/callback",
    )


class Password(BaseModel):
    """Log in with a user's password, over SOAP: a way that Salesforce is closing."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    username: str = Field(description="user to work as, such as connector@acme.com")
    password: SecretStr = Field(description="password of the user")
    security_token: SecretStr | None = Field(
        None, description="security token of the user, unless this computer's address is trusted"
    )


class SalesforceSettings(BaseModel):
    """An org as a source, as a target or both."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    domain: str = Field(
        "login",
        description="My Domain, such as acme or acme--uat.sandbox; or login, or test for sandboxes",
    )
    instance_url: str | None = Field(
        None, description="URL of the instance in place of the one that the login names"
    )
    api_version: str = Field("62.0", description="version of the API")
    jwt: JwtBearer | None = Field(None, description="log in by JWT bearer")
    client_credentials: ClientCredentials | None = Field(
        None, description="log in by client credentials"
    )
    refresh: RefreshToken | None = Field(None, description="log in by refresh token")
    login: Login | None = Field(None, description="log in as who has run `connector login`")
    password: Password | None = Field(None, description="log in with a password; legacy")
    record_types: Mapping[Stream, Sequence[str]] = Field(
        {}, description="developer names of the record types to read, by stream; all if not named"
    )
    # The vendor's reference leaves the direction open; this is how its page Setup > Manage
    # Currencies shows a rate.
    conversion_rate: ConversionRate = Field(
        "currency per corporate",
        description="what a conversion rate of the org is: units of the currency for one of the"
        " corporate currency, or the reverse",
    )
    overlap: int = Field(
        600,
        ge=0,
        description="how far before the last reading to read again, in seconds, for what was"
        " committed late",
    )
    full_every: int = Field(
        30,
        ge=0,
        description="days after which everything is read again, for changes that leave no stamp;"
        " 0 for never",
    )
    page_size: int = Field(2_000, ge=1, le=2_000, description="rows asked for at a time")
    bulk_from: int = Field(
        2_000, ge=0, description="rows above which a full reading goes through the Bulk API"
    )
    bulk_page: int = Field(50_000, ge=1, description="rows of such a reading fetched at a time")
    timeout: float = Field(120.0, gt=0, description="seconds to wait for each answer")
    writing: Writing = Field(Writing(), description="how accounts and tasks are written")

    @field_validator("domain")
    @classmethod
    def _host_of(cls, given: str) -> str:
        """Keep *given* as the host to log in at."""
        text = given.strip().removeprefix("https://").rstrip("/").lower()
        if text.endswith(_PAGES) or not _HOST.fullmatch(text):
            raise ValueError(
                "this is not a My Domain; copy the one that Setup > My Domain shows"
                " (acme.my.salesforce.com), or write login or test"
            )
        if text in _SHARED:
            return f"{text}.salesforce.com"
        return text if text.endswith(".salesforce.com") else f"{_my(text)}.salesforce.com"

    @field_validator("instance_url")
    @classmethod
    def _safe_instance(cls, given: str | None) -> str | None:
        return None if given is None else safe_url(given)

    @field_validator("api_version")
    @classmethod
    def _version(cls, given: str) -> str:
        found = _VERSION.fullmatch(given.strip())
        if found is None:
            raise ValueError("this is not a version of the API; write it like 62.0")
        return f"{found[1]}.0"

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        ways = (self.jwt, self.client_credentials, self.refresh, self.login, self.password)
        if sum(way is not None for way in ways) != 1:
            raise ValueError(
                "give exactly one of jwt, client_credentials, refresh, login and password"
            )
        if self.password and float(self.api_version) > _LAST_WITH_PASSWORDS:
            raise ValueError(
                f"from version {_LAST_WITH_PASSWORDS + 1:.1f} on Salesforce takes no password: set"
                f" api_version to {_LAST_WITH_PASSWORDS:.1f} or lower, or log in by jwt"
            )
        shared = self.domain in {f"{name}.salesforce.com" for name in _SHARED}
        if self.client_credentials and shared and self.instance_url is None:
            raise ValueError("client_credentials log in at a My Domain only; name it in domain")
        return self

    @property
    def login_url(self) -> str:
        """Where tokens are asked for."""
        return self.instance_url or f"https://{self.domain}"

    @property
    def audience(self) -> str:
        """Who an assertion is for."""
        given = self.jwt.audience if self.jwt else None
        return given or f"https://{self.domain}"


def safe_url(url: str) -> str:
    """Return *url* as scheme and host; raise ValueError if a token would go out in the clear."""
    parts = urlsplit(server_url(url, "https://acme.my.salesforce.com"))
    return f"{parts.scheme}://{parts.netloc}"


def _my(text: str) -> str:
    return text if text.endswith(".my") else f"{text}.my"
