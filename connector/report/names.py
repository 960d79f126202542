"""What people call accounts and users, asked of the store for those that are mentioned."""

from __future__ import annotations

from collections.abc import Collection

from sqlmodel import col, select

from connector.store import Store
from connector.store.tables import AccountRow, UserRow


def names_of(
    store: Store, job_id: int, accounts: Collection[str], users: Collection[str]
) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """Return the names of *accounts* and of *users*, by id; None for one that has none."""
    named = select(AccountRow.id, AccountRow.name).where(
        AccountRow.job_id == job_id, col(AccountRow.id).in_(sorted(accounts))
    )
    people = select(UserRow.id, UserRow.name).where(
        UserRow.job_id == job_id, col(UserRow.id).in_(sorted(users))
    )
    with store.session() as session:
        return dict(session.exec(named).all()), dict(session.exec(people).all())
