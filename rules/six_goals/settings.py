"""What a company may choose about its goals; light to import, unlike the goals themselves."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """When a customer is at risk, and what that is worth.

    *margin* 0.30 is our choice: set your own. The rest is domain 3.3.
    """

    min_order_days: int = 4
    overdue: Decimal = Decimal(2)
    critical: Decimal = Decimal(3)
    min_days: int = 14
    margin: Decimal = Decimal("0.30")
    due_days: int = 3
    urgent_due_days: int = 1
    urgent_layers: frozenset[str] = frozenset({"Top", "Big"})


@dataclass(frozen=True, slots=True)
class UpSellSettings:
    """Who is within reach, and what that is worth.

    *margin* 0.30 and *probability* 0.20 are our choice: set your own. The rest is domain 3.2.
    """

    gap: Decimal = Decimal("0.25")
    growth: Decimal = Decimal("0.25")
    growing_gap: Decimal = Decimal(1)
    margin: Decimal = Decimal("0.30")
    probability: Decimal = Decimal("0.20")
    due_days: int = 15


@dataclass(frozen=True, slots=True)
class AffinitySettings:
    """Which rules "who has one item also has the other" are strong enough. Source: domain 3.1."""

    min_support: Decimal = Decimal("0.02")
    min_accounts: int = 10
    min_confidence: Decimal = Decimal("0.30")
    min_lift: Decimal = Decimal("1.2")


@dataclass(frozen=True, slots=True)
class SuppressionSettings:
    """How much is asked of customers and reps.

    *proposal_stages* are the CRM's own names of the stages from the proposal on; where none is
    named, no opportunity covers an action. *experience_cooldown_days* is the shorter wait after a
    complaint. Source: domain 3.
    """

    cooldown_days: int = 90
    experience_cooldown_days: int = 14
    proposal_stages: frozenset[str] = frozenset()
    new_per_week: int = 10
    key_layers: frozenset[str] = frozenset({"Top", "Big"})
