"""What the made-up company sells: what goes together, and what an order of it costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from connector.demo.dice import Dice

SERVICES: Final = frozenset({"Basic Service", "Full Service", "Training"})
"""Categories that nobody delivers, and that a contract may cover."""
DISCONTINUED: Final = "Dial Gauges"

_DROPPED: Final = 430
"""Days before today on which the discontinued category was last sold."""
_CATALOGUE: Final[Mapping[str, tuple[int, tuple[tuple[str, int], ...]]]] = {
    # The cost of goods as a percentage of the list price, then products and prices, dearest first.
    "Centrifugal Pumps": (57, (("CP 400", 18_500), ("CP 120", 4_200), ("CP 30", 240))),
    "Dosing Pumps": (52, (("DP 60", 6_400), ("DP 20", 1_450), ("DP 5", 160))),
    "Valves": (55, (("Ball Valve 150", 1_450), ("Ball Valve 50", 310), ("Check Valve 25", 28))),
    "Flow Sensors": (49, (("Coriolis Meter", 3_900), ("Magnetic Meter", 850), ("Paddle", 75))),
    "Control Units": (50, (("Plant Controller", 9_800), ("Line Controller", 1_600), ("Relay", 95))),
    "Spare Parts": (44, (("Rotor Kit", 760), ("Seal Kit", 145), ("Gasket Set", 12))),
    "Basic Service": (58, (("Inspection", 140),)),
    "Full Service": (54, (("Service Day", 640),)),
    "Training": (48, (("Training on Site", 1_900), ("Online Course", 90))),
    DISCONTINUED: (60, (("Dial Gauge 100", 240), ("Dial Gauge 40", 24))),
}
_FIRST: Final = {
    "Centrifugal Pumps": 0.34,
    "Dosing Pumps": 0.24,
    "Valves": 0.26,
    "Flow Sensors": 0.16,
}
"""What a customer comes for."""
_GOES_WITH: Final = (
    ("Centrifugal Pumps", "Spare Parts", 0.70),
    ("Centrifugal Pumps", "Valves", 0.40),
    ("Dosing Pumps", "Flow Sensors", 0.60),
    ("Dosing Pumps", "Control Units", 0.45),
    ("Flow Sensors", "Control Units", 0.50),
    ("Valves", DISCONTINUED, 0.40),
    ("Spare Parts", "Basic Service", 0.50),
    ("Control Units", "Training", 0.30),
    ("Basic Service", "Full Service", 0.45),
)
"""How often who buys the first comes to buy the second as well."""
_BY_CHANCE: Final = 0.04
_BY_THE_WAY: Final = 0.35
"""How often a category is bought, next to the one for which the customer came."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a deal; *amount*, *cost* and *price* in cents, the last of one piece."""

    product: str
    category: str
    quantity: int
    amount: int
    cost: int
    price: int


def needs(dice: Dice, first: int, last: int) -> Mapping[str, int]:
    """Return what a customer buys: for each category the days before today from which on it does.

    *first* and *last* are those days for the customer itself.
    """
    came_for = dice.weighted(_FIRST)
    found = {came_for: first}
    for has, other, chance in _GOES_WITH:
        if has in found and other not in found and dice.chance(chance):
            at_once = dice.chance(0.4) and other != "Full Service"
            found[other] = found[has] if at_once else dice.whole(last, found[has])
    for category in _CATALOGUE:
        if category not in found and dice.chance(_BY_CHANCE):
            found[category] = dice.whole(last, first)
    return found


def offered(dice: Dice) -> str:
    """Return any category that is still sold."""
    return dice.one_of([category for category in _CATALOGUE if category != DISCONTINUED])


def chosen(dice: Dice, wanted: Mapping[str, int], ago: int) -> Sequence[str]:
    """Return the categories of one order, so many days *ago*, of a customer with these needs."""
    sold = [
        category
        for category, since in wanted.items()
        if since >= ago and (category != DISCONTINUED or ago >= _DROPPED)
    ]
    came_for, *others = sold or wanted
    weights = {came_for: 1.0} | dict.fromkeys(others, _BY_THE_WAY)
    main = dice.weighted(weights)
    more = [one for one in dice.shuffled(sold) if one != main]
    return [main, *more[: dice.chance(0.4) + dice.chance(0.15)]]


def lines(dice: Dice, categories: Sequence[str], value: float, discount: int) -> Iterator[Line]:
    """Yield a line for each category, together worth about *value*, at *discount* percent."""
    left = value
    for place, category in enumerate(categories, start=1):
        part = left if place == len(categories) else left * dice.between(0.5, 0.85)
        left -= part
        yield _line(dice, category, part, discount)


def _line(dice: Dice, category: str, value: float, discount: int) -> Line:
    cost_share, products = _CATALOGUE[category]
    affordable = [one for one in products if one[1] * 2 <= value]
    product, price = affordable[0] if affordable else products[-1]
    off = max(0, discount + dice.whole(-4, 4))
    quantity = max(1, int(value / (price * (100 - off) / 100) + 0.5))
    return Line(
        product=product,
        category=category,
        quantity=quantity,
        amount=quantity * price * (100 - off),
        cost=quantity * price * cost_share,
        price=price * 100,
    )
