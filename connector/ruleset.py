"""The rules by which a job is run: its goals from the installed packs, with their settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from pydantic import Field, create_model

from connector.config import Job, validated
from connector.config.models import Table
from connector.errors import ConfigError
from connector.plugins import Plugins
from six_goals.goal import Goal, Nature


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The goals of a job in their order, each with its settings as its own dataclass."""

    job: Job
    goals: tuple[Goal[Any], ...]
    settings: Mapping[str, Any]

    @property
    def hash(self) -> str:
        """Return a hash of all that decides on tiers and actions, save the day."""
        rules = self.job.model.rules
        said = {
            **rules.model_dump(exclude={"as_of", "settings"}),
            "settings": rules.settings.model_dump(exclude={"of_goals"}),
            "goals": {goal.name: asdict(self.settings[goal.name]) for goal in self.goals},
        }
        text = json.dumps(said, sort_keys=True, default=_plainly)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def natures(self) -> Mapping[str, Nature]:
        """Return the nature of each goal."""
        return {goal.name: goal.nature for goal in self.goals}


def ruleset_of(job: Job, plugins: Plugins) -> RuleSet:
    """Return the rules of *job*; raise ConfigError for a goal that no plugin brings."""
    goals = plugins.goals
    for name in job.model.rules.goals:
        if name not in goals:
            known = ", ".join(goals) or "none"
            raise ConfigError(
                f"{job.path}: rules.goals: no goal {name!r} is installed (installed: {known});"
                " install the package that brings it, or leave it out"
            )
    settings = _settings(job, goals)
    return RuleSet(job, tuple(goals[name] for name in job.model.rules.goals), settings)


def settings_model(goals: Mapping[str, Goal[Any]]) -> type[Table]:
    """Return the model of `[rules.settings]` as far as it belongs to *goals*."""
    return _model(tuple((name, goal.settings) for name, goal in goals.items()))


@cache
def _model(settings: tuple[tuple[str, type[Any]], ...]) -> type[Table]:
    fields: dict[str, Any] = {name: (kind, Field(default_factory=kind)) for name, kind in settings}
    return create_model("GoalSettings", __base__=Table, **fields)


def _settings(job: Job, goals: Mapping[str, Goal[Any]]) -> Mapping[str, Any]:
    given = job.model.rules.settings.of_goals
    found = validated(settings_model(goals), given, job.path, "rules.settings")
    return {name: getattr(found, name) for name in goals}


def _plainly(value: object) -> object:
    # The order of a set differs from process to process; the hash must not.
    return sorted(value) if isinstance(value, frozenset) else str(value)
