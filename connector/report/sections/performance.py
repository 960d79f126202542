"""Customer performance: value, behaviour and satisfaction by tier, raw and as a score."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

from connector.report.blocks import Cell, Column, Row, Section, Table, Text
from connector.report.data import Report
from connector.report.figures import Figures

Shown: TypeAlias = Callable[[str], str]


def section(report: Report, figures: Figures) -> Section:
    """Return the mean of each measure in each layer, with its score."""
    words, layers = figures.words, report.review["performance"]
    title = words.say("Customer performance")
    if not layers:
        return Section("performance", title, [Text(words.say("There are no customers yet."))])
    columns = [
        Column(words.say("Mean of the customers")),
        *(Column(words.title(layer["layer"]), number=True) for layer in layers),
    ]
    rows = [row for group in _groups(figures) for row in _group(*group, layers, figures)]
    note = words.say(
        "The bar and the number beside it are the score: 0 for the worst and 100 for the best value"
        " that the job sets. “2 of 3” says for how many customers the measure is known; what is"
        " unknown is never taken for 0."
    )
    return Section(
        "performance",
        title,
        [Table(title, columns, rows, note)],
        lead=words.say("What customers are worth, how they behave and how satisfied they are."),
    )


def _groups(figures: Figures) -> Iterator[tuple[str, Sequence[tuple[str, str, Shown]]]]:
    """Yield each group of measures: its title, then name, title and writing of each measure."""
    words = figures.words

    def times(value: str) -> str:
        return figures.number(value, 2)

    def one(value: str) -> str:
        return figures.number(value, 1)

    yield (
        words.say("Value"),
        (
            ("profit", words.say("Profit of the period"), figures.money),
            ("clv", words.say("Expected margin of the coming years (CLV)"), figures.money),
        ),
    )
    yield (
        words.say("Behaviour"),
        (
            ("share_of_wallet", words.say("Share of what it spends in all"), figures.share),
            ("breadth", words.say("Bought of what its peers buy"), figures.share),
            ("peer_ratio", words.say("Revenue against the best quarter of peers"), times),
            ("lifetime_months", words.say("Months as a customer"), one),
            ("active_months", words.say("Months with an order"), figures.share),
            ("orders_per_year", words.say("Orders a year"), one),
            ("recency_days", words.say("Days since the last order"), figures.number),
            ("p_alive", words.say("Chance that it still buys"), figures.share),
        ),
    )
    yield (
        words.say("Satisfaction"),
        (
            ("gap", words.say("Experience against expectation"), times),
            ("csat", words.say("Satisfied answers (CSAT)"), figures.share),
            ("nps", words.say("Would recommend us (NPS)"), figures.number),
            ("promise_kept", words.say("Deliveries on time"), figures.share),
            ("response_hours", words.say("Hours to the first answer"), one),
            ("reopened", words.say("Cases opened again"), figures.share),
        ),
    )


def _group(
    title: str,
    measures: Sequence[tuple[str, str, Shown]],
    layers: Sequence[Mapping[str, Any]],
    figures: Figures,
) -> Iterator[Row]:
    yield Row([Cell(title)], "group")
    for name, said, shown in measures:
        found = [(layer["customers"], _measure(layer, name)) for layer in layers]
        yield Row([Cell(said), *(_cell(one, size, shown, figures) for size, one in found)])


def _measure(layer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    (found,) = (one for one in layer["measures"] if one["measure"] == name)
    measure: Mapping[str, Any] = found
    return measure


def _cell(measure: Mapping[str, Any], customers: int, shown: Shown, figures: Figures) -> Cell:
    if measure["mean"] is None:
        return Cell(figures.unknown, tone="quiet")
    known, score = figures.number(measure["known"]), measure["score"]
    some = measure["known"] < customers
    return Cell(
        shown(measure["mean"]),
        figures.words.say("{known} of {all}", known=known, all=figures.number(customers))
        if some
        else "",
        bar=None if score is None else Decimal(score) / 100,
        score="" if score is None else figures.number(score),
    )
