"""Suppression: which actions become tasks now, and why the others don't."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, TypeAlias

from customer_pyramid.settings import REST_OF_WORLD
from six_goals.action import Action
from six_goals.goal import Nature
from six_goals.holdout import is_held_out
from six_goals.priority import Key, Priority, by_priority, priorities
from six_goals.settings import HoldoutSettings, SuppressionSettings

Cause: TypeAlias = Literal[
    "blocked",
    "complaint",
    "open_task",
    "cooldown",
    "covered",
    "holdout",
    "one_per_account",
    "rep_cap",
]
"""Why an action is no new task, in the order in which they are looked at."""

Verdict: TypeAlias = Literal["create", "update", "suppress", "queue"]
TaskStatus: TypeAlias = Literal["open", "done", "rejected"]

WEEK = timedelta(days=7)
EXPERIENCE: Final = "experience"


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
    """An open opportunity, with the CRM's own name of its stage and what it is about."""

    account_id: str
    stage: str | None
    product: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of an action: *cause* says why no new task, *marker* which task to update.

    *free* says of an action held out that it would have got the account's one place.
    """

    action: Action
    priority: Priority
    verdict: Verdict
    cause: Cause | None = None
    marker: str | None = None
    free: bool = False

    @property
    def is_trial(self) -> bool:
        """Whether the account takes part in the goal's comparison, treated or held out.

        Who is held out counts only if nothing but the holdout stood in the way of a task: those
        treated have come through the same causes.
        """
        return self.verdict in ("create", "queue") or (self.cause == "holdout" and self.free)


def suppress(
    actions: Iterable[Action],
    held: Collection[HeldTask],
    opportunities: Iterable[OpenOpportunity],
    settings: SuppressionSettings,
    *,
    as_of: date,
    natures: Mapping[str, Nature],
    blocked: Collection[str] = (),
    complaints: Collection[str] = (),
    holdout: HoldoutSettings | None = None,
) -> list[Decision]:
    """Return a decision for every action, by account, goal and item.

    The first cause that applies is recorded, in this order: *blocked* accounts and the rest of the
    world; for a sale, *complaints* (accounts); a task open for the same goal and account, which is
    updated; one done or rejected within the cooldown; an open opportunity at a proposal stage or
    about the action's item; the *holdout*; another task for the account, where care comes first
    and the highest expected value next, and care waits for nothing but care; the owner's new tasks
    of the week, where the rest are queued. *natures* are those of the goals; one that is not in it
    is a sale.

    Deciding again once the tasks exist changes nothing but `create` into `update`.
    Source: domain 3.
    """
    everything = list(actions)
    ranks = priorities(everything, natures, settings.key_layers)
    desk = _Desk(settings, as_of, natures, ranks, holdout)
    desk.hear(blocked, complaints)
    desk.see(held, opportunities)
    waiting: list[Action] = []
    decided: list[Decision] = []
    for action in sorted(everything, key=desk.claim):
        decision = desk.first_look(action)
        if decision is None:
            waiting.append(action)
            continue
        decided.append(decision)
    decided += [desk.assign(action) for action in by_priority(waiting, ranks)]
    return sorted(decided, key=_place_in_list)


class _Desk:
    """What is known about accounts and reps while the actions are gone through."""

    def __init__(
        self,
        settings: SuppressionSettings,
        as_of: date,
        natures: Mapping[str, Nature],
        ranks: Mapping[Key, Priority],
        holdout: HoldoutSettings | None,
    ) -> None:
        self.settings, self.as_of, self.natures = settings, as_of, natures
        self.ranks, self.holdout = ranks, holdout
        self.blocked: frozenset[str] = frozenset()
        self.complaints: frozenset[str] = frozenset()
        self.open_tasks: dict[tuple[str, str], str] = {}
        self.updated: set[str] = set()
        self.closed: dict[tuple[str, str], date] = {}
        self.proposed: set[str] = set()
        self.asked_for: set[tuple[str, str]] = set()
        self.busy: set[str] = set()
        self.cared_for: set[str] = set()
        self.new_tasks: Counter[str | None] = Counter()

    def hear(self, blocked: Collection[str], complaints: Collection[str]) -> None:
        """Take in whom to leave alone, altogether or with sales."""
        self.blocked, self.complaints = frozenset(blocked), frozenset(complaints)

    def see(self, held: Iterable[HeldTask], opportunities: Iterable[OpenOpportunity]) -> None:
        """Take in what the CRM holds."""
        for task in sorted(held, key=lambda task: task.marker, reverse=True):
            if task.status == "open":
                self.open_tasks[task.goal, task.account_id] = task.marker
                self._take(task.goal, task.account_id)
                self.new_tasks[task.owner_id] += self._is_new(task)
            elif task.closed_on is not None:
                place = (task.goal, task.account_id)
                self.closed[place] = max(task.closed_on, self.closed.get(place, task.closed_on))
        for opportunity in opportunities:
            if opportunity.stage in self.settings.proposal_stages:
                self.proposed.add(opportunity.account_id)
            if opportunity.product:
                self.asked_for.add((opportunity.account_id, opportunity.product))

    def claim(self, action: Action) -> tuple[bool, bool, int, Key]:
        """Sort the actions that go first for an account's one task to the front.

        One that an opportunity covers goes last: a task that is open was not made for it.
        """
        covered = self._is_covered(action)
        return (not self._cares(action.goal), covered, -action.expected_value, action.key)

    def first_look(self, action: Action) -> Decision | None:
        """Decide all but the rep's week; None is an action that takes the account's one place."""
        cause = self._kept_away(action)
        if cause:
            return self._left_out(action, cause)
        place = (action.goal, action.account_id)
        marker = self.open_tasks.get(place)
        if marker is not None and marker not in self.updated:
            self.updated.add(marker)
            return Decision(action, self.ranks[action.key], "update", "open_task", marker)
        if self._rests(action):
            return self._left_out(action, "cooldown")
        if self._is_covered(action):
            return self._left_out(action, "covered")
        free = action.account_id not in (self.cared_for if self._cares(action.goal) else self.busy)
        if self._is_held_out(action):
            return self._left_out(action, "holdout", free=free)
        if not free:
            return self._left_out(action, "one_per_account")
        self._take(action.goal, action.account_id)
        return None

    def assign(self, action: Action) -> Decision:
        """Give the action to its owner, or queue it when the week is full."""
        rank = self.ranks[action.key]
        if self.new_tasks[action.owner_id] >= self.settings.new_per_week:
            return Decision(action, rank, "queue", "rep_cap")
        self.new_tasks[action.owner_id] += 1
        return Decision(action, rank, "create")

    def _left_out(self, action: Action, cause: Cause, *, free: bool = False) -> Decision:
        return Decision(action, self.ranks[action.key], "suppress", cause, free=free)

    def _kept_away(self, action: Action) -> Cause | None:
        if action.account_id in self.blocked or action.layer == REST_OF_WORLD:
            return "blocked"
        sale = self.natures.get(action.goal, "sale") == "sale"
        return "complaint" if sale and action.account_id in self.complaints else None

    def _is_covered(self, action: Action) -> bool:
        if action.goal == EXPERIENCE:
            return False
        sold = not self._cares(action.goal) and (action.account_id, action.item) in self.asked_for
        return sold or action.account_id in self.proposed

    def _is_held_out(self, action: Action) -> bool:
        rule = self.holdout
        return rule is not None and is_held_out(
            rule.salt, action.goal, action.account_id, rule.percent
        )

    def _take(self, goal: str, account_id: str) -> None:
        self.busy.add(account_id)
        if self._cares(goal):
            self.cared_for.add(account_id)

    def _cares(self, goal: str) -> bool:
        return self.natures.get(goal) == "care"

    def _rests(self, action: Action) -> bool:
        """Say whether a task of the same goal and account was closed too short a time ago."""
        closed_on = self.closed.get((action.goal, action.account_id))
        short = action.goal == EXPERIENCE
        usual = self.settings.experience_cooldown_days if short else self.settings.cooldown_days
        days = usual if action.cooldown_days is None else action.cooldown_days
        return closed_on is not None and self.as_of - closed_on < timedelta(days=days)

    def _is_new(self, task: HeldTask) -> bool:
        return task.created_on is not None and self.as_of - task.created_on < WEEK


def _place_in_list(decision: Decision) -> Key:
    action = decision.action
    return (action.account_id, action.goal, action.item)
