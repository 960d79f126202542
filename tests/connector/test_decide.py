"""Actions become tasks: one for a reason, for somebody who is still there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date
from gettext import NullTranslations
from typing import Any

import pytest

from connector import HeldTask, PutTask
from connector.decide import Decided, Owners, close_task, decide, goal_of, put_task
from six_goals.action import Action
from six_goals.settings import HoldoutSettings, SuppressionSettings
from six_goals.suppression import OpenOpportunity
from six_goals.words import Words

TODAY = date(2017, 12, 29)  # a Friday
CARE = Action("retention", "A", "ann", "Top", "Call A", "A is late.", 3, 5_000)
TASK = HeldTask("retention:A:2017-12-01", "A", "open", "T1", "Call A", "A is late.", "ben")

CHAIN = Owners(
    managers={"ann": "ben", "ben": "cat", "cat": None, "dan": "eve", "eve": "dan", "fay": "fay"},
    inactive=frozenset({"ann", "ben", "dan", "eve", "fay", "gus"}),
    fallback="desk",
)


@pytest.mark.parametrize(
    ("owner", "gets"),
    [
        pytest.param("cat", "cat", id="active"),
        pytest.param("ben", "cat", id="manager"),
        pytest.param("ann", "cat", id="manager's manager"),
        pytest.param("dan", "desk", id="cycle"),
        pytest.param("fay", "desk", id="own manager"),
        pytest.param("gus", "desk", id="no manager"),
        pytest.param(None, "desk", id="nobody"),
        pytest.param("stranger", "stranger", id="not among the users"),
    ],
)
def test_a_task_goes_to_the_first_active_person_up(owner: str | None, gets: str) -> None:
    assert CHAIN.of(owner) == gets


def test_without_a_fallback_a_task_may_belong_to_nobody() -> None:
    assert replace(CHAIN, fallback=None).of("dan") is None


def decided(
    *actions: Action,
    held: tuple[HeldTask, ...] = (),
    deals: tuple[OpenOpportunity, ...] = (),
    blocked: Collection[str] = (),
    complaints: Collection[str] = (),
    holdout: int = 0,
) -> list[Decided]:
    return decide(
        actions,
        held,
        deals,
        CHAIN,
        SuppressionSettings(proposal_stages=frozenset({"Proposal"})),
        TODAY,
        natures={"retention": "care", "up_sell": "sale"},
        blocked=blocked,
        complaints=complaints,
        holdout=HoldoutSettings(percent=holdout),
    )


def put(
    one: Decided, held: HeldTask | None = None, subject: int = 255, body: int = 2_000
) -> PutTask:
    return put_task(one, TODAY, held, subject_limit=subject, body_limit=body)


def test_a_new_action_is_created_with_a_marker_of_its_day() -> None:
    (one,) = decided(CARE)

    assert (one.decision.verdict, one.marker) == ("create", "retention:A:2017-12-29")
    assert one.owner == "cat"
    assert one.due == date(2018, 1, 3)


def test_an_open_task_keeps_its_marker() -> None:
    (one,) = decided(CARE, held=(TASK,))

    assert (one.decision.verdict, one.marker) == ("update", TASK.marker)


def test_a_task_that_was_done_lately_is_not_asked_for_again() -> None:
    done = replace(TASK, status="done", closed_on=date(2017, 12, 20))

    (one,) = decided(CARE, held=(done,))

    assert (one.decision.verdict, one.decision.cause, one.marker) == ("suppress", "cooldown", None)


@pytest.mark.parametrize(
    ("cause", "situation"),
    [
        ("blocked", {"blocked": ["A"]}),
        ("complaint", {"complaints": ["A"]}),
        ("covered", {"deals": (OpenOpportunity("A", "Proposal"),)}),
    ],
)
def test_what_speaks_against_an_action_is_heard(cause: str, situation: dict[str, Any]) -> None:
    (one,) = decided(replace(CARE, goal="up_sell"), **situation)

    assert (one.decision.cause, one.marker) == (cause, None)


def test_the_holdout_leaves_out_its_part() -> None:
    actions = [replace(CARE, account_id=f"A{number}") for number in range(100)]

    held_out = [one for one in decided(*actions, holdout=50) if one.decision.cause == "holdout"]

    assert 30 < len(held_out) < 70
    assert {one.marker for one in held_out} == {None}


def test_care_of_a_key_layer_comes_first() -> None:
    actions = [replace(CARE, account_id="B", goal="up_sell", expected_value=9_000), CARE]

    assert [one.decision.priority for one in decided(*actions)] == ["High", "High"]
    assert decided(*(replace(one, layer="Small") for one in actions))[0].decision.priority == "Low"


def test_a_new_task_says_what_to_do() -> None:
    task = put(decided(CARE)[0])

    assert (task.subject, task.body, task.owner) == ("Call A", "A is late.", "cat")
    assert (task.created_on, task.task_id, task.goal) == (TODAY, None, "retention")


def test_a_task_says_no_more_than_the_target_holds() -> None:
    wordy = replace(CARE, title="Call A about 12,500 EUR", reason="A is late. 30 days are many.")

    task = put(decided(wordy)[0], subject=20, body=20)

    assert (task.subject, task.body) == ("Call A about…", "A is late. …")


def test_owner_and_due_date_of_a_held_task_stay() -> None:
    held = replace(TASK, due=date(2018, 2, 1), created_on=date(2017, 12, 1))
    (one,) = decided(CARE, held=(held,))

    task = put(one, held)

    assert (task.owner, task.due, task.created_on) == ("ben", held.due, held.created_on)
    assert task.task_id == "T1"


def test_a_task_is_closed_with_its_reason() -> None:
    closing = close_task(TASK, TODAY, Words())

    assert (closing.marker, closing.task_id, closing.closed_on) == (TASK.marker, "T1", TODAY)
    assert "reason for this task has gone" in closing.reason


class Loud(NullTranslations):
    """A language like English, only louder."""

    def gettext(self, message: str) -> str:
        return message.upper()


def test_a_task_is_closed_in_the_language_of_the_job() -> None:
    assert close_task(TASK, TODAY, Words("loud", Loud())).reason.startswith("THE REASON")


def test_the_goal_stands_first_in_a_marker() -> None:
    assert goal_of("up_sell:A:with:colons:2017-12-29") == "up_sell"
