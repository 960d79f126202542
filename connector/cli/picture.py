"""The picture of a pyramid: layers that grow downwards, each with what it brings in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from rich.text import Text

from connector.cli.figures import percent

_WIDTH: Final = 30
_BAR: Final = 16
_ROWS: Final = 2
_COLOURS: Final = ("bright_yellow", "green", "cyan", "blue", "magenta", "red", "white")
_FILLS: Final = "█▓▒░"
_FILLS_ASCII: Final = "#=+-"


@dataclass(frozen=True, slots=True)
class Slice:
    """One tier of the picture; *share* is its part of all revenue, None if there is none."""

    name: str
    customers: int
    share: Decimal | None


def draw(tiers: Sequence[Slice], below: Sequence[Slice], *, ascii_only: bool) -> Iterator[Text]:
    """Yield the lines of the picture, 78 columns wide.

    Tiers are told apart by colour and by shade, so that it reads without colour as well. *below*
    are the layers that bought nothing in the period: the ground on which the pyramid stands.
    """
    fills = _FILLS_ASCII if ascii_only else _FILLS
    rows = _ROWS * len(tiers)
    label = max((len(tier.name) for tier in tiers), default=0)
    yield Text(f"{'':{_WIDTH + 2}}  {'':{label}}  {'customers':>10}  share of revenue", style="dim")
    for place, tier in enumerate(tiers):
        style, fill = _COLOURS[place % len(_COLOURS)], fills[place % len(fills)]
        for row in range(_ROWS):
            line = Text(_slab(_ROWS * place + row, rows, fill), style=style)
            if row == _ROWS - 1:
                line.append(f"  {tier.name:{label}}", style=f"bold {style}")
                line.append(f"  {tier.customers:>10,}  ", style="default")
                line.append(_bar(tier.share, fill), style=style)
                line.append(f" {percent(tier.share)}", style="default")
            yield line
    yield Text(("-" if ascii_only else "─") * (_WIDTH + 2), style="dim")
    ground = ("  " if ascii_only else " · ").join(
        f"{part.name} {part.customers:,}" for part in below
    )
    yield Text(ground.center(_WIDTH + 2).rstrip(), style="dim")


def _slab(row: int, rows: int, fill: str) -> str:
    """Return one line of the pyramid, centred; the last is the widest."""
    half = 1 + round(row * (_WIDTH / 2 - 1) / max(rows - 1, 1))
    return (fill * 2 * half).center(_WIDTH + 2)


def _bar(share: Decimal | None, fill: str) -> str:
    length = round(float(share) * _BAR) if share else 0
    return fill * (max(length, 1) if share else 0)
