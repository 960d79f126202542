"""Up-sell: who is within reach of more, and what is said about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import Any

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_pyramid.money import to_units
from customer_pyramid.settings import PyramidSettings
from six_goals.action import Action
from six_goals.goal import Proposal
from six_goals.settings import UpSellSettings
from six_goals.up_sell import propose, up_sell_candidates
from tests.rules.crm import Crm, Row, dataset, read_csv
from tests.rules.six_goals.company import Company
from tests.rules.six_goals.market import (
    LAST_YEAR,
    LONG_AGO,
    NOW,
    STANDINGS,
    bought,
    customers,
    market,
    northwind,
)

SETTINGS = UpSellSettings()
PYRAMID = PyramidSettings(
    tiers=("Top", "Big", "Small"),
    method="thresholds",
    thresholds=(Decimal(100_000), Decimal(10_000)),
)


def only(proposal: Proposal, account: str = "Acme") -> Action:
    (action,) = (action for action in proposal.actions if action.account_id == account)
    return action


def reasons(*sales: list[Row], **more: Any) -> str:
    return only(propose(market(*sales, pyramid=PYRAMID, **more), SETTINGS)).reason


@pytest.mark.parametrize(
    ("revenue", "gap", "before", "found"),
    [
        pytest.param(80, 20, 0, True, id="a quarter short"),
        pytest.param(79, 20, 0, False, id="more than a quarter short"),
        pytest.param(50, 50, 40, True, id="growing by a quarter"),
        pytest.param(50, 50, 41, False, id="growing too slowly"),
        pytest.param(49, 50, 1, False, id="growing but too far"),
        pytest.param(60, 40, 0, False, id="new customers have no growth"),
        pytest.param(60, 0, 0, False, id="already there"),
        pytest.param(60, None, 0, False, id="nothing above"),
    ],
)
def test_candidates_are_near_or_growing(
    revenue: int, gap: int | None, before: int, found: bool
) -> None:
    crm = Crm()
    row: Row = {"account_id": "A", "revenue": revenue, "previous_revenue": before}
    standings = customers(crm, [{**row, "next_tier_gap": gap}])
    assert bool(crm.rows(up_sell_candidates(standings, SETTINGS))) is found


def test_a_gap_of_nothing_leaves_growth_alone() -> None:
    crm = Crm()
    row: Row = {"account_id": "A", "revenue": 99, "previous_revenue": 90, "next_tier_gap": 1}
    never = replace(SETTINGS, gap=Decimal(0))
    assert crm.rows(up_sell_candidates(customers(crm, [row]), never)) == []


def test_the_action_says_what_is_missing_and_what_it_is_worth() -> None:
    sales = (bought("Acme", "P", amount=7_900), bought("Acme", "P", LAST_YEAR, 7_000))
    action = only(propose(market(*sales, bought("Acme", "Q"), pyramid=PYRAMID), SETTINGS))
    assert (action.title, action.item, action.due_days) == ("Grow Acme towards Big", "tier", 15)
    assert action.expected_value == to_units(Decimal(120))  # 2,000 x 0.30 x 0.20
    assert action.target == to_units(Decimal(10_000))
    assert action.reason == (
        "Acme bought for 8,000 in this period, 2,000 short of the Big tier. "
        "That is 14 % more than in the period before. Its orders rose from 1 to 2. "
        "The expected extra margin is 120."
    )


def test_a_new_customer_is_not_compared() -> None:
    reason = reasons(bought("Acme", "P", amount=8_000))
    assert reason == (
        "Acme bought for 8,000 in this period, 2,000 short of the Big tier. "
        "The expected extra margin is 120."
    )


def test_a_customer_that_buys_less_is_told_so() -> None:
    reason = reasons(bought("Acme", "P", amount=9_000), bought("Acme", "P", LAST_YEAR, 10_000))
    assert "That is 10 % less than in the period before." in reason


def upgradable() -> list[list[Row]]:
    """Return eleven customers, five of them rich: the upper quarter begins at 20,000."""
    poor = [bought("Acme", "P", amount=2_000)]
    poor += [bought(f"poor {number}", "P", amount=3_000 + number) for number in range(5)]
    return poor + [bought(f"rich {number}", "P", amount=20_000) for number in range(5)]


def test_a_customer_whose_likes_buy_more_is_upgradable() -> None:
    known = {row[0]["account_id"]: {"industry": "Retail"} for row in upgradable()}
    action = only(propose(market(*upgradable(), accounts=known, pyramid=PYRAMID), SETTINGS))
    assert (action.title, action.item) == ("Grow Acme towards Big", "upgradable")
    assert action.expected_value == to_units(Decimal(480))  # 8,000 x 0.30 x 0.20
    assert action.target == to_units(Decimal(10_000))
    assert action.reason == (
        "Acme bought for 2,000 in this period, 8,000 short of the Big tier. "
        "A quarter of the 11 customers in its industry buy for 20,000 or more. "
        "The expected extra margin is 480."
    )
    assert action.evidence["potential"] == "20,000"


@pytest.mark.parametrize(
    ("known", "likes"),
    [
        pytest.param(
            {"industry": "Retail", "size_band": "S"},
            "A quarter of the 11 customers of its size and industry buy for 20,000 or more.",
            id="size and industry",
        ),
        pytest.param({}, "A quarter of all 11 customers buy for 20,000 or more.", id="all"),
    ],
)
def test_it_is_said_who_the_likes_are(known: dict[str, str], likes: str) -> None:
    accounts = {row[0]["account_id"]: known for row in upgradable()}
    assert likes in reasons(*upgradable(), accounts=accounts)


def test_who_is_near_and_upgradable_gets_one_action_for_being_near() -> None:
    sales = [bought("Acme", "P", amount=8_000), *upgradable()[6:]]
    company = market(
        *sales, *(bought(f"mid {n}", "P", amount=9_900) for n in range(5)), pyramid=PYRAMID
    )
    assert only(propose(company, replace(SETTINGS, upgradable=Decimal(1)))).item == "tier"


LADDER = replace(SETTINGS, ladder=("Basic", "Plus"), min_peers=2)


def ladder() -> list[list[Row]]:
    """Return Acme with Basic, and two who went on to Plus."""
    ups = [
        sale
        for name in ("peer 1", "peer 2")
        for sale in (
            bought(name, ["Basic"], date(2024, 1, 1)),
            bought(name, ["Plus"], date(2024, 1, 31), 500),
        )
    ]
    return [*ups, bought("Acme", ["Basic"], NOW)]


def test_the_next_step_is_offered_to_who_stayed_on_one() -> None:
    action = only(propose(market(*ladder()), LADDER))
    assert action.title == "Offer Acme the step from Basic to Plus"
    assert (action.item, action.target) == ("ladder:Plus", None)
    assert action.expected_value == to_units(Decimal(24))  # (500 - 100) x 0.30 x 0.20
    assert action.reason == (
        "Acme last bought Basic on June 1, 2024, and nothing above it. "
        "2 of 2 other customers with Basic went on to Plus, half of them within 30 days. "
        "Customers who buy Plus spend about 500 on it in a period; this one spends 100 on Basic. "
        "The expected extra margin is 24."
    )


def test_what_is_worth_most_is_the_action() -> None:
    # The next tier is 20 away, the next step worth 400.
    near = PyramidSettings(tiers=("Big", "Small"), method="thresholds", thresholds=(Decimal(120),))
    assert only(propose(market(*ladder(), pyramid=near), LADDER)).item == "ladder:Plus"
    far = replace(near, thresholds=(Decimal(501),))
    growing = bought("Acme", ["Other"], LAST_YEAR, 50)
    action = only(
        propose(market(*ladder(), growing, pyramid=far), replace(LADDER, growing_gap=Decimal(5)))
    )
    assert action.item == "tier"


def test_a_step_that_nobody_bought_is_told() -> None:
    misspelt = replace(LADDER, ladder=("Basic", "Plus", "Prro"))
    assert propose(market(*ladder()), misspelt).notes == [
        "Nobody has bought Prro, a step of the ladder; check its name."
    ]
    assert propose(market(*ladder()), LADDER).notes == []


def test_titles_and_reasons_fit_whatever_the_names() -> None:
    steps = tuple(f"step {number} with a very long name " * 9 for number in (1, 2))
    named = dict(zip(("Basic", "Plus"), steps, strict=True))
    sales = [[{**row, "product": named[row["product"]]} for row in rows] for rows in ladder()]
    company = market(*sales, accounts={"Acme": {"name": "Acme and sons " * 30}})
    action = only(propose(company, replace(LADDER, ladder=steps)))
    assert len(action.title) <= 255
    assert len(action.reason) <= 2_000


def test_only_as_many_as_asked_for_are_proposed_and_all_are_counted() -> None:
    sales = [bought(f"near {number}", "P", amount=8_000 + number) for number in range(5)]
    proposal = propose(market(*sales, pyramid=PYRAMID, limit=2), SETTINGS)
    assert [action.account_id for action in proposal.actions] == ["near 0", "near 1"]
    assert proposal.candidates == 5
    assert propose(market(*sales, pyramid=PYRAMID), SETTINGS).candidates is None


def test_who_can_not_be_called_is_left_alone() -> None:
    company = market(
        bought("Acme", "P", amount=8_000), accounts={"Acme": {"excluded": True}}, pyramid=PYRAMID
    )
    assert propose(company, SETTINGS).actions == []


def test_the_candidates_of_northwind_are_as_counted_by_hand() -> None:
    boundaries = [Decimal("12911.86"), Decimal("34985.60"), Decimal("82373.51")]
    expected = {}
    for row in read_csv(dataset("northwind") / "expected" / "ttm_1997_1998_tiers.csv"):
        if row["revenue_b"] is None or row["tier_b"] == "Top":
            continue
        now, before = Decimal(row["revenue_b"]), Decimal(row["revenue_a"] or 0)
        boundary = boundaries[("Small", "Medium", "Big").index(row["tier_b"])]
        grown = before > 0 and now >= before * Decimal("1.25")
        if boundary - now <= now / 4 or (grown and boundary - now <= now):
            expected[row["account_id"]] = to_units(boundary)
    actions = propose(northwind(), SETTINGS).actions
    assert {action.account_id: action.target for action in actions} == expected
    assert len(expected) == 21


SALES = st.lists(
    st.builds(
        bought,
        st.sampled_from("ABCDEF"),
        st.sampled_from([["Basic"], ["Plus"], ["Pro"]]),
        st.sampled_from([NOW, LAST_YEAR, LONG_AGO]),
        st.sampled_from([-30, 60, 80, 700]),
    ),
    max_size=25,
)
OPTIONS = UpSellSettings(
    ladder=("Basic", "Plus", "Pro"),
    min_peers=1,
    upgradable=Decimal("0.5"),
    step_ownership=Decimal(0),
)


@pytest.mark.long
@settings(max_examples=15, deadline=None)
@given(sales=SALES, data=st.data())
def test_the_order_of_rows_does_not_matter_and_an_account_gets_one_action(
    sales: list[list[Row]], data: st.DataObject
) -> None:
    pyramid = PyramidSettings(tiers=("Big", "Small"), cuts=(4_000, 10_000))
    known = {name: {"industry": "XY"[number % 2]} for number, name in enumerate("ABCDEF")}

    def company(rows: list[list[Row]], accounts: dict[str, Row]) -> Company:
        return market(*rows, accounts=accounts, pyramid=pyramid)

    proposal = propose(company(sales, known), OPTIONS)
    shuffled = data.draw(st.permutations(sales))
    assert propose(company(shuffled, dict(reversed(known.items()))), OPTIONS) == proposal
    accounts = [action.account_id for action in proposal.actions]
    assert len(set(accounts)) == len(accounts)
    assert all(action.expected_value >= 0 for action in proposal.actions)
    bought_something = {row["account_id"] for row in chain.from_iterable(sales)}
    assert set(accounts) <= bought_something


def test_the_candidates_compile_for_postgresql() -> None:
    standings = ibis.table(STANDINGS, name="standings")
    assert ibis.to_sql(up_sell_candidates(standings, SETTINGS), dialect="postgres")
