"""Ladder: customers who have one step of a product line, and whose peers went on to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import ibis
import pytest

from customer_pyramid.money import to_units
from six_goals.ladder import ladder_candidates
from six_goals.settings import UpSellSettings
from six_goals.tables import TABLES
from tests.rules.crm import Crm, Row
from tests.rules.six_goals.market import AS_OF, STANDINGS, basket, baskets, customers

LADDER = ("Basic", "Plus", "Pro")
SETTINGS = UpSellSettings(ladder=LADDER, min_peers=4)
START = date(2024, 1, 1)


def has(account: str, step: str, day: date, last: date | None = None, spend: int = 100) -> Row:
    return basket(account, step, first_bought=day, last_bought=last or day, revenue=spend * 10_000)


def stepped(account: str, days: int) -> list[Row]:
    """Return an account that went from Basic to Plus in so many days, and spends 500 on it."""
    return [
        has(account, "Basic", START),
        has(account, "Plus", START + timedelta(days=days), spend=500),
    ]


PEERS = [
    *stepped("peer 1", 40),
    *stepped("peer 2", 60),
    has("peer 3", "Basic", date(2024, 12, 1)),
    has("peer 4", "Basic", date(2024, 12, 1)),
]
ACME = has("Acme", "Basic", START, date(2024, 6, 1))


def found(
    rows: list[Row], settings: UpSellSettings = SETTINGS, industry: Mapping[str, str] | None = None
) -> dict[str, Row]:
    crm = Crm()
    names = dict.fromkeys(row["account_id"] for row in rows)
    told: list[Row] = [
        {"account_id": name, "industry": (industry or {}).get(name)} for name in names
    ]
    candidates = ladder_candidates(customers(crm, told), baskets(crm, rows), AS_OF, settings)
    return {row["account_id"]: row for row in crm.rows(candidates)}


def test_who_stayed_longer_than_its_peers_is_offered_the_next_step() -> None:
    assert found([*PEERS, ACME]) == {
        "Acme": {
            "account_id": "Acme",
            "gain": to_units(Decimal(400)),
            "step": "Basic",
            "spend": to_units(Decimal(500)),
            "own_spend": to_units(Decimal(100)),
            "peers": 4,
            "stepped": 2,
            "after_days": 50.0,
            "last_bought": date(2024, 6, 1),
            "next_step": "Plus",
        }
    }


@pytest.mark.parametrize(
    ("last", "names"),
    [
        pytest.param(AS_OF - timedelta(days=50), set(), id="as long as the median"),
        pytest.param(AS_OF - timedelta(days=51), {"Acme"}, id="longer"),
    ],
)
def test_the_last_purchase_must_be_longer_ago_than_peers_took(last: date, names: set[str]) -> None:
    assert found([*PEERS, has("Acme", "Basic", START, last)]).keys() == names


@pytest.mark.parametrize(
    ("ownership", "names"),
    [pytest.param("0.50", {"Acme"}, id="reached"), pytest.param("0.51", set(), id="missed")],
)
def test_enough_peers_must_have_gone_on(ownership: str, names: set[str]) -> None:
    asked = replace(SETTINGS, step_ownership=Decimal(ownership))
    assert found([*PEERS, ACME], asked).keys() == names


def test_too_few_peers_say_nothing() -> None:
    assert found([*PEERS, ACME], replace(SETTINGS, min_peers=5)) == {}


def test_who_has_a_higher_step_is_offered_nothing_below_it() -> None:
    assert found([*PEERS, ACME, has("Acme", "Pro", date(2024, 12, 1))]) == {}


def test_peers_in_the_industry_come_first() -> None:
    # In its industry nobody went on.
    stayed = [has(f"stayed {number}", "Basic", date(2024, 12, 1)) for number in range(4)]
    industry = {row["account_id"]: "Mining" for row in [*stayed, ACME]}
    assert found([*PEERS, *stayed, ACME], industry=industry) == {}
    assert found([*PEERS, *stayed, ACME]).keys() == {"Acme"}


def test_who_had_the_higher_step_first_does_not_tell_how_long_a_step_takes() -> None:
    other_way = [
        has("peer 5", "Plus", START, spend=500),
        has("peer 5", "Basic", START + timedelta(days=5)),
    ]
    row = found([*PEERS, *other_way, ACME])["Acme"]
    assert (row["stepped"], row["after_days"]) == (3, 50.0)


def test_who_spends_more_on_its_step_than_others_on_the_next_stays() -> None:
    assert found([*PEERS, has("Acme", "Basic", START, spend=500)]) == {}


def test_other_items_are_no_steps() -> None:
    row = found([*PEERS, ACME, has("Acme", "Something else", AS_OF)])["Acme"]
    assert row["step"] == "Basic"


def test_the_last_step_leads_nowhere() -> None:
    rows = [has(name, "Pro", START) for name in ("A", "B", "C", "D", "E")]
    assert found(rows) == {}


@pytest.mark.parametrize(
    ("ladder", "message"),
    [
        pytest.param(("Basic",), "ladder must name at least two items, not only 'Basic'", id="one"),
        pytest.param(
            ("Basic", "Basic"), r"ladder must name each item once: \('Basic', 'Basic'\)", id="twice"
        ),
    ],
)
def test_a_ladder_that_is_none_is_refused(ladder: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        UpSellSettings(ladder=ladder)


def test_the_steps_compile_for_postgresql() -> None:
    tables: tuple[Any, Any] = (
        ibis.table(STANDINGS, name="standings"),
        ibis.table(TABLES["baskets"], name="baskets"),
    )
    assert ibis.to_sql(ladder_candidates(*tables, AS_OF, SETTINGS), dialect="postgres")
