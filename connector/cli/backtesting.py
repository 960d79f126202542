"""A backtest: which days are replayed, on what, and for whom it is printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from connector.backtest import Day, Outcomes, Step, days, replay, span_of_sales, together
from connector.cli.opening import Kept, open_kept
from connector.cli.progress import progress_bars
from connector.config import Job
from connector.engine import Engine
from connector.errors import ConfigError
from connector.plugins import Plugins
from connector.ruleset import RuleSet, ruleset_of
from connector.runs import today


@dataclass(frozen=True, slots=True)
class Replayed:
    """A backtest and what was asked for."""

    job: str
    rules: RuleSet
    every: str
    last_sale: date
    days: Sequence[Day]

    @property
    def together(self) -> Outcomes:
        """Return what followed on all days whose end is known."""
        return together(self.rules, self.days)


def backtest(job_path: Path, first: date, last: date, every: str, *, as_json: bool) -> None:
    """Print what the rules would have said from *first* to *last*, and what followed."""
    step = _step(every)
    if first > last:
        raise ConfigError(f"--from {first} is after --to {last}; give the earlier day first")
    kept = open_kept(job_path)
    _check_period(kept.job)
    rules = ruleset_of(kept.job, Plugins())
    with progress_bars() as progress, Engine(kept.store, kept.job) as engine:
        tell = progress or _silent
        tell("Reading the store", 0, None)
        engine.load(kept.job_id, replay=True)
        last_sale = _check_days(engine, kept, first, last)
        dates = days(first, last, step)
        replayed = []
        for day in replay(engine, rules, first, last, step, last_sale):
            replayed.append(day)
            tell("Replaying", len(replayed), len(dates))
    found = Replayed(kept.job.name, rules, every, last_sale, replayed)
    if as_json:
        from connector.cli.backtested_data import as_data
        from connector.cli.console import print_json

        print_json(as_data(found))
        return
    from connector.cli.backtested_text import show

    show(found)


def _silent(what: str, done: int, total: int | None) -> None:
    """Draw nothing: nobody looks."""


def _step(every: str) -> Step:
    try:
        return Step.read(every)
    except ValueError:
        raise ConfigError(
            f"--every {every!r}: expected a number and d, w, mo or y, such as 3mo"
        ) from None


def _check_period(job: Job) -> None:
    if job.model.rules.period.start:
        raise ConfigError(
            f"{job.path}: rules.period.start: a backtest needs a period that moves with the day;"
            " give months or fiscal_start_month instead of start and end"
        )


def _check_days(engine: Engine, kept: Kept, first: date, last: date) -> date:
    """Return the day of the last sale; raise ConfigError for days that can't be replayed."""
    job = kept.job
    now = job.model.rules.as_of or today(job)
    span = span_of_sales(engine, now)
    if span is None:
        raise ConfigError(
            f"{job.path}: the store holds no sale of this job; run 'connector sync"
            f" {job.path.name}' first"
        )
    if first < span[0]:
        raise ConfigError(f"--from {first}: the first sale is of {span[0]}; begin there or later")
    if last > now:
        raise ConfigError(f"--to {last} is after {now}, the day of the job; end there or before")
    return span[1]
