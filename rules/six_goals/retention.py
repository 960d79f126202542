"""Retention: customers whose next order is late by their own rhythm."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Literal, TypeAlias, TypedDict

import ibis
import ibis.expr.types as ir

from customer_pyramid.money import half_up, show
from six_goals.action import Action
from six_goals.settings import RetentionSettings

Level: TypeAlias = Literal["at_risk", "critical"]


class RetentionRow(TypedDict):
    """One row of `retention_candidates`."""

    account_id: str
    name: str | None
    owner_id: str | None
    layer: str
    revenue: int
    order_days: int
    median_gap: float
    days_since_last: int
    level: Level


def retention_candidates(
    standings: ir.Table, rhythm: ir.Table, settings: RetentionSettings
) -> ir.Table:
    """Return active customers who are late by their own rhythm; see `RetentionRow`.

    *rhythm* is that of `own_rhythm`. Source: domain 3.3, the minimal rule.
    """
    active = standings.filter(standings.tier.notnull(), standings.inherited_from.isnull())
    rows = active.select("account_id", "name", "owner_id", "layer", "revenue").join(
        rhythm, "account_id"
    )
    late = rows.filter(
        rows.order_days >= settings.min_order_days,
        rows.days_since_last >= settings.min_days,
        _reaches(rows, settings.overdue),
    )
    critical = _reaches(late, settings.critical)
    return late.select(
        "account_id",
        "name",
        "owner_id",
        "layer",
        "revenue",
        "order_days",
        "median_gap",
        "days_since_last",
        level=ibis.ifelse(critical, "critical", "at_risk"),
    )


def retention_actions(rows: Iterable[RetentionRow], settings: RetentionSettings) -> list[Action]:
    """Return one action for each row of `retention_candidates`."""
    return [_action(row, settings) for row in rows]


def value_at_risk(row: RetentionRow, settings: RetentionSettings) -> int:
    """Return the margin that may be lost: the period's, whole from four times the usual gap on."""
    overdue = Fraction(row["days_since_last"]) / Fraction(row["median_gap"])
    at_risk = min(Fraction(1), (overdue - 1) / 3)
    return half_up(row["revenue"] * Fraction(settings.margin) * at_risk)


def _reaches(rows: ir.Table, ratio: Decimal) -> ir.BooleanValue:
    # Medians are in halves, so floats hold both sides exactly.
    part = Fraction(ratio)
    return rows.days_since_last * part.denominator >= rows.median_gap * part.numerator


def _action(row: RetentionRow, settings: RetentionSettings) -> Action:
    name, late = row["name"] or row["account_id"], half_up(_days_late(row))
    urgent = row["layer"] in settings.urgent_layers
    value = value_at_risk(row, settings)
    return Action(
        goal="retention",
        account_id=row["account_id"],
        owner_id=row["owner_id"],
        layer=row["layer"],
        title=f"Call {name}: the expected order is {late} days late",
        reason=_reason(row, name, value),
        due_days=settings.urgent_due_days if urgent else settings.due_days,
        expected_value=value,
        evidence={
            "level": row["level"],
            "order_days": str(row["order_days"]),
            "median_gap_days": f"{row['median_gap']:g}",
            "days_since_last": str(row["days_since_last"]),
            "revenue": show(row["revenue"]),
        },
    )


def _days_late(row: RetentionRow) -> Fraction:
    return row["days_since_last"] - Fraction(row["median_gap"])


def _reason(row: RetentionRow, name: str, value: int) -> str:
    return (
        f"{name} usually orders every {row['median_gap']:g} days; the last order was "
        f"{row['days_since_last']} days ago. It bought for {show(row['revenue'])} in this period, "
        f"so a margin of about {show(value)} is at risk."
    )
