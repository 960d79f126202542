"""What a company may choose about its pyramid, checked once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class ProfitSettings:
    """What things cost where no record says it; raise `ValueError` for what can't be.

    *margin* is the gross margin where the cost of goods is unknown: 0.30 is our choice, set your
    own. *unit_costs* are what a contact of each kind costs, *overhead* is an amount a year, all in
    the base currency. From *max_non_customer_share* of marketing and sales cost on, or above
    *max_budget_index*, the budget is misallocated. Source: domain 1.5 and 2.
    """

    margin: Decimal = Decimal("0.30")
    unit_costs: Mapping[str, Decimal] = field(
        default_factory=lambda: {"visit": Decimal(200), "call": Decimal(20), "email": Decimal(1)}
    )
    case_cost: Decimal = Decimal(0)
    credit_note_cost: Decimal = Decimal(0)
    overhead: Decimal = Decimal(0)
    max_non_customer_share: Decimal = Decimal("0.70")
    max_budget_index: Decimal = Decimal(3)

    def __post_init__(self) -> None:
        if not 0 <= self.margin <= 1:
            raise ValueError(f"margin must be from 0 to 1: {self.margin!r}")
        costs = {
            "case_cost": self.case_cost,
            "credit_note_cost": self.credit_note_cost,
            "overhead": self.overhead,
            **{f"unit_costs.{kind}": cost for kind, cost in self.unit_costs.items()},
        }
        if negative := sorted(name for name, cost in costs.items() if cost < 0):
            raise ValueError(f"costs can't be negative: {negative!r}")


MEASURES: Mapping[str, tuple[Decimal, Decimal] | None] = {
    "profit": None,
    "clv": None,
    "share_of_wallet": (Decimal(0), Decimal(1)),
    "breadth": (Decimal(0), Decimal(1)),
    "peer_ratio": (Decimal(0), Decimal(1)),
    "lifetime_months": (Decimal(0), Decimal(60)),
    "active_months": (Decimal(0), Decimal(1)),
    "orders_per_year": (Decimal(0), Decimal(12)),
    "recency_days": (Decimal(365), Decimal(0)),
    "p_alive": (Decimal(0), Decimal(1)),
    "gap": (Decimal(-2), Decimal(0)),
    "csat": (Decimal(0), Decimal(1)),
    "nps": (Decimal(-100), Decimal(100)),
    "promise_kept": (Decimal("0.8"), Decimal(1)),
    "response_hours": (Decimal(72), Decimal(4)),
    "reopened": (Decimal("0.2"), Decimal(0)),
}
"""The measures of customer performance, each with the values that score 0 and 100, if any."""


@dataclass(frozen=True, slots=True)
class PerformanceSettings:
    """How customers are measured; raise `ValueError` for measures there are not.

    *targets* has, for a measure, the values that score 0 and 100, instead of those in `MEASURES`.
    Peers are the customers of the same industry, else of the same tier, from *min_peers* on; an
    item matters to them if *ownership* of them buys it. Lifetime value looks *years* ahead, each
    discounted by *discount*. Source: domain 2; the values are our choice: set your own.
    """

    targets: Mapping[str, tuple[Decimal, Decimal]] = field(default_factory=dict)
    min_peers: int = 10
    ownership: Decimal = Decimal("0.30")
    years: int = 3
    discount: Decimal = Decimal("0.10")

    def __post_init__(self) -> None:
        if unknown := sorted(self.targets.keys() - MEASURES.keys()):
            raise ValueError(f"targets: no measures {unknown!r}; there are {list(MEASURES)!r}")
        for measure, (worst, best) in self.targets.items():
            if worst == best:
                raise ValueError(f"targets.{measure}: worst and best are both {worst!r}")
        if self.min_peers < 1 or self.years < 1:
            raise ValueError("min_peers and years must be at least 1")
        if not 0 < self.ownership <= 1:
            raise ValueError(f"ownership must be above 0, up to 1: {self.ownership!r}")
        if self.discount < 0:
            raise ValueError(f"discount can't be negative: {self.discount!r}")

    def target(self, measure: str) -> tuple[Decimal, Decimal] | None:
        """Return the values of *measure* that score 0 and 100; None if it has no score."""
        return self.targets.get(measure, MEASURES[measure])


@dataclass(frozen=True, slots=True)
class FocusSettings:
    """What customer focus looks at.

    Customers in *key_layers* should hear from us every *contact_days*; *key_fields* of an account
    should be filled in, and it is stale without a sign of life for *stale_months*. Source: domain
    2.
    """

    key_layers: frozenset[str] = frozenset({"Top", "Big"})
    contact_days: int = 60
    key_fields: tuple[str, ...] = ("industry", "size_band", "region", "wallet")
    stale_months: int = 12

    def __post_init__(self) -> None:
        if self.contact_days < 1 or self.stale_months < 1:
            raise ValueError("contact_days and stale_months must be at least 1")


@dataclass(frozen=True, slots=True)
class TierTarget:
    """What a tier shall reach in the period; None where nothing is aimed at.

    *retained* are the tier's customers of the period before that are still active, *upgrades_in*
    customers that came from a lower tier, *new* those whose first order lies in the period.
    *satisfaction* is a share of answers, as `csat`.
    """

    customers: int | None = None
    revenue: Decimal | None = None
    profit: Decimal | None = None
    retained: int | None = None
    upgrades_in: int | None = None
    new: int | None = None
    satisfaction: Decimal | None = None


@dataclass(frozen=True, slots=True)
class NamedTarget:
    """What one account shall reach: a revenue, at least a tier, or both."""

    revenue: Decimal | None = None
    tier: str | None = None


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """What the period shall bring, by tier and, under *named*, by account id. Source: domain 2."""

    tiers: Mapping[str, TierTarget] = field(default_factory=dict)
    named: Mapping[str, NamedTarget] = field(default_factory=dict)

    def check(self, tiers: Iterable[str]) -> None:
        """Raise `ValueError` for targets of tiers that are none of *tiers*."""
        aims = [*self.tiers, *(aim.tier for aim in self.named.values() if aim.tier)]
        if unknown := sorted(set(aims).difference(tiers)):
            raise ValueError(f"targets for {unknown!r}, which are no tiers")


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
