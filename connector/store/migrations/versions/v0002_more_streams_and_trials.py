"""Lines, cases, leads, activities, costs and contact targets; items of actions; trials.

Columns are added to the tables of records in place: to make one of millions of rows anew would take
minutes, and as much space again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_Kind = type[sa.types.TypeEngine[Any]] | sa.types.TypeEngine[Any]
_TIME: Final = sa.DateTime(timezone=True)

_ADDED: Final[Mapping[str, Mapping[str, _Kind]]] = {
    "account": {
        "source": sa.String,
        "wallet": sa.BigInteger,
        "strategic": sa.Boolean,
        "blocked": sa.Boolean,
        "contract_end": sa.Date,
    },
    "opportunity": {
        "promised_on": sa.Date,
        "delivered_on": sa.Date,
        "lost_reason": sa.String,
        "lead_id": sa.String,
    },
}
_MADE: Final[Mapping[str, Mapping[str, _Kind]]] = {
    "line_item": {
        "opportunity_id": sa.String,
        "product": sa.String,
        "category": sa.String,
        "quantity": sa.BigInteger,
        "amount": sa.BigInteger,
        "cost": sa.BigInteger,
        "list_price": sa.BigInteger,
        "discontinued": sa.Boolean,
    },
    "service_case": {
        "account_id": sa.String,
        "name": sa.String,
        "status": sa.String,
        "severity": sa.String,
        "category": sa.String,
        "opened_at": _TIME,
        "due_at": _TIME,
        "first_response_at": _TIME,
        "closed_at": _TIME,
        "reopened": sa.Boolean,
        "csat": sa.BigInteger,
        "nps": sa.BigInteger,
        "expected": sa.BigInteger,
        "perceived": sa.BigInteger,
    },
    "lead": {
        "account_id": sa.String,
        "name": sa.String,
        "status": sa.String,
        "source": sa.String,
        "channel": sa.String,
        "industry": sa.String,
        "region": sa.String,
        "size_band": sa.String,
        "owner_id": sa.String,
        "created_at": _TIME,
        "closed_on": sa.Date,
    },
    "activity": {
        "account_id": sa.String,
        "lead_id": sa.String,
        "kind": sa.String,
        "direction": sa.String,
        "outcome": sa.String,
        "campaign": sa.String,
        "owner_id": sa.String,
        "happened_at": _TIME,
    },
    "cost": {
        "account_id": sa.String,
        "kind": sa.String,
        "amount": sa.BigInteger,
        "currency": sa.String,
        "spent_on": sa.Date,
        "campaign": sa.String,
    },
    "contact_target": {
        "layer": sa.String,
        "account_id": sa.String,
        "kind": sa.String,
        "per_year": sa.BigInteger,
        "unit_cost": sa.BigInteger,
    },
}
_NAMES: Final = {"pk": "%(table_name)s_pkey"}  # as PostgreSQL does; SQLite gives a key no name
_REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "line_item": ("opportunity_id",),
    "service_case": ("status",),
    "lead": ("status",),
    "cost": ("kind", "amount", "spent_on"),
    "contact_target": ("kind", "per_year"),
}


def upgrade() -> None:
    for table, columns in _ADDED.items():
        for name, kind in columns.items():
            op.add_column(table, sa.Column(name, kind, nullable=True))
    for table, columns in _MADE.items():
        _make(table, columns)
    op.create_table(
        "trial",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("goal", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("item", sa.String(), nullable=False, server_default=""),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("arm", sa.String(), nullable=False),
        sa.Column("marker", sa.String(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("target", sa.BigInteger(), nullable=True),
        sa.Column("task_status", sa.String(), nullable=True),
        sa.Column("succeeded_on", sa.Date(), nullable=True),
        sa.Column("value", sa.BigInteger(), nullable=True),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "goal", "account_id", "item", "started_on"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("action", naming_convention=_NAMES) as action:
        action.drop_constraint("action_pkey", type_="primary")
        action.add_column(sa.Column("item", sa.String(), nullable=False, server_default=""))
        action.add_column(sa.Column("expires_on", sa.Date(), nullable=True))
        action.add_column(sa.Column("config_hash", sa.String(), nullable=False, server_default=""))
        action.create_primary_key("action_pkey", ["job_id", "goal", "account_id", "item"])


def downgrade() -> None:
    # Without items there is one action for a goal and account.
    op.execute(
        "delete from action where exists (select 1 from action other"
        " where other.job_id = action.job_id and other.goal = action.goal"
        " and other.account_id = action.account_id and other.item < action.item)"
    )
    with op.batch_alter_table("action", naming_convention=_NAMES) as action:
        action.drop_constraint("action_pkey", type_="primary")
        action.drop_column("config_hash")
        action.drop_column("expires_on")
        action.drop_column("item")
        action.create_primary_key("action_pkey", ["job_id", "goal", "account_id"])
    op.drop_table("trial")
    for table in _MADE:
        op.drop_table(table)
    for table, columns in _ADDED.items():
        for name in columns:
            op.drop_column(table, name)
    # What is dropped must be read again when it is back: no cursor may say that it was read.
    made = "('line_items', 'cases', 'leads', 'activities', 'costs', 'contact_targets')"
    op.execute(f"delete from stream_state where stream in {made}")
    op.execute(f"delete from quarantine where stream in {made}")
    op.execute("update stream_state set mapping_hash = '' where stream <> 'users'")


def _make(table: str, columns: Mapping[str, _Kind]) -> None:
    required = _REQUIRED.get(table, ())
    op.create_table(
        table,
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        *(sa.Column(name, kind, nullable=name not in required) for name, kind in columns.items()),
        sa.Column("modified_at", _TIME, nullable=True),
        sa.Column("scan", sa.BigInteger(), nullable=True),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "id"),
        sqlite_with_rowid=False,
    )
