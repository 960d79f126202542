"""Shoppers: who bought what, and who is alike in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import ibis
import ibis.expr.types as ir
import pytest

from six_goals.shoppers import Shelf, alike, catalogue, held_by, profiles, shoppers
from six_goals.tables import TABLES
from tests.rules.crm import Crm, Row
from tests.rules.six_goals.market import (
    LAST_YEAR,
    LONG_AGO,
    NOW,
    STANDINGS,
    basket,
    baskets,
    customers,
)

SHELF = Shelf(start=date(2024, 1, 1), since=date(2023, 1, 1))
KEYS = ("tier", "industry", "has", "had")


def known(crm: Crm, bought: Mapping[str, str], rows: list[Row] | None = None) -> ir.Table:
    """Return shoppers who *bought* items, a letter each, in the period."""
    held = [basket(account, item) for account, items in bought.items() for item in items]
    table = baskets(crm, [*held, *(rows or [])])
    items = crm.keep("items", catalogue(table))
    standings = customers(crm, [{"account_id": account} for account in bought])
    found = shoppers(standings, table, items, len(crm.rows(items)), SHELF)
    return crm.keep("shoppers", found)


def groups(crm: Crm, people: ir.Table) -> dict[str, int]:
    return {row["profile"]: row["accounts"] for row in crm.rows(profiles(people, KEYS))}


def test_customers_who_hold_the_same_are_one_profile() -> None:
    crm = Crm()
    people = known(crm, {"C": "PQ", "A": "QP", "B": "P", "D": ""})
    assert groups(crm, people) == {"A": 2, "B": 1, "D": 1}


@pytest.mark.parametrize(
    ("day", "same"),
    [
        pytest.param(LAST_YEAR, False, id="last year"),
        pytest.param(LONG_AGO, True, id="too long ago to count"),
    ],
)
def test_what_was_bought_before_the_period_tells_customers_apart(day: date, same: bool) -> None:
    crm = Crm()
    earlier = [basket("A", "Q", first_bought=day, revenue=0)]
    people = known(crm, {"A": "P", "B": "P"}, earlier)
    assert (len(groups(crm, people)) == 1) is same


def test_customers_of_another_tier_or_industry_are_not_alike() -> None:
    crm = Crm()
    table = baskets(crm, [basket(account, "P") for account in "ABCD"])
    items = crm.keep("items", catalogue(table))
    rows: list[Row] = [
        {"account_id": "A"},
        {"account_id": "B"},
        {"account_id": "C", "industry": "Retail"},
        {"account_id": "D", "tier": "Big"},
    ]
    people = shoppers(customers(crm, rows), table, items, 1, SHELF)
    assert sorted(row["accounts"] for row in crm.rows(profiles(people, KEYS))) == [1, 1, 2]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"account_id": "A", "tier": None}, id="not active"),
        pytest.param({"account_id": "A", "inherited_from": "B"}, id="below another"),
    ],
)
def test_only_active_customers_of_their_own_are_shoppers(row: Row) -> None:
    crm = Crm()
    table = baskets(crm, [basket("A", "P")])
    found = shoppers(customers(crm, [row]), table, catalogue(table), 1, SHELF)
    assert crm.rows(found) == []


def test_the_days_of_new_items_are_known() -> None:
    crm = Crm()
    earlier = [basket("A", "Q", first_bought=LONG_AGO), basket("A", "R", first_bought=LAST_YEAR)]
    (row,) = crm.rows(known(crm, {"A": "P"}, earlier))
    assert (row["oldest"], row["newest"]) == (LONG_AGO, NOW)


def test_of_very_many_items_every_customer_is_a_profile_of_its_own() -> None:
    crm = Crm()
    many = [chr(0x4E00 + number) for number in range(63)]
    people = known(crm, {"A": "".join(many), "B": "".join(many)})
    found = crm.rows(profiles(people, alike(63, *KEYS)))
    assert {row["profile"]: row["accounts"] for row in found} == {"A": 1, "B": 1}
    assert alike(62, *KEYS) == KEYS


def test_the_last_bit_still_tells_customers_apart() -> None:
    crm = Crm()
    many = [chr(0x4E00 + number) for number in range(62)]
    people = known(crm, {"A": "".join(many), "B": "".join(many), "C": "".join(many[:-1])})
    assert groups(crm, people) == {"A": 2, "C": 1}


def test_the_items_most_accounts_bought_are_kept() -> None:
    crm = Crm()
    held = [
        basket(account, item)
        for item, who in [("P", "A"), ("R", "AB"), ("Q", "AB")]
        for account in who
    ]
    found = crm.rows(catalogue(baskets(crm, held), 2).order_by("number"))
    assert [(row["item"], row["number"]) for row in found] == [("Q", 0), ("R", 1)]


def test_a_profile_holds_what_its_account_does() -> None:
    crm = Crm()
    people = known(
        crm, {"A": "P", "B": "P"}, [basket(who, "Q", first_bought=LAST_YEAR) for who in "AB"]
    )
    held = held_by(
        profiles(people, KEYS),
        crm_table("baskets"),
        ibis.table({"item": "string"}, name="items"),
        SHELF,
    )
    assert sorted(tuple(row.values()) for row in crm.rows(held)) == [
        ("A", 2, "P", True, True, False),
        ("A", 2, "Q", False, True, True),
    ]


def test_the_tables_compile_for_postgresql() -> None:
    table = crm_table("baskets")
    items = catalogue(table)
    people = shoppers(ibis.table(STANDINGS, name="standings"), table, items, 8, SHELF)
    found = profiles(people, KEYS)
    for step in (items, people, found, held_by(found, table, items, SHELF)):
        assert ibis.to_sql(step, dialect="postgres")


def crm_table(name: str) -> ir.Table:
    return ibis.table(TABLES[name], name=name)
