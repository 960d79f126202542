"""Migration: who moved between the layers from one period to the next, and what that adds up to."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias, TypedDict

import ibis
import ibis.expr.types as ir

from customer_pyramid.money import share
from customer_pyramid.settings import INACTIVE, NONE, PyramidSettings

Basis: TypeAlias = Literal["rank", "frozen"]


class MigrationRow(TypedDict):
    """One row of `migration_counts`."""

    previous_state: str
    state: str
    frozen_state: str
    customers: int


@dataclass(frozen=True, slots=True)
class Migration:
    """Moves between two periods; *matrix* counts customers by state before, then state now."""

    basis: Basis
    matrix: Mapping[str, Mapping[str, int]]
    upgrade: int
    downgrade: int
    stable: int
    lapsed: int
    reactivated: int
    new: int
    still_inactive: int
    net_upward_retained: Decimal | None
    net_upward_total: Decimal | None
    net_tier_steps: int
    retention_rate: Decimal | None

    def counts(self) -> dict[str, int]:
        """Return the number of customers now in each state."""
        return {state: sum(row[state] for row in self.matrix.values()) for state in self.matrix}


def movement(
    before: ir.StringValue,
    now: ir.StringValue,
    before_no: ir.IntegerValue,
    now_no: ir.IntegerValue,
) -> ir.StringValue:
    """Return the class of a move between two states; the numbers are their tiers, or null.

    Null where there is nothing to tell: never bought so far, or bought for the first time but not
    active.
    """
    was, is_ = before_no.notnull(), now_no.notnull()
    return ibis.cases(
        (was & is_ & (now_no < before_no), "upgrade"),
        (was & is_ & (now_no > before_no), "downgrade"),
        (was & is_, "stable"),
        (was, "lapsed"),
        (is_ & (before == INACTIVE), "reactivated"),
        (is_, "new"),
        ((before == INACTIVE) & (now == INACTIVE), "still_inactive"),
        else_=ibis.null("string"),
    )


def migration_counts(standings: ir.Table) -> ir.Table:
    """Return customers by previous_state, state and frozen_state; see `MigrationRow`."""
    rows = standings.filter(standings.previous_state.notnull())
    outside = ibis.ifelse(rows.layer == INACTIVE, INACTIVE, NONE)
    states = rows.select(
        "previous_state",
        state=rows.tier_raw.coalesce(outside),
        frozen_state=rows.tier_frozen.coalesce(outside),
    )
    return states.group_by("previous_state", "state", "frozen_state").aggregate(
        customers=states.count()
    )


def migration(rows: Iterable[MigrationRow], settings: PyramidSettings, basis: Basis) -> Migration:
    """Return the moves on one *basis* from the rows of `migration_counts`.

    On the rank basis both periods are cut alike, so that ups and downs nearly cancel; on the frozen
    basis this period is measured by the boundaries of the previous one, and progress shows. Source:
    domain 1.6.
    """
    moves: Counter[tuple[str, str]] = Counter()
    for row in rows:
        now = row["state"] if basis == "rank" else row["frozen_state"]
        if (row["previous_state"], now) != (NONE, NONE):  # who never bought is no customer
            moves[row["previous_state"], now] += row["customers"]
    return _migration(moves, settings.tiers, basis)


def _migration(moves: Counter[tuple[str, str]], tiers: tuple[str, ...], basis: Basis) -> Migration:
    states = (*tiers, INACTIVE, NONE)
    steps = {
        (before, now): tiers.index(before) - tiers.index(now) for before in tiers for now in tiers
    }
    up = sum(moves[move] for move, step in steps.items() if step > 0)
    down = sum(moves[move] for move, step in steps.items() if step < 0)
    stable = sum(moves[tier, tier] for tier in tiers)
    lapsed = sum(moves[tier, INACTIVE] for tier in tiers)
    reactivated = sum(moves[INACTIVE, tier] for tier in tiers)
    new = sum(moves[NONE, tier] for tier in tiers)
    before = up + down + stable + lapsed
    return Migration(
        basis=basis,
        matrix={old: {now: moves[old, now] for now in states} for old in states},
        upgrade=up,
        downgrade=down,
        stable=stable,
        lapsed=lapsed,
        reactivated=reactivated,
        new=new,
        still_inactive=moves[INACTIVE, INACTIVE],
        net_upward_retained=share(up - down, before),
        net_upward_total=share(up + new + reactivated - down - lapsed, before),
        net_tier_steps=sum(moves[move] * step for move, step in steps.items()),
        retention_rate=share(up + down + stable, before),
    )
