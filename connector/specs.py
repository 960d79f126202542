"""The fields of accounts that a job writes in its target, and what each has to hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from connector.config import Job
from connector.contract import FieldSpec
from connector.model import LOCK_FIELD, OUTPUTS
from customer_pyramid.settings import INACTIVE, PROSPECT, REST_OF_WORLD, SUSPECT
from six_goals.words import Words

_MOVEMENTS: Final = (
    "upgrade", "downgrade", "stable", "lapsed", "reactivated", "new", "still_inactive",
)  # fmt: skip
_LENGTHS: Final[Mapping[str, int]] = {"currency": 3, "run_id": 64, "config_hash": 64}
_ABOUT_LOCK: Final = "set by hand: the tier stays as it is"


def field_specs(job: Job, words: Words) -> list[FieldSpec]:
    """Return the fields of accounts that the job uses in the target, in the order of its file."""
    return [_spec(ours, theirs, job, words) for ours, theirs in job.model.target.fields.items()]


def _spec(ours: str, theirs: str, job: Job, words: Words) -> FieldSpec:
    label = label_of(ours, words)
    if ours == LOCK_FIELD:
        return FieldSpec(theirs, ours, label, "flag", about=_ABOUT_LOCK)
    output = OUTPUTS[ours]
    choices = _choices(ours, job.model.rules.settings.pyramid.tiers)
    return FieldSpec(
        name=theirs,
        result=ours,
        label=label,
        kind="choice" if choices else output.kind,
        choices=choices,
        length=_LENGTHS.get(ours, 255),
        scale=output.scale,
        about=output.about,
    )


def _choices(ours: str, tiers: tuple[str, ...]) -> tuple[str, ...]:
    """Return the values that a result may have, as they are written whatever the language."""
    match ours:
        case "tier" | "tier_raw" | "tier_previous":
            return tiers
        case "layer":
            return (*tiers, INACTIVE, PROSPECT, SUSPECT, REST_OF_WORLD)
        case "movement":
            return _MOVEMENTS
    return ()


def label_of(result: str, words: Words) -> str:
    """Return what the field of a result is called, in at most 40 characters."""
    said = {
        "tier": words.say("Customer tier"),
        "tier_raw": words.say("Customer tier, computed"),
        "layer": words.say("Pyramid layer"),
        "tier_previous": words.say("Customer tier before"),
        "tier_since": words.say("Customer tier since"),
        "tier_locked": words.say("Customer tier locked"),
        "movement": words.say("Pyramid movement"),
        "rank": words.say("Pyramid rank"),
        "revenue_period": words.say("Revenue in the period"),
        "share": words.say("Share of all revenue"),
        "next_tier_gap": words.say("Revenue missing for the next tier"),
        "overdue": words.say("Overdue, in usual order gaps"),
        "p_alive": words.say("Probability of buying again"),
        "profit": words.say("Profit in the period"),
        "currency": words.say("Currency of the pyramid"),
        "period_start": words.say("Pyramid period from"),
        "period_end": words.say("Pyramid period to"),
        "computed_at": words.say("Pyramid computed at"),
        "run_id": words.say("Pyramid run"),
        "config_hash": words.say("Pyramid rules"),
    }
    return said[result]
