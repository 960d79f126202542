"""The goals: what each wants done for whom, what was left out and why, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from connector.report import labels
from connector.report.blocks import (
    Block,
    Cell,
    Column,
    Heading,
    Row,
    Section,
    Table,
    Terms,
    Text,
    Together,
)
from connector.report.data import Report
from connector.report.figures import NOTHING, Figures
from connector.report.sections.outcome import outcome
from connector.report.wishes import Wishes
from connector.store.tables import ActionRow
from customer_pyramid.money import from_units

_TASKS = ("create", "open_task", "rep_cap")


def section(report: Report, figures: Figures) -> Section:
    """Return the goals beside each other, then each by itself."""
    words, goals = figures.words, report.summary["goals"]
    title = words.say("Goals and tasks")
    if not goals:
        said = (
            words.say("The job names no goals.")
            if report.tasks
            else words.say("The job writes no tasks, so that no goal was asked for any.")
        )
        return Section("goals", title, [Text(said)])
    blocks: list[Block] = [_overview(report, figures)]
    for goal, said in goals.items():
        blocks += _goal(goal, said, report, figures)
    lead = words.say("What should be done for whom, why, and what it is worth.")
    return Section("goals", title, blocks, lead)


def _overview(report: Report, figures: Figures) -> Table:
    words = figures.words
    titles = (
        words.say("Found"),
        words.say("New tasks"),
        words.say("Still open"),
        words.say("Waiting"),
        words.say("Left out"),
        words.say("Held out"),
        words.say("Worth, {currency}", currency=report.currency),
    )
    rows = [
        Row([Cell(words.title(said["title"])), *_counts(said, report.wishes[goal], figures)])
        for goal, said in report.summary["goals"].items()
    ]
    note = words.say(
        "Worth: the margin that the tasks, new, open and waiting, are expected to bring. Held out:"
        " left alone on purpose, so that it can be told what tasks bring."
    )
    columns = [Column(words.say("Goal")), *(Column(title, number=True) for title in titles)]
    return Table(words.say("Goals and tasks"), columns, rows, note)


def _counts(said: Mapping[str, Any], wishes: Wishes, figures: Figures) -> list[Cell]:
    counts = wishes.counts
    left_out = sum(counts.values()) - wishes.wanted - counts.get("holdout", 0)
    numbers = (
        said["candidates"],
        *(counts.get(what, 0) for what in _TASKS),
        left_out,
        counts.get("holdout", 0),
    )
    shown = [figures.number(number) if number else NOTHING for number in numbers]
    worth = figures.money(from_units(wishes.worth)) if wishes.wanted else NOTHING
    return [Cell(text) for text in (*shown, worth)]


def _goal(goal: str, said: Mapping[str, Any], report: Report, figures: Figures) -> Iterator[Block]:
    words, wishes = figures.words, report.wishes[goal]
    terms = Terms(tuple(_terms(goal, said, report, figures)), wide=True)
    heading = Heading(words.title(said["title"]))
    yield Together([heading, terms]) if terms.items else heading
    if wishes.actions:
        yield _actions(wishes, report, figures)
    elif "gap" not in said:
        yield Text(words.say("There is nothing to do for this goal now."), quiet=True)


def _terms(
    goal: str, said: Mapping[str, Any], report: Report, figures: Figures
) -> Iterator[tuple[str, str]]:
    words = figures.words
    if "gap" in said:
        yield words.say("Data missing"), said["gap"]
    notes = words.join(*said.get("notes", ()))
    if notes:
        yield words.say("To be known"), notes
    measured = [
        labels.measure_of_goal(name, value, figures)
        for name, value in said.get("measures", {}).items()
    ]
    if measured:
        yield words.say("How good the rule is"), _listed(measured)
    left_out = [
        (labels.became(what, words), figures.number(count))
        for what, count in sorted(
            report.wishes[goal].counts.items(), key=lambda one: (-one[1], one[0])
        )
        if what not in _TASKS
    ]
    if left_out:
        yield words.say("No task, because"), _listed(left_out)
    found = report.outcomes.get(goal)
    if found is not None:
        yield from outcome(found, report.currency, figures)


def _listed(pairs: list[tuple[str, str]]) -> str:
    return " · ".join(f"{name}: {value}" for name, value in pairs)


def _actions(wishes: Wishes, report: Report, figures: Figures) -> Table:
    words = figures.words
    columns = [
        Column(words.say("Account")),
        Column(words.say("What to do, and why")),
        Column(words.say("Owner")),
        Column(words.say("Due"), number=True),
        Column(words.say("Worth, {currency}", currency=report.currency), number=True),
    ]
    rest = wishes.wanted - len(wishes.actions)
    note = ""
    if rest > 0:
        note = words.count(
            "{count} more is listed by: connector actions.",
            "{count} more are listed by: connector actions.",
            rest,
        )
    rows = [_action(action, report, figures) for action in wishes.actions]
    return Table(words.say("The first tasks"), columns, rows, note, stacks=True, splits=True)


def _action(action: ActionRow, report: Report, figures: Figures) -> Row:
    words, names = figures.words, report.names
    account = figures.account(names.accounts.get(action.account_id), action.account_id)
    owner = figures.account(names.users.get(action.owner), action.owner) if action.owner else ""
    became = labels.became(action.cause or action.decision, words)
    return Row(
        [
            Cell(account, action.account_id),
            Cell(action.subject, action.reason, tone="strong"),
            Cell(owner or NOTHING),
            Cell(action.due.isoformat(), became),
            Cell(figures.money(Decimal(from_units(action.expected_value)))),
        ]
    )
