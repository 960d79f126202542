"""The audit trail, with triggers that refuse to change it; and what people were told of jobs.

Who owns the database can drop the triggers: what they can't stop, the chain shows.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_SAID: Final = "the audit trail is only ever added to"
_SQLITE: Final = (
    f"""create trigger audit_update before update on audit
        begin select raise(abort, '{_SAID}'); end""",
    f"""create trigger audit_delete before delete on audit
        begin select raise(abort, '{_SAID}'); end""",
    # `insert or replace` deletes without asking the trigger above.
    f"""create trigger audit_replace before insert on audit
        when exists (select 1 from audit where number = new.number)
        begin select raise(abort, '{_SAID}'); end""",
)
_POSTGRESQL: Final = (
    f"""create function audit_refuse() returns trigger language plpgsql as
        $$ begin raise exception '{_SAID}'; end $$""",
    """create trigger audit_keep before update or delete or truncate on audit
        for each statement execute function audit_refuse()""",
)


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("scheme", sa.Integer(), nullable=False),
        sa.Column("moment", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "notice",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("told", sa.String(), nullable=False),
        sa.Column("missed", sa.String(), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "target"),
    )
    for statement in _POSTGRESQL if _is_postgresql() else _SQLITE:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("notice")
    op.drop_table("audit")
    if _is_postgresql():
        op.execute("drop function audit_refuse()")


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"
