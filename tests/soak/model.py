"""What a target must hold after a run that says it is done: said anew, in plain Python.

Nothing here is taken from the connector: it is the other half of a comparison.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

TIERS = (("Top", Decimal(10_000)), ("Big", Decimal(5_000)), ("Medium", Decimal(1_000)))
SMALL = "Small"
BELOW = Decimal(1_000)
"""Customers with less get a task."""

REST = timedelta(days=20)
"""How long after a task was closed there is no other one."""


@dataclass(slots=True)
class Company:
    """What has happened so far, as the people know it who did it."""

    deals: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    """Amounts won, by account and deal; an account is here while the source has it."""

    def revenue(self, account: str) -> Decimal:
        return sum(self.deals[account].values(), Decimal(0))

    def fields(self) -> dict[str, tuple[str | None, int | None, Decimal]]:
        """Return tier, rank and revenue of each account."""
        buying = sorted(
            (account for account in self.deals if self.revenue(account) > 0),
            key=lambda account: (-self.revenue(account), account),
        )
        ranks = {account: rank for rank, account in enumerate(buying, start=1)}
        return {
            account: (self._tier(account), ranks.get(account), self.revenue(account))
            for account in self.deals
        }

    def _tier(self, account: str) -> str | None:
        revenue = self.revenue(account)
        if revenue <= 0:
            return None
        return next((tier for tier, least in TIERS if revenue >= least), SMALL)

    def accounts_with_a_task(self, closed: Iterable[tuple[str, date]], today: date) -> set[str]:
        """Return who has one open task; *closed* are the accounts and days of closed ones."""
        resting = {account for account, day in closed if today - day < REST}
        small = {account for account in self.deals if 0 < self.revenue(account) < BELOW}
        return small - resting


def as_held(row: Mapping[str, object]) -> tuple[str | None, int | None, Decimal]:
    """Return what a target holds, in the model's types."""
    tier, rank, revenue = (row.get(name) for name in ("tier", "rank", "revenue"))
    return (
        str(tier) if tier else None,
        int(str(rank)) if rank not in (None, "") else None,
        Decimal(str(revenue)),
    )
