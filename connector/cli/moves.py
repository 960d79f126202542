"""The moves of a simulation: named one by one, or spread over the steps up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Final, TypeAlias

from connector.errors import ConfigError
from customer_pyramid.settings import INACTIVE, PROSPECT, SUSPECT
from customer_pyramid.simulate import TierInput, default_moves

Moves: TypeAlias = Mapping[tuple[str, str], int]
"""Customers by the layer they leave and the tier they enter."""

_EXAMPLE: Final = "Small>Medium=22"


@dataclass(frozen=True, slots=True)
class Layers:
    """The layers of a run: the tiers from the top, and how many are in each layer."""

    tiers: Sequence[TierInput]
    sizes: Mapping[str, int]

    @property
    def customers(self) -> int:
        """Return how many active customers there are."""
        return sum(tier.customers for tier in self.tiers)

    def average(self, layer: str) -> Decimal:
        """Return what one account of *layer* brings: nothing, if the layer is no tier."""
        averages = {tier.name: tier.average_revenue for tier in self.tiers}
        return averages.get(layer, Decimal(0))


def layers_of(summary: Mapping[str, Any]) -> Layers:
    """Return the layers as the summary of a run has them."""
    found = summary["current"]["layers"]
    tiers = [
        TierInput(one["layer"], one["customers"], Decimal(one["average_revenue"] or 0))
        for one in found
        if one["layer"] not in (INACTIVE, PROSPECT, SUSPECT)
    ]
    return Layers(tiers, {one["layer"]: one["customers"] for one in found})


def read_moves(given: Sequence[str], layers: Layers) -> Moves:
    """Return the moves that *given*, each FROM>TO=CUSTOMERS, names; those alike are added up.

    Raise ConfigError for a layer that there is not, or if more leave one than are in it.
    """
    moves: Counter[tuple[str, str]] = Counter()
    for text in given:
        source, arrow, rest = text.partition(">")
        target, equals, count = rest.rpartition("=")
        if not arrow or not equals or not count.strip().isdecimal() or not int(count):
            raise ConfigError(f"--move {text!r}: expected FROM>TO=CUSTOMERS, such as {_EXAMPLE!r}")
        move = _layer(source.strip(), text, layers), _layer(target.strip(), text, layers)
        _check_step(*move, text, layers)
        moves[move] += int(count)
    _check_leaving(moves, layers, "--move", "let fewer move")
    return moves


def spread_moves(rate: Decimal, layers: Layers) -> Moves:
    """Return *rate* of all customers as moves up; raise ConfigError if more leave than there are.

    See `customer_pyramid.simulate.default_moves`.
    """
    spread = default_moves(layers.tiers, rate)
    moves = {move: count for move, count in spread.items() if count}
    advice = "take a smaller rate, or name the moves with --move"
    _check_leaving(moves, layers, f"--migration {rate}", advice)
    return moves


def _layer(given: str, text: str, layers: Layers) -> str:
    named = {name.casefold(): name for name in layers.sizes}
    if given.casefold() in named:
        return named[given.casefold()]
    near = [named[name] for name in get_close_matches(given.casefold(), named, n=1)]
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(layers.sizes)}"
    raise ConfigError(f"--move {text!r}: no layer {given!r}; {hint}")


def _check_step(source: str, target: str, text: str, layers: Layers) -> None:
    names = [tier.name for tier in layers.tiers]
    if target not in names:
        raise ConfigError(
            f"--move {text!r}: {target!r} is no tier; customers can move to {', '.join(names)}"
        )
    if source == target:
        raise ConfigError(f"--move {text!r}: from {source!r} to itself; name two layers")
    if not layers.sizes[target]:
        raise ConfigError(
            f"--move {text!r}: nobody is in {target!r}, so that it is unknown what one brings"
            " there; choose another tier"
        )


def _check_leaving(moves: Moves, layers: Layers, option: str, advice: str) -> None:
    leaving: Counter[str] = Counter()
    for (source, _), count in moves.items():
        leaving[source] += count
    for source, count in leaving.items():
        if count > layers.sizes[source]:
            raise ConfigError(
                f"{option}: {count:,} can't leave {source!r}, which has {layers.sizes[source]:,};"
                f" {advice}"
            )
