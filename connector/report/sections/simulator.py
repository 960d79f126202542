"""The simulator: what a few customers more in the higher tiers would bring."""

from __future__ import annotations

from collections.abc import Sequence

from connector.report.blocks import Cell, Column, Row, Section, Table, Text
from connector.report.data import Report
from connector.report.figures import NOTHING, Figures
from connector.report.scenarios import SELLING_RATE, Scenario


def section(report: Report, figures: Figures) -> Section:
    """Return what net upward migration of 2 % and 3 % would change."""
    words = figures.words
    title = words.say("What upward migration would bring")
    usual = [scenario for scenario in report.scenarios if scenario.moves]
    if not usual:
        said = words.say(
            "With so few customers none of these rates is a customer who could move up."
        )
        return Section("simulator", title, [Text(said)])
    note = words.say(
        "Each who moves brings the average of the tier entered instead of the one left. Extra"
        " revenue leaves a margin of {margin} and costs {selling} to sell. Other moves and rates:"
        " connector simulate.",
        margin=figures.rate(usual[0].margin),
        selling=figures.rate(SELLING_RATE),
    )
    return Section(
        "simulator",
        title,
        [_table(usual, report, figures), Text(note, quiet=True)],
        lead=words.say("If so many more customers moved up than down in a period:"),
    )


def _table(scenarios: Sequence[Scenario], report: Report, figures: Figures) -> Table:
    words, currency = figures.words, report.currency
    steps = list(dict.fromkeys(move for one in scenarios for move in one.moves or ()))
    rows = [
        Row(
            [
                Cell(
                    words.say(
                        "{source} to {target}",
                        source=words.title(source),
                        target=words.title(target),
                    )
                ),
                *(_moving(one, (source, target), figures) for one in scenarios),
            ]
        )
        for source, target in steps
    ]
    rows += [
        Row([Cell(words.say("Net migration")), *_found(scenarios, "net_migration", figures)]),
        Row(
            [
                Cell(words.say("Extra revenue, {currency}", currency=currency)),
                *(_gain(one, "revenue", figures) for one in scenarios),
            ],
            "total",
        ),
        Row(
            [
                Cell(words.say("Extra profit, {currency}", currency=currency)),
                *(_gain(one, "profit", figures) for one in scenarios),
            ],
            "total",
        ),
    ]
    columns = [
        Column(words.say("Customers who move")),
        *(Column(figures.rate(one.rate), number=True) for one in scenarios),
    ]
    return Table(words.say("What upward migration would bring"), columns, rows)


def _moving(scenario: Scenario, move: tuple[str, str], figures: Figures) -> Cell:
    count = (scenario.moves or {}).get(move, 0)
    return Cell(figures.number(count) if count else NOTHING)


def _found(scenarios: Sequence[Scenario], name: str, figures: Figures) -> list[Cell]:
    return [Cell(figures.change(one.found[name])) for one in scenarios]


def _gain(scenario: Scenario, what: str, figures: Figures) -> Cell:
    growth = scenario.found[f"{what}_growth"]
    small = "" if growth is None else figures.change(growth)
    return Cell(figures.more(scenario.found[f"extra_{what}"]), small, tone="strong")
