"""What a company may choose about its goals; light to import, unlike the goals themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

KEY_LAYERS = frozenset({"Top", "Big"})


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """When a customer is at risk, and what is done about it. Source: domain 3.3.

    *p_alive* counts a customer as at risk below this probability of being alive (BG/NBD), where the
    model can be fitted; 0 leaves the model out. With 2 or 3 order days the rhythm is that of the
    tier: the gap that *usual_share* of its gaps do not exceed. *decline* is the share of the
    revenue of the period before at or below which revenue has declined. *contract_risk*, the part
    of the margin at risk when a contract ends, is our choice: set your own.
    """

    min_order_days: int = 4
    overdue: Decimal = Decimal(2)
    critical: Decimal = Decimal(3)
    min_days: int = 14
    p_alive: Decimal = Decimal("0.5")
    decline: Decimal = Decimal("0.70")
    usual_share: Decimal = Decimal("0.90")
    contract_days: int = 90
    contract_risk: Decimal = Decimal("0.30")
    due_days: int = 3
    urgent_due_days: int = 1
    urgent_layers: frozenset[str] = KEY_LAYERS
    min_window_days: int = 60


@dataclass(frozen=True, slots=True)
class UpSellSettings:
    """Who is within reach of more, and what that is worth. Source: domain 3.2.

    *gap*, *growth* and *growing_gap* are fractions of revenue; *probability* 0.20 is our choice:
    set your own. *upgradable* is the part of the last tier that is proposed as upgradable. *ladder*
    names items from the smallest to the largest step; *step_ownership* is the part of the peers
    who must own the next step.
    """

    gap: Decimal = Decimal("0.25")
    growth: Decimal = Decimal("0.25")
    growing_gap: Decimal = Decimal(1)
    probability: Decimal = Decimal("0.20")
    upgradable: Decimal = Decimal("0.10")
    min_peers: int = 10
    ladder: tuple[str, ...] = ()
    step_ownership: Decimal = Decimal("0.20")
    due_days: int = 15
    success_days: int = 180

    def __post_init__(self) -> None:
        if len(self.ladder) == 1:
            raise ValueError(f"ladder must name at least two items, not only {self.ladder[0]!r}")
        if len(set(self.ladder)) != len(self.ladder):
            raise ValueError(f"ladder must name each item once: {self.ladder!r}")


@dataclass(frozen=True, slots=True)
class AffinitySettings:
    """Which rules "who has one item also has the other" are strong enough. Source: domain 3.1."""

    min_support: Decimal = Decimal("0.02")
    min_accounts: int = 10
    min_confidence: Decimal = Decimal("0.30")
    min_lift: Decimal = Decimal("1.2")


@dataclass(frozen=True, slots=True)
class CrossSellSettings:
    """Which items a customer may be missing. Source: domain 3.1.

    *months* without a purchase make an item missing. The minimal rule asks for *ownership* among at
    least *min_peers* peers, and counts on *conversion* of it; the better one takes rules between
    items (*affinity*), their confidence shrunk by *shrinkage* accounts. *exclude* are
    items that are never proposed.
    """

    method: Literal["rules", "peers"] = "rules"
    months: int = 24
    ownership: Decimal = Decimal("0.30")
    min_peers: int = 10
    conversion: Decimal = Decimal("0.10")
    affinity: AffinitySettings = AffinitySettings()
    shrinkage: int = 10
    exclude: frozenset[str] = frozenset()
    due_days: int = 10
    success_days: int = 180


@dataclass(frozen=True, slots=True)
class LookAlikeSettings:
    """What makes an account look like the best customers. Source: domain 3.4.

    *fields* are columns of accounts. A field is named as a likeness from *min_alike* of the best
    customers with the same value.
    """

    fields: tuple[str, ...] = ("industry", "size_band", "region", "source")
    min_alike: int = 3

    def __post_init__(self) -> None:
        known = ("industry", "size_band", "region", "source")
        if not self.fields or not set(self.fields) <= set(known):
            raise ValueError(f"fields must be some of {', '.join(known)}, not {self.fields!r}")
        if self.min_alike < 1:
            raise ValueError(f"min_alike must be at least 1, not {self.min_alike!r}")


@dataclass(frozen=True, slots=True)
class LeadScoringSettings:
    """From which leads the chance of winning one is learned. Source: domain 3.4.

    A lead is judged by what was known when it was so many days old: at the highest of *ages* it has
    reached. Each age needs *min_leads* decided leads, *min_each* of them won and as many not.
    *not_won* are the statuses of those. The newest *held_out* of them are kept to measure with.
    """

    ages: tuple[int, ...] = (0, 14, 30)
    not_won: frozenset[str] = frozenset({"lost", "disqualified"})
    min_leads: int = 200
    min_each: int = 30
    held_out: Decimal = Decimal("0.25")

    def __post_init__(self) -> None:
        if not self.ages or min(self.ages) < 0 or list(self.ages) != sorted(set(self.ages)):
            raise ValueError(f"ages must be days from 0 on, rising, not {self.ages!r}")
        if not Decimal("0.2") <= self.held_out <= Decimal("0.5"):
            raise ValueError(f"held_out must be from 0.2 to 0.5, not {self.held_out!r}")


@dataclass(frozen=True, slots=True)
class AcquisitionSettings:
    """Which prospects are worth a rep's time. Source: domain 3.4.

    *conversion* is the chance of a first order by heat, or for an account that nobody has contacted
    ("none"), where no model of leads is fitted: our choice, set your own. Likeness needs at least
    *min_customers*.
    """

    look_alike: LookAlikeSettings = LookAlikeSettings()
    leads: LeadScoringSettings = LeadScoringSettings()
    conversion: Mapping[str, Decimal] = field(
        default_factory=lambda: {
            "hot": Decimal("0.20"),
            "warm": Decimal("0.10"),
            "cold": Decimal("0.05"),
            "none": Decimal("0.02"),
        }
    )
    min_customers: int = 20
    due_days: int = 5
    success_days: int = 180

    def __post_init__(self) -> None:
        expected = {"hot", "warm", "cold", "none"}
        if set(self.conversion) != expected:
            raise ValueError(
                f"conversion must name hot, warm, cold and none, not {[*self.conversion]!r}"
            )


@dataclass(frozen=True, slots=True)
class WinBackSettings:
    """Which lapsed customers to ask back, and the chance that they come. Source: domain 3.5.

    *base* is the chance by months since the last order, up to and including; *reasons* the factor
    by the reason they left, found by a word in it: the first in this order that it holds;
    *window_months* ends the time in which a person asks.
    """

    min_order_days: int = 4
    top_share: Decimal = Decimal("0.20")
    window_months: int = 24
    base: Mapping[str, Decimal] = field(
        default_factory=lambda: {
            "15": Decimal("0.20"),
            "24": Decimal("0.10"),
            "36": Decimal("0.05"),
        }
    )
    reasons: Mapping[str, Decimal] = field(
        default_factory=lambda: {
            "price": Decimal("1.0"),
            "service": Decimal("0.8"),
            "product": Decimal("0.7"),
            "competitor": Decimal("0.6"),
            "unknown": Decimal("0.7"),
            "moved": Decimal(0),
            "closed": Decimal(0),
            "no need": Decimal(0),
            "pushed away": Decimal(0),
        }
    )
    due_days: int = 10
    success_days: int = 180

    def __post_init__(self) -> None:
        if not self.base or not all(months.isdecimal() for months in self.base):
            raise ValueError(f"base needs chances by whole numbers of months: {dict(self.base)!r}")
        for key, factors in (("base", self.base), ("reasons", self.reasons)):
            if any(not 0 <= factor <= 1 for factor in factors.values()):
                raise ValueError(f"{key} must be from 0 to 1: {dict(factors)!r}")


@dataclass(frozen=True, slots=True)
class ExperienceSettings:
    """What counts as a bad experience or a good one. Source: domain 3.6.

    Scores are on their own scales: CSAT 1 to 5, NPS 0 to 10. *recent_days* is how long a thing that
    is over counts. *service_words* mark the reason of a lost deal as bad service. *churn_lift* is
    the part of a year's margin that a bad experience puts at risk; *referral* what a promoter may
    bring, in the base currency.
    """

    handover_days: int = 14
    reply_days: int = 2
    service_words: tuple[str, ...] = ("service",)
    many_cases: int = 3
    many_cases_days: int = 90
    low_csat: int = 2
    low_nps: int = 6
    high_csat: int = 5
    high_nps: int = 9
    score_drop: int = 3
    recent_days: int = 90
    churn_lift: Decimal = Decimal("0.2")
    referral: Decimal = Decimal(0)
    due_days: int = 2
    urgent_due_days: int = 1
    urgent_layers: frozenset[str] = KEY_LAYERS
    reference_days: int = 365
    reference_due_days: int = 10
    success_days: int = 180


@dataclass(frozen=True, slots=True)
class HoldoutSettings:
    """Accounts left alone on purpose, to learn what the tasks of a goal are worth.

    *percent* of the accounts that a goal selects get no task; *salt* decides which. Another salt
    draws anew, which ends all comparisons that are under way. Source: domain 3.
    """

    percent: int = 10
    salt: str = "pyramid-v1"

    def __post_init__(self) -> None:
        if not 0 <= self.percent <= 50:
            raise ValueError(f"percent must be from 0 to 50, not {self.percent!r}")


@dataclass(frozen=True, slots=True)
class SuppressionSettings:
    """How much is asked of customers and reps.

    *proposal_stages* are the CRM's own names of the stages from the proposal on; where none is
    named, no opportunity covers an action but for one with the same product.
    *experience_cooldown_days* is the shorter wait after a complaint, *detractor_days* how long a
    bad score keeps sales away. Source: domain 3.
    """

    cooldown_days: int = 90
    experience_cooldown_days: int = 14
    detractor_days: int = 90
    proposal_stages: frozenset[str] = frozenset()
    new_per_week: int = 10
    key_layers: frozenset[str] = KEY_LAYERS
