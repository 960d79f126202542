"""Trials: begun once, followed through the target, settled by what customers did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal, cast

import ibis
import ibis.expr.types as ir
import pytest

from connector import HeldTask
from connector.config import Job
from connector.decide import Decided
from connector.ruleset import RuleSet
from connector.store import Store
from connector.store.tables import TaskRow, TrialRow
from connector.trials import begin, follow, outcomes, settle
from six_goals.action import Action
from six_goals.goal import Facts, Goal, Proposal
from six_goals.suppression import Cause, Decision, Verdict
from six_goals.uplift import Group
from tests.rules.six_goals.company import Company

JOB = 1
DAY = date(2024, 1, 10)
WINDOW = timedelta(days=180)
CARE = Action("retention", "A", None, "Top", "Call A", "A is late.", 3, 5_000)
MARKER = "retention:A:2024-01-10"


def decided(
    action: Action = CARE,
    verdict: Verdict = "create",
    cause: Cause | None = None,
    marker: str | None = None,
    *,
    free: bool = True,
) -> Decided:
    if verdict == "create":
        marker = marker or f"{action.goal}:{action.account_id}:{DAY}"
    decision = Decision(action, "Normal", verdict, cause, free=free)
    return Decided(action, decision, None, DAY, marker)


def held_out(action: Action = CARE, *, free: bool = True) -> Decided:
    return decided(action, "suppress", "holdout", free=free)


def kept(store: Store) -> list[dict[str, Any]]:
    """Return the trials as they are kept, days as text on every database."""
    with store.bulk() as bulk:
        rows = bulk.fetch("select * from trial order by goal, account_id, item, started_on")
    return [
        {
            name: str(value) if name.endswith("_on") and value is not None else value
            for name, value in row.items()
        }
        for row in rows.to_pylist()
    ]


def started(store: Store) -> list[tuple[str, str, str]]:
    return [(row["account_id"], row["started_on"], row["arm"]) for row in kept(store)]


# --- begin


@pytest.mark.parametrize(
    ("one", "arm"),
    [
        pytest.param(decided(), "treated", id="gets a task"),
        pytest.param(decided(CARE, "queue", "rep_cap"), "treated", id="waits for one"),
        pytest.param(held_out(), "holdout", id="held out"),
        pytest.param(held_out(free=False), None, id="held out, and would have got none"),
        pytest.param(decided(CARE, "update", "open_task", MARKER), None, id="has its task"),
        pytest.param(decided(CARE, "suppress", "cooldown"), None, id="left out"),
    ],
)
def test_who_was_selected_takes_part(sqlite_store: Store, one: Decided, arm: str | None) -> None:
    assert begin(sqlite_store, JOB, "run", [one], DAY) == (arm is not None)

    assert started(sqlite_store) == ([("A", "2024-01-10", arm)] if arm else [])


def test_a_trial_keeps_what_its_success_is_measured_by(store: Store) -> None:
    action = replace(CARE, item="GTK 500", window_days=60, target=7_000)

    begin(store, JOB, "run", [decided(action)], DAY)

    assert kept(store) == [
        {
            "job_id": JOB,
            "goal": "retention",
            "account_id": "A",
            "item": "GTK 500",
            "started_on": "2024-01-10",
            "arm": "treated",
            "marker": MARKER,
            "ends_on": "2024-03-10",
            "target": 7_000,
            "task_status": None,
            "succeeded_on": None,
            "value": None,
            "run_id": "run",
        }
    ]


def test_beginning_again_changes_nothing(store: Store) -> None:
    both = [decided(), held_out(replace(CARE, account_id="B"))]
    begin(store, JOB, "run", both, DAY)
    before = kept(store)

    assert begin(store, JOB, "run", both, DAY) == 0
    assert kept(store) == before


@pytest.mark.parametrize(
    ("later", "begins"),
    [
        pytest.param(WINDOW, False, id="last day"),
        pytest.param(WINDOW + timedelta(days=1), True, id="day after"),
    ],
)
def test_a_second_trial_begins_when_the_first_is_over(
    sqlite_store: Store, later: timedelta, begins: bool
) -> None:
    begin(sqlite_store, JOB, "run 1", [held_out()], DAY)

    assert begin(sqlite_store, JOB, "run 2", [held_out()], DAY + later) == begins


def test_goals_accounts_items_and_jobs_have_trials_of_their_own(sqlite_store: Store) -> None:
    begin(sqlite_store, JOB, "run", [decided()], DAY)
    others = [
        replace(CARE, goal="up_sell"),
        replace(CARE, account_id="B"),
        replace(CARE, item="GTK 500"),
    ]

    later = DAY + timedelta(days=1)
    assert begin(sqlite_store, JOB, "run", [decided(other) for other in others], later) == 3
    assert begin(sqlite_store, 2, "run", [decided()], DAY) == 1


def test_of_several_items_held_out_the_one_worth_most_counts(sqlite_store: Store) -> None:
    less, more = replace(CARE, item="a"), replace(CARE, item="b", expected_value=6_000)

    begin(sqlite_store, JOB, "run", [held_out(less), held_out(more)], DAY)

    assert [row["item"] for row in kept(sqlite_store)] == ["b"]


def test_who_waited_is_known_by_the_task_that_came_later(store: Store) -> None:
    begin(store, JOB, "run 1", [decided(CARE, "queue", "rep_cap")], DAY)

    later = DAY + timedelta(days=7)
    assert begin(store, JOB, "run 2", [decided(marker="retention:A:2024-01-17")], later) == 0
    assert [row["marker"] for row in kept(store)] == ["retention:A:2024-01-17"]
    assert started(store) == [("A", "2024-01-10", "treated")]


def test_a_second_task_in_the_same_time_is_not_the_one_to_follow(sqlite_store: Store) -> None:
    begin(sqlite_store, JOB, "run 1", [decided()], DAY)
    follow(sqlite_store, JOB, [task("done")])

    second = decided(marker="retention:A:2024-05-01")
    begin(sqlite_store, JOB, "run 2", [second], date(2024, 5, 1))

    assert [row["marker"] for row in kept(sqlite_store)] == [MARKER]


def test_who_changes_sides_begins_anew(sqlite_store: Store) -> None:
    begin(sqlite_store, JOB, "run 1", [held_out()], DAY)

    begin(sqlite_store, JOB, "run 2", [decided()], DAY + timedelta(days=1))

    sides = [("A", "2024-01-10", "holdout"), ("A", "2024-01-11", "treated")]
    assert started(sqlite_store) == sides


# --- follow


def task(status: Literal["open", "done", "rejected"], marker: str = MARKER) -> HeldTask:
    return HeldTask(marker, "A", status, "T1")


@pytest.mark.parametrize(
    ("reads", "status"),
    [
        pytest.param([], None, id="never seen"),
        pytest.param([[task("open")]], "open", id="open"),
        pytest.param([[task("open")], [task("done")]], "done", id="done"),
        pytest.param([[task("open")], [task("rejected")]], "rejected", id="rejected"),
        pytest.param([[task("open")], []], "gone", id="deleted"),
        pytest.param([[task("done")], []], "done", id="deleted when it was done"),
        pytest.param([[task("done")], [task("open")]], "open", id="opened again"),
        pytest.param([[task("open"), task("done")]], "done", id="copied"),
        pytest.param([[task("done", "retention:B:2024-01-10")]], None, id="another's"),
    ],
)
def test_a_trial_knows_what_became_of_its_task(
    sqlite_store: Store, reads: list[list[HeldTask]], status: str | None
) -> None:
    begin(sqlite_store, JOB, "run", [decided()], DAY)

    for tasks in reads:
        follow(sqlite_store, JOB, tasks)

    assert [row["task_status"] for row in kept(sqlite_store)] == [status]


def test_following_again_changes_nothing(store: Store) -> None:
    begin(store, JOB, "run", [decided(), held_out(replace(CARE, account_id="B"))], DAY)

    assert follow(store, JOB, [task("done")]) == 1
    assert follow(store, JOB, [task("done")]) == 0


# --- settle


@dataclass(frozen=True, slots=True)
class NoSettings:
    """A goal without settings."""


def nothing(facts: Facts, settings: NoSettings) -> Proposal:
    return Proposal([])


BY_ORDER: Goal[Any] = Goal("retention", "Retention", "keep", NoSettings, nothing)


def rules(goal: Goal[Any] = BY_ORDER) -> RuleSet:
    return RuleSet(cast("Job", None), (goal,), {goal.name: NoSettings()})


def company(day: date, *orders: tuple[date, int]) -> Company:
    """Return a company that sold to A; its margin is 30 %."""
    sales = [
        {"id": f"S{n}", "account_id": "A", "close_date": when, "amount": amount}
        for n, (when, amount) in enumerate(orders)
    ]
    return Company(day, accounts=[{"id": "A"}], sales=sales)


def success(store: Store) -> list[tuple[str | None, int | None]]:
    return [(row["succeeded_on"], row["value"]) for row in kept(store)]


FEBRUARY, JULY, AUGUST = date(2024, 2, 1), date(2024, 7, 8), date(2024, 8, 1)


@pytest.mark.parametrize("one", [decided(), held_out()], ids=["treated", "held out"])
def test_an_order_in_time_is_a_success_with_or_without_a_task(store: Store, one: Decided) -> None:
    begin(store, JOB, "run", [one], DAY)

    assert settle(store, JOB, company(FEBRUARY, (FEBRUARY, 10_000)), rules()) == 1
    assert success(store) == [("2024-02-01", 3_000)]


def test_settling_again_changes_nothing(store: Store) -> None:
    begin(store, JOB, "run", [decided()], DAY)
    facts = company(FEBRUARY, (FEBRUARY, 10_000))
    settle(store, JOB, facts, rules())

    assert settle(store, JOB, facts, rules()) == 0


@pytest.mark.parametrize(
    ("ordered_on", "succeeded"),
    [
        pytest.param(DAY, False, id="the day itself"),
        pytest.param(DAY + WINDOW, True, id="last day"),
        pytest.param(DAY + WINDOW + timedelta(days=1), False, id="day after"),
    ],
)
def test_an_order_counts_until_the_last_day(
    sqlite_store: Store, ordered_on: date, succeeded: bool
) -> None:
    begin(sqlite_store, JOB, "run", [decided()], DAY)

    assert settle(sqlite_store, JOB, company(AUGUST, (ordered_on, 10_000)), rules()) == succeeded


def test_what_a_success_brings_grows_until_the_end(sqlite_store: Store) -> None:
    begin(sqlite_store, JOB, "run", [decided()], DAY)
    orders = [(FEBRUARY, 10_000), (JULY, 20_000), (AUGUST, 40_000)]

    for count in (1, 2, 3):
        settle(sqlite_store, JOB, company(AUGUST, *orders[:count]), rules())

    assert success(sqlite_store) == [("2024-02-01", 9_000)]


def test_an_order_entered_late_counts_but_not_for_ever(sqlite_store: Store) -> None:
    begin(sqlite_store, JOB, "run", [decided()], DAY)
    ninety, more = (DAY + WINDOW + timedelta(days=days) for days in (90, 91))

    assert settle(sqlite_store, JOB, company(more, (FEBRUARY, 10_000)), rules()) == 0
    assert settle(sqlite_store, JOB, company(ninety, (FEBRUARY, 10_000)), rules()) == 1


def finding(*days: date) -> Goal[Any]:
    """Return a goal that finds a success on each of *days*, worth 100, in every trial."""

    def succeeded(facts: Facts, trials: ir.Table, settings: NoSettings) -> ir.Table:
        worth = ibis.literal(100, type="int64")
        keys = trials.select("account_id", "item", "started_on")
        none = keys.filter(ibis.literal(False)).mutate(succeeded_on=ibis.null("date"), value=worth)
        found = [keys.mutate(succeeded_on=ibis.literal(day), value=worth) for day in days]
        return ibis.union(none, *found)

    return replace(BY_ORDER, succeeded=succeeded)


def test_a_success_stays_when_the_goal_no_longer_sees_it(sqlite_store: Store) -> None:
    begin(sqlite_store, JOB, "run", [decided()], DAY)
    settle(sqlite_store, JOB, company(FEBRUARY), rules(finding(FEBRUARY)))

    settle(sqlite_store, JOB, company(JULY), rules(finding()))

    assert success(sqlite_store) == [("2024-02-01", 100)]


def test_a_goal_may_find_a_success_twice_but_not_too_late(store: Store) -> None:
    begin(store, JOB, "run", [decided(), decided(replace(CARE, account_id="B"))], DAY)

    settle(store, JOB, company(AUGUST), rules(finding(JULY, FEBRUARY)))
    assert success(store) == [("2024-02-01", 100)] * 2

    begin(store, JOB, "run", [decided(replace(CARE, account_id="C"))], DAY)
    settle(store, JOB, company(AUGUST), rules(finding(AUGUST)))
    assert success(store)[2] == (None, None)


# --- outcomes


def many(arm: str, accounts: int, successes: int) -> list[Mapping[str, Any]]:
    return [
        {
            "job_id": JOB,
            "goal": "retention",
            "account_id": f"{arm}{number}",
            "started_on": DAY,
            "arm": arm,
            "marker": f"retention:{number}" if arm == "treated" else None,
            "ends_on": DAY + WINDOW,
            "task_status": "done" if arm == "treated" and number % 2 else None,
            "succeeded_on": JULY if number < successes else None,
            "value": 1_000_000 if number < successes else None,
            "run_id": "run",
        }
        for number in range(accounts)
    ]


def insert(store: Store, rows: list[Mapping[str, Any]]) -> None:
    with store.session() as session:
        session.add_all(TrialRow(**row) for row in rows)


def test_outcomes_are_those_of_the_domain(store: Store) -> None:
    insert(store, [*many("treated", 200, 40), *many("holdout", 50, 5)])

    outcome = outcomes(store, JOB, AUGUST)["retention"]

    assert outcome.treated.ended == Group(40, 200)
    assert outcome.held_out.ended == Group(5, 50)
    assert outcome.uplift is not None
    assert outcome.uplift.difference == Decimal("0.10")
    assert outcome.value_uplift is not None
    assert outcome.value_uplift.difference == Decimal("10.00")
    assert outcome.tasks == {"done": 100}


def test_a_task_that_was_written_is_open_until_it_is_read_back(store: Store) -> None:
    begin(store, JOB, "run", [decided(), decided(replace(CARE, account_id="refused"))], DAY)
    with store.session() as session:
        session.add(
            TaskRow(
                job_id=JOB,
                marker=MARKER,
                account_id="A",
                goal="retention",
                target_id="T1",
                subject="Call A",
                priority="High",
            )
        )

    assert outcomes(store, JOB, DAY)["retention"].tasks == {"open": 1}


def test_a_job_without_trials_has_no_outcomes(sqlite_store: Store) -> None:
    insert(sqlite_store, many("treated", 1, 0))

    assert outcomes(sqlite_store, 2, AUGUST) == {}
