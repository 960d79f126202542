"""A check: a question about the pyramid, with its answer in a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Literal, TypeAlias

from customer_pyramid.money import places, show, to_units

CheckName: TypeAlias = Literal[
    "eighty_twenty",
    "concentration",
    "dependency",
    "ninety_ten",
    "budget",
    "profit_audit",
    "upgradable_small",
    "retention",
    "plan_cost",
    "plan_hours",
]
Flag: TypeAlias = Literal["ok", "warn", "alarm", "unknown"]
Value: TypeAlias = Decimal | int | str | None


@dataclass(frozen=True, slots=True)
class Check:
    """The answer to one question; "unknown" says in its message why.

    *message* has the names of *figures*, which are text ready to show, in braces: translate it,
    then put them in. *values* are the same as numbers.
    """

    name: CheckName
    flag: Flag
    message: str
    figures: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Value] = field(default_factory=dict)

    @property
    def finding(self) -> str:
        """The message with its figures."""
        return self.message.format(**self.figures)


def percent(share: Decimal | None) -> str:
    """Return a share as text for a reader: `78.5 %`, or `-` where there is none."""
    if share is None:
        return "-"
    figure = f"{places(Fraction(share) * 100, 1):,f}"
    return f"{figure.removesuffix('.0')} %"


def money(amount: Decimal) -> str:
    """Return an amount as text for a reader: `38,400.50`, and `38,400` where it is whole."""
    return show(to_units(amount))
