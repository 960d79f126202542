"""Exchange rates as the source tells them; the day on which a full reading began."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("stream_state", sa.Column("scan_day", sa.Date(), nullable=True))
    op.create_table(
        "rate",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("rate", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "currency", "valid_from"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("rate")
    op.drop_column("stream_state", "scan_day")
