"""What differs between versions of Odoo, and what tests change while it serves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Self, TypeAlias

Version: TypeAlias = Literal["17.0", "18.0", "19.0"]
VERSIONS: Final = ("17.0", "18.0", "19.0")


@dataclass(slots=True)
class Settings:
    """The ways of a version. Nobody tried 18.0: where 17.0 and 19.0 differ, it is as 17.0."""

    error_code: int
    """What errors of /jsonrpc have as `code`."""
    whole_seconds: bool
    """`>` and `=` on times mean whole seconds; else they see the microseconds that nobody shows."""
    keeps_activities: bool
    """Activities that are done stay, archived; else they are deleted."""
    records_as_text: bool
    """Methods that return records say `mail.activity(3,)` by RPC; else a list of ids."""
    key_error_on_write: bool
    """Writing an unknown field is a KeyError; else a ValueError."""
    keep_alive: bool = False
    """Connections stay open: a server with `workers=0` closes each after its answer."""
    key_expires: datetime | None = None
    """When the API key ends; None for never."""
    several_databases: bool = False
    """JSON-2 has to be told which database is meant."""

    @classmethod
    def of(cls, version: Version) -> Self:
        """Return the ways of *version*."""
        new = version == "19.0"
        return cls(
            error_code=0 if new else 200,
            whole_seconds=new,
            keeps_activities=new,
            records_as_text=not new,
            key_error_on_write=new,
        )
