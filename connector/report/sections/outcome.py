"""The outcome of a goal's tasks, with its uncertainty or the lack of data said plainly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from connector.report import labels
from connector.report.figures import Figures
from six_goals.outcomes import Outcome
from six_goals.uplift import ENOUGH, Group, Uplift


def outcome(found: Outcome, currency: str, figures: Figures) -> Iterator[tuple[str, str]]:
    """Yield what came of a goal, as terms and what is said of them."""
    words = figures.words
    if found.tasks:
        tasks = " · ".join(
            f"{labels.task_status(status, words)}: {figures.number(count)}"
            for status, count in sorted(found.tasks.items())
        )
        yield words.say("Tasks so far"), tasks
    if found.uplift is None:
        yield words.say("What came of it"), _not_enough(found, figures)
        return
    treated, held_out = found.treated.ended, found.held_out.ended
    said = words.say(
        "{treated} with a task succeeded, {held_out} of those held out. Due to the tasks:"
        " {range} of the accounts.",
        treated=_rate(treated, figures),
        held_out=_rate(held_out, figures),
        range=_range(found.uplift, figures.change, figures),
    )
    if found.value_uplift is not None:
        worth = words.say(
            "Margin of an account: {range} {currency}.",
            range=_range(found.value_uplift, figures.more, figures),
            currency=currency,
        )
        said = words.join(said, worth)
    yield words.say("What came of it"), said


def _not_enough(found: Outcome, figures: Figures) -> str:
    words, treated, held_out = figures.words, found.treated, found.held_out
    return words.join(
        words.say(
            "Not enough data: of the accounts with a task {treated} have had their time, of those"
            " held out {held_out}; {enough} of each are needed.",
            treated=figures.number(treated.ended.accounts),
            held_out=figures.number(held_out.ended.accounts),
            enough=figures.number(ENOUGH),
        ),
        words.say(
            "So far {treated} with a task succeeded, {held_out} held out.",
            treated=_rate(treated.so_far, figures),
            held_out=_rate(held_out.so_far, figures),
        ),
    )


def _rate(group: Group, figures: Figures) -> str:
    words = figures.words
    counts = {
        "successes": figures.number(group.successes),
        "accounts": figures.number(group.accounts),
    }
    if not group.accounts:
        return words.say("{successes} of {accounts}", **counts)
    share = figures.words.percent(group.rate, 1)
    return words.say("{successes} of {accounts} ({share})", share=share, **counts)


def _range(uplift: Uplift, shown: Callable[[Decimal], str], figures: Figures) -> str:
    return figures.words.say(
        "{difference} (95 % interval {low} to {high})",
        difference=shown(uplift.difference),
        low=shown(uplift.low),
        high=shown(uplift.high),
    )
