"""Why a customer counts as having moved: both periods, measured by one set of limits."""

from __future__ import annotations

from decimal import Decimal

from connector.cli.explain import Explanation
from connector.cli.figures import money
from customer_pyramid.money import cents
from customer_pyramid.periods import Period


def reason_for_movement(found: Explanation) -> str | None:
    """Return why the movement is what it is; None if there is none to tell of."""
    standing, movement = found.standing, found.standing.movement
    then, now = _span(found.previous), _span(found.period)
    was = f"{standing.previous_tier} with {_money(standing.previous_revenue)} in {then}"
    match movement:
        case "upgrade" | "downgrade" | "stable":
            limits = found.run.summary["previous"]["thresholds"]
            frozen = standing.tier_frozen
            limit = limits.get(frozen or "")
            by = f"{frozen} (from {money(limit)})" if limit else f"{frozen}"
            return f"was {was}; by the limits of that period, {_money(standing.revenue)} is {by}"
        case "lapsed":
            return f"was {was}; bought nothing that counts in {now}"
        case "reactivated":
            return f"had bought before, nothing in {then}, and bought again in {now}"
        case "new":
            return f"first order on {standing.first_order}, in this period"
        case "still_inactive":
            return f"has bought before, but neither in {then} nor in {now}"
    return None


def _span(period: Period) -> str:
    return f"{period.start} to {period.last_day}"


def _money(units: int | None) -> str:
    amount: Decimal | None = None if units is None else cents(units)
    return money(amount)
