"""Upgradable: customers of the last tier whose likes buy enough for a higher one."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from statistics import quantiles
from typing import Any

import ibis
import pytest

from customer_pyramid.money import to_units
from six_goals.settings import UpSellSettings
from six_goals.upgradable import upgradable_candidates, upgradable_count
from tests.rules.crm import Crm, Row, dataset, read_csv
from tests.rules.six_goals.market import STANDINGS, customers, maven

SETTINGS = UpSellSettings(upgradable=Decimal(1), min_peers=3)


def found(crm: Crm, rows: list[Row], settings: UpSellSettings = SETTINGS) -> dict[str, Row]:
    standings = customers(crm, rows)
    kept = crm.rows(upgradable_candidates(standings, "Small", settings))
    return {row["account_id"]: row for row in kept}


def tier(*revenues: int, **known: Any) -> list[Row]:
    """Return customers of Medium, from 400 on, or of Small, with an id that begins alike."""
    return [
        {
            "account_id": f"{known.get('industry', '')}{known.get('size_band', '')}{revenue}",
            "tier": "Medium" if revenue >= 400 else "Small",
            "revenue": revenue,
            "previous_revenue": 0,
            "next_tier_gap": 400 - revenue if revenue < 400 else None,
            **known,
        }
        for revenue in revenues
    ]


def test_who_could_buy_as_its_likes_do_is_upgradable() -> None:
    # Of 100, 200, 400, 500 and 600 the upper quarter begins at 500.
    rows = found(Crm(), tier(100, 200, 400, 500, 600, industry="Retail"))
    assert rows.keys() == {"Retail100", "Retail200"}
    assert rows["Retail100"] == {
        "account_id": "Retail100",
        "potential": to_units(Decimal(500)),
        "likes": "industry",
        "like": 5,
        "gain": to_units(Decimal(300)),
    }


@pytest.mark.parametrize(
    ("revenues", "names"),
    [
        pytest.param((100, 200, 300, 400, 401), {"100", "200", "300"}, id="at the boundary"),
        pytest.param((100, 200, 300, 400), set(), id="below"),
    ],
)
def test_the_potential_must_reach_the_next_tier(revenues: tuple[int, ...], names: set[str]) -> None:
    assert found(Crm(), tier(*revenues)).keys() == names


def test_likes_are_of_the_same_size_and_industry_if_they_are_enough() -> None:
    rows = [
        *tier(100, 800, 801, 802, industry="Retail", size_band="S"),
        *tier(110, 600, 601, industry="Retail", size_band="L"),
        *tier(120, 500, 501, industry="Mining"),
    ]
    kept = found(Crm(), rows)
    assert {name: row["likes"] for name, row in kept.items()} == {
        "RetailS100": "size",
        "RetailL110": "industry",
        "Mining120": "all",
    }
    assert {name: row["like"] for name, row in kept.items()} == {
        "RetailS100": 4,
        "RetailL110": 7,
        "Mining120": 10,
    }


def test_an_unknown_industry_is_nothing_to_have_in_common() -> None:
    rows = [*tier(100, 450, 451, 452), *tier(110, 900, 901, 902, industry="Retail")]
    assert found(Crm(), rows)["100"]["likes"] == "all"


@pytest.mark.parametrize(
    ("part", "names"),
    [
        pytest.param("0.5", {"100", "200"}, id="half of three, rounded up"),
        pytest.param("0.33", {"100"}, id="a third"),
        pytest.param("0", set(), id="none"),
    ],
)
def test_only_a_part_of_the_tier_is_proposed_the_furthest_from_its_potential_first(
    part: str, names: set[str]
) -> None:
    limited = replace(SETTINGS, upgradable=Decimal(part))
    assert found(Crm(), tier(300, 200, 100, 500, 501, 502), limited).keys() == names


def test_of_equals_the_one_that_grows_faster_comes_first() -> None:
    rows = [
        {**row, "account_id": name, "previous_revenue": before}
        for name, before, row in zip(
            ("a new one", "slow", "fast"), (0, 90, 50), tier(100, 100, 100), strict=True
        )
    ]
    first = replace(SETTINGS, upgradable=Decimal("0.3"))
    assert found(Crm(), [*rows, *tier(500, 501, 502)], first).keys() == {"fast"}


def test_the_upgradable_are_counted_before_the_limit() -> None:
    crm = Crm()
    standings = customers(crm, tier(100, 200, 300, 500, 501, 502))
    limited = replace(SETTINGS, upgradable=Decimal("0.10"))
    assert crm.row(upgradable_count(standings, "Small", limited)) == {
        "customers": 3,
        "upgradable": 3,
        "limit": 1,
    }


def test_who_stands_below_another_account_is_neither_counted_nor_compared() -> None:
    crm = Crm()
    below = [{**row, "inherited_from": "100"} for row in tier(150, 900, 901)]
    standings = customers(crm, [*tier(100, 500, 501, 502), *below])
    assert crm.row(upgradable_count(standings, "Small", SETTINGS))["customers"] == 1
    (row,) = crm.rows(upgradable_candidates(standings, "Small", SETTINGS))
    assert row["like"] == 4


def test_a_gap_that_is_closed_asks_for_nothing() -> None:
    rows = [{**row, "next_tier_gap": 0} for row in tier(100)]
    assert found(Crm(), [*rows, *tier(500, 501, 502)]) == {}


def test_maven_has_as_many_as_counted_by_hand() -> None:
    company = maven()
    revenue = {
        row["account"]: Decimal(row["revenue"])
        for row in read_csv(dataset("maven_crm_sales") / "expected" / "year_2017_account_tiers.csv")
    }
    sector = {
        row["account"]: row["sector"]
        for row in read_csv(dataset("maven_crm_sales") / "accounts.csv")
    }
    alike: dict[str, list[Decimal]] = {}
    for account, amount in revenue.items():
        alike.setdefault(sector[account], []).append(amount)

    def potential(account: str) -> Decimal:
        peers = alike[sector[account]]
        chosen = peers if len(peers) > 10 else list(revenue.values())
        return quantiles(chosen, n=4, method="inclusive")[2]

    boundary = Decimal(147_976)
    upgradable = [
        account
        for account, amount in revenue.items()
        if amount < boundary and potential(account) >= boundary
    ]
    standings = company.table("standings")
    (row,) = company.rows(upgradable_count(standings, "Small", UpSellSettings()))
    assert row == {"customers": 68, "upgradable": len(upgradable), "limit": 7}
    kept = company.rows(upgradable_candidates(standings, "Small", UpSellSettings()))
    upgradable.sort(key=lambda account: (revenue[account] - potential(account), account))
    assert {row["account_id"] for row in kept} == set(upgradable[:7])


def test_the_steps_compile_for_postgresql() -> None:
    standings = ibis.table(STANDINGS, name="standings")
    for step in (upgradable_candidates, upgradable_count):
        assert ibis.to_sql(step(standings, "Small", SETTINGS), dialect="postgres")
