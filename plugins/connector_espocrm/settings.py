"""What a job says about an EspoCRM: where it is, how to log in, and how to read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from connector.values import server_url
from connector_espocrm.writing import Writing

LeadStatus = Literal["open", "qualified", "won", "lost", "disqualified"]


class Admin(BaseModel):
    """An administrator's login, which makes fields; never used in a run."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    username: str = Field(min_length=1, description="user name of an administrator")
    password: SecretStr = Field(description="password of that administrator")


class EspoSettings(BaseModel):
    """An EspoCRM as a source, as a target or both."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: str = Field(description="where people open EspoCRM, such as https://crm.acme.com")
    api_key: SecretStr = Field(description="API key of the connector's API user")
    secret_key: SecretStr | None = Field(
        None, description="secret key of that user, where it authenticates by HMAC"
    )
    api_path: str = Field("api/v1", description="path of the API below url")
    admin: Admin | None = Field(
        None, description="login of an administrator, for `connector provision` alone"
    )
    field_prefix: str = Field(
        "c",
        pattern=r"^[a-z]*$",
        description="what EspoCRM puts before the names of new fields; empty for old versions,"
        " which put nothing",
    )
    won_stages: tuple[str, ...] = Field(
        (), description="stages of deals that are won; without it, those of probability 100"
    )
    lost_stages: tuple[str, ...] = Field(
        (), description="stages of deals that are lost; without it, those of probability 0"
    )
    closed_case_statuses: tuple[str, ...] = Field(
        ("Closed", "Rejected", "Duplicate"), description="statuses of cases that are closed"
    )
    lead_statuses: Mapping[str, LeadStatus] = Field(
        {"Converted": "won", "Dead": "lost", "Recycled": "disqualified"},
        description="what statuses of leads mean; any other is open",
    )
    held_statuses: tuple[str, ...] = Field(
        ("Held", "Completed"), description="statuses of activities that have taken place"
    )
    overlap: int = Field(
        600,
        ge=0,
        description="how far before the last reading to read again, in seconds, for what was"
        " committed late",
    )
    full_every: int = Field(
        1,
        ge=0,
        description="days after which everything is read again, for records that were deleted;"
        " 0 for never",
    )
    page_size: int = Field(200, ge=1, description="records asked for at a time")
    timeout: float = Field(60.0, gt=0, description="seconds to wait for each answer")
    writing: Writing = Field(Writing(), description="how accounts and tasks are written")

    @field_validator("url")
    @classmethod
    def _safe(cls, given: str) -> str:
        return server_url(given, "https://crm.acme.com")

    @field_validator("api_path")
    @classmethod
    def _plain_path(cls, given: str) -> str:
        path = given.strip().strip("/")
        if not path or "?" in path or "://" in path:
            raise ValueError("this is not a path like api/v1")
        return path

    @property
    def api_url(self) -> str:
        """Where the API is."""
        return f"{self.url}/{self.api_path}/"
