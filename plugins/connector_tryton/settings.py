"""What a job says about a Tryton: where it is, what of it is read, and how results are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from connector.values import server_url


class TrytonSettings(BaseModel):
    """A database of a Tryton server as a source, as a target or both."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: str = Field(description="where the server is, such as https://erp.acme.com")
    database: str = Field(pattern=r"^[\w.-]+$", description="name of the database")
    user: str = Field(description="login of the user to work as")
    password: SecretStr = Field(description="password of that user")
    company: str | None = Field(
        None,
        description="company to work in, by its name; without it, the one that the user's"
        " preferences name",
    )
    deals: Literal["opportunities", "sales"] = Field(
        "opportunities",
        description="what revenue is read from: opportunities, or sales, where one that is"
        " confirmed, processing or done is won",
    )
    parties: tuple[Any, ...] = Field(
        (), description="which parties are accounts, as a domain of Tryton; all if empty"
    )
    deals_where: tuple[Any, ...] = Field(
        (), description="which opportunities or sales are read, as a domain; all if empty"
    )
    categories: Mapping[str, str] = Field(
        {},
        description="names of the job for results that are kept as categories, each with the"
        " party category whose children are its values",
    )
    tasks: bool = Field(True, description="write tasks, as those of the module project")
    done_status: str | None = Field(
        None,
        description="work status that closes a task, by its English name; without it, the first"
        " that wants all of the progress",
    )
    rejected_statuses: tuple[str, ...] = Field(
        (), description="work statuses by which a rep says that a task makes no sense"
    )
    overlap: int = Field(
        600,
        ge=0,
        description="how far before the last reading to read again, in seconds, for what was"
        " committed late",
    )
    full_every: int = Field(
        7,
        ge=0,
        description="days after which everything is read again, which is how deletions are seen;"
        " 0 for every time",
    )
    page_size: int = Field(1_000, ge=1, description="records asked for at a time")
    timeout: float = Field(120.0, gt=0, description="seconds to wait for each answer")

    @field_validator("url")
    @classmethod
    def _safe(cls, given: str) -> str:
        return server_url(given, "https://erp.acme.com")

    @field_validator("categories")
    @classmethod
    def _one_each(cls, given: Mapping[str, str]) -> Mapping[str, str]:
        if len(set(given.values())) < len(given):
            raise ValueError("two results can't be kept as the same category; give each its own")
        return given
