"""Migration: who moved up and down since the period before, on both bases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connector.report import labels
from connector.report.blocks import Beside, Cell, Column, Row, Section, Table, Text, Tone
from connector.report.data import Report
from connector.report.figures import Figures
from customer_pyramid.settings import NONE


def section(report: Report, figures: Figures) -> Section:
    """Return the matrices of both bases, and the classes and net figures beside each other."""
    words, before = figures.words, report.summary["previous"]
    title = words.say("Migration")
    period = figures.period(before["period"])
    if not before["active"]:
        said = words.say("Nobody bought in the period before, {period}.", period=period)
        return Section("migration", title, [Text(said)])
    moves = report.summary["migration"]
    frozen, rank = words.say("Frozen basis"), words.say("Rank basis")
    note = words.say(
        "Frozen basis: both periods by the limits of the period before, so that growth shows. Rank"
        " basis: each period cut by itself, so that for each who enters a tier another leaves it."
    )
    matrices = [
        _matrix(name, moves[basis]["matrix"], figures)
        for name, basis in ((frozen, "frozen"), (rank, "rank"))
    ]
    return Section(
        "migration",
        title,
        [Beside(matrices), Text(note, quiet=True), _classes((frozen, rank), moves, figures)],
        lead=words.say(
            "Where the customers of {period} are now. In the diagonal they stayed; left of it they"
            " moved up, right of it down.",
            period=period,
        ),
    )


def _matrix(name: str, matrix: Mapping[str, Mapping[str, int]], figures: Figures) -> Table:
    words, states = figures.words, list(matrix)
    entered = [state for state in states if state != NONE or any(r[state] for r in matrix.values())]
    columns = [
        Column(words.say("from, to")),
        *(Column(labels.state(state, words), number=True) for state in entered),
    ]
    rows = [
        Row(
            [
                Cell(labels.state(source, words)),
                *(_moved(source, target, matrix, figures) for target in entered),
            ]
        )
        for source in states
    ]
    return Table(name, columns, rows, shown=True)


def _moved(
    source: str, target: str, matrix: Mapping[str, Mapping[str, int]], figures: Figures
) -> Cell:
    count, states = matrix[source][target], list(matrix)
    if not count:
        return Cell("·", tone="quiet")
    step = states.index(target) - states.index(source)
    tone: Tone = "same" if not step else "up" if step < 0 else "down"
    return Cell(figures.number(count), tone=tone)


def _classes(names: Sequence[str], moves: Mapping[str, Any], figures: Figures) -> Table:
    words = figures.words
    counted = {
        "upgrade": words.say("Moved up"),
        "downgrade": words.say("Moved down"),
        "stable": words.say("Stayed"),
        "lapsed": words.say("Lapsed"),
        "reactivated": words.say("Came back"),
        "new": words.say("New"),
        "still_inactive": words.say("Still inactive"),
        "net_tier_steps": words.say("Steps up less down"),
    }
    shares = {
        "net_upward_retained": words.say("Net upward migration"),
        "net_upward_total": words.say("with new, returned, lapsed"),
    }
    rows = [
        Row(
            [
                Cell(name),
                *(Cell(figures.number(found[key])) for key in counted),
                *(Cell(figures.change(found[key]), tone="strong") for key in shares),
                Cell(figures.share(found["retention_rate"])),
            ]
        )
        for name, found in zip(names, (moves["frozen"], moves["rank"]), strict=True)
    ]
    titles = (*counted.values(), *shares.values(), words.say("Customers kept"))
    columns = [Column(words.say("Customers")), *(Column(title, number=True) for title in titles)]
    return Table(words.say("Movements and net figures"), columns, rows)
