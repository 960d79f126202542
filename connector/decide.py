"""Turns actions into the tasks that the target shall hold, given those it holds already.

An open task of ours is never made a second time: while it is open, the same goal and account keep
its marker. What a person changed in it is left as it is.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import duckdb

from connector.contract import CloseTask, HeldTask, PutTask, Ref
from connector.facts import RECORDS
from six_goals import suppression
from six_goals.action import Action, add_business_days
from six_goals.goal import Nature
from six_goals.settings import HoldoutSettings, SuppressionSettings
from six_goals.shorten import shorten
from six_goals.suppression import Decision, OpenOpportunity, suppress
from six_goals.words import Words

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Owners:
    """Who gets an account's tasks: its owner, else the owner's manager, else the fallback."""

    managers: Mapping[str, str | None]
    inactive: frozenset[str]
    fallback: str | None = None

    def of(self, owner: str | None) -> str | None:
        """Return the first active person up from *owner*."""
        seen: set[str] = set()
        while owner is not None and owner in self.inactive and owner not in seen:
            seen.add(owner)
            owner = self.managers.get(owner)
        return self.fallback if owner is None or owner in seen else owner


def owners_of(database: duckdb.DuckDBPyConnection, fallback: str | None) -> Owners:
    """Return who gets tasks, from the users that the engine has loaded."""
    users = database.table(RECORDS + "users").project("id, manager_id, active").fetchall()
    return Owners(
        managers={user: manager for user, manager, _ in users},
        inactive=frozenset(user for user, _, active in users if active is False),
        fallback=fallback,
    )


@dataclass(frozen=True, slots=True)
class Decided:
    """An action and what becomes of it; *marker* is None where no task stands for it."""

    action: Action
    decision: Decision
    owner: str | None
    due: date
    marker: str | None


def decide(
    actions: Sequence[Action],
    held: Iterable[HeldTask],
    open_deals: Iterable[OpenOpportunity],
    owners: Owners,
    settings: SuppressionSettings,
    as_of: date,
    *,
    natures: Mapping[str, Nature],
    blocked: Collection[str],
    complaints: Collection[str],
    holdout: HoldoutSettings,
) -> list[Decided]:
    """Return every action with its decision: create, update, queue, or suppress with the cause.

    *open_deals*, *blocked* and *complaints* (accounts) need to be known for the accounts of
    *actions* only.
    """
    decisions = suppress(
        [replace(action, owner_id=owners.of(action.owner_id)) for action in actions],
        [_rule_task(task) for task in held],
        open_deals,
        settings,
        as_of=as_of,
        natures=natures,
        blocked=blocked,
        complaints=complaints,
        holdout=holdout,
    )
    decided = [_decided(decision, as_of) for decision in decisions]
    created = sum(one.decision.verdict == "create" for one in decided)
    logger.info("decided on %d actions: %d new tasks", len(decided), created)
    return decided


def goal_of(marker: str) -> str:
    """Return the goal that a marker (goal:account:cycle) belongs to."""
    return marker.partition(":")[0]


def put_task(
    one: Decided,
    as_of: date,
    held: HeldTask | None = None,
    *,
    subject_limit: int,
    body_limit: int,
) -> PutTask:
    """Return the task that stands for a decided action; *held* is the open one it updates.

    Owner and due date of a held task are a person's by now and stay. The limits are characters
    that the target holds.
    """
    assert one.marker is not None  # noqa: S101 - only for decisions to create or update
    return PutTask(
        ref=Ref(one.action.account_id),
        marker=one.marker,
        goal=one.action.goal,
        subject=shorten(one.action.title, subject_limit),
        body=shorten(one.action.reason, body_limit),
        owner=held.owner if held else one.owner,
        due=(held.due if held else None) or one.due,
        priority=one.decision.priority,
        created_on=(held.created_on if held else None) or as_of,
        task_id=held.id if held else None,
    )


def close_task(task: HeldTask, as_of: date, words: Words) -> CloseTask:
    """Return the closing of a task whose reason has gone."""
    return CloseTask(
        ref=Ref(task.account),
        marker=task.marker,
        task_id=task.id,
        reason=words.say("The reason for this task has gone; closed by the connector."),
        closed_on=as_of,
    )


def _decided(decision: Decision, as_of: date) -> Decided:
    action = decision.action
    marker = None
    if decision.verdict == "create":
        marker = f"{action.goal}:{action.account_id}:{as_of.isoformat()}"
    if decision.verdict == "update":
        marker = decision.marker
    due = add_business_days(as_of, action.due_days)
    return Decided(action, decision, action.owner_id, due, marker)


def _rule_task(task: HeldTask) -> suppression.HeldTask:
    return suppression.HeldTask(
        marker=task.marker,
        goal=goal_of(task.marker),
        account_id=task.account,
        status=task.status,
        created_on=task.created_on,
        closed_on=task.closed_on,
        owner_id=task.owner,
    )
