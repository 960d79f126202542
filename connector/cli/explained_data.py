"""An explanation as JSON: money and days as text."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from connector.cli.evidence import Deal
from connector.cli.explain import Explanation, quarantined
from connector.cli.movement import reason_for_movement
from customer_pyramid.money import cents
from customer_pyramid.periods import Period


def as_data(found: Explanation) -> dict[str, Any]:
    """Return an explanation for JSON."""
    account, standing = found.account, found.standing
    return {
        "job": found.job,
        "run_id": found.run.id,
        "as_of": found.run.as_of,
        "account": account.id,
        "name": account.name,
        "layer": standing.layer,
        "tier": standing.tier,
        "tier_raw": standing.tier_raw,
        "tier_frozen": standing.tier_frozen,
        "tier_locked": bool(account.tier_locked),
        "tier_since": standing.tier_since,
        "inherited_from": standing.inherited_from,
        "rank": standing.rank,
        "active": found.run.summary["current"]["active"],
        "revenue": _units(standing.revenue),
        "currency": found.run.summary["currency"],
        "orders": standing.orders,
        "first_order": standing.first_order,
        "last_order": standing.last_order,
        "period": _period(found.period),
        "previous": {
            **_period(found.previous),
            "revenue": _units(standing.previous_revenue),
            "layer": standing.previous_layer,
            "tier": standing.previous_tier,
        },
        "boundaries": [
            {"tier": tier, "from": limit, "above": None if above is None else _cents(above)}
            for tier, limit, above in found.boundaries
        ],
        "next_tier": standing.next_tier,
        "next_tier_gap": _units(standing.next_tier_gap),
        "movement": standing.movement,
        "movement_reason": reason_for_movement(found),
        "history": [
            {"layer": span.layer, "from": span.valid_from, "to": span.valid_to}
            for span in found.history
        ],
        "counted": [_deal(deal) for deal in found.counted],
        "counted_total": _cents(found.total),
        "not_counted": [_deal(deal) for deal in found.not_counted],
        "actions": [_action(action) for action in found.actions],
        "tasks": [_only(task, "marker", "goal", "target_id", "subject", "priority")
                  for task in found.tasks],
        "quarantine": list(quarantined(found)),
        "changes": [
            {**_only(row, "run_id", "kind", "marker", "state", "code", "message", "target_id"),
             "content": json.loads(row.content)}
            for row in found.changes
        ],
    }  # fmt: skip


def _action(action: Any) -> dict[str, Any]:
    names = ("goal", "decision", "cause", "marker", "owner", "priority", "due", "subject", "reason")
    return {
        **_only(action, *names),
        "expected_value": _units(action.expected_value),
        "evidence": json.loads(action.evidence),
    }


def _deal(deal: Deal) -> dict[str, Any]:
    names = ("id", "name", "account", "day", "amount", "currency", "counted", "reason")
    return _only(deal, *names)


def _only(row: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _period(period: Period) -> dict[str, Any]:
    return {"start": period.start, "last_day": period.last_day}


def _units(units: int | None) -> Decimal | None:
    return None if units is None else cents(units)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))
