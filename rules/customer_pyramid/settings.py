"""What a company may choose about its pyramid, checked once."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Literal, TypeAlias

Rounding: TypeAlias = Literal["half_up", "ceil", "floor"]
TiePolicy: TypeAlias = Literal["break", "promote", "demote"]
Method: TypeAlias = Literal["percent", "thresholds", "cumulative"]
ActivePolicy: TypeAlias = Literal["net_positive", "any_order"]
RollUp: TypeAlias = Literal["none", "ultimate_parent"]

INACTIVE = "Inactive"
PROSPECT = "Prospect"
SUSPECT = "Suspect"
REST_OF_WORLD = "Rest of world"
NONE = "None"
RESERVED = frozenset({INACTIVE, PROSPECT, SUSPECT, REST_OF_WORLD, NONE})

FULL = 10_000  # basis points


@dataclass(frozen=True, slots=True)
class PyramidSettings:
    """The shape of the pyramid; raise `ValueError` for one that can't be built.

    *cuts* and *revenue_cuts* are cumulative, in basis points of customers and of revenue;
    *thresholds* are the least revenue of every tier but the last. *min_top* is the least number of
    customers in the first tier. *hysteresis* is a fraction of the boundary, 0 for none; *index*
    multiplies the frozen boundaries, for years of inflation. Source: domain 1.1 to 1.4.
    """

    tiers: tuple[str, ...] = ("Top", "Big", "Medium", "Small")
    method: Method = "percent"
    cuts: tuple[int, ...] = (100, 500, 2_000, FULL)
    revenue_cuts: tuple[int, ...] = (5_000, 7_000, 8_000, FULL)
    thresholds: tuple[Decimal, ...] = ()
    rounding: Rounding = "half_up"
    min_top: int = 1
    tie_policy: TiePolicy = "break"
    active: ActivePolicy = "net_positive"
    roll_up: RollUp = "none"
    hysteresis: Decimal = Decimal(0)
    confirm_runs: int = 1
    prospect_window: int = 365
    warm_window: int = 90
    small_base: int = 100
    index: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        _check_names(self.tiers)
        if self.method == "percent":
            _check_cuts("cuts", self.cuts, len(self.tiers))
        if self.method == "cumulative":
            _check_cuts("revenue_cuts", self.revenue_cuts, len(self.tiers))
        if self.method == "thresholds":
            _check_thresholds(self.thresholds, len(self.tiers))
        _check_numbers(self)


def _check_names(tiers: Sequence[str]) -> None:
    if not tiers:
        raise ValueError("tiers must name at least one tier")
    if len(set(tiers)) != len(tiers):
        raise ValueError(f"tiers must have different names: {tiers!r}")
    if taken := RESERVED.intersection(tiers):
        raise ValueError(f"tiers can't be named {sorted(taken)!r}: these are other layers")


def _check_cuts(key: str, cuts: Sequence[int], tiers: int) -> None:
    if len(cuts) != tiers:
        raise ValueError(f"{key} must have one value for each of {tiers} tiers, not {cuts!r}")
    if any(cut <= before for before, cut in pairwise((0, *cuts))):
        raise ValueError(f"{key} must be above 0 and increase from tier to tier: {cuts!r}")
    if cuts[-1] != FULL:
        raise ValueError(f"{key} must end at {FULL} (100 %), not {cuts[-1]!r}")


def _check_thresholds(thresholds: Sequence[Decimal], tiers: int) -> None:
    if len(thresholds) != tiers - 1:
        raise ValueError(
            f"thresholds must have {tiers - 1} values, all tiers but the last: {thresholds!r}"
        )
    if any(below >= above for above, below in pairwise(thresholds)):
        raise ValueError(f"thresholds must decrease from tier to tier: {thresholds!r}")


def _check_numbers(settings: PyramidSettings) -> None:
    if settings.min_top < 0:
        raise ValueError(f"min_top can't be negative: {settings.min_top!r}")
    if not 0 <= settings.hysteresis < 1:
        raise ValueError(f"hysteresis must be from 0 to below 1: {settings.hysteresis!r}")
    if settings.confirm_runs not in (1, 2):
        raise ValueError(f"confirm_runs must be 1 or 2: {settings.confirm_runs!r}")
    if settings.index <= 0:
        raise ValueError(f"index must be above 0: {settings.index!r}")
    if settings.prospect_window < 0 or settings.warm_window < 0:
        raise ValueError("prospect_window and warm_window can't be negative")
