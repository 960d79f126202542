"""Which fields of a stream ever held a value; unknown for what was read before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("stream_state", sa.Column("filled", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("stream_state", "filled")
