"""Suppression: one cause after the other, and nothing new when run again."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from six_goals.action import Action, Goal
from six_goals.settings import SuppressionSettings
from six_goals.suppression import (
    Decision,
    HeldTask,
    OpenOpportunity,
    TaskStatus,
    suppress,
)

TODAY = date(2024, 6, 28)
SETTINGS = SuppressionSettings(proposal_stages=frozenset({"Proposal"}))


def action(
    account: str = "A",
    goal: Goal = "up_sell",
    value: int = 100,
    owner: str | None = "rep",
    layer: str = "Small",
) -> Action:
    return Action(
        goal=goal,
        account_id=account,
        owner_id=owner,
        layer=layer,
        title="Do it",
        reason="Because",
        due_days=3,
        expected_value=value,
    )


def task(
    account: str = "A",
    goal: str = "up_sell",
    status: TaskStatus = "open",
    days_ago: int = 30,
    owner: str | None = None,
) -> HeldTask:
    day = TODAY - timedelta(days=days_ago)
    closed = None if status == "open" else day
    return HeldTask(f"{goal}:{account}:{day}", goal, account, status, day, closed, owner)


def decide(
    actions: Sequence[Action],
    held: Sequence[HeldTask] = (),
    stages: Sequence[OpenOpportunity] = (),
    blocked: Sequence[str] = (),
) -> list[Decision]:
    return suppress(actions, held, stages, SETTINGS, as_of=TODAY, blocked=blocked)


def outcomes(decisions: Sequence[Decision]) -> dict[tuple[str, str], tuple[str, str | None]]:
    return {
        (decision.action.account_id, decision.action.goal): (decision.verdict, decision.cause)
        for decision in decisions
    }


def test_an_action_nothing_speaks_against_is_created() -> None:
    assert outcomes(decide([action()])) == {("A", "up_sell"): ("create", None)}


@pytest.mark.parametrize(
    ("held", "stages", "blocked", "outcome"),
    [
        pytest.param([], [], ["A"], ("suppress", "blocked"), id="blocked"),
        pytest.param([task()], [], [], ("update", "open_task"), id="open"),
        pytest.param([task()], [], ["A"], ("suppress", "blocked"), id="blocked before open"),
        pytest.param(
            [task(status="done", days_ago=89)], [], [], ("suppress", "cooldown"), id="done"
        ),
        pytest.param(
            [task(status="rejected", days_ago=0)], [], [], ("suppress", "cooldown"), id="rejected"
        ),
        pytest.param([task(status="done", days_ago=90)], [], [], ("create", None), id="long ago"),
        pytest.param(
            [task(goal="retention", status="done")], [], [], ("create", None), id="other goal done"
        ),
        pytest.param(
            [], [OpenOpportunity("A", "Proposal")], [], ("suppress", "covered"), id="proposal"
        ),
        pytest.param(
            [], [OpenOpportunity("A", "Prospecting")], [], ("create", None), id="early stage"
        ),
        pytest.param(
            [task(goal="retention")], [], [], ("suppress", "one_per_account"), id="other task open"
        ),
    ],
)
def test_the_first_cause_is_recorded(
    held: list[HeldTask],
    stages: list[OpenOpportunity],
    blocked: list[str],
    outcome: tuple[str, str | None],
) -> None:
    assert outcomes(decide([action()], held, stages, blocked)) == {("A", "up_sell"): outcome}


def test_the_rest_of_the_world_is_blocked() -> None:
    decisions = decide([action(layer="Rest of world")])
    assert outcomes(decisions) == {("A", "up_sell"): ("suppress", "blocked")}


def test_an_update_names_its_task() -> None:
    (decision,) = decide([action()], [task()])
    assert decision.marker == task().marker


def test_retention_outranks_a_higher_value() -> None:
    decisions = decide([action(value=900), action(goal="retention", value=1)])
    assert outcomes(decisions) == {
        ("A", "retention"): ("create", None),
        ("A", "up_sell"): ("suppress", "one_per_account"),
    }


def test_the_highest_value_wins_among_equals() -> None:
    decisions = decide([action(value=1), action(goal="cross_sell", value=2)])
    assert outcomes(decisions)["A", "cross_sell"] == ("create", None)


def test_ten_new_tasks_fill_a_week() -> None:
    actions = [action(f"A{number:02d}", value=number) for number in range(1, 13)]
    decisions = decide([*actions, action("other", owner="colleague")])
    queued = [found.action.account_id for found in decisions if found.cause == "rep_cap"]
    assert queued == ["A01", "A02"]
    assert {found.verdict for found in decisions if found.cause == "rep_cap"} == {"queue"}


def test_tasks_of_this_week_count_and_older_ones_do_not() -> None:
    held = [task(f"H{number}", days_ago=number, owner="rep") for number in range(9)]
    actions = [action(f"A{number}") for number in range(4)]
    created = [found for found in decide(actions, held) if found.verdict == "create"]
    assert len(created) == 10 - 7


def test_priority_follows_value_and_care() -> None:
    actions = [action(f"A{number:02d}", value=100 - number) for number in range(20)]
    actions.append(action("T", goal="retention", value=0, layer="Top"))
    found = {decision.action.account_id: decision.priority for decision in decide(actions)}
    assert [found[name] for name in ("A00", "A02", "A03", "A10", "A11", "T")] == [
        "High",
        "High",
        "Normal",
        "Normal",
        "Low",
        "High",
    ]


actions_strategy = st.lists(
    st.builds(
        action,
        st.sampled_from([f"A{number}" for number in range(40)]),
        st.sampled_from(cast("list[Goal]", ["up_sell", "retention", "win_back"])),
        st.integers(0, 5),
        st.sampled_from(["rep", "colleague", None]),
        st.sampled_from(["Top", "Small", "Rest of world"]),
    ),
    max_size=60,
    unique_by=lambda found: found.key,
)
held_strategy = st.lists(
    st.builds(
        task,
        st.sampled_from([f"A{number}" for number in range(40)]),
        st.sampled_from(["up_sell", "retention"]),
        st.sampled_from(cast("list[TaskStatus]", ["open", "done", "rejected"])),
        st.integers(0, 120),
        st.sampled_from(["rep", None]),
    ),
    max_size=10,
    unique_by=lambda found: (found.goal, found.account_id),
)


@given(actions_strategy, held_strategy)
def test_deciding_again_creates_nothing(actions: list[Action], held: list[HeldTask]) -> None:
    first = decide(actions, held)
    made = [
        HeldTask(
            f"new:{found.action.goal}:{found.action.account_id}",
            found.action.goal,
            found.action.account_id,
            "open",
            TODAY,
            None,
            found.action.owner_id,
        )
        for found in first
        if found.verdict == "create"
    ]
    second = decide(actions, [*held, *made])
    expected = [
        ("update", "open_task") if found.verdict == "create" else (found.verdict, found.cause)
        for found in first
    ]
    assert [(found.verdict, found.cause) for found in second] == expected


@given(actions_strategy, held_strategy, st.randoms(use_true_random=False))
def test_the_order_of_input_does_not_matter(
    actions: list[Action], held: list[HeldTask], random: Random
) -> None:
    shuffled, tasks = actions.copy(), held.copy()
    random.shuffle(shuffled)
    random.shuffle(tasks)
    assert decide(shuffled, tasks) == decide(actions, held)


@given(actions_strategy, held_strategy)
def test_every_action_is_decided_once(actions: list[Action], held: list[HeldTask]) -> None:
    decided = decide(actions, held)
    assert sorted(found.action.key for found in decided) == sorted(found.key for found in actions)
