"""Affinity, against the toy of domain 5.5, Northwind's rules and Maven's white space."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, cast

import ibis.expr.types as ir
import pytest

from customer_pyramid.money import places
from customer_pyramid.periods import Period
from six_goals.affinity import (
    Affinity,
    PairRow,
    affinities,
    pair_counts,
    rules,
    white_space,
    with_probability,
)
from six_goals.settings import AffinitySettings
from tests.rules.crm import BASKETS, Crm, Row, analyse, dataset, read_csv
from tests.rules.public_data import (
    maven_accounts,
    maven_opportunities,
    northwind_accounts,
    northwind_baskets,
    northwind_orders,
)

ANY = AffinitySettings(
    min_support=Decimal(0), min_accounts=0, min_confidence=Decimal(0), min_lift=Decimal(0)
)
TOY = ("PQ", "PQ", "PQR", "P", "Q", "PR", "QR", "R", "PQ", "R")
NORTHWIND = Period.trailing(date(1998, 5, 6))


def baskets_of(crm: Crm, *items: str) -> ir.Table:
    """Return the baskets of accounts A1, A2 and so on, one letter for an item."""
    rows = [
        {"account_id": f"A{number}", "item": item}
        for number, basket in enumerate(items, start=1)
        for item in basket
    ]
    return crm.table("baskets", BASKETS, rows)


def affinities_of(
    crm: Crm, baskets: ir.Table, settings: AffinitySettings = ANY
) -> dict[tuple[str, str], Affinity]:
    pairs = crm.keep("pairs", pair_counts(baskets))
    rows = cast("list[PairRow]", crm.rows(rules(pairs, settings)))
    return {(pair.item, pair.other): pair for pair in affinities(rows)}


def test_the_toy_counts_are_those_of_the_domain() -> None:
    crm = Crm()
    found = affinities_of(crm, baskets_of(crm, *TOY))
    assert found["P", "Q"] == Affinity("P", "Q", n=10, n_item=6, n_other=6, n_both=4)
    assert found["P", "R"] == Affinity("P", "R", n=10, n_item=6, n_other=5, n_both=2)


def test_the_measures_of_a_pair_are_those_of_the_domain() -> None:
    pair = Affinity("P", "Q", n=10, n_item=6, n_other=6, n_both=4)
    assert pair.support == Fraction("0.4")
    assert pair.confidence == Fraction(2, 3)
    assert pair.lift == Fraction(10, 9)
    assert pair.jaccard == Fraction("0.5")
    assert pair.cosine == Decimal("0.666667")
    assert pair.shrunk_confidence(10) == Fraction("0.625")


def test_a_pair_bought_together_too_rarely_has_a_lift_below_one() -> None:
    pair = Affinity("P", "R", n=10, n_item=6, n_other=5, n_both=2)
    assert (pair.confidence, pair.lift) == (Fraction(1, 3), Fraction(2, 3))
    assert pair.cosine == Decimal("0.365148")


@pytest.mark.parametrize(
    ("k", "confidence"),
    [pytest.param(0, Fraction(2, 3), id="none"), pytest.param(94, Fraction("0.604"), id="much")],
)
def test_shrinking_pulls_the_confidence_to_what_all_accounts_do(
    k: int, confidence: Fraction
) -> None:
    pair = Affinity("P", "Q", n=10, n_item=6, n_other=6, n_both=4)
    assert pair.shrunk_confidence(k) == confidence


def test_an_item_bought_twice_counts_once() -> None:
    crm = Crm()
    found = affinities_of(crm, baskets_of(crm, "PPQ", "PQQ", "P"))
    assert found["P", "Q"] == Affinity("P", "Q", n=3, n_item=3, n_other=2, n_both=2)


def test_rows_without_an_item_or_account_count_nothing() -> None:
    crm = Crm()
    rows: list[Row] = [
        {"account_id": "A", "item": "P"},
        {"account_id": "A", "item": "Q"},
        {"account_id": "B"},
        {"item": "P"},
    ]
    found = affinities_of(crm, crm.table("baskets", BASKETS, rows))
    assert found["P", "Q"] == Affinity("P", "Q", n=1, n_item=1, n_other=1, n_both=1)


def test_a_basket_may_stand_for_many_accounts() -> None:
    crm = Crm()
    rows: list[Row] = [
        {"account_id": "A", "item": "P", "accounts": 3},
        {"account_id": "A", "item": "Q", "accounts": 3},
        {"account_id": "B", "item": "P", "accounts": 2},
    ]
    found = affinities_of(crm, crm.table("baskets", {**BASKETS, "accounts": "int64"}, rows))
    assert found["P", "Q"] == Affinity("P", "Q", n=5, n_item=5, n_other=3, n_both=3)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(replace(ANY, min_accounts=6), id="accounts"),
        pytest.param(replace(ANY, min_support=Decimal("0.55")), id="support"),
    ],
)
def test_items_too_rare_for_a_rule_make_no_pairs(settings: AffinitySettings) -> None:
    # P and Q are in six of the ten baskets, R in five.
    crm = Crm()
    pairs = crm.rows(pair_counts(baskets_of(crm, *TOY), settings))
    assert sorted((row["item"], row["other"], row["n"]) for row in pairs) == [
        ("P", "Q", 10),
        ("Q", "P", 10),
    ]


def test_leaving_out_rare_items_changes_no_rule_of_northwind() -> None:
    crm = Crm()
    baskets = crm.table("baskets", BASKETS, northwind_baskets(NORTHWIND))
    limits = AffinitySettings(
        min_support=Decimal("0.6"), min_confidence=Decimal("0.5"), min_lift=Decimal("1")
    )
    all_pairs, frequent = (
        crm.rows(rules(pair_counts(baskets, given), limits)) for given in (None, limits)
    )
    assert affinities(cast("list[PairRow]", frequent)) == affinities(
        cast("list[PairRow]", all_pairs)
    )
    assert frequent


def test_the_probability_of_a_rule_is_its_shrunk_confidence() -> None:
    crm = Crm()
    rows = crm.rows(with_probability(pair_counts(baskets_of(crm, *TOY)), 10))
    found = {(row["item"], row["other"]): row["p"] for row in rows}
    assert found["P", "Q"] == Decimal("0.625")
    assert found["P", "R"] == Decimal("0.4375")  # (2 + 10 * 5 / 10) / (6 + 10)


@pytest.mark.parametrize("baskets", [(), ("P", "P", "Q")], ids=["no baskets", "one item each"])
def test_without_items_together_there_are_no_pairs(baskets: tuple[str, ...]) -> None:
    crm = Crm()
    assert affinities_of(crm, baskets_of(crm, *baskets)) == {}


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        pytest.param({"min_support": Decimal("0.4")}, {"PQ", "QP"}, id="support"),
        pytest.param({"min_accounts": 5}, set(), id="accounts"),
        pytest.param({"min_confidence": Decimal("0.4")}, {"PQ", "QP", "RP", "RQ"}, id="confidence"),
        pytest.param({"min_lift": Decimal("1.11")}, {"PQ", "QP"}, id="lift"),
        pytest.param({"min_lift": Decimal("1.12")}, set(), id="more lift"),
    ],
)
def test_each_limit_may_be_reached_but_not_missed(
    settings: dict[str, Any], found: set[str]
) -> None:
    crm = Crm()
    pairs = affinities_of(crm, baskets_of(crm, *TOY), replace(ANY, **settings))
    assert {item + other for item, other in pairs} == found


def test_northwind_rules_are_as_expected() -> None:
    expected = read_csv(dataset("northwind") / "expected" / "category_rules_ttm_1998.csv")
    crm = Crm()
    limits = replace(ANY, min_support=Decimal("0.10"), min_confidence=Decimal("0.50"))
    baskets = crm.table("baskets", BASKETS, northwind_baskets(NORTHWIND))
    found = affinities_of(crm, baskets, limits)
    assert [as_expected(pair) for pair in found.values()] == expected


def test_northwind_accounts_leave_181_of_704_categories_unbought() -> None:
    world = analyse(northwind_accounts(), northwind_orders(), current=NORTHWIND)
    baskets = world.crm.table("baskets", BASKETS, northwind_baskets(NORTHWIND))
    active = world.standings.filter(world.standings.tier.notnull())
    categories = baskets.select("item").distinct()
    unbought = world.crm.rows(white_space(baskets, active, categories))
    assert len(world.crm.rows(active)) * len(world.crm.rows(categories)) == 704
    assert len(unbought) == 181


def test_73_maven_accounts_never_bought_gtk_500() -> None:
    year = Period.explicit(date(2017, 1, 1), date(2018, 1, 1))
    world = analyse(maven_accounts(), maven_opportunities(), current=year)
    baskets = world.sales.select("account_id", item="product")
    product = world.crm.table("items", {"item": "string"}, [{"item": "GTK 500"}])
    unbought = world.crm.rows(white_space(baskets, world.standings, product))
    assert len({row["account_id"] for row in unbought}) == len(unbought) == 73


def test_who_bought_nothing_has_all_items_as_white_space() -> None:
    crm = Crm()
    baskets = baskets_of(crm, "P", "PQ")
    names: list[Row] = [{"account_id": name} for name in ("A1", "A2", "new")]
    accounts = crm.table("accounts", {"account_id": "string"}, names)
    rows = crm.rows(white_space(baskets, accounts, baskets.select("item").distinct()))
    assert sorted((row["account_id"], row["item"]) for row in rows) == [
        ("A1", "Q"),
        ("new", "P"),
        ("new", "Q"),
    ]


def as_expected(pair: Affinity) -> Row:
    measures = (pair.support, pair.confidence, pair.lift)
    support, confidence, lift = (str(float(places(measure, 6))) for measure in measures)
    return {
        "if_has": pair.item,
        "then": pair.other,
        "n_both": str(pair.n_both),
        "support": support,
        "confidence": confidence,
        "lift": lift,
    }
