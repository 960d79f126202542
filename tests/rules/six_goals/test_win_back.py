"""Win-back: who is asked to return, how likely that is, and what it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_pyramid.money import to_units
from customer_pyramid.periods import add_months
from customer_pyramid.settings import PyramidSettings
from six_goals.action import Action
from six_goals.goal import Proposal
from six_goals.settings import WinBackSettings
from six_goals.win_back import propose
from tests.rules.six_goals.company import Company

AS_OF = date(2024, 12, 31)
NOW = date(2024, 7, 1)
GONE = date(2023, 5, 15)
"""The last order of a customer that lapsed seven full months ago."""

SETTINGS = WinBackSettings()
PYRAMID = PyramidSettings(
    method="thresholds", thresholds=(Decimal(90_000), Decimal(9_000), Decimal(900))
)
ACTIVE = {"top": 100_000, "big": 10_000, "medium": 1_000, "small": 100}

Row = dict[str, Any]


def won(account: str, amount: int, day: date) -> Row:
    return {
        "id": f"{account} {day} {amount}",
        "account_id": account,
        "close_date": day,
        "amount": to_units(Decimal(amount)),
    }


def company(*lapsed: Row, **more: Any) -> Company:
    """Return a company with a customer in each tier, and the sales of the *lapsed*."""
    sales = [*(won(name, amount, NOW) for name, amount in ACTIVE.items()), *lapsed]
    names = dict.fromkeys(sale["account_id"] for sale in sales)
    accounts = [{"id": name, "name": name, "owner_id": "rep"} for name in names]
    return Company(AS_OF, accounts=accounts, sales=sales, **{"pyramid": PYRAMID, **more})


def proposed(*lapsed: Row, **more: Any) -> Proposal:
    return propose(company(*lapsed, **more), SETTINGS)


def only(proposal: Proposal) -> Action:
    (action,) = proposal.actions
    return action


def ids(proposal: Proposal) -> list[str]:
    return [action.account_id for action in proposal.actions]


def lost(reason: str | None, day: date = GONE, account: str = "Acme") -> Row:
    return {"id": f"lost {day}", "account_id": account, "close_date": day, "reason": reason}


def case(category: str | None, day: date = GONE, account: str = "Acme") -> Row:
    opened = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return {
        "id": f"case {day}",
        "account_id": account,
        "category": category,
        "status": "closed",
        "opened_at": opened,
    }


def test_the_action_says_what_was_lost_and_what_to_do() -> None:
    year = date(2022, 5, 15)
    action = only(proposed(won("Acme", 40_000, year), won("Acme", 20_000, GONE)))
    assert action.title == "Win back Acme (was Big, stopped 7 months ago)"
    assert action.reason == (
        "Acme was in the Big tier and bought for 40,000 in its best year. Its last order was on "
        "May 15, 2023, 19 months ago. Why it stopped is not known: ask first. It brought a margin "
        "of about 9,000 a year; at a chance of 7 % to return, asking is worth 630. Call or visit: "
        "this one is worth a person's time."
    )
    assert action.expected_value == to_units(Decimal(630))
    assert (action.layer, action.owner_id, action.due_days) == ("Inactive", "rep", 10)
    assert action.evidence == {
        "former_tier": "Big",
        "best_year": "40,000",
        "active_years": "2",
        "revenue": "60,000",
        "yearly_margin": "9,000",
        "last_order": "2023-05-15",
        "lapsed_on": "2024-05-15",
        "chance": "0.1",
        "factor": "0.7",
        "cause": "unknown",
    }


@pytest.mark.parametrize(
    ("last_order", "chance"),
    [
        pytest.param(date(2024, 1, 1), None, id="ordered in the period"),
        pytest.param(date(2023, 12, 31), "0.2", id="12 months"),
        pytest.param(date(2023, 9, 30), "0.2", id="15 months to the day"),
        pytest.param(date(2023, 9, 29), "0.1", id="a day more"),
        pytest.param(date(2022, 12, 31), "0.1", id="24 months"),
        pytest.param(date(2022, 12, 30), "0.05", id="more than 24 months"),
        pytest.param(date(2021, 12, 31), "0.05", id="36 months"),
        pytest.param(date(2021, 12, 30), None, id="only by a campaign"),
    ],
)
def test_the_chance_falls_with_the_time_since_the_last_order(
    last_order: date, chance: str | None
) -> None:
    proposal = proposed(won("Acme", 50_000, last_order))
    assert [action.evidence["chance"] for action in proposal.actions] == (
        [chance] if chance else []
    )


def test_beyond_the_last_months_of_the_settings_nobody_is_asked() -> None:
    settings = WinBackSettings(base={"15": Decimal("0.3")})
    assert ids(propose(company(won("Acme", 50_000, GONE)), settings)) == []


@pytest.mark.parametrize(
    ("reason", "factor"),
    [
        pytest.param("Price too high", "1", id="price"),
        pytest.param("bad SERVICE", "0.8", id="service"),
        pytest.param("Went to a competitor", "0.6", id="competitor"),
        pytest.param("no idea", "0.7", id="no known word"),
        pytest.param("  ", "0.7", id="blank"),
        pytest.param(None, "0.7", id="none"),
        pytest.param("a competitor has the better product", "0.7", id="the first setting decides"),
    ],
)
def test_the_reason_of_the_last_lost_deal_weighs(reason: str | None, factor: str) -> None:
    action = only(proposed(won("Acme", 50_000, GONE), lost_deals=[lost(reason)]))
    assert action.evidence["factor"] == factor


def test_who_moved_away_is_left_alone_and_counted() -> None:
    left = [lost("Moved to Peru"), lost("has closed", account="Beta")]
    sales = [won("Acme", 50_000, GONE), won("Beta", 50_000, GONE)]
    proposal = proposed(*sales, lost_deals=left)
    assert ids(proposal) == []
    assert proposal.notes == [
        "2 lapsed customers are not asked back: why they left leaves no chance."
    ]


@pytest.mark.parametrize(
    ("deals", "cases", "why"),
    [
        pytest.param([lost("price")], [case("product")], "price", id="deals go first"),
        pytest.param([lost(None)], [case("product")], "product", id="else the case"),
        pytest.param(
            [lost("no need", GONE - timedelta(days=1)), lost("price")], [], "price", id="the latest"
        ),
        pytest.param([lost("no need", GONE - timedelta(days=366))], [], None, id="too long ago"),
        pytest.param([lost("price", GONE - timedelta(days=365))], [], "price", id="a year ago"),
    ],
)
def test_why_it_left_is_what_was_said_last(
    deals: Sequence[Row], cases: Sequence[Row], why: str | None
) -> None:
    action = only(proposed(won("Acme", 50_000, GONE), lost_deals=deals, cases=cases))
    assert action.evidence.get("why") == why


@pytest.mark.parametrize(
    ("tables", "sentence"),
    [
        pytest.param(
            {"lost_deals": [lost("Too slow service")]},
            "Its last lost deal gives this reason: Too slow service. "
            "Put right what went wrong before you offer anything.",
            id="service",
        ),
        pytest.param(
            {"cases": [case("Price list")]}, "Its last case was about this: Price list.", id="case"
        ),
    ],
)
def test_the_reason_of_leaving_is_quoted(tables: dict[str, Any], sentence: str) -> None:
    assert sentence in only(proposed(won("Acme", 50_000, GONE), **tables)).reason


def test_without_any_reason_the_note_says_so() -> None:
    proposal = proposed(won("Acme", 50_000, GONE))
    assert proposal.notes == [
        "No lost deal or case of a lapsed customer says why it left, so all reasons count as "
        "unknown."
    ]


def test_the_best_year_must_reach_the_tier_above_the_last() -> None:
    sales = [won(f"account {number}", 999 + number, GONE) for number in range(5)]
    assert ids(propose(company(*sales), WinBackSettings(top_share=Decimal(0)))) == [
        f"account {number}" for number in (4, 3, 2, 1)
    ]


def test_a_fifth_of_the_lapsed_is_asked_whatever_they_bought() -> None:
    sales = [won(f"account {number}", 10 + number, GONE) for number in range(6)]
    assert ids(proposed(*sales)) == ["account 5", "account 4"]


@pytest.mark.parametrize(
    ("sales", "tier"),
    [
        pytest.param([won("Acme", 200_000, GONE)], "Top", id="in the period before"),
        pytest.param([won("Acme", 20_000, date(2022, 5, 1))], "Big", id="by the best year"),
        pytest.param([won("Acme", 500, date(2022, 5, 1))], "Small", id="below all boundaries"),
        pytest.param(
            [won("Acme", 20_000, date(2022, 5, 1)), won("Acme", 1_000, GONE)],
            "Medium",
            id="what it was goes before what it would be",
        ),
    ],
)
def test_the_former_tier_is_named(sales: Sequence[Row], tier: str) -> None:
    action = only(proposed(*sales))
    assert action.evidence["former_tier"] == tier
    assert f"(was {tier}," in action.title


@pytest.mark.parametrize(("amount", "item"), [(20_000, ""), (2_000, ""), (200, "mail")])
def test_a_small_customer_gets_a_mail(amount: int, item: str) -> None:
    action = only(proposed(won("Acme", amount, GONE)))
    assert action.item == item
    assert ("A mail is enough" in action.reason) == (item == "mail")


def test_a_frequent_buyer_lapses_after_three_gaps() -> None:
    last = date(2023, 12, 15)
    weekly = [won("Acme", 5_000, last - timedelta(days=7 * number)) for number in range(4)]
    action = only(proposed(*weekly))
    assert action.evidence["lapsed_on"] == "2024-01-05"
    assert action.title.endswith("stopped 11 months ago)")


def test_three_order_days_are_no_rhythm() -> None:
    last = date(2023, 12, 15)
    weekly = [won("Acme", 5_000, last - timedelta(days=7 * number)) for number in range(3)]
    action = only(proposed(*weekly))
    assert action.evidence["lapsed_on"] == "2024-12-15"
    assert action.title.endswith("stopped less than a month ago)")


def test_the_window_opens_with_the_lapse() -> None:
    last = date(2021, 12, 31)
    weekly = [won("Acme", 5_000, last - timedelta(days=7 * number)) for number in range(4)]
    assert ids(proposed(*weekly)) == []
    assert ids(proposed(weekly[0])) == ["Acme"]


def test_what_was_given_back_is_no_lost_value() -> None:
    returned = [won("Acme", 50_000, GONE), won("Acme", -50_000, GONE + timedelta(days=20))]
    partly = [won("Beta", 50_000, GONE), won("Beta", -20_000, GONE + timedelta(days=20))]
    action = only(proposed(*returned, *partly))
    assert (action.account_id, action.evidence["best_year"]) == ("Beta", "30,000")


def test_orders_a_year_apart_are_not_one_year() -> None:
    sales = [won("Acme", 30_000, date(2022, 5, 15)), won("Acme", 20_000, date(2022, 5, 16))]
    apart = [*sales, won("Acme", 40_000, date(2023, 5, 15))]
    evidence = only(proposed(*apart)).evidence
    assert (evidence["best_year"], evidence["active_years"]) == ("60,000", "2")


def test_accounts_below_another_are_not_asked_and_tell_their_root_why() -> None:
    root = {"account_id": "Acme", "layer": "Inactive", "previous_tier": "Big", "last_order": GONE}
    below = {"account_id": "Child", "layer": "Inactive", "inherited_from": "Acme"}
    told = [lost("price", account="Child")]
    proposal = proposed(won("Acme", 50_000, GONE), standings=[root, below], lost_deals=told)
    action = only(proposal)
    assert (action.account_id, action.evidence["why"]) == ("Acme", "price")


def test_the_most_valuable_come_first_where_there_are_too_many() -> None:
    sales = [won(f"account {number}", 10_000 * number, GONE) for number in range(1, 4)]
    proposal = proposed(*sales, limit=2)
    assert ids(proposal) == ["account 3", "account 2"]
    assert proposal.candidates == 3


def test_nobody_is_asked_where_nobody_left() -> None:
    assert proposed() == Proposal(actions=[], notes=[])


def test_a_pyramid_of_one_tier_has_only_the_leading_share() -> None:
    held = company(*(won(f"account {number}", 50_000 + number, GONE) for number in range(5)))
    held.table("standings")
    held.pyramid = PyramidSettings(tiers=("Customer",), cuts=(10_000,))
    assert ids(propose(held, SETTINGS)) == ["account 4"]


def test_a_long_name_does_not_cut_the_title() -> None:
    title = only(proposed(won("Acme " * 100, 50_000, GONE))).title
    assert len(title) <= 255
    assert title.endswith("(was Big, stopped 7 months ago)")


@pytest.mark.parametrize(
    "wrong",
    [
        {"base": {}},
        {"base": {"a year": Decimal(1)}},
        {"base": {"12": Decimal(2)}},
        {"reasons": {"price": Decimal(-1)}},
    ],
    ids=["no chance", "not months", "too sure", "below nothing"],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        WinBackSettings(**wrong)


histories = st.lists(
    st.tuples(
        st.sampled_from(["A", "B", "C"]),
        st.integers(-300, 5_000),
        st.dates(date(2020, 1, 1), date(2024, 12, 31)),
    ),
    max_size=25,
)


@pytest.mark.long
@settings(max_examples=10, deadline=None)
@given(histories, st.randoms(use_true_random=False))
def test_the_order_of_the_sales_does_not_matter(
    history: list[tuple[str, int, date]], random: Any
) -> None:
    sales = [won(*sale) for sale in history]
    shuffled = random.sample(sales, len(sales))
    first, second = proposed(*sales), proposed(*shuffled)
    assert first == second
    assert len(set(ids(first))) == len(first.actions)


@pytest.mark.long
@settings(max_examples=15, deadline=None)
@given(histories)
def test_everybody_asked_has_lapsed_and_the_value_follows_from_its_evidence(
    history: list[tuple[str, int, date]],
) -> None:
    for action in proposed(*(won(*sale) for sale in history)).actions:
        own = [(amount, day) for account, amount, day in history if account == action.account_id]
        ordered = [day for amount, day in own if amount > 0]
        last = max(ordered)
        assert action.evidence["last_order"] == last.isoformat()
        assert date.fromisoformat(action.evidence["lapsed_on"]) <= AS_OF
        assert last >= add_months(AS_OF, -36)
        best = max(
            sum(amount for amount, day in own if 0 <= (day - start).days < 365) for start in ordered
        )
        assert action.evidence["best_year"] == f"{best:,}"
        years = len({(last - day).days // 365 for day in ordered})
        yearly = Fraction(sum(amount for amount, _ in own), years) * Fraction(3, 10)
        chance = Fraction(action.evidence["chance"]) * Fraction(action.evidence["factor"])
        assert abs(action.expected_value - yearly * chance * 10_000) <= 1


def test_the_steps_compile_for_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    held, compiled = company(), []

    def keep(name: str, expression: Any) -> Any:
        compiled.append(str(ibis.to_sql(expression, dialect="postgres")))
        return Company.keep(held, name, expression)

    for name in ("standings", "rhythm"):
        held.table(name)
    monkeypatch.setattr(held, "keep", keep)
    propose(held, SETTINGS)
    assert len(compiled) == 3
