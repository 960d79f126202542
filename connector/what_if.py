"""What other rules would change: a company analysed twice, of which only the differences are told.

Nothing is written, and nobody is asked: both analyses rest on what the store holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeAlias

from sqlmodel import col, select

from connector.analysis import Analysis, analyse
from connector.contract import HeldTask
from connector.decide import Decided, decide, owners_of
from connector.engine import Engine
from connector.language import words_of
from connector.ruleset import RuleSet
from connector.store import Store
from connector.store.tables import TaskRow, TrialRow
from six_goals.action import Action

Key: TypeAlias = tuple[str, str, str]
"""Goal, account and item of an action."""

_WANTED: Final = ("create", "update", "queue")
_ENDED: Final = ("done", "rejected", "gone")

_KEEP: Final = "create table standings_before as select account_id, layer from standings"
_STEPS: Final = """
    select b.layer as was, a.layer as "is", count(*) as accounts
    from standings_before b join standings a using (account_id)
    where b.layer <> a.layer group by all order by accounts desc, was, "is"
"""
_MOVES: Final = """
    select account_id, name, b.layer as was, a.layer as "is", revenue
    from standings_before b join standings a using (account_id)
    where b.layer <> a.layer order by revenue desc nulls last, account_id limit $limit
"""


@dataclass(frozen=True, slots=True)
class Side:
    """What one set of rules, known by its hash, makes of the company."""

    rules: str
    summary: Mapping[str, Any]
    tasks: Mapping[str, int]
    """Tasks that each goal would have, those that wait for a rep's week among them."""


@dataclass(frozen=True, slots=True)
class Step:
    """How many accounts would be in another layer."""

    before: str
    after: str
    accounts: int


@dataclass(frozen=True, slots=True)
class Move:
    """An account that would be in another layer; *revenue* in money units, None if inherited."""

    account: str
    name: str | None
    before: str
    after: str
    revenue: int | None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What would be otherwise; *moves*, *come* and *go* hold no more than was asked for."""

    before: Side
    after: Side
    steps: Sequence[Step]
    moves: Sequence[Move]
    come: Sequence[Action]
    go: Sequence[Action]
    coming: Mapping[str, int]
    """All tasks that would come, by goal."""
    going: Mapping[str, int]

    @property
    def moved(self) -> int:
        """Return how many accounts would be in another layer."""
        return sum(step.accounts for step in self.steps)


def what_if(
    engine: Engine,
    before: RuleSet,
    after: RuleSet,
    held: Sequence[HeldTask],
    as_of: date,
    *,
    limit: int | None,
) -> WhatIf:
    """Return what the rules *after* would change, at most *limit* accounts and tasks of each kind.

    *held* are the tasks that are open.
    """
    database = engine.database
    now, wanted = _side(engine, before, held, as_of)
    database.execute(_KEEP)
    then, wished = _side(engine, after, held, as_of)
    steps = database.execute(_STEPS).fetchall()
    moves = database.execute(_MOVES, {"limit": limit}).fetchall()
    come, go = _missing_in(wanted, wished), _missing_in(wished, wanted)
    return WhatIf(
        before=now,
        after=then,
        steps=[Step(*row) for row in steps],
        moves=[Move(*row) for row in moves],
        come=come[:limit],
        go=go[:limit],
        coming=Counter(action.goal for action in come),
        going=Counter(action.goal for action in go),
    )


def open_tasks(store: Store, job_id: int) -> Sequence[HeldTask]:
    """Return our tasks that are open, as far as the store knows without asking the target."""
    with store.session() as session:
        tasks = session.exec(select(TaskRow).where(TaskRow.job_id == job_id)).all()
        ended = session.exec(
            select(TrialRow.marker).where(
                TrialRow.job_id == job_id, col(TrialRow.task_status).in_(_ENDED)
            )
        ).all()
    closed = set(ended)
    return [
        HeldTask(task.marker, task.account_id, "open", task.target_id, task.subject)
        for task in tasks
        if task.marker not in closed
    ]


def _side(
    engine: Engine, rules: RuleSet, held: Sequence[HeldTask], as_of: date
) -> tuple[Side, Mapping[Key, Action]]:
    model = rules.job.model
    words = words_of(model.language, [goal.locale for goal in rules.goals])
    analysis = analyse(engine, rules, as_of, words, goals=model.target.tasks.enabled)
    decided = _decided(engine, rules, analysis, held, as_of)
    wanted = {one.action.key: one.action for one in decided if one.decision.verdict in _WANTED}
    tasks = Counter(goal for goal, _, _ in wanted)
    return Side(rules.hash, analysis.summary, tasks), wanted


def _decided(
    engine: Engine, rules: RuleSet, analysis: Analysis, held: Sequence[HeldTask], as_of: date
) -> Sequence[Decided]:
    settings = rules.job.model.rules.settings
    return decide(
        analysis.actions,
        held,
        analysis.open_deals,
        owners_of(engine.database, rules.job.model.target.tasks.fallback_owner),
        settings.suppression,
        as_of,
        natures=rules.natures,
        blocked=analysis.blocked,
        complaints=analysis.complaining,
        holdout=settings.holdout,
    )


def _missing_in(known: Mapping[Key, Action], other: Mapping[Key, Action]) -> list[Action]:
    """Return the actions of *other* that are not *known*, those worth most first."""
    found = [action for key, action in other.items() if key not in known]
    return sorted(found, key=lambda action: (-action.expected_value, action.key))
