"""From files through the command line to the answers that came with the data, figure by figure."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.command import as_json, connector, tiers
from tests.acceptance.jobs import dataset, maven, northwind

pytestmark = pytest.mark.long

QUARTERS = "[rules.period]\nmonths = 3"
ROLLED_UP = '[rules.settings.pyramid]\nroll_up = "ultimate_parent"'
TIERS = ("Top", "Big", "Medium", "Small")

Synced = tuple[Path, Mapping[str, Any]]


@pytest.fixture(scope="module")
def synced_northwind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _synced(northwind(tmp_path_factory.mktemp("northwind")))


@pytest.fixture(scope="module")
def synced_quarters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _synced(maven(tmp_path_factory.mktemp("quarters"), QUARTERS))


@pytest.fixture(scope="module")
def synced_year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _synced(maven(tmp_path_factory.mktemp("year")))


@pytest.fixture(scope="module")
def synced_groups(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _synced(maven(tmp_path_factory.mktemp("groups"), ROLLED_UP))


def _synced(job: Path) -> Path:
    connector("sync", job)
    return job


@pytest.mark.parametrize(
    ("job", "data", "file"),
    [
        pytest.param("synced_northwind", "northwind", "ttm_1997_1998", id="northwind"),
        pytest.param("synced_quarters", "maven_crm_sales", "q3_q4_2017", id="maven-quarters"),
    ],
)
class TestTwoPeriods:
    def test_every_account_has_its_tier_rank_and_revenue(
        self, job: str, data: str, file: str, request: pytest.FixtureRequest
    ) -> None:
        expected = read_csv(dataset(data) / "expected" / f"{file}_tiers.csv")
        found = tiers(request.getfixturevalue(job))
        assert [as_expected_row(found[row["account_id"]]) for row in expected] == expected

    def test_no_other_account_has_a_tier(
        self, job: str, data: str, file: str, request: pytest.FixtureRequest
    ) -> None:
        expected = read_csv(dataset(data) / "expected" / f"{file}_tiers.csv")
        found = tiers(request.getfixturevalue(job))
        ranked = {account for account, row in found.items() if row["tier"]}
        assert ranked == {row["account_id"] for row in expected if row["tier_b"]}

    @pytest.mark.parametrize(("letter", "name"), [("A", "previous"), ("B", "current")])
    def test_the_statistics_are_as_expected(
        self,
        job: str,
        data: str,
        file: str,
        letter: str,
        name: str,
        request: pytest.FixtureRequest,
    ) -> None:
        expected = read_json(dataset(data) / "expected" / f"{file}.json")[letter]
        found = as_json("pyramid", request.getfixturevalue(job))
        assert as_expected_period(found[name]) == expected

    @pytest.mark.parametrize("basis", ["rank", "frozen"])
    def test_the_migration_is_as_expected(
        self, job: str, data: str, file: str, basis: str, request: pytest.FixtureRequest
    ) -> None:
        expected = read_json(dataset(data) / "expected" / f"{file}.json")[f"migration_{basis}"]
        found = as_json("pyramid", request.getfixturevalue(job))["migration"][basis]
        assert {key: number(found[key]) for key in expected} == expected


@pytest.mark.parametrize(
    ("job", "file"),
    [
        pytest.param("synced_year", "year_2017_account", id="each-account"),
        pytest.param("synced_groups", "year_2017_rollup", id="rolled-up"),
    ],
)
class TestOneYear:
    def test_every_customer_has_its_tier_rank_revenue_and_orders(
        self, job: str, file: str, request: pytest.FixtureRequest
    ) -> None:
        expected = read_csv(dataset("maven_crm_sales") / "expected" / f"{file}_tiers.csv")
        found = tiers(request.getfixturevalue(job))
        columns = ("account", "rank", "revenue", "orders", "tier")
        assert [
            {column: found[row["account"]][column] for column in columns} for row in expected
        ] == expected

    def test_the_statistics_are_as_expected(
        self, job: str, file: str, request: pytest.FixtureRequest
    ) -> None:
        expected = read_json(dataset("maven_crm_sales") / "expected" / f"{file}.json")
        found = as_expected_period(as_json("pyramid", request.getfixturevalue(job))["current"])
        assert {key: found[key] for key in expected} == expected


def test_a_subsidiary_takes_the_tier_of_its_group(synced_groups: Path) -> None:
    found = tiers(synced_groups)
    children = {a: row for a, row in found.items() if row["inherited_from"]}
    assert len(children) == 15
    assert all(row["tier"] == found[row["inherited_from"]]["tier"] for row in children.values())
    assert not any(row["rank"] or row["revenue"] for row in children.values())


def test_the_dirt_of_the_data_is_named_and_counted(synced_year: Path) -> None:
    assert as_json("pyramid", synced_year)["issues"] == {"without_account": 1425}


@pytest.mark.parametrize("job", ["synced_northwind", "synced_year", "synced_groups"])
def test_the_written_file_says_what_tiers_says(job: str, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(job)
    found = tiers(path)
    written = read_csv(path.parent / "out" / "accounts.csv")
    key = "account_id" if job == "synced_northwind" else "account"
    assert {row[key]: row["pyramid_tier"] for row in written} == {
        account: row["tier"] for account, row in found.items()
    }


def as_expected_row(row: Mapping[str, str]) -> dict[str, str]:
    before, now = bool(row["previous_tier"]), bool(row["tier"])
    return {
        "account_id": row["account"],
        "revenue_a": row["previous_revenue"] if before else "",
        "rank_a": row["previous_rank"],
        "tier_a": row["previous_tier"],
        "revenue_b": row["revenue"] if now else "",
        "rank_b": row["rank"],
        "tier_b": row["tier"],
        "tier_b_frozen": row["tier_frozen"],
    }


def as_expected_period(period: Mapping[str, Any]) -> dict[str, Any]:
    same = (
        *("active", "revenue", "thresholds", "tie_at_boundary", "top20_share", "gini"),
        *("customers_for_80pct", "share_customers_for_80pct", "inactive", "never_customer"),
        *("nonpositive_with_orders", "new_customers", "new_revenue", "existing_share_revenue"),
    )
    money = ("revenue", "new_revenue", "thresholds")
    found = {key: period[key] if key in money else number(period[key]) for key in same}
    first, last = period["period"]["start"], period["period"]["last_day"]
    layers = [layer for layer in period["layers"] if layer["layer"] in TIERS]
    return found | {
        "period": [first, last],
        "tiers": [as_expected_layer(layer) for layer in layers],
        "whale": None,
    }


def as_expected_layer(layer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "tier": layer["layer"],
        "customers": layer["customers"],
        "share_customers": number(layer["share_customers"]),
        "revenue": layer["revenue"],
        "share_revenue": number(layer["share_revenue"]),
        "avg_revenue": layer["average_revenue"],
        "min_revenue": layer["min_revenue"],
        "max_revenue": layer["max_revenue"],
        "orders": layer["orders"],
    }


def number(value: Any) -> Any:
    """Return a share, which travels as text, as the number that the expected files hold."""
    return float(Decimal(value)) if isinstance(value, str) else value


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
