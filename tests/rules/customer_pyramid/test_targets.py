"""Targets: what was aimed at, measured by the boundaries of the period before."""

from decimal import Decimal
from typing import cast

import pytest

from customer_pyramid.settings import NamedTarget, PyramidSettings, TargetSettings, TierTarget
from customer_pyramid.targets import (
    NamedRow,
    Progress,
    TargetCountRow,
    named_actuals,
    progress,
    target_counts,
)
from tests.rules.crm import Row
from tests.rules.customer_pyramid.books import Books, standing, units

PYRAMID = PyramidSettings()
STOOD = [
    standing("A", "Top", 500, previous_state="Top"),
    standing("B", "Small", 300, previous_state="Small", tier_frozen="Big"),
    standing("C", "Big", 200, previous_state="None"),
    standing("D", "Big", 100, previous_state="Inactive"),
    standing("E", "Inactive", previous_state="Big"),
    standing("F", "Small", 90, previous_state="Big", inherited_from="A"),
    standing("G", "Small", 50, previous_state="Big"),
]
PROFITS = [
    {"account_id": name, "profit": units(profit)}
    for name, profit in (("A", 50), ("B", 30), ("C", -20), ("D", 10))
]


def reached(
    targets: TargetSettings,
    standings: list[Row] = STOOD,
    performance: list[Row] | None = None,
) -> dict[tuple[str, str], Progress]:
    """Return the progress of each target by its subject and measure."""
    books = Books(standings=standings, profit=PROFITS, performance=performance or [])
    said = books["performance"] if performance is not None else None
    counts = books.rows(target_counts(books["standings"], books["profit"], said))
    named = books.rows(named_actuals(books["standings"], targets.named))
    found = progress(
        cast("list[TargetCountRow]", counts), cast("list[NamedRow]", named), targets, PYRAMID
    )
    return {(row.subject, row.measure): row for row in found}


def test_each_aim_of_a_tier_has_its_actual_figure() -> None:
    aims = TierTarget(
        customers=4,
        revenue=Decimal(600),
        profit=Decimal(40),
        retained=2,
        upgrades_in=1,
        new=1,
    )
    found = reached(TargetSettings(tiers={"Big": aims}))
    assert {
        measure: (row.aim, row.actual, row.ratio, row.reached)
        for (_, measure), row in found.items()
    } == {
        "customers": (Decimal(4), Decimal(3), Decimal("0.75"), False),
        "revenue": (Decimal(600), Decimal(600), Decimal(1), True),
        "profit": (Decimal(40), Decimal(20), Decimal("0.5"), False),
        "retained": (Decimal(2), Decimal(1), Decimal("0.5"), False),
        "upgrades_in": (Decimal(1), Decimal(1), Decimal(1), True),
        "new": (Decimal(1), Decimal(1), Decimal(1), True),
    }


def test_a_tier_without_aims_has_no_progress() -> None:
    assert reached(TargetSettings(tiers={"Big": TierTarget()})) == {}


def test_satisfaction_is_the_mean_of_the_customers_who_answered() -> None:
    answers: list[Row] = [
        {"account_id": "B", "csat": units("0.5")},
        {"account_id": "C", "csat": units(1)},
        {"account_id": "D", "csat": None},
    ]
    aims = TargetSettings(
        tiers={
            "Top": TierTarget(satisfaction=Decimal("0.9")),
            "Big": TierTarget(satisfaction=Decimal("0.75")),
        }
    )
    found = reached(aims, performance=answers)
    assert found["Big", "satisfaction"].actual == Decimal("0.75")
    assert found["Big", "satisfaction"].reached
    unknown = found["Top", "satisfaction"]
    assert (unknown.actual, unknown.ratio, unknown.reached) == (None, None, None)


@pytest.mark.parametrize(
    ("target", "measure", "actual", "ratio", "done"),
    [
        pytest.param(
            NamedTarget(revenue=Decimal(400)), "revenue", 300, Decimal("0.75"), False, id="revenue"
        ),
        pytest.param(NamedTarget(tier="Medium"), "tier", "Big", None, True, id="higher"),
        pytest.param(NamedTarget(tier="Big"), "tier", "Big", None, True, id="just there"),
        pytest.param(NamedTarget(tier="Top"), "tier", "Big", None, False, id="not yet"),
    ],
)
def test_an_account_may_have_a_target_of_its_own(
    target: NamedTarget, measure: str, actual: object, ratio: Decimal | None, done: bool
) -> None:
    found = reached(TargetSettings(named={"B": target}))["B", measure]
    assert found.named
    assert (found.actual, found.ratio, found.reached) == (actual, ratio, done)


def test_an_account_that_is_gone_has_reached_nothing_that_is_known() -> None:
    both = NamedTarget(revenue=Decimal(1), tier="Big")
    found = reached(TargetSettings(named={"gone": both}))
    assert {(row.actual, row.reached) for row in found.values()} == {(None, None)}


def test_an_account_that_lapsed_has_not_reached_its_tier() -> None:
    found = reached(TargetSettings(named={"E": NamedTarget(tier="Small")}))["E", "tier"]
    assert (found.actual, found.reached) == (None, False)


def test_an_aim_of_nothing_is_reached_without_a_ratio() -> None:
    found = reached(TargetSettings(tiers={"Big": TierTarget(new=0)}))["Big", "new"]
    assert (found.ratio, found.reached) == (None, True)


def test_tiers_come_first_then_accounts_by_id() -> None:
    aim, name = TierTarget(new=1), NamedTarget(tier="Big")
    found = reached(TargetSettings(tiers={"Small": aim, "Top": aim}, named={"B": name, "A": name}))
    assert [subject for subject, _ in found] == ["Top", "Small", "A", "B"]


@pytest.mark.parametrize(
    "targets",
    [
        TargetSettings(tiers={"Gold": TierTarget(new=1)}),
        TargetSettings(named={"A": NamedTarget(tier="Gold")}),
    ],
    ids=["tier", "account"],
)
def test_a_target_for_a_tier_there_is_not_is_refused(targets: TargetSettings) -> None:
    with pytest.raises(ValueError, match="'Gold'"):
        reached(targets)
