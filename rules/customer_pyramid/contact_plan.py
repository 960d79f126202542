"""The contact plan: how often a customer of each tier is contacted, and what that costs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


def _unit_costs() -> dict[str, Decimal]:
    return {"visit": Decimal(200), "call": Decimal(20), "e-mail": Decimal(1)}


def _contacts() -> dict[str, dict[str, int]]:
    return {
        "Top": {"visit": 12, "call": 24, "e-mail": 24},
        "Big": {"visit": 6, "call": 12, "e-mail": 24},
        "Medium": {"visit": 1, "call": 6, "e-mail": 12},
        "Small": {"visit": 0, "call": 1, "e-mail": 12},
    }


@dataclass(frozen=True, slots=True)
class ContactPlan:
    """Contacts a year by tier and type, and the cost of one of each type in the base currency.

    Raise `ValueError` for negative numbers, and for contacts that have no cost. Source: domain 2.
    """

    contacts: Mapping[str, Mapping[str, int]] = field(default_factory=_contacts)
    unit_costs: Mapping[str, Decimal] = field(default_factory=_unit_costs)

    def __post_init__(self) -> None:
        for kind, cost in self.unit_costs.items():
            if cost < 0:
                raise ValueError(f"the cost of a {kind} can't be {cost!r}")
        for tier, counts in self.contacts.items():
            if unpriced := sorted(counts.keys() - self.unit_costs.keys()):
                raise ValueError(f"{tier}: contacts without a cost: {unpriced!r}")
            if min(counts.values(), default=0) < 0:
                raise ValueError(f"{tier}: contacts can't be negative: {dict(counts)!r}")

    def cost_per_customer(self, tier: str) -> Decimal:
        """Return what a year's contacts with one customer cost."""
        counts = self.contacts[tier].items()
        return sum((count * self.unit_costs[kind] for kind, count in counts), Decimal(0))


@dataclass(frozen=True, slots=True)
class TierPlan:
    """A year's contacts with all customers of a tier, by type, and what they cost."""

    tier: str
    customers: int
    contacts: Mapping[str, int]
    cost_per_customer: Decimal
    cost: Decimal


def plan_contacts(customers: Mapping[str, int], plan: ContactPlan) -> list[TierPlan]:
    """Return the plan for each tier of *customers*, numbers by tier.

    Raise `ValueError` for a tier the plan leaves out: to contact nobody must be said.
    """
    if unplanned := [tier for tier in customers if tier not in plan.contacts]:
        raise ValueError(f"no contacts are planned for {unplanned!r}")
    return [_tier_plan(tier, count, plan) for tier, count in customers.items()]


def _tier_plan(tier: str, customers: int, plan: ContactPlan) -> TierPlan:
    each = plan.cost_per_customer(tier)
    return TierPlan(
        tier=tier,
        customers=customers,
        contacts={kind: customers * count for kind, count in plan.contacts[tier].items()},
        cost_per_customer=each,
        cost=customers * each,
    )
