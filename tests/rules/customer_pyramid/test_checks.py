"""Checks: what is asked of every pyramid, with sentences that hold their figures."""

from datetime import date
from decimal import Decimal
from typing import Any, cast

import pytest

from customer_pyramid.audit import ProfitAudit, ProfitRow, profit_audit
from customer_pyramid.check import Check, Flag, percent
from customer_pyramid.checks import checks
from customer_pyramid.migration import MigrationRow, migration
from customer_pyramid.settings import ProfitSettings, PyramidSettings
from customer_pyramid.statistics import PeriodStatistics, statistics
from customer_pyramid.summary import ConcentrationRow, LayerRow
from tests.rules.customer_pyramid.books import YEAR, units

PYRAMID = PyramidSettings()
CUSTOMERS = {"Top": 10, "Big": 40, "Medium": 150, "Small": 800}
REVENUE = {"Top": 40, "Big": 25, "Medium": 15, "Small": 20}
"""A year of 100 from 1,000 customers."""


def layer(name: str, **figures: object) -> LayerRow:
    row = {
        "period": "current",
        "layer": name,
        "tier_raw": name,
        "customers": CUSTOMERS[name],
        "revenue": units(REVENUE[name]),
        "lowest": None,
        "highest": None,
        "orders": 1,
        "new_customers": 0,
        "new_revenue": 0,
        "nonpositive_with_orders": 0,
        "first_order": date(2020, 1, 1),
    }
    return cast("LayerRow", row | figures)


def year(*layers: LayerRow, **figures: object) -> PeriodStatistics:
    concentration = {
        "period": "current",
        "customers": 1_000,
        "revenue": units(100),
        "largest": units(15),
        "weighted": units(86_050),
        "top20_revenue": units(80),
        "customers_below_80pct": 199,
    }
    rows = layers or tuple(map(layer, CUSTOMERS))
    measures = cast("list[ConcentrationRow]", [concentration | figures])
    return statistics(rows, measures, PYRAMID, YEAR, YEAR.previous()).current


NOBODY = statistics([], [], PYRAMID, YEAR, YEAR.previous()).current


def moves(*counts: tuple[str, str, int]) -> Any:
    rows: list[MigrationRow] = [
        {"previous_state": old, "state": new, "frozen_state": new, "customers": count}
        for old, new, count in counts
    ]
    return migration(rows, PYRAMID, "frozen")


def audit(**profits: int) -> ProfitAudit:
    """Return an audit of tiers with ten customers each and a cost of 1."""
    return profit_audit([profit_row(tier, profit) for tier, profit in profits.items()], PYRAMID)


def profit_row(tier: str, profit: int, **figures: int) -> ProfitRow:
    row = {
        "layer": tier,
        "customers": 10,
        "revenue": units(1),
        "gross": units(profit + 1),
        "ms_cost": units(1),
        "service_cost": 0,
        "overhead": 0,
        "profit": units(profit),
        "profitable": 10 if profit > 0 else 0,
        "gained": units(max(profit, 0)),
        "loss_making": 0 if profit > 0 else 10,
        "estimated": 0,
    }
    return cast("ProfitRow", row | figures)


def check(name: str, current: PeriodStatistics | None = None, **known: Any) -> Check:
    """Return one of the checks of a company of which nothing else is known."""
    given = {"spending": None, "audit": None, "upgradable": None, "migration": moves()} | known
    found = checks(current or year(), pyramid=PYRAMID, profit=ProfitSettings(), **given)
    return {check.name: check for check in found}[cast("Any", name)]


def test_every_question_has_one_answer() -> None:
    found = checks(
        year(),
        moves(),
        spending=None,
        audit=None,
        upgradable=None,
        pyramid=PYRAMID,
        profit=ProfitSettings(),
    )
    assert [check.name for check in found] == [
        "eighty_twenty",
        "concentration",
        "dependency",
        "ninety_ten",
        "budget",
        "profit_audit",
        "upgradable_small",
        "retention",
    ]


@pytest.mark.parametrize(
    "name",
    ["eighty_twenty", "concentration", "dependency", "ninety_ten", "upgradable_small", "retention"],
)
def test_without_customers_nothing_is_known(name: str) -> None:
    found = check(name, NOBODY, upgradable=0)
    assert (found.flag, found.figures, found.values) == ("unknown", {}, {})
    assert found.finding.endswith(".")


def test_the_first_fifth_and_the_makers_of_80_percent_are_told() -> None:
    found = check("eighty_twenty")
    assert found.flag == "ok"
    assert found.finding == (
        "The first 20 % of customers bring 80 % of revenue; 200 customers, 20 % of all, bring 80 %."
    )


def test_concentration_is_for_information() -> None:
    found = check("concentration")
    assert (found.flag, found.values) == ("ok", {"gini": Decimal("0.72")})
    assert "is 0.72:" in found.finding


@pytest.mark.parametrize(
    ("largest", "top", "flag"),
    [
        pytest.param(15, 40, "ok", id="many"),
        pytest.param(20, 40, "ok", id="at the limit of one"),
        pytest.param(21, 40, "warn", id="one"),
        pytest.param(15, 51, "warn", id="the first tier"),
    ],
)
def test_hanging_on_few_is_warned_of(largest: int, top: int, flag: Flag) -> None:
    rest = layer("Small", revenue=units(100 - top))
    found = check(
        "dependency", year(layer("Top", revenue=units(top)), rest, largest=units(largest))
    )
    assert found.flag == flag
    assert f"brings {largest} % of revenue" in found.finding


def test_existing_customers_bring_what_new_ones_do_not() -> None:
    small = layer("Small", new_customers=30, new_revenue=units(10))
    found = check("ninety_ten", year(layer("Top", revenue=units(80)), small))
    assert found.flag == "ok"
    assert found.finding == "Existing customers bring 90 % of revenue, 30 new ones 10 %."


def test_a_history_that_begins_in_the_period_tells_nobody_apart() -> None:
    small = layer("Small", first_order=YEAR.start, new_customers=800, new_revenue=units(20))
    found = check("ninety_ten", year(small))
    assert found.flag == "warn"
    assert "can't be told" in found.finding


@pytest.mark.parametrize(
    ("aimed", "flag"), [(699, "ok"), (700, "alarm")], ids=["below the limit", "at the limit"]
)
def test_a_budget_for_non_customers_is_alarming(aimed: int, flag: Flag) -> None:
    current = year(layer("Small", revenue=units(100), new_customers=400, new_revenue=units(50)))
    spending = {"Top": units(1_000 - aimed), "Prospect": units(aimed)}
    found = check("budget", current, spending=spending)
    assert found.flag == flag
    share = percent(Decimal(aimed) / 1_000)
    assert found.finding == (
        f"{share} of marketing and sales cost (1,000) goes to those who are no customers; "
        "new customers bring 50 % of revenue."
    )


def test_a_budget_without_costs_is_unknown() -> None:
    assert check("budget").flag == "unknown"
    assert check("budget", spending={"Top": 0}).flag == "unknown"


@pytest.mark.parametrize(
    ("profits", "flag"),
    [
        pytest.param({"Top": 90, "Big": 60, "Medium": 10, "Small": 5}, "ok", id="all earn"),
        pytest.param({"Top": 90, "Big": 60, "Medium": 10, "Small": -5}, "warn", id="Small"),
        pytest.param({"Top": 90, "Big": 60, "Medium": -1, "Small": 5}, "alarm", id="Medium"),
        pytest.param({"Top": 1, "Small": -5}, "alarm", id="a loss in all"),
    ],
)
def test_tiers_that_lose_money_are_flagged(profits: dict[str, int], flag: Flag) -> None:
    assert check("profit_audit", audit=audit(**profits)).flag == flag


def test_one_large_customer_that_loses_money_is_warned_of() -> None:
    rows = [profit_row("Top", 90, loss_making=1), profit_row("Small", 10)]
    found = check("profit_audit", audit=profit_audit(rows, PYRAMID))
    assert found.flag == "warn"
    assert found.values["losing"] == 1


def test_the_audit_says_who_earns() -> None:
    found = check("profit_audit", audit=audit(Top=90, Big=60, Medium=10, Small=-60))
    assert found.finding == (
        "The 30 most profitable customers make 160, all 40 make 100; the tier Small makes -60. "
        "In the highest tiers, customers who lose money: 0."
    )
    assert found.values["peak_ratio"] == Decimal("1.6")
    assert found.values["upper_share"] == Decimal("1.6")


def test_a_profit_that_is_only_a_margin_says_nothing() -> None:
    rows = [profit_row(tier, 30, ms_cost=0, estimated=10) for tier in PYRAMID.tiers]
    found = check("profit_audit", audit=profit_audit(rows, PYRAMID))
    assert found.flag == "unknown"
    assert "No cost is recorded" in found.finding


def test_a_profit_of_nobody_is_unknown() -> None:
    assert check("profit_audit", audit=profit_audit([], PYRAMID)).flag == "unknown"


@pytest.mark.parametrize(
    ("found", "flag"), [(None, "unknown"), (0, "warn"), (39, "warn"), (40, "ok"), (80, "ok")]
)
def test_a_twentieth_of_the_small_should_be_able_to_grow(found: int | None, flag: Flag) -> None:
    assert check("upgradable_small", upgradable=found).flag == flag


def test_retention_tells_who_stayed() -> None:
    moved = moves(
        ("Big", "Big", 7), ("Small", "Big", 2), ("Top", "Inactive", 1), ("None", "Big", 4)
    )
    found = check("retention", migration=moved)
    assert found.flag == "ok"
    assert found.finding == (
        "90 % of the customers of the period before still buy; 1 lapsed, 0 came back and 4 are new."
    )


@pytest.mark.parametrize(
    ("share", "text"), [("0.785295", "78.5 %"), ("0.2", "20 %"), ("1.6", "160 %"), (None, "-")]
)
def test_percentages_have_one_decimal_where_they_need_it(share: str | None, text: str) -> None:
    assert percent(Decimal(share) if share else None) == text
