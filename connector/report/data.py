"""What a report says: the last run's figures, what came of its actions, and what they add up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

from sqlmodel import col, func, select

from connector.analysis import analyse, plain
from connector.analytics import Analytics
from connector.config.models import RuleSettings
from connector.engine import Engine
from connector.report.names import names_of
from connector.report.scenarios import Scenario, is_tier, scenarios
from connector.report.wishes import Wishes, wishes_of
from connector.ruleset import RuleSet
from connector.store import Store
from connector.store.tables import QuarantineRow, RunRow
from connector.trials import outcomes
from six_goals.outcomes import Outcome
from six_goals.words import Words

REPS: Final = 20
"""The most owners that are listed."""


@dataclass(frozen=True, slots=True)
class Names:
    """What people call the accounts and users that the report mentions, by id."""

    accounts: Mapping[str, str | None]
    users: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Report:
    """All that a report says, before it is said in a language.

    *summary* is the run's, *review* that of `Analytics.review`; both have money and shares as text.
    *outdated* says that records or rules have changed since the run, so that *review*, which is
    computed now, and *summary* are not of one day. *settings* are those of now; *tasks* says
    whether the job writes any. *quarantined* counts rows by stream.
    """

    job: str
    run: str
    as_of: date
    rules: str
    settings: RuleSettings
    tasks: bool
    outdated: bool
    summary: Mapping[str, Any]
    review: Mapping[str, Any]
    scenarios: Sequence[Scenario]
    wishes: Mapping[str, Wishes]
    outcomes: Mapping[str, Outcome]
    names: Names
    quarantined: Mapping[str, int]

    @property
    def tiers(self) -> Sequence[str]:
        """Return the tiers of the run, the largest customers first."""
        layers = [one["layer"] for one in self.summary["current"]["layers"]]
        return [layer for layer in layers if is_tier(layer)]

    @property
    def currency(self) -> str:
        """Return the base currency."""
        return str(self.summary["currency"])


def gather(store: Store, job_id: int, run: RunRow, rules: RuleSet, words: Words) -> Report:
    """Return what there is to say about *run*, the last one of the job.

    What the run did not keep is computed from the store, for the day of the run.
    """
    review, outdated = _review(store, job_id, run, rules, words)
    wishes = wishes_of(store, job_id, run.summary["goals"])
    settings = rules.job.model.rules.settings
    return Report(
        job=rules.job.name,
        run=run.id,
        as_of=run.as_of,
        rules=run.config_hash,
        settings=settings,
        tasks=rules.job.model.target.tasks.enabled,
        outdated=outdated,
        summary=run.summary,
        review=review,
        scenarios=scenarios(run.summary, settings.profit.margin),
        wishes=wishes,
        outcomes=outcomes(store, job_id, run.as_of),
        names=_names(store, job_id, review, wishes),
        quarantined=_quarantined(store, job_id),
    )


def as_data(report: Report) -> dict[str, Any]:
    """Return the report for JSON: money and shares as text."""
    return {
        "job": report.job,
        "run_id": report.run,
        "as_of": report.as_of,
        "rules": report.rules,
        "outdated": report.outdated,
        **{key: value for key, value in report.summary.items() if key != "goals"},
        **report.review,
        "scenarios": [scenario.as_data() for scenario in report.scenarios],
        "goals": {
            goal: {**said, **report.wishes[goal].as_data(), "outcome": _outcome(report, goal)}
            for goal, said in report.summary["goals"].items()
        },
        "quarantined": report.quarantined,
    }


def _review(
    store: Store, job_id: int, run: RunRow, rules: RuleSet, words: Words
) -> tuple[dict[str, Any], bool]:
    with Engine(store, rules.job) as engine:
        engine.load(job_id)
        analysis = analyse(engine, rules, run.as_of, words, goals=False)
        review = plain(Analytics(analysis.facts, rules.job.model.rules.settings).review())
    now, then = analysis.summary["current"], run.summary["current"]
    moved = any(now[key] != then[key] for key in ("active", "revenue", "never_customer"))
    return review, moved or rules.hash != run.config_hash


def _names(
    store: Store, job_id: int, review: Mapping[str, Any], wishes: Mapping[str, Wishes]
) -> Names:
    actions = [action for wish in wishes.values() for action in wish.actions]
    accounts = {action.account_id for action in actions}
    accounts |= {one["subject"] for one in review["targets"] if one["named"]}
    users = {action.owner for action in actions if action.owner}
    users |= {rep["owner_id"] for rep in review["organisation"]["reps"][:REPS]}
    return Names(*names_of(store, job_id, accounts, users))


def _quarantined(store: Store, job_id: int) -> dict[str, int]:
    stream = col(QuarantineRow.stream)
    count = select(stream, func.count()).where(QuarantineRow.job_id == job_id)
    with store.session() as session:
        return dict(session.exec(count.group_by(stream).order_by(stream)).all())


def _outcome(report: Report, goal: str) -> dict[str, Any] | None:
    found = report.outcomes.get(goal)
    if found is None:
        return None
    shown: dict[str, Any] = {
        "tasks": found.tasks,
        "treated": {"ended": asdict(found.treated.ended), "so_far": asdict(found.treated.so_far)},
        "held_out": {
            "ended": asdict(found.held_out.ended),
            "so_far": asdict(found.held_out.so_far),
        },
        "uplift": found.uplift and plain(asdict(found.uplift)),
        "value_uplift": found.value_uplift and plain(asdict(found.value_uplift)),
    }
    return shown
