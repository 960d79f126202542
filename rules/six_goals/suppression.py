"""Suppression: which actions become tasks now, and why the others don't."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, TypeAlias

from customer_pyramid.settings import REST_OF_WORLD
from six_goals.action import Action
from six_goals.priority import CARING, Key, Priority, by_priority, priorities
from six_goals.settings import SuppressionSettings

Cause: TypeAlias = Literal[
    "blocked", "open_task", "cooldown", "covered", "one_per_account", "rep_cap"
]
Verdict: TypeAlias = Literal["create", "update", "suppress", "queue"]
TaskStatus: TypeAlias = Literal["open", "done", "rejected"]

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class HeldTask:
    """A task of ours in the CRM; *owner_id* is None where the CRM doesn't tell."""

    marker: str
    goal: str
    account_id: str
    status: TaskStatus
    created_on: date | None = None
    closed_on: date | None = None
    owner_id: str | None = None


@dataclass(frozen=True, slots=True)
class OpenOpportunity:
    """An open opportunity, with the CRM's own name of its stage."""

    account_id: str
    stage: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of an action: *cause* says why no new task, *marker* which task to update."""

    action: Action
    priority: Priority
    verdict: Verdict
    cause: Cause | None = None
    marker: str | None = None


def suppress(
    actions: Iterable[Action],
    held: Collection[HeldTask],
    opportunities: Iterable[OpenOpportunity],
    settings: SuppressionSettings,
    *,
    as_of: date,
    blocked: Collection[str] = (),
) -> list[Decision]:
    """Return a decision for every action, by account, goal and subject.

    The first cause that applies is recorded, in this order: *blocked* accounts; a task open for the
    same goal and account, which is updated; one done or rejected within the cooldown; an
    opportunity at a proposal stage; another task for the account, where retention and experience
    come first and the highest expected value next; the owner's new tasks of the week, where the
    rest are queued. Deciding again once the tasks exist changes nothing but `create` into `update`.
    Source: domain 3.
    """
    everything = list(actions)
    ranks = priorities(everything, settings.key_layers)
    desk = _Desk(held, opportunities, settings, as_of, blocked)
    decided: dict[Key, Decision] = {}
    waiting: list[Action] = []
    for action in sorted(everything, key=_claim):
        verdict, cause, marker = desk.first_look(action)
        if verdict == "create":
            waiting.append(action)
            continue
        decided[action.key] = Decision(action, ranks[action.key], verdict, cause, marker)
    for action in by_priority(waiting, ranks):
        verdict, cause = desk.assign(action)
        decided[action.key] = Decision(action, ranks[action.key], verdict, cause)
    return [decided[key] for key in sorted(decided, key=lambda key: (key[1], key[0], key[2]))]


class _Desk:
    """What is known about accounts and reps while the actions are gone through."""

    def __init__(
        self,
        held: Collection[HeldTask],
        opportunities: Iterable[OpenOpportunity],
        settings: SuppressionSettings,
        as_of: date,
        blocked: Collection[str],
    ) -> None:
        self.settings, self.as_of, self.blocked = settings, as_of, frozenset(blocked)
        opened = [task for task in held if task.status == "open"]
        self.open_tasks = {
            (task.goal, task.account_id): task.marker
            for task in sorted(opened, key=lambda task: task.marker, reverse=True)
        }
        self.resting = {(task.goal, task.account_id) for task in held if self._rests(task)}
        self.covered = {
            opportunity.account_id
            for opportunity in opportunities
            if opportunity.stage in settings.proposal_stages
        }
        self.busy = {task.account_id for task in opened}
        self.updated: set[str] = set()
        self.new_tasks = Counter(task.owner_id for task in opened if self._is_new(task))

    def first_look(self, action: Action) -> tuple[Verdict, Cause | None, str | None]:
        """Decide all but the rep's week; an action that passes takes the account's one place."""
        place = (action.goal, action.account_id)
        if action.account_id in self.blocked or action.layer == REST_OF_WORLD:
            return "suppress", "blocked", None
        marker = self.open_tasks.get(place)
        if marker is not None and marker not in self.updated:
            self.updated.add(marker)
            return "update", "open_task", marker
        if place in self.resting:
            return "suppress", "cooldown", None
        if action.account_id in self.covered and action.goal != "experience":
            return "suppress", "covered", None
        if action.account_id in self.busy:
            return "suppress", "one_per_account", None
        self.busy.add(action.account_id)
        return "create", None, None

    def assign(self, action: Action) -> tuple[Verdict, Cause | None]:
        """Give the action to its owner, or queue it when the week is full."""
        if self.new_tasks[action.owner_id] >= self.settings.new_per_week:
            return "queue", "rep_cap"
        self.new_tasks[action.owner_id] += 1
        return "create", None

    def _rests(self, task: HeldTask) -> bool:
        if task.status == "open" or task.closed_on is None:
            return False
        caring = task.goal == "experience"
        days = self.settings.experience_cooldown_days if caring else self.settings.cooldown_days
        return self.as_of - task.closed_on < timedelta(days=days)

    def _is_new(self, task: HeldTask) -> bool:
        return task.created_on is not None and self.as_of - task.created_on < WEEK


def _claim(action: Action) -> tuple[bool, int, Key]:
    """Sort the actions that go first for an account's one task to the front."""
    return (action.goal not in CARING, -action.expected_value, action.key)
