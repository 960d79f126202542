"""What a job may say about writing: how tasks are found again, what the org calls things."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from connector import Capabilities

Priority = Literal["High", "Normal", "Low"]


class Writing(BaseModel):
    """The table `writing` of the settings."""

    model_config = ConfigDict(extra="forbid")

    marker_field: str = Field(
        "Pyramid_Marker__c",
        pattern=r"^\w+$",
        description="text field of activities by which our tasks are found again; where the org"
        " has no such field, the marker is the last line of the description",
    )
    fallback_owner: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9]{15,18}$",
        description="id of the user who gets a task whose owner is not active, before the owner"
        " of the account",
    )
    open_status: str | None = Field(
        None, description="status of a new task; without it, the org's default"
    )
    closed_status: str | None = Field(
        None, description="status that closes a task; without it, the org's first closed one"
    )
    rejected_statuses: tuple[str, ...] = Field(
        (), description="statuses by which a rep says that a task makes no sense"
    )
    priorities: Mapping[Priority, str] = Field(
        {}, description="the org's priority for High, Normal and Low, where it is called otherwise"
    )
    conflicts: bool = Field(
        True,
        description="compare with what the org holds just before accounts are written, where they"
        " are too few for the Bulk API",
    )
    bulk_from: int = Field(
        2_000, ge=1, description="accounts from which they are written through the Bulk API"
    )


CAPABILITIES: Final = Capabilities(read_batch=10_000, write_batch=10_000, body_limit=31_500)
"""What the host may count on. A description has 32,000 characters, and may hold the marker too."""
