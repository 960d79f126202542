"""Which fields of a stream ever held a value (unknown for what was read before); refusals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("stream_state", sa.Column("filled", sa.Text(), nullable=True))
    op.create_table(
        "refusal",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "subject"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("refusal")
    op.drop_column("stream_state", "filled")
