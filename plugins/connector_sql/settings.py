"""What a job says about a database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)


class Rows(BaseModel):
    """Where the rows of a stream are."""

    model_config = ConfigDict(extra="forbid")

    table: str | None = Field(None, description="table or view, also as schema.table")
    query: str | None = Field(None, description="a SELECT in place of a table")
    id: str = Field("id", description="column that identifies a row; pages are read in its order")
    cursor: str | None = Field(
        None,
        description="column that grows with every change: a time, a number or ISO times of one "
        "form as text; without it every run reads all rows, which is how deletions are seen",
    )
    overlap: int = Field(
        300,
        ge=0,
        description="how far before the last run to read again, in seconds (or in numbers, if "
        "the cursor column counts), for rows that were committed late",
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("give either table or query")
        return self


def _table_name(value: object) -> object:
    return {"table": value} if isinstance(value, str) else value


Stream = Annotated[Rows | None, BeforeValidator(_table_name)]


class SqlSettings(BaseModel):
    """A database as a source, as a target or both."""

    # What was typed is a secret: pydantic would show it in its errors.
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: SecretStr = Field(
        description="SQLAlchemy URL, such as postgresql+psycopg://me:secret@host/crm or "
        "sqlite:///crm.db; a relative path starts at the job's folder"
    )
    accounts: Stream = Field(None, description="table of the accounts, or where their rows are")
    opportunities: Stream = Field(None, description="the same for deals, orders or invoices")
    users: Stream = Field(None, description="the same for the people who own accounts")
    line_items: Stream = Field(
        None, description="the same for the lines of deals, orders or invoices"
    )
    cases: Stream = Field(None, description="the same for complaints, tickets and surveys")
    leads: Stream = Field(None, description="the same for leads")
    activities: Stream = Field(None, description="the same for visits, calls and other contacts")
    costs: Stream = Field(None, description="the same for what was spent on accounts")
    contact_targets: Stream = Field(None, description="the same for how often to contact whom")
    accounts_table: str | None = Field(
        None, description="table to write to; without it, the table of `accounts`"
    )
    accounts_id: str | None = Field(
        None, description="column that identifies an account in it; without it, as in `accounts`"
    )
    tasks_table: str = Field(
        "pyramid_tasks", description="table of the tasks; created when the first is written"
    )
    page_size: int = Field(20_000, ge=1, description="rows read at a time")

    @field_validator("url")
    @classmethod
    def _understood(cls, url: SecretStr, info: ValidationInfo) -> SecretStr:
        from sqlalchemy.engine import make_url  # slow to import
        from sqlalchemy.exc import ArgumentError

        try:
            parsed = make_url(url.get_secret_value())
        except (ArgumentError, ValueError):
            # The text is a secret and is not shown, nor chained.
            raise ValueError("this is not a URL like dialect://user:secret@host/name") from None
        folder = (info.context or {}).get("folder")
        if parsed.get_backend_name() == "sqlite" and parsed.database and folder is not None:
            if parsed.database.startswith((":memory:", "file:")):
                return url
            parsed = parsed.set(database=str(Path(folder) / parsed.database))
        return SecretStr(parsed.render_as_string(hide_password=False))

    @property
    def target_table(self) -> str | None:
        """The table to write to."""
        return self.accounts_table or (self.accounts.table if self.accounts else None)

    @property
    def target_id(self) -> str:
        """The column that identifies an account in it."""
        return self.accounts_id or (self.accounts.id if self.accounts else "id")
