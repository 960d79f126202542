"""Every figure of the data sets' expected answers, computed independently of this code."""

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from customer_pyramid.hierarchy import find_roots
from customer_pyramid.migration import Basis, Migration
from customer_pyramid.money import cents
from customer_pyramid.periods import Period
from customer_pyramid.settings import PyramidSettings
from customer_pyramid.statistics import LayerStatistics, PeriodStatistics
from tests.rules.crm import World, analyse, dataset, read_csv
from tests.rules.public_data import (
    maven_accounts,
    maven_opportunities,
    northwind_accounts,
    northwind_orders,
)

TIERS = PyramidSettings().tiers
YEAR_2017 = Period.explicit(date(2017, 1, 1), date(2018, 1, 1))


@pytest.fixture(scope="module")
def maven_year() -> World:
    return analyse(maven_accounts(), maven_opportunities(), current=YEAR_2017)


@pytest.fixture(scope="module")
def maven_rolled_up() -> World:
    accounts = maven_accounts()
    parents = {row["id"]: row["parent_id"] for row in accounts if row["parent_id"]}
    found = find_roots(parents, {row["id"] for row in accounts})
    return analyse(accounts, maven_opportunities(), current=YEAR_2017, roots=found.roots)


@pytest.fixture(scope="module")
def maven_quarters() -> World:
    quarter = Period.explicit(date(2017, 10, 1), date(2018, 1, 1))
    return analyse(maven_accounts(), maven_opportunities(), current=quarter)


@pytest.fixture(scope="module")
def northwind() -> World:
    period = Period.trailing(date(1998, 5, 6))
    return analyse(northwind_accounts(), northwind_orders(), current=period)


@pytest.mark.parametrize(
    ("world", "file"),
    [
        pytest.param("maven_year", "year_2017_account.json", id="per account"),
        pytest.param("maven_rolled_up", "year_2017_rollup.json", id="rolled up"),
    ],
)
def test_maven_2017_statistics_are_as_expected(
    world: str, file: str, request: pytest.FixtureRequest
) -> None:
    expected = load("maven_crm_sales", file)
    analysed: World = request.getfixturevalue(world)
    found = as_expected(analysed.statistics().current)
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("world", "file"),
    [
        pytest.param("maven_year", "year_2017_account_tiers.csv", id="per account"),
        pytest.param("maven_rolled_up", "year_2017_rollup_tiers.csv", id="rolled up"),
    ],
)
def test_maven_2017_ranks_are_as_expected(
    world: str, file: str, request: pytest.FixtureRequest
) -> None:
    expected = read_csv(dataset("maven_crm_sales") / "expected" / file)
    analysed: World = request.getfixturevalue(world)
    found = analysed.by_account()
    assert [
        {
            "account": row["account"],
            "rank": str(found[row["account"]]["rank"]),
            "revenue": str(cents(found[row["account"]]["revenue"])),
            "orders": str(found[row["account"]]["orders"]),
            "tier": found[row["account"]]["tier"],
        }
        for row in expected
    ] == expected


@pytest.mark.parametrize(
    ("world", "data", "file"),
    [
        pytest.param("maven_quarters", "maven_crm_sales", "q3_q4_2017.json", id="maven"),
        pytest.param("northwind", "northwind", "ttm_1997_1998.json", id="northwind"),
    ],
)
class TestTwoPeriods:
    def test_both_periods_statistics_are_as_expected(
        self, world: str, data: str, file: str, request: pytest.FixtureRequest
    ) -> None:
        expected = load(data, file)
        analysed: World = request.getfixturevalue(world)
        both = analysed.statistics()
        found = {"A": as_expected(both.previous), "B": as_expected(both.current)}
        assert found == {name: expected[name] for name in found}

    @pytest.mark.parametrize("basis", ["rank", "frozen"])
    def test_migration_is_as_expected(
        self, world: str, data: str, file: str, basis: Basis, request: pytest.FixtureRequest
    ) -> None:
        expected = load(data, file)
        analysed: World = request.getfixturevalue(world)
        moved = analysed.migration(basis)
        assert migration_as_expected(moved) == expected[f"migration_{basis}"]

    def test_counts_by_frozen_boundaries_are_as_expected(
        self, world: str, data: str, file: str, request: pytest.FixtureRequest
    ) -> None:
        expected = load(data, file)["B_frozen_counts"]
        analysed: World = request.getfixturevalue(world)
        counts = analysed.migration("frozen").counts()
        assert {tier: counts[tier] for tier in TIERS} == expected

    def test_every_account_is_as_expected(
        self, world: str, data: str, file: str, request: pytest.FixtureRequest
    ) -> None:
        expected = read_csv(dataset(data) / "expected" / file.replace(".json", "_tiers.csv"))
        analysed: World = request.getfixturevalue(world)
        found = analysed.by_account()
        assert [tiers_as_expected(found[row["account_id"]]) for row in expected] == expected


def load(data: str, file: str) -> dict[str, Any]:
    text = (dataset(data) / "expected" / file).read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def as_expected(period: PeriodStatistics) -> dict[str, Any]:
    return {
        "period": [period.period.start.isoformat(), period.period.last_day.isoformat()],
        "active": period.active,
        "revenue": str(period.revenue),
        "tiers": [tier_as_expected(layer) for layer in period.layers if layer.layer in TIERS],
        "tie_at_boundary": dict(period.tie_at_boundary),
        "whale": None,
        "top20_share": number(period.top20_share),
        "customers_for_80pct": period.customers_for_80pct,
        "share_customers_for_80pct": number(period.share_customers_for_80pct),
        "gini": number(period.gini),
        "inactive": period.inactive,
        "nonpositive_with_orders": period.nonpositive_with_orders,
        "never_customer": period.never_customer,
        "thresholds": {tier: text(limit) for tier, limit in period.thresholds.items()},
        "new_customers": period.new_customers,
        "new_revenue": str(period.new_revenue),
        "existing_share_revenue": number(period.existing_share_revenue),
    }


def tier_as_expected(layer: LayerStatistics) -> dict[str, Any]:
    return {
        "tier": layer.layer,
        "customers": layer.customers,
        "share_customers": number(layer.share_customers),
        "revenue": str(layer.revenue),
        "share_revenue": number(layer.share_revenue),
        "avg_revenue": text(layer.average_revenue),
        "min_revenue": text(layer.min_revenue),
        "max_revenue": text(layer.max_revenue),
        "orders": layer.orders,
    }


def migration_as_expected(moved: Migration) -> dict[str, Any]:
    return {
        "matrix": {state: dict(row) for state, row in moved.matrix.items()},
        "upgrade": moved.upgrade,
        "downgrade": moved.downgrade,
        "stable": moved.stable,
        "lapsed": moved.lapsed,
        "reactivated": moved.reactivated,
        "new": moved.new,
        "still_inactive": moved.still_inactive,
        "net_upward_retained": number(moved.net_upward_retained),
        "net_upward_total": number(moved.net_upward_total),
        "net_tier_steps": moved.net_tier_steps,
        "retention_rate": number(moved.retention_rate),
    }


def tiers_as_expected(row: Mapping[str, Any]) -> dict[str, str | None]:
    before, now = row["previous_tier"] is not None, row["tier"] is not None
    return {
        "account_id": row["account_id"],
        "revenue_a": str(cents(row["previous_revenue"])) if before else None,
        "rank_a": str(row["previous_rank"]) if before else None,
        "tier_a": row["previous_tier"],
        "revenue_b": str(cents(row["revenue"])) if now else None,
        "rank_b": str(row["rank"]) if now else None,
        "tier_b": row["tier"],
        "tier_b_frozen": row["tier_frozen"],
    }


def number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)
