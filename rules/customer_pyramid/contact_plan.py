"""The contact plan: how often a customer of each tier is contacted, and what that costs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import TypedDict

from customer_pyramid.check import Check, percent
from customer_pyramid.money import from_units, places

Count = Decimal | int


def _unit_costs() -> dict[str, Decimal]:
    return {"visit": Decimal(200), "call": Decimal(20), "email": Decimal(1)}


def _contacts() -> dict[str, dict[str, Count]]:
    return {
        "Top": {"visit": 12, "call": 24, "email": 24},
        "Big": {"visit": 6, "call": 12, "email": 24},
        "Medium": {"visit": 1, "call": 6, "email": 12},
        "Small": {"visit": 0, "call": 1, "email": 12},
    }


@dataclass(frozen=True, slots=True)
class ContactPlan:
    """Contacts a year by tier and kind, and the cost of one of each kind in the base currency.

    A tier's contacts may cost *max_share* of its gross margin. A contact is due when the usual time
    between two has passed and *slack* of it. *hours* are a rep's working hours for a contact of
    each kind, *rep_hours* those a rep has in a year; without them nothing is known of capacity.
    Raise `ValueError` for negative numbers, and for contacts that have no cost. Source: domain 2.
    """

    contacts: Mapping[str, Mapping[str, Count]] = field(default_factory=_contacts)
    unit_costs: Mapping[str, Decimal] = field(default_factory=_unit_costs)
    max_share: Decimal = Decimal("0.15")
    slack: Decimal = Decimal("0.20")
    hours: Mapping[str, Decimal] = field(default_factory=dict)
    rep_hours: Decimal | None = None

    def __post_init__(self) -> None:
        if not self.unit_costs:
            raise ValueError("unit_costs must name at least one kind of contact")
        for kind, cost in self.unit_costs.items():
            if cost < 0:
                raise ValueError(f"the cost of a {kind} can't be {cost!r}")
        for tier, counts in self.contacts.items():
            if unpriced := sorted(counts.keys() - self.unit_costs.keys()):
                raise ValueError(f"{tier}: contacts without a cost: {unpriced!r}")
            if min(counts.values(), default=0) < 0:
                raise ValueError(f"{tier}: contacts can't be negative: {dict(counts)!r}")
        if min((self.max_share, self.slack, self.rep_hours or 0, *self.hours.values())) < 0:
            raise ValueError("max_share, slack, hours and rep_hours can't be negative")

    def cost_per_customer(self, tier: str) -> Decimal:
        """Return what a year's contacts with one customer cost."""
        counts = self.contacts[tier].items()
        return sum((count * self.unit_costs[kind] for kind, count in counts), Decimal(0))


@dataclass(frozen=True, slots=True)
class TierPlan:
    """A year's contacts with all customers of a tier, by kind, and what they cost."""

    tier: str
    customers: int
    contacts: Mapping[str, Count]
    cost_per_customer: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class TierBudget:
    """A tier's plan against its gross margin of a year; *within* is None where that is unknown.

    *share* is None where there is no margin to take a share of.
    """

    tier: str
    cost: Decimal
    gross: Decimal | None
    share: Decimal | None
    within: bool | None


@dataclass(frozen=True, slots=True)
class RepHours:
    """The hours that a year's plan takes, and those that all reps have; None where unknown."""

    hours: Decimal | None
    capacity: Decimal | None
    within: bool | None


class TargetRow(TypedDict):
    """One row of `layer_targets`; without a layer it only says what a kind costs."""

    layer: str | None
    kind: str
    per_year: int
    unit_cost: int | None


def plan_contacts(customers: Mapping[str, int], plan: ContactPlan) -> list[TierPlan]:
    """Return the plan for each tier of *customers*, numbers by tier.

    Raise `ValueError` for a tier the plan leaves out: to contact nobody must be said.
    """
    if unplanned := [tier for tier in customers if tier not in plan.contacts]:
        raise ValueError(f"no contacts are planned for {unplanned!r}")
    return [_tier_plan(tier, count, plan) for tier, count in customers.items()]


def plan_from(rows: Iterable[TargetRow], default: ContactPlan) -> ContactPlan:
    """Return the plan that the rows of `layer_targets` make, or *default* where there are none.

    A kind without a cost costs what it does by *default*, or else nothing.
    """
    given = list(rows)
    costs = {row["kind"]: default.unit_costs.get(row["kind"], Decimal(0)) for row in given}
    costs |= {row["kind"]: from_units(cost) for row in given if (cost := row["unit_cost"])}
    costs = {**default.unit_costs, **costs}
    contacts: dict[str, dict[str, Count]] = {}
    for row in given:
        if (layer := row["layer"]) is not None:
            contacts.setdefault(layer, {})[row["kind"]] = from_units(row["per_year"])
    return replace(default, contacts=contacts or default.contacts, unit_costs=costs)


def plan_budget(
    planned: Sequence[TierPlan], gross: Mapping[str, Decimal], plan: ContactPlan
) -> tuple[TierBudget, ...]:
    """Return each tier's plan against *gross*, its gross margin of a year where that is known."""
    return tuple(_budget(row, gross.get(row.tier), plan) for row in planned)


def plan_hours(planned: Sequence[TierPlan], plan: ContactPlan, reps: int) -> RepHours:
    """Return the hours of the plan against those of so many *reps*."""
    counts = [(kind, count) for row in planned for kind, count in row.contacts.items() if count]
    if any(kind not in plan.hours for kind, _ in counts):
        return RepHours(None, None, None)
    hours = sum((count * plan.hours[kind] for kind, count in counts), Decimal(0))
    if plan.rep_hours is None:
        return RepHours(hours, None, None)
    capacity = plan.rep_hours * reps
    return RepHours(hours, capacity, hours <= capacity)


def plan_checks(
    budgets: Sequence[TierBudget], hours: RepHours, plan: ContactPlan
) -> tuple[Check, Check]:
    """Return whether the plan can be paid for, and whether it can be done."""
    return _cost_check(budgets, plan), _hours_check(hours)


def _tier_plan(tier: str, customers: int, plan: ContactPlan) -> TierPlan:
    each = plan.cost_per_customer(tier)
    return TierPlan(
        tier=tier,
        customers=customers,
        contacts={kind: customers * count for kind, count in plan.contacts[tier].items()},
        cost_per_customer=each,
        cost=customers * each,
    )


def _budget(row: TierPlan, gross: Decimal | None, plan: ContactPlan) -> TierBudget:
    if gross is None:
        return TierBudget(row.tier, row.cost, None, None, None)
    share = places(Fraction(row.cost) / Fraction(gross), 6) if gross > 0 else None
    within = row.cost <= max(gross, Decimal(0)) * plan.max_share
    return TierBudget(row.tier, row.cost, gross, share, within)


def _cost_check(budgets: Sequence[TierBudget], plan: ContactPlan) -> Check:
    known = [row for row in budgets if row.within is not None]
    if not known:
        return Check("plan_cost", "unknown", "The gross margin of the tiers is unknown.")
    over = [row for row in known if not row.within]
    figures = {
        "limit": percent(plan.max_share),
        "tiers": ", ".join(f"{row.tier} {percent(row.share)}" for row in over or known),
    }
    values = {row.tier: row.share for row in known}
    if over:
        return Check(
            "plan_cost",
            "warn",
            "Contacts cost more than {limit} of the gross margin: {tiers}.",
            figures,
            values,
        )
    return Check(
        "plan_cost",
        "ok",
        "Contacts cost at most {limit} of the gross margin of each tier: {tiers}.",
        figures,
        values,
    )


def _hours_check(found: RepHours) -> Check:
    if found.hours is None or found.capacity is None:
        return Check(
            "plan_hours",
            "unknown",
            "It is not set how many hours contacts take, or how many reps have.",
        )
    figures = {"hours": f"{found.hours:,.0f}", "capacity": f"{found.capacity:,.0f}"}
    return Check(
        "plan_hours",
        "ok" if found.within else "warn",
        "The plan takes {hours} hours of the {capacity} that reps have in a year.",
        figures,
        {"hours": found.hours, "capacity": found.capacity},
    )
