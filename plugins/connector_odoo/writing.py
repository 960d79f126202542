"""What a job may say about writing: what tasks become, and how they are found again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from connector import Capabilities

_FIELD: Final = r"^x_\w+$"


class Writing(BaseModel):
    """The table `writing` of the settings."""

    model_config = ConfigDict(extra="forbid")

    marker_field: str = Field(
        "x_pyramid_marker",
        pattern=_FIELD,
        description="text field of activities by which our tasks are found again; where there is"
        " none, the marker is the last line of the note",
    )
    memory_field: str = Field(
        "x_pyramid_tasks",
        pattern=_FIELD,
        description="text field of partners that lists our tasks, so that one that somebody has"
        " done is known where Odoo deletes it",
    )
    activity_type: str | int = Field(
        "mail.mail_activity_data_todo",
        description="type of our activities: its external id, or its number",
    )
    partner_model: int | None = Field(
        None,
        description="number of the model res.partner, where the user may not look it up",
    )
    fallback_user: int | None = Field(
        None,
        description="number of the user who gets a task whose owner is not active, before the"
        " salesperson of the partner",
    )
    rejected_words: tuple[str, ...] = Field(
        (),
        description="words with which the feedback of a rep begins who says that a task makes no"
        " sense",
    )
    conflicts: bool = Field(
        True, description="compare with what Odoo holds just before partners are written"
    )
    context: Mapping[str, Any] = Field(
        {}, description="context of the calls that write, such as { tracking_disable = true }"
    )


CAPABILITIES: Final = Capabilities(read_batch=10_000, write_batch=10_000, empty_numbers=False)
"""What the host may count on. Odoo says 0 of a number that has never been set."""
