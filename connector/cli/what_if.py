"""What other rules would change: which are tried, on what, and for whom it is printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from connector.cli.opening import Kept, open_kept
from connector.cli.progress import progress_bars
from connector.config import Job, load_job
from connector.config.changes import Change, blaming, read_changes
from connector.engine import Engine
from connector.errors import ConfigError
from connector.facts import RECORDS
from connector.plugins import Plugins
from connector.ruleset import RuleSet, ruleset_of
from connector.runs import today
from connector.what_if import Side, WhatIf, open_tasks
from connector.what_if import what_if as compared
from customer_pyramid.settings import INACTIVE, PROSPECT, SUSPECT

_OUTSIDE: Final = (INACTIVE, PROSPECT, SUSPECT)


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer as one side has it: money and shares as text; *boundary* is None for the last tier.

    Outside the tiers there is nothing but customers.
    """

    customers: int
    revenue: str | None = None
    share_revenue: str | None = None
    min_revenue: str | None = None
    boundary: str | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """What was tried, as it was asked for, and what came of it."""

    job: str
    as_of: date
    changes: Sequence[str]
    found: WhatIf

    @property
    def layers(self) -> Sequence[str]:
        """Return the layers of both sides, the tiers first."""
        sides = (self.found.before, self.found.after)
        names = [one["layer"] for side in sides for one in side.summary["current"]["layers"]]
        return [*dict.fromkeys(name for name in names if name not in _OUTSIDE), *_OUTSIDE]

    @property
    def goals(self) -> dict[str, str]:
        """Return the goals of both sides, and their titles."""
        found = {**self.found.before.summary["goals"], **self.found.after.summary["goals"]}
        return {name: goal["title"] for name, goal in found.items()}

    def tasks(self, goal: str) -> dict[str, int]:
        """Return how many tasks a goal has before and after, and how many come and go."""
        found = self.found
        return {
            "before": found.before.tasks.get(goal, 0),
            "after": found.after.tasks.get(goal, 0),
            "come": found.coming.get(goal, 0),
            "go": found.going.get(goal, 0),
        }


def layer_of(side: Side, name: str) -> Layer:
    """Return the layer *name* as *side* has it; without customers, if it has none."""
    now = side.summary["current"]
    for one in now["layers"]:
        if one["layer"] == name and name in _OUTSIDE:
            return Layer(one["customers"])
        if one["layer"] == name:
            return Layer(
                customers=one["customers"],
                revenue=one["revenue"],
                share_revenue=one["share_revenue"],
                min_revenue=one["min_revenue"],
                boundary=now["thresholds"].get(name),
            )
    return Layer(0)


def what_if(
    job_path: Path, given: Sequence[str], as_of: date | None, limit: int, *, as_json: bool
) -> None:
    """Print what the changes *given* would bring about."""
    changes = read_changes(given)
    kept = open_kept(job_path)
    before, after = _rules(kept.job, load_job(job_path, changes), changes)
    day = as_of or kept.job.model.rules.as_of or today(kept.job)
    found = _compared(kept, before, after, day, limit)
    tried = Tried(kept.job.name, day, given, found)
    if as_json:
        from connector.cli.console import print_json
        from connector.cli.what_if_data import as_data

        print_json(as_data(tried))
        return
    from connector.cli.what_if_text import show

    show(tried, limit)


def _rules(job: Job, tried: Job, changes: Sequence[Change]) -> tuple[RuleSet, RuleSet]:
    plugins = Plugins()
    before = ruleset_of(job, plugins)
    with blaming(tried.path, changes):
        return before, ruleset_of(tried, plugins)


def _compared(kept: Kept, before: RuleSet, after: RuleSet, day: date, limit: int) -> WhatIf:
    held = open_tasks(kept.store, kept.job_id)
    # Stages are only loaded for rules that name some.
    names_stages = before.job.model.rules.settings.suppression.proposal_stages
    job = before.job if names_stages else after.job
    with progress_bars() as progress, Engine(kept.store, job) as engine:
        if progress:
            progress("Reading the store", 0, None)
        engine.load(kept.job_id)
        if not engine.count(RECORDS + "accounts"):
            raise ConfigError(
                f"{kept.job.path}: the store holds no account of this job; run 'connector sync"
                f" {kept.job.path.name}' first"
            )
        if progress:
            progress("Computing both pyramids", 0, None)
        return compared(engine, before, after, held, day, limit=limit or None)
