"""Look-alike: which accounts that never bought have most in common with the best customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from math import log
from operator import itemgetter
from random import Random

import ibis
import ibis.expr.types as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_pyramid.settings import PyramidSettings
from six_goals.look_alike import likeness, look_alikes
from six_goals.settings import LookAlikeSettings
from tests.rules.crm import Crm, Row

FIELDS = ("industry", "size_band", "region", "source")
ACCOUNTS = dict.fromkeys(("id", *FIELDS), "string")
STANDINGS = dict.fromkeys(("account_id", "tier", "layer", "inherited_from"), "string")
ALL = LookAlikeSettings()
ANY_NUMBER = LookAlikeSettings(min_alike=1)


def customers(tier: str, number: int, **fields: str) -> list[Row]:
    """Return *number* customers of *tier* that are alike."""
    return [{"id": f"{tier}-{fields}-{n}", "tier": tier, **fields} for n in range(number)]


def asked(name: str, **more: str | None) -> Row:
    """Return an account that may be asked."""
    return {"id": name, "layer": "Suspect", **more}


# 4 of 10 are good: 3 of the 4 in retail, and 1 of the 6 in food.
TOY = [
    *customers("Top", 1, industry="retail"),
    *customers("Medium", 2, industry="retail"),
    *customers("Big", 1, industry="food"),
    *customers("Small", 1, industry="retail"),
    *customers("Small", 5, industry="food"),
]
RETAIL, FOOD = log((4 / 6) / (5 / 12)), log((2 / 6) / (7 / 12))


@cache
def steps(chosen: LookAlikeSettings) -> tuple[ir.Table, ir.Table]:
    """Return the rule's two tables, before there is any data."""
    accounts = ibis.table(ACCOUNTS, name="accounts")
    standings = ibis.table(STANDINGS, name="standings")
    weights = likeness(accounts, standings, PyramidSettings(), chosen)
    kept = ibis.table(weights.schema(), name="likeness")
    return weights, look_alikes(accounts, standings, kept, chosen)


def company(accounts: Sequence[Row]) -> Crm:
    """Return a CRM with the tables accounts and standings."""
    crm = Crm()
    stood = [
        {**account, "account_id": account["id"], "layer": account.get("layer") or account["tier"]}
        for account in accounts
    ]
    crm.table("accounts", ACCOUNTS, accounts)
    crm.table("standings", STANDINGS, stood)
    return crm


def weights(accounts: Sequence[Row]) -> dict[tuple[str, str], Row]:
    """Return the rows of `likeness` by field and value."""
    rows = company(accounts).rows(steps(ALL)[0])
    return {(row["field"], row["value"]): row for row in rows}


def scores(accounts: Sequence[Row], chosen: LookAlikeSettings = ALL) -> dict[str, Row]:
    """Return the rows of `look_alikes` by account, best first."""
    crm = company(accounts)
    weights, found = steps(chosen)
    crm.keep("likeness", weights)
    return {row["account_id"]: row for row in sorted(crm.rows(found), key=itemgetter("rank"))}


def six(value: float) -> Decimal:
    return round(Decimal(value), 6)


def test_the_weight_of_a_value_is_the_log_of_the_smoothed_shares() -> None:
    found = weights(TOY)
    assert found["industry", "retail"]["weight"] == pytest.approx(RETAIL)
    assert found["industry", "food"]["weight"] == pytest.approx(FOOD)
    assert (six(RETAIL), six(FOOD)) == (Decimal("0.470004"), Decimal("-0.559616"))


def test_a_weight_comes_with_the_two_figures_behind_it() -> None:
    retail, food = (weights(TOY)["industry", value] for value in ("retail", "food"))
    assert (retail["good"], retail["customers"], retail["tier"]) == (3, 4, "Medium")
    assert (food["good"], food["customers"], food["tier"]) == (1, 6, "Big")


def test_of_two_tiers_with_as_many_good_customers_the_higher_is_named() -> None:
    pair = [*customers("Medium", 2, region="N"), *customers("Big", 2, region="N")]
    assert weights(pair)["region", "N"]["tier"] == "Big"


def test_customers_whose_value_is_unknown_change_no_weight() -> None:
    more = [*TOY, *customers("Top", 7, region="N"), *customers("Small", 3, region="S")]
    assert weights(more)["industry", "retail"] == weights(TOY)["industry", "retail"]


def test_a_company_below_another_is_no_customer_of_its_own() -> None:
    child: Row = {"id": "child", "tier": "Top", "industry": "food", "inherited_from": "parent"}
    assert weights([*TOY, child]) == weights(TOY)


@pytest.mark.parametrize(
    "accounts",
    [
        pytest.param([], id="nobody"),
        pytest.param(customers("Small", 3, industry="food"), id="nobody good"),
    ],
)
def test_without_good_customers_nothing_weighs(accounts: list[Row]) -> None:
    assert weights(accounts) == {}
    found = scores([*accounts, asked("P", industry="food")])
    assert found["P"]["score"] == 0


def test_a_score_adds_up_over_the_fields() -> None:
    both = [
        *customers("Top", 4, industry="retail", region="N"),
        *customers("Small", 4, industry="food", region="S"),
    ]
    one = log((5 / 6) / (5 / 10))
    found = scores([*both, asked("P", industry="retail", region="N"), asked("Q", region="N")])
    assert (found["P"]["score"], found["Q"]["score"]) == (six(2 * one), six(one))


@pytest.mark.parametrize("industry", [None, "mining"], ids=["unknown", "of no customer"])
def test_what_is_not_known_of_a_field_adds_nothing(industry: str | None) -> None:
    found = scores([*TOY, asked("P", industry=industry)])
    assert found["P"]["score"] == 0
    assert found["P"]["like_field"] is None


def test_only_prospects_and_suspects_are_asked() -> None:
    accounts = [
        *TOY,
        asked("P", layer="Prospect"),
        asked("S"),
        asked("I", layer="Inactive"),
        asked("R", layer="Rest of world"),
        asked("child", inherited_from="S"),
    ]
    assert set(scores(accounts)) == {"P", "S"}


def test_the_reason_names_the_field_that_adds_most() -> None:
    accounts = [*TOY, *customers("Medium", 9, region="N"), *customers("Small", 1, region="S")]
    row = scores([*accounts, asked("P", industry="retail", region="N")])["P"]
    assert [row[f"like_{name}"] for name in ("field", "value", "tier", "good", "customers")] == [
        "industry",
        "retail",
        "Medium",
        3,
        4,
    ]


def test_a_handful_of_customers_is_no_likeness() -> None:
    account = asked("P", industry="retail")
    few, enough = (
        scores([*TOY, account], LookAlikeSettings(min_alike=least))["P"] for least in (4, 3)
    )
    assert (few["like_field"], enough["like_field"]) == (None, "industry")
    assert few["score"] == enough["score"] == six(RETAIL)


def test_equal_scores_are_ranked_by_id() -> None:
    names = ("b", "a", "c")
    found = scores([*TOY, *(asked(name, industry="retail") for name in names), asked("z")])
    assert [(name, row["rank"]) for name, row in found.items()] == [
        ("a", 1),
        ("b", 2),
        ("c", 3),
        ("z", 4),
    ]


def test_one_field_alone_can_be_compared() -> None:
    only = LookAlikeSettings(fields=("industry",))
    found = scores([*TOY, asked("P", industry="retail", region="N")], only)
    assert found["P"]["score"] == six(RETAIL)


@pytest.mark.parametrize("fields", [(), ("industry", "colour")], ids=["none", "unheard of"])
def test_fields_that_accounts_have_not_are_refused(fields: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="fields must be some of"):
        LookAlikeSettings(fields=fields)


def test_the_tables_compile_for_postgresql() -> None:
    for table in steps(ALL):
        assert ibis.to_sql(table, dialect="postgres")


def test_a_likeness_to_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="min_alike must be at least 1, not 0"):
        LookAlikeSettings(min_alike=0)


accounts_of_any_kind = st.lists(
    st.fixed_dictionaries(
        {
            "tier": st.sampled_from(["Top", "Medium", "Small", None]),
            **{field: st.sampled_from([None, "x", "y", "z"]) for field in FIELDS},
        }
    ),
    min_size=1,
    max_size=30,
)


def by_definition(accounts: Sequence[Row]) -> dict[str, float]:
    """Return the scores as domain 3.4 writes them, field by field."""
    active = [account for account in accounts if account["tier"]]

    def weight(field: str, value: str | None) -> float:
        known = [account for account in active if account[field]]
        good = [account for account in known if account["tier"] != "Small"]
        values = {account[field] for account in known}
        if value not in values or not good:
            return 0.0
        shares = (
            (sum(account[field] == value for account in group) + 1) / (len(group) + len(values))
            for group in (good, known)
        )
        return log(next(shares) / next(shares))

    return {
        account["id"]: sum(weight(field, account[field]) for field in FIELDS)
        for account in accounts
        if not account["tier"]
    }


def numbered(accounts: Sequence[Mapping[str, str | None]]) -> list[Row]:
    rows = [{"id": f"{number:02}", **account} for number, account in enumerate(accounts)]
    return [row if row["tier"] else {**row, "layer": "Suspect"} for row in rows]


@settings(max_examples=25, deadline=None)
@given(accounts_of_any_kind)
def test_scores_are_those_of_the_definition(accounts: list[Mapping[str, str | None]]) -> None:
    rows = numbered(accounts)
    found = {name: row["score"] for name, row in scores(rows).items()}
    assert found == {
        name: pytest.approx(Decimal(score), abs=Decimal("0.000001"))
        for name, score in by_definition(rows).items()
    }


@settings(max_examples=10, deadline=None)
@given(accounts_of_any_kind, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(
    accounts: list[Mapping[str, str | None]], chance: Random
) -> None:
    rows = numbered(accounts)
    shuffled = chance.sample(rows, len(rows))
    assert scores(shuffled, ANY_NUMBER) == scores(rows, ANY_NUMBER)
