"""Scenarios: what a rate of net upward migration would bring, by the averages of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from connector.analysis import plain
from customer_pyramid.money import places
from customer_pyramid.settings import INACTIVE, PROSPECT, SUSPECT
from customer_pyramid.simulate import TierInput, default_moves, simulate

RATES: Final = (Decimal("0.02"), Decimal("0.03"))
"""The rates that the method promises most of."""

SELLING_RATE: Final = Decimal("0.10")
"""What it costs to sell extra revenue, as a share of it."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a *rate* would change, at a *margin* on extra revenue; see `simulate` for *found*.

    *moves* is None where more would leave a tier than are in it.
    """

    rate: Decimal
    margin: Decimal
    moves: Mapping[tuple[str, str], int] | None
    found: Mapping[str, Any]

    def as_data(self) -> dict[str, Any]:
        """Return it for JSON."""
        moves = None if self.moves is None else _listed(self.moves)
        return {"rate": str(self.rate), "margin": str(self.margin), "moves": moves, **self.found}


def scenarios(summary: Mapping[str, Any], usual_margin: Decimal) -> list[Scenario]:
    """Return what each of `RATES` would change, by the summary of a run.

    The margin is the gross margin that the run has found; *usual_margin*, if it has found none.
    """
    tiers = [
        TierInput(one["layer"], one["customers"], Decimal(one["average_revenue"] or 0))
        for one in summary["current"]["layers"]
        if is_tier(one["layer"])
    ]
    profit = summary["profit"]
    margin = margin_of(profit["layers"], usual_margin)
    return [_scenario(tiers, rate, margin, Decimal(profit["profit"])) for rate in RATES]


def is_tier(layer: str) -> bool:
    """Say whether *layer*, one of a summary, holds active customers."""
    return layer not in (INACTIVE, PROSPECT, SUSPECT)


def margin_of(layers: Sequence[Mapping[str, Any]], usual: Decimal) -> Decimal:
    """Return the gross margin of the *layers* of a run's profit; *usual*, if they know none."""
    revenue = sum((Fraction(layer["revenue"]) for layer in layers), Fraction(0))
    gross = sum((Fraction(layer["gross"]) for layer in layers), Fraction(0))
    return places(max(gross, Fraction(0)) / revenue, 4) if revenue > 0 else usual


def _scenario(
    tiers: Sequence[TierInput], rate: Decimal, margin: Decimal, profit: Decimal
) -> Scenario:
    spread = default_moves(tiers, rate)
    moves = {move: count for move, count in spread.items() if count}
    try:
        found = simulate(tiers, moves, margin=margin, selling_rate=SELLING_RATE, profit=profit)
    except ValueError:  # more would leave a tier than are in it
        return Scenario(rate, margin, None, {})
    return Scenario(rate, margin, moves, plain(asdict(found)))


def _listed(moves: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
    return [
        {"from": source, "to": target, "customers": count}
        for (source, target), count in moves.items()
    ]
