"""The built-in rule pack: a plugin like any other, found through its entry point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import pluggy

from six_goals.goal import Facts, Goal, Need, Proposal
from six_goals.settings import (
    AcquisitionSettings,
    CrossSellSettings,
    ExperienceSettings,
    RetentionSettings,
    UpSellSettings,
    WinBackSettings,
)

hookimpl = pluggy.HookimplMarker("connector")

_PRODUCTS = (
    "line_items.category",
    "line_items.product",
    "opportunities.product",
)


def _of(module: str, function: str) -> Callable[..., Any]:
    """Return a function that is imported when it is called: Ibis is slow to import."""

    def call(*given: Any) -> Any:
        return getattr(import_module(f"six_goals.{module}"), function)(*given)

    return call


def _propose(module: str) -> Callable[[Facts, Any], Proposal]:
    return _of(module, "propose")


@hookimpl
def goals() -> Sequence[Goal[Any]]:
    """Return the six goals of CRM."""
    return (
        Goal(
            name="cross_sell",
            title="Cross-sell",
            about="sell other products to existing customers",
            settings=CrossSellSettings,
            propose=_propose("cross_sell"),
            needs=(Need(_PRODUCTS, "No sale names a product, so it is unknown what is missing."),),
            succeeded=_of("cross_sell", "succeeded"),
            locale="six_goals",
        ),
        Goal(
            name="up_sell",
            title="Up-sell",
            about="move customers to a higher tier",
            settings=UpSellSettings,
            propose=_propose("up_sell"),
            succeeded=_of("up_sell", "succeeded"),
            locale="six_goals",
        ),
        Goal(
            name="retention",
            title="Retention",
            about="keep the right customers",
            settings=RetentionSettings,
            propose=_propose("retention"),
            nature="care",
            locale="six_goals",
        ),
        Goal(
            name="acquisition",
            title="Acquisition",
            about="find the right new customers",
            settings=AcquisitionSettings,
            propose=_propose("acquisition"),
            needs=(
                Need(
                    (
                        "accounts.industry",
                        "accounts.size_band",
                        "accounts.region",
                        "accounts.source",
                    ),
                    "No account has an industry, a size, a region or a source to compare it by.",
                ),
            ),
            locale="six_goals",
        ),
        Goal(
            name="win_back",
            title="Win-back",
            about="bring lapsed customers back",
            settings=WinBackSettings,
            propose=_propose("win_back"),
            nature="other",
            locale="six_goals",
        ),
        Goal(
            name="experience",
            title="Experience",
            about="answer bad experiences, and use good ones",
            settings=ExperienceSettings,
            propose=_propose("experience"),
            needs=(
                Need(
                    ("cases.id", "activities.id", "opportunities.delivered_on"),
                    "There are no cases, no activities and no deliveries to judge by.",
                ),
            ),
            nature="care",
            succeeded=_of("experience", "succeeded"),
            locale="six_goals",
        ),
    )
