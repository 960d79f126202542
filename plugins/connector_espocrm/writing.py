"""What a job may say about writing: how tasks are found again, what EspoCRM calls things."""

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
        "cPyramidMarker",
        pattern=r"^[a-z][A-Za-z0-9]*$",
        description="text field of tasks by which ours are found again; where EspoCRM has no such"
        " field, the marker is the last line of the description",
    )
    fallback_owner: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="id of the user who gets a task that has no owner, or one whom EspoCRM does"
        " not take, before the owner of the account",
    )
    due_time: str | None = Field(
        None,
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
        description="hour in UTC at which tasks are due, such as 16:00; without it, they are due"
        " on a day",
    )
    open_status: str = Field("Not Started", description="status of a new task")
    closed_status: str = Field("Completed", description="status that closes a task")
    done_statuses: tuple[str, ...] = Field(
        ("Completed",), description="statuses by which a rep says that a task is done"
    )
    rejected_statuses: tuple[str, ...] = Field(
        ("Canceled",), description="statuses by which a rep says that a task makes no sense"
    )
    priorities: Mapping[Priority, str] = Field(
        {}, description="EspoCRM's priority for High, Normal and Low, where it is called otherwise"
    )
    conflicts: bool = Field(
        True, description="leave a value alone that has changed since the plan was made"
    )


CAPABILITIES: Final = Capabilities(per_call=1, subject_limit=249, body_limit=8_000)
"""What the host may count on.

Two figures of the vendor's source that our sheet of facts does not have: names take 249 characters
where a version limits them, and lists show the first 10,000 characters of a description: the
marker in its last line must be among them.
"""
