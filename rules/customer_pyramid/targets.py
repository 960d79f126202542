"""Targets: what was aimed at for the period, against what was reached."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal, TypeAlias, TypedDict

import ibis
import ibis.expr.types as ir

from customer_pyramid.exact import total
from customer_pyramid.money import UNITS, cents, places
from customer_pyramid.settings import (
    INACTIVE,
    NONE,
    NamedTarget,
    PyramidSettings,
    TargetSettings,
    TierTarget,
)

Aim: TypeAlias = Literal[
    "customers", "revenue", "profit", "retained", "upgrades_in", "new", "satisfaction", "tier"
]


class TargetCountRow(TypedDict):
    """One row of `target_counts`; *csat* is the sum of the *answered* customers' shares."""

    previous_state: str
    frozen_state: str
    customers: int
    revenue: int
    profit: int
    csat: int
    answered: int


class NamedRow(TypedDict):
    """One row of `named_actuals`."""

    account_id: str
    name: str | None
    revenue: int | None
    tier_frozen: str | None


@dataclass(frozen=True, slots=True)
class Progress:
    """One target: *subject* is a tier, or an account's id where it is *named*.

    *ratio* is None for a tier that is aimed at, and where the aim is 0; *actual* and *reached* are
    None where nothing is known.
    """

    subject: str
    named: bool
    measure: Aim
    aim: Decimal | str
    actual: Decimal | str | None
    ratio: Decimal | None
    reached: bool | None


def target_counts(
    standings: ir.Table, profits: ir.Table, performance: ir.Table | None = None
) -> ir.Table:
    """Return customers, revenue and profit by state before and now; see `TargetCountRow`.

    Both states are by the boundaries of the period before, so that progress shows.
    """
    own = standings.filter(standings.previous_state.notnull(), standings.inherited_from.isnull())
    outside = ibis.ifelse(own.layer == INACTIVE, INACTIVE, NONE)
    rows = own.select(
        "account_id",
        "previous_state",
        "revenue",
        frozen_state=own.tier_frozen.coalesce(outside),
    )
    earned = profits.select("profit", earner="account_id")
    rows = rows.left_join(earned, rows.account_id == earned.earner).drop("earner")
    if performance is None:
        rows = rows.mutate(csat=ibis.null("int64"))
    else:
        said = performance.select("csat", speaker="account_id")
        rows = rows.left_join(said, rows.account_id == said.speaker).drop("speaker")
    return rows.group_by("previous_state", "frozen_state").aggregate(
        customers=rows.count(),
        revenue=total(rows.revenue),
        profit=total(rows.profit),
        csat=total(rows.csat),
        answered=rows.csat.count(),
    )


def named_actuals(standings: ir.Table, accounts: Collection[str]) -> ir.Table:
    """Return name, revenue and tier_frozen of the named *accounts*; see `NamedRow`."""
    named = standings.filter(standings.account_id.isin(sorted(accounts)))
    return named.select("account_id", "name", "revenue", "tier_frozen")


def progress(
    counts: Iterable[TargetCountRow],
    named: Iterable[NamedRow],
    targets: TargetSettings,
    pyramid: PyramidSettings,
) -> tuple[Progress, ...]:
    """Return how far each target is reached: tiers from the top, then named accounts by id.

    *counts* and *named* are the rows of `target_counts` and `named_actuals`. Raise `ValueError`
    for targets of tiers there are not. Source: domain 2.
    """
    targets.check(pyramid.tiers)
    rows, actuals = list(counts), {row["account_id"]: row for row in named}
    found: list[Progress] = []
    for tier in pyramid.tiers:
        if (target := targets.tiers.get(tier)) is not None:
            found += _tier_progress(tier, target, rows, pyramid)
    for account in sorted(targets.named):
        found += _named_progress(account, targets.named[account], actuals.get(account), pyramid)
    return tuple(found)


def _tier_progress(
    tier: str, target: TierTarget, rows: Iterable[TargetCountRow], pyramid: PyramidSettings
) -> list[Progress]:
    actuals = _actuals(tier, list(rows), pyramid)
    aims: dict[Aim, Decimal | int | None] = {
        "customers": target.customers,
        "revenue": target.revenue,
        "profit": target.profit,
        "retained": target.retained,
        "upgrades_in": target.upgrades_in,
        "new": target.new,
        "satisfaction": target.satisfaction,
    }
    return [
        _progress(tier, measure, Decimal(aim), actuals[measure], named=False)
        for measure, aim in aims.items()
        if aim is not None
    ]


def _actuals(
    tier: str, rows: Collection[TargetCountRow], pyramid: PyramidSettings
) -> Mapping[Aim, Decimal | None]:
    lower = pyramid.tiers[pyramid.tiers.index(tier) + 1 :]
    now = [row for row in rows if row["frozen_state"] == tier]
    kept = [
        row
        for row in rows
        if row["previous_state"] == tier and row["frozen_state"] in pyramid.tiers
    ]
    answered = sum(row["answered"] for row in now)
    csat = Fraction(sum(row["csat"] for row in now), answered * UNITS) if answered else None
    return {
        "customers": _count(now),
        "revenue": cents(sum(row["revenue"] for row in now)),
        "profit": cents(sum(row["profit"] for row in now)),
        "retained": _count(kept),
        "upgrades_in": _count(row for row in now if row["previous_state"] in lower),
        "new": _count(row for row in now if row["previous_state"] == NONE),
        "satisfaction": None if csat is None else places(csat, 6),
    }


def _count(rows: Iterable[TargetCountRow]) -> Decimal:
    return Decimal(sum(row["customers"] for row in rows))


def _named_progress(
    account: str, target: NamedTarget, row: NamedRow | None, pyramid: PyramidSettings
) -> list[Progress]:
    found = []
    if target.revenue is not None:
        revenue = None if row is None or row["revenue"] is None else cents(row["revenue"])
        found.append(_progress(account, "revenue", target.revenue, revenue, named=True))
    if target.tier is not None:
        tier = None if row is None else row["tier_frozen"]
        found.append(
            Progress(
                subject=account,
                named=True,
                measure="tier",
                aim=target.tier,
                actual=tier,
                ratio=None,
                reached=None if row is None else _reaches(tier, target.tier, pyramid),
            )
        )
    return found


def _reaches(tier: str | None, aim: str, pyramid: PyramidSettings) -> bool:
    return tier is not None and pyramid.tiers.index(tier) <= pyramid.tiers.index(aim)


def _progress(
    subject: str, measure: Aim, aim: Decimal, actual: Decimal | None, *, named: bool
) -> Progress:
    return Progress(
        subject=subject,
        named=named,
        measure=measure,
        aim=aim,
        actual=actual,
        ratio=places(Fraction(actual) / Fraction(aim), 6) if actual is not None and aim else None,
        reached=None if actual is None else actual >= aim,
    )
