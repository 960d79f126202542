"""Suppression: one cause after the other, and nothing new when run again."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any, cast, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from six_goals.action import Action
from six_goals.goal import Nature
from six_goals.holdout import is_held_out
from six_goals.settings import HoldoutSettings, SuppressionSettings
from six_goals.suppression import (
    Cause,
    Decision,
    HeldTask,
    OpenOpportunity,
    TaskStatus,
    suppress,
)

TODAY = date(2024, 6, 28)
SETTINGS = SuppressionSettings(proposal_stages=frozenset({"Proposal"}))
NATURES: dict[str, Nature] = {
    "cross_sell": "sale",
    "up_sell": "sale",
    "retention": "care",
    "experience": "care",
    "win_back": "other",
}
HALF = HoldoutSettings(percent=50)


def action(
    account: str = "A",
    goal: str = "up_sell",
    value: int = 100,
    owner: str | None = "rep",
    layer: str = "Small",
    item: str = "",
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
        item=item,
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
    deals: Sequence[OpenOpportunity] = (),
    blocked: Collection[str] = (),
    complaints: Collection[str] = (),
    holdout: HoldoutSettings | None = None,
) -> list[Decision]:
    return suppress(
        actions,
        held,
        deals,
        SETTINGS,
        as_of=TODAY,
        natures=NATURES,
        blocked=blocked,
        complaints=complaints,
        holdout=holdout,
    )


def outcomes(decisions: Sequence[Decision]) -> dict[tuple[str, str], tuple[str, str | None]]:
    return {
        (decision.action.account_id, decision.action.goal): (decision.verdict, decision.cause)
        for decision in decisions
    }


def drawn(*goals: str, held_out: bool = True) -> str:
    """Return an account that half a holdout holds out of *goals*, or out of none of them."""
    ids = (f"A{number}" for number in range(1_000))
    rule = HALF.salt, HALF.percent
    return next(
        account
        for account in ids
        if all(is_held_out(rule[0], goal, account, rule[1]) == held_out for goal in goals)
    )


OUT, IN = drawn("up_sell"), drawn("up_sell", "retention", held_out=False)


def test_an_action_nothing_speaks_against_is_created() -> None:
    assert outcomes(decide([action()])) == {("A", "up_sell"): ("create", None)}


@pytest.mark.parametrize(
    ("held", "deals", "outcome"),
    [
        pytest.param([task()], [], ("update", "open_task"), id="open"),
        pytest.param([task(status="done", days_ago=89)], [], ("suppress", "cooldown"), id="done"),
        pytest.param(
            [task(status="rejected", days_ago=0)], [], ("suppress", "cooldown"), id="rejected"
        ),
        pytest.param([task(status="done", days_ago=90)], [], ("create", None), id="long ago"),
        pytest.param(
            [task(goal="retention", status="done")], [], ("create", None), id="other goal done"
        ),
        pytest.param(
            [], [OpenOpportunity("A", "Proposal")], ("suppress", "covered"), id="proposal"
        ),
        pytest.param([], [OpenOpportunity("A", "Talk")], ("create", None), id="early stage"),
        pytest.param(
            [], [OpenOpportunity("A", "Talk", "GTK")], ("suppress", "covered"), id="same product"
        ),
        pytest.param(
            [], [OpenOpportunity("A", "Talk", "MG")], ("create", None), id="other product"
        ),
        pytest.param(
            [], [OpenOpportunity("B", "Proposal", "GTK")], ("create", None), id="other account"
        ),
        pytest.param(
            [task(goal="retention")], [], ("suppress", "one_per_account"), id="care is open"
        ),
        pytest.param(
            [task(goal="win_back")], [], ("suppress", "one_per_account"), id="sale is open"
        ),
    ],
)
def test_what_the_crm_holds_speaks_against_a_sale(
    held: list[HeldTask], deals: list[OpenOpportunity], outcome: tuple[str, str | None]
) -> None:
    decisions = decide([action(item="GTK")], held, deals)

    assert outcomes(decisions) == {("A", "up_sell"): outcome}


CAUSES = get_args(Cause)
SPEAKING: dict[Cause, dict[str, Any]] = {
    "blocked": {"blocked": [OUT]},
    "complaint": {"complaints": [OUT]},
    "open_task": {"held": [task(OUT)]},
    "cooldown": {"held": [task(OUT, status="done")]},
    "covered": {"deals": [OpenOpportunity(OUT, "Proposal")]},
    "holdout": {"holdout": HALF},
    "one_per_account": {"held": [task(OUT, goal="cross_sell")]},
    "rep_cap": {"held": [task(f"H{number}", days_ago=1, owner="rep") for number in range(10)]},
}


@pytest.mark.parametrize("cause", CAUSES)
def test_the_first_cause_is_recorded(cause: Cause) -> None:
    said = [SPEAKING[later] for later in CAUSES[CAUSES.index(cause) :]]
    held = [one for found in said for one in found.get("held", ())]
    others = {name: value for found in said for name, value in found.items() if name != "held"}

    (decision,) = decide([action(OUT)], held, **others)

    assert decision.cause == cause


def test_the_rest_of_the_world_is_blocked() -> None:
    decisions = decide([action(layer="Rest of world")])
    assert outcomes(decisions) == {("A", "up_sell"): ("suppress", "blocked")}


@pytest.mark.parametrize(
    ("goal", "cause"),
    [
        ("cross_sell", "complaint"),
        ("made_up", "complaint"),
        ("retention", None),
        ("experience", None),
        ("win_back", None),
    ],
)
def test_a_complaint_keeps_nothing_but_sales_away(goal: str, cause: str | None) -> None:
    (decision,) = decide([action(goal=goal)], complaints=["A"])
    assert decision.cause == cause


@pytest.mark.parametrize(
    ("goal", "days_ago", "cause"),
    [
        ("retention", 89, "cooldown"),
        ("experience", 13, "cooldown"),
        ("experience", 14, None),
    ],
)
def test_after_a_complaint_one_may_call_again_sooner(
    goal: str, days_ago: int, cause: str | None
) -> None:
    (decision,) = decide([action(goal=goal)], [task(goal=goal, status="done", days_ago=days_ago)])
    assert decision.cause == cause


@pytest.mark.parametrize(
    ("goal", "stage", "cause"),
    [
        pytest.param("experience", "Proposal", None, id="experience is never covered"),
        pytest.param("retention", "Proposal", "covered", id="retention by a proposal"),
        pytest.param("retention", "Talk", None, id="retention not by a product"),
        pytest.param("win_back", "Talk", "covered", id="win-back by a product"),
    ],
)
def test_an_opportunity_covers_care_by_its_stage_alone(
    goal: str, stage: str, cause: str | None
) -> None:
    deal = OpenOpportunity("A", stage, "GTK")
    (decision,) = decide([action(goal=goal, item="GTK")], deals=[deal])
    assert decision.cause == cause


def test_without_an_item_no_product_covers_an_action() -> None:
    (decision,) = decide([action(item="")], deals=[OpenOpportunity("A", None, "")])
    assert decision.verdict == "create"


def test_an_update_names_its_task() -> None:
    (decision,) = decide([action()], [task()])
    assert decision.marker == task().marker


def test_an_open_task_is_updated_by_the_item_that_is_not_covered() -> None:
    covered, wanted = action(value=9, item="MG"), action(value=1, item="GTK")
    decisions = decide([covered, wanted], [task()], [OpenOpportunity("A", None, "MG")])
    found = {decision.action.item: decision.cause for decision in decisions}
    assert found == {"MG": "covered", "GTK": "open_task"}


def test_retention_outranks_a_higher_value() -> None:
    decisions = decide([action(value=900), action(goal="retention", value=1)])
    assert outcomes(decisions) == {
        ("A", "retention"): ("create", None),
        ("A", "up_sell"): ("suppress", "one_per_account"),
    }


def test_care_does_not_wait_for_a_sale_to_be_done() -> None:
    decisions = decide([action(goal="experience"), action()], [task()])
    assert outcomes(decisions) == {
        ("A", "experience"): ("create", None),
        ("A", "up_sell"): ("update", "open_task"),
    }


def test_care_waits_for_other_care() -> None:
    (decision,) = decide([action(goal="experience")], [task(goal="retention")])
    assert decision.cause == "one_per_account"


def test_the_highest_value_wins_among_equals() -> None:
    decisions = decide([action(value=1), action(goal="cross_sell", value=2)])
    assert outcomes(decisions)["A", "cross_sell"] == ("create", None)


def test_of_two_items_of_a_goal_the_better_becomes_a_task() -> None:
    decisions = decide([action(value=1, item="a"), action(value=2, item="b")])
    assert [decision.cause for decision in decisions] == ["one_per_account", None]


# --- holdout


@pytest.mark.parametrize(
    ("account", "outcome"), [(OUT, ("suppress", "holdout")), (IN, ("create", None))]
)
def test_the_holdout_leaves_its_accounts_alone(
    account: str, outcome: tuple[str, str | None]
) -> None:
    decisions = decide([action(account)], holdout=HALF)
    assert outcomes(decisions) == {(account, "up_sell"): outcome}


def test_who_is_held_out_for_one_goal_leaves_the_place_to_another() -> None:
    account = next(
        f"A{n}"
        for n in range(1_000)
        if is_held_out(HALF.salt, "up_sell", f"A{n}", 50)
        and not is_held_out(HALF.salt, "cross_sell", f"A{n}", 50)
    )
    decisions = decide(
        [action(account, value=9), action(account, "cross_sell", value=1)], holdout=HALF
    )
    assert outcomes(decisions) == {
        (account, "up_sell"): ("suppress", "holdout"),
        (account, "cross_sell"): ("create", None),
    }


def test_a_task_that_is_open_is_kept_when_its_account_is_held_out() -> None:
    (decision,) = decide([action(OUT)], [task(OUT)], holdout=HALF)
    assert decision.verdict == "update"


@pytest.mark.parametrize(
    ("held", "counts"),
    [
        pytest.param([], True, id="would have got a task"),
        pytest.param([task(OUT, goal="cross_sell")], False, id="another was open"),
    ],
)
def test_who_would_have_got_no_task_is_no_comparison(held: list[HeldTask], counts: bool) -> None:
    (decision,) = decide([action(OUT)], held, holdout=HALF)
    assert (decision.cause, decision.is_trial) == ("holdout", counts)


def test_who_gets_a_task_or_waits_for_one_is_compared() -> None:
    decisions = decide([action(f"A{number:02d}") for number in range(11)])
    assert {decision.verdict for decision in decisions} == {"create", "queue"}
    assert all(decision.is_trial for decision in decisions)


@pytest.mark.parametrize(
    ("blocked", "held"),
    [(["A"], []), ([], [task()]), ([], [task(status="done")]), ([], [task(goal="win_back")])],
    ids=["blocked", "open task", "cooldown", "one per account"],
)
def test_who_is_left_out_for_another_cause_is_not_compared(
    blocked: list[str], held: list[HeldTask]
) -> None:
    (decision,) = decide([action()], held, blocked=blocked)
    assert not decision.is_trial


# --- the rep's week


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


# --- properties

ACCOUNTS = [f"A{number}" for number in range(30)]
ITEMS = ["", "GTK", "MG"]
actions_strategy = st.lists(
    st.builds(
        action,
        st.sampled_from(ACCOUNTS),
        st.sampled_from([*NATURES, "made_up"]),
        st.integers(0, 5),
        st.sampled_from(["rep", "colleague", None]),
        st.sampled_from(["Top", "Small", "Rest of world"]),
        st.sampled_from(ITEMS),
    ),
    max_size=60,
    unique_by=lambda found: found.key,
)
held_strategy = st.lists(
    st.builds(
        task,
        st.sampled_from(ACCOUNTS),
        st.sampled_from([*NATURES, "gone"]),
        st.sampled_from(cast("list[TaskStatus]", ["open", "done", "rejected"])),
        st.integers(0, 120),
        st.sampled_from(["rep", None]),
    ),
    max_size=10,
    unique_by=lambda found: found.marker,
)
deals_strategy = st.lists(
    st.builds(
        OpenOpportunity,
        st.sampled_from(ACCOUNTS),
        st.sampled_from(["Talk", "Proposal", None]),
        st.sampled_from([*ITEMS, None]),
    ),
    max_size=10,
)
some_accounts = st.frozensets(st.sampled_from(ACCOUNTS), max_size=5)
holdouts = st.none() | st.builds(HoldoutSettings, st.integers(0, 50), st.sampled_from(["a", "b"]))
situations = st.fixed_dictionaries(
    {
        "deals": deals_strategy,
        "blocked": some_accounts,
        "complaints": some_accounts,
        "holdout": holdouts,
    }
)
Situation = dict[str, Any]


@given(actions_strategy, held_strategy, situations)
def test_deciding_again_creates_nothing(
    actions: list[Action], held: list[HeldTask], situation: Situation
) -> None:
    first = decide(actions, held, **situation)
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
    expected = [
        ("update", "open_task") if found.verdict == "create" else (found.verdict, found.cause)
        for found in first
    ]
    second = decide(actions, [*held, *made], **situation)
    assert [(found.verdict, found.cause) for found in second] == expected


@given(actions_strategy, held_strategy, situations, st.randoms(use_true_random=False))
def test_the_order_of_input_does_not_matter(
    actions: list[Action], held: list[HeldTask], situation: Situation, random: Random
) -> None:
    shuffled, tasks = actions.copy(), held.copy()
    random.shuffle(shuffled)
    random.shuffle(tasks)
    assert decide(shuffled, tasks, **situation) == decide(actions, held, **situation)


@given(actions_strategy, held_strategy, situations)
def test_every_action_is_decided_once(
    actions: list[Action], held: list[HeldTask], situation: Situation
) -> None:
    decided = decide(actions, held, **situation)
    assert sorted(found.action.key for found in decided) == sorted(found.key for found in actions)


@given(actions_strategy, held_strategy, situations)
def test_an_account_has_one_new_task_and_never_a_sale_beside_care(
    actions: list[Action], held: list[HeldTask], situation: Situation
) -> None:
    created = [
        found.action for found in decide(actions, held, **situation) if found.verdict == "create"
    ]
    open_accounts = {one.account_id for one in held if one.status == "open"}
    assert len({one.account_id for one in created}) == len(created)
    for one in created:
        assert NATURES.get(one.goal) == "care" or one.account_id not in open_accounts


def test_two_actions_with_one_key_are_both_decided() -> None:
    decided = decide([action(value=1), action(value=2)])
    assert {(found.action.expected_value, found.cause) for found in decided} == {
        (2, None),
        (1, "one_per_account"),
    }


@pytest.mark.parametrize(("days", "cause"), [(364, "cooldown"), (365, None)])
def test_an_action_may_ask_for_a_longer_rest(days: int, cause: str | None) -> None:
    asked = replace(action(), cooldown_days=365)
    (decision,) = decide([asked], [task(status="done", days_ago=days)])
    assert decision.cause == cause
