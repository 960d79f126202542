"""Offers: which items a profile may be missing, and what they are worth."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import ibis
import ibis.expr.types as ir
import pytest

from six_goals.affinity import pair_counts, rules, with_probability
from six_goals.offers import (
    best_gains,
    best_offers,
    peer_candidates,
    priced,
    rule_candidates,
    spent,
    typical_spend,
    unspoken,
)
from six_goals.peers import owners, peer_groups
from six_goals.settings import AffinitySettings, CrossSellSettings
from six_goals.tables import TABLES
from tests.rules.crm import Crm, Row
from tests.rules.six_goals.market import basket, baskets

PROFILES = {"profile": "string", "accounts": "int64", "tier": "string", "industry": "string"}
HELD = {
    "profile": "string",
    "accounts": "int64",
    "item": "string",
    "has": "boolean",
    "had": "boolean",
}
RULE = {
    "item": "string",
    "other": "string",
    "n": "int64",
    "n_item": "int64",
    "n_other": "int64",
    "n_both": "int64",
}
SETTINGS = CrossSellSettings(min_peers=2)
SHOPPERS = {"account_id": "string", "tier": "string"}


def profiles(crm: Crm, *rows: tuple[str, int, str, str]) -> ir.Table:
    return crm.table("profiles", PROFILES, [dict(zip(PROFILES, row, strict=True)) for row in rows])


def held(crm: Crm, *rows: tuple[str, str]) -> ir.Table:
    """Return what profiles of one account have: a profile and its items, a letter each."""
    flags = {"accounts": 1, "has": True, "had": True}
    told = [{"profile": name, "item": item, **flags} for name, items in rows for item in items]
    return crm.table("held", HELD, told)


def strong(crm: Crm, *rows: tuple[str, str, int]) -> ir.Table:
    """Return rules of 100 accounts: of 50 with *item*, 50 have *other*, and so many both."""
    told: list[Row] = [
        {"item": item, "other": other, "n": 100, "n_item": 50, "n_other": 50, "n_both": both}
        for item, other, both in rows
    ]
    return crm.keep("strong", with_probability(crm.table("rules", RULE, told), 10))


def items(crm: Crm, names: Iterable[str]) -> ir.Table:
    return crm.table("offered", {"item": "string"}, [{"item": name} for name in names])


def test_the_best_rule_for_an_item_is_kept() -> None:
    crm = Crm()
    found = rule_candidates(
        held(crm, ("A", "PQ")),
        strong(crm, ("P", "X", 40), ("Q", "X", 45), ("P", "Y", 30)),
        items(crm, "PQXY"),
    )
    rows = {row["item"]: row for row in crm.rows(found)}
    assert {item: row["because"] for item, row in rows.items()} == {"X": "Q", "Y": "P"}
    assert rows["X"]["p"] == Decimal("0.833333333")  # (45 + 10 * 50 / 100) / (50 + 10)


def test_of_two_rules_as_good_the_first_by_name_is_kept() -> None:
    crm = Crm()
    found = rule_candidates(
        held(crm, ("A", "QP")), strong(crm, ("Q", "X", 40), ("P", "X", 40)), items(crm, "X")
    )
    assert [row["because"] for row in crm.rows(found)] == ["P"]


def test_a_rule_for_what_is_not_offered_says_nothing() -> None:
    crm = Crm()
    found = rule_candidates(held(crm, ("A", "P")), strong(crm, ("P", "X", 40)), items(crm, "Y"))
    assert crm.rows(found) == []


def test_a_profile_counts_for_all_of_its_accounts() -> None:
    crm = Crm()
    known = profiles(crm, ("A", 3, "Small", ""), ("B", 1, "Small", ""))
    counted = crm.rows(
        owners(
            known,
            crm.table(
                "held",
                HELD,
                [
                    {"profile": "A", "item": "P", "accounts": 3},
                    {"profile": "B", "item": "P", "accounts": 1},
                ],
            ),
        )
    )
    assert [(row["kind"], row["peer_group"], row["owners"], row["peers"]) for row in counted] == [
        ("tier", "Small", 4, 3)
    ]


@pytest.mark.parametrize(
    ("sizes", "found"),
    [
        pytest.param((2, 1), ("industry", "Retail"), id="two others in the industry"),
        pytest.param((1, 1), ("tier", "Small"), id="one other in the industry"),
    ],
)
def test_peers_are_of_the_industry_if_they_are_enough(
    sizes: tuple[int, int], found: tuple[str, str]
) -> None:
    crm = Crm()
    known = profiles(
        crm,
        ("A", 1, "Small", "Retail"),
        ("B", sizes[0], "Small", "Retail"),
        ("C", sizes[1], "Small", ""),
    )
    rows = {row["profile"]: row for row in crm.rows(peer_groups(known, 2))}
    assert (rows["A"]["kind"], rows["A"]["peer_group"]) == found


def test_an_unknown_industry_is_nothing_to_have_in_common() -> None:
    crm = Crm()
    known = profiles(crm, ("A", 5, "Small", ""), ("B", 1, "Big", ""))
    rows = crm.rows(peer_groups(known, 2))
    assert [(row["profile"], row["kind"]) for row in rows] == [("A", "tier")]


def test_a_profile_that_rules_speak_to_is_not_compared_with_its_peers() -> None:
    crm = Crm()
    known = profiles(crm, *((name, 1, "Small", "") for name in "ABCD"))
    spoken = crm.table("spoken", {"profile": "string"}, [{"profile": "D"}])
    has = held(crm, ("A", "P"), ("B", "P"))
    groups = unspoken(known, SETTINGS, spoken)
    found = peer_candidates(groups, known, has, items(crm, "P"), SETTINGS)
    assert [row["profile"] for row in crm.rows(found)] == ["C"]


def test_the_probability_among_peers_is_ownership_times_conversion() -> None:
    crm = Crm()
    known = profiles(crm, *((name, 1, "Small", "") for name in "ABCD"))
    has, groups = held(crm, ("A", "P"), ("B", "P")), peer_groups(known, SETTINGS.min_peers)
    found = peer_candidates(groups, known, has, items(crm, "P"), SETTINGS)
    rows = {row["profile"]: row for row in crm.rows(found)}
    assert rows.keys() == {"C", "D"}
    assert rows["C"]["p"] == Decimal("0.066666667")  # two of three others, times 0.1
    assert (rows["C"]["owners"], rows["C"]["peers"]) == (2, 3)


def test_the_typical_spend_is_the_median_of_the_tier_else_of_all() -> None:
    crm = Crm()
    tiers = {"A": "Big", "B": "Big", "C": "Big", "D": "Top"}
    people = [{"account_id": name, "tier": tier} for name, tier in tiers.items()]
    amounts = {"A": 100, "B": 200, "C": 900, "D": 10_000}
    rows = [basket(name, "P", revenue=amount) for name, amount in amounts.items()]
    bought = spent(baskets(crm, rows), crm.table("shoppers", SHOPPERS, people))
    asked = crm.table(
        "asked",
        {"tier": "string", "item": "string"},
        [{"tier": tier, "item": "P"} for tier in ("Big", "Small")] + [{"tier": "Big", "item": "X"}],
    )
    found = {row["tier"]: row["spend"] for row in crm.rows(typical_spend(asked, bought))}
    assert found == {"Big": 200, "Small": 550}


def test_who_returned_what_they_bought_is_no_buyer() -> None:
    crm = Crm()
    people: list[Row] = [{"account_id": "A", "tier": "Big"}]
    rows = [basket("A", "P", revenue=0), basket("A", "Q", revenue=-5)]
    assert crm.rows(spent(baskets(crm, rows), crm.table("shoppers", SHOPPERS, people))) == []


@pytest.mark.parametrize(("limit", "chosen"), [(1, "C"), (2, "ABC"), (3, "ABC"), (9, "ABCD")])
def test_the_best_of_few_profiles_are_the_best_of_all(limit: int, chosen: str) -> None:
    crm = Crm()
    gains = {"A": {"P": 5, "Q": 7}, "B": {"P": 7}, "C": {"R": 9, "P": 9, "Q": 1}, "D": {"Q": 2}}
    rows = [
        {"profile": profile, "item": item, "gain": gain}
        for profile, items in gains.items()
        for item, gain in items.items()
    ]
    schema = {"profile": "string", "item": "string", "gain": "int64"}
    table = crm.table("priced", schema, rows)

    found = {row["profile"]: row for row in crm.rows(best_offers(table, best_gains(table), limit))}

    # B has as much to gain as A: which of their accounts comes first is told later.
    assert sorted(found) == list(chosen)
    assert (found["C"]["item"], found["C"]["also"]) == ("P", "R, Q")


def test_the_steps_compile_for_postgresql() -> None:
    known = ibis.table(PROFILES, name="profiles")
    has = ibis.table(HELD, name="held")
    offered = ibis.table({"item": "string"}, name="offered")
    rule = with_probability(
        rules(pair_counts(has.rename(account_id="profile")), AffinitySettings()), 10
    )
    by_rule = rule_candidates(has, rule, offered)
    bought = spent(
        ibis.table(TABLES["baskets"], name="baskets"), ibis.table(SHOPPERS, name="shoppers")
    )
    peers = peer_candidates(unspoken(known, SETTINGS, by_rule), known, has, offered, SETTINGS)
    offers = priced(peers, known, bought)
    gains = best_gains(offers)
    for step in (by_rule, peers, gains, best_offers(offers, gains, 10)):
        assert ibis.to_sql(step, dialect="postgres")
