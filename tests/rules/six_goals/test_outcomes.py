"""Outcomes: who succeeded in time, counted once, on the side on which they began."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, cast

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from six_goals.outcomes import Outcome, TallyRow, ordered, ordered_item, outcomes, tally
from six_goals.uplift import Amounts, Group
from tests.rules.six_goals.company import Company

START = date(2024, 1, 1)
END = date(2024, 6, 29)
AFTER = date(2024, 6, 30)
TRIALS = pa.schema(
    [(name, pa.string()) for name in ("goal", "account_id", "item", "arm", "task_status")]
    + [(name, pa.date32()) for name in ("started_on", "ends_on", "succeeded_on")]
    + [("value", pa.int64())]
)
Trial = Mapping[str, Any]


def trial(account: str = "A", arm: str = "treated", **given: Any) -> Trial:
    """Return a trial of the first half of 2024 without success."""
    return {
        "goal": "up_sell",
        "account_id": account,
        "item": "",
        "arm": arm,
        "started_on": START,
        "ends_on": END,
        **given,
    }


def brought(trials: Sequence[Trial]) -> tuple[Company, Any]:
    company = Company(AFTER)
    return company, company.bring("trials", pa.Table.from_pylist(list(trials), schema=TRIALS))


def found(trials: Sequence[Trial], as_of: date = AFTER) -> dict[str, Outcome]:
    company, table = brought(trials)
    return outcomes(cast("list[TallyRow]", company.rows(tally(table, as_of))))


SUCCESS: dict[str, Any] = {"succeeded_on": date(2024, 2, 1), "value": 100}


# --- successes


def succeeded(
    rule: Any, *sales: tuple[str, date, int, str | None], items: Sequence[str] = ("",)
) -> list[tuple[str, date, int]]:
    company = Company(
        AFTER,
        accounts=[{"id": "A"}],
        sales=[
            {
                "id": f"S{n}",
                "account_id": name,
                "close_date": day,
                "amount": amount,
                "product": item,
            }
            for n, (name, day, amount, item) in enumerate(sales)
        ],
    )
    trials = [trial(item=item) for item in items]
    table = company.bring("trials", pa.Table.from_pylist(trials, schema=TRIALS))
    rows = company.rows(rule(company, table))
    return [(row["item"], row["succeeded_on"], row["value"]) for row in rows]


def test_the_first_order_is_the_success_and_all_bring_their_margin() -> None:
    sales = [("A", date(2024, 3, 1), 1_000, None), ("A", date(2024, 2, 1), 500, None)]

    assert succeeded(ordered, *sales) == [("", date(2024, 2, 1), 450)]


@pytest.mark.parametrize(
    "sale",
    [
        pytest.param(("A", START, 1_000, None), id="on the day itself"),
        pytest.param(("A", AFTER, 1_000, None), id="too late"),
        pytest.param(("B", date(2024, 2, 1), 1_000, None), id="another's"),
        pytest.param(("A", date(2024, 2, 1), -1_000, None), id="credit"),
    ],
)
def test_other_sales_are_no_success(sale: tuple[str, date, int, str | None]) -> None:
    assert succeeded(ordered, sale) == []


def test_only_the_very_item_counts_where_the_goal_is_about_one() -> None:
    sales = [("A", date(2024, 2, 1), 1_000, "GTK"), ("A", date(2024, 3, 1), 1_000, "MG")]

    assert succeeded(ordered_item, *sales, items=["MG"]) == [("MG", date(2024, 3, 1), 300)]


# --- counting


def test_a_success_counts_when_the_time_of_all_is_over() -> None:
    early = found([trial(**SUCCESS), trial("B")], END)["up_sell"].treated
    late = found([trial(**SUCCESS), trial("B")], AFTER)["up_sell"].treated

    assert (early.ended, early.so_far) == (Group(0, 0), Group(1, 2))
    assert (late.ended, late.so_far) == (Group(1, 2), Group(1, 2))


def test_what_begins_later_is_not_known_yet() -> None:
    assert found([trial()], START - timedelta(days=1)) == {}


def test_goals_and_arms_are_counted_apart() -> None:
    trials = [trial(**SUCCESS), trial("B", "holdout"), trial("C", goal="win_back")]

    result = found(trials)

    assert list(result) == ["up_sell", "win_back"]
    assert result["up_sell"].treated.ended == Group(1, 1)
    assert result["up_sell"].held_out.ended == Group(0, 1)
    assert result["win_back"].treated.ended == Group(0, 1)


def test_an_account_counts_once_with_its_first_trial() -> None:
    again = trial(started_on=AFTER, ends_on=date(2024, 12, 1), item="later")

    result = found([trial(**SUCCESS), again], date(2025, 1, 1))["up_sell"]

    assert result.treated.ended == Group(1, 1)


@pytest.mark.parametrize(
    ("changed_on", "counted"),
    [
        pytest.param(END, Group(0, 0), id="while the first was running"),
        pytest.param(AFTER, Group(1, 1), id="when the first was over"),
    ],
)
def test_who_changed_sides_in_between_counts_on_neither(changed_on: date, counted: Group) -> None:
    other = trial("A", "holdout", started_on=changed_on, ends_on=date(2024, 12, 31))

    result = found([trial(**SUCCESS), other], date(2025, 1, 1))["up_sell"]

    assert (result.treated.ended, result.held_out.ended) == (counted, Group(0, 0))


def test_all_tasks_are_counted_by_what_became_of_them() -> None:
    trials = [
        trial("A", task_status="done"),
        trial("A", task_status="open", started_on=AFTER, ends_on=date(2024, 12, 31)),
        trial("B", task_status="rejected"),
        trial("C", task_status="done"),
        trial("D"),
        trial("E", "holdout"),
    ]

    assert found(trials)["up_sell"].tasks == {"done": 2, "open": 1, "rejected": 1}


def test_those_without_success_brought_nothing() -> None:
    result = found([trial(**SUCCESS), trial("B", **SUCCESS), trial("C", value=7)])["up_sell"]

    assert result.treated.amounts == Amounts(accounts=3, total=200, squares=20_000)
    assert result.held_out.amounts == Amounts(accounts=0, total=0, squares=0)


def test_an_unknown_value_is_not_taken_for_nothing() -> None:
    result = found([trial(**SUCCESS), trial("B", **SUCCESS | {"value": None})])["up_sell"]

    assert result.treated.amounts is None
    assert result.value_uplift is None


def many(arm: str, accounts: int, successes: int) -> list[Trial]:
    return [
        trial(f"{arm}{number}", arm, **(SUCCESS if number < successes else {}))
        for number in range(accounts)
    ]


def test_the_uplift_is_that_of_the_domain() -> None:
    result = found([*many("treated", 200, 40), *many("holdout", 50, 5)])["up_sell"]

    assert result.uplift is not None
    assert (result.uplift.low, result.uplift.high) == (Decimal("0.000061"), Decimal("0.199939"))


def test_what_is_not_over_is_not_enough_data() -> None:
    result = found([*many("treated", 200, 40), *many("holdout", 50, 5)], END)["up_sell"]

    assert (result.uplift, result.value_uplift) == (None, None)


# --- properties

DAYS = st.integers(0, 400).map(lambda days: START + timedelta(days=days))
trials_strategy = st.lists(
    st.builds(
        trial,
        st.sampled_from([f"A{number}" for number in range(12)]),
        st.sampled_from(["treated", "holdout"]),
        goal=st.sampled_from(["up_sell", "retention"]),
        item=st.sampled_from(["", "GTK"]),
        started_on=DAYS,
        ends_on=DAYS,
        succeeded_on=st.none() | DAYS,
        value=st.none() | st.integers(-(10**18), 10**18),
        task_status=st.sampled_from([None, "open", "done", "rejected", "gone"]),
    ).filter(lambda one: one["started_on"] <= one["ends_on"]),
    max_size=30,
    unique_by=lambda one: (one["goal"], one["account_id"], one["item"], one["started_on"]),
)


@settings(max_examples=30, deadline=None)
@given(trials_strategy, DAYS)
def test_the_groups_are_all_accounts_but_those_that_changed_sides(
    trials: list[Trial], as_of: date
) -> None:
    result = found(trials, as_of)

    begun = [one for one in trials if one["started_on"] <= as_of]
    for goal in ("up_sell", "retention"):
        sides: dict[str, set[str]] = {}
        for one in begun:
            if one["goal"] == goal:
                sides.setdefault(one["account_id"], set()).add(one["arm"])
        never_changed = sum(len(arms) == 1 for arms in sides.values())
        outcome = result.get(goal)
        counted = (
            outcome.treated.so_far.accounts + outcome.held_out.so_far.accounts if outcome else 0
        )
        assert never_changed <= counted <= len(sides)


@pytest.mark.long
@settings(max_examples=30, deadline=None)
@given(trials_strategy, DAYS)
def test_no_task_is_lost_or_counted_twice(trials: list[Trial], as_of: date) -> None:
    counted = sum(sum(outcome.tasks.values()) for outcome in found(trials, as_of).values())

    assert counted == sum(
        one["started_on"] <= as_of and one["task_status"] is not None for one in trials
    )
