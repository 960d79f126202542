"""Profit: what each layer earns and costs, and who in the highest tiers loses money."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from connector.report import labels
from connector.report.blocks import Block, Cell, Column, Heading, Row, Section, Table, Text
from connector.report.data import Report
from connector.report.figures import Figures

_SUMS = ("revenue", "gross", "ms_cost", "service_cost", "overhead", "profit")


def section(report: Report, figures: Figures) -> Section:
    """Return the profit audit by layer, and the loss makers."""
    words = figures.words
    return Section(
        "profit",
        words.say("Profit audit"),
        [_layers(report, figures), *_notes(report, figures), *_losses(report, figures)],
        lead=words.say("Who earns the profit, and who eats it up."),
    )


def _layers(report: Report, figures: Figures) -> Table:
    words, layers = figures.words, report.summary["profit"]["layers"]
    titles = (
        words.say("Customers"),
        words.say("Revenue"),
        words.say("Gross margin"),
        words.say("Marketing, sales"),
        words.say("Service"),
        words.say("Overhead"),
        words.say("Profit"),
        words.say("Each"),
        words.say("Return"),
    )
    tiers = [layer for layer in layers if layer["layer"] in report.tiers]
    others = [layer for layer in layers if layer["layer"] not in report.tiers]
    rows = [_layer(layer, figures) for layer in tiers]
    rows.append(_total(tiers, figures))
    rows += [_layer(layer, figures, outside=True) for layer in others]
    note = words.say(
        "Amounts in {currency}; below the profit, its share of the profit of all. Return: what is"
        " left after marketing, sales and service for each unit spent on them. At a loss: customers"
        " who cost more than they bring.",
        currency=report.currency,
    )
    columns = [Column(words.say("Layer")), *(Column(title, number=True) for title in titles)]
    return Table(words.say("Profit by layer"), columns, rows, note)


def _layer(layer: Mapping[str, Any], figures: Figures, *, outside: bool = False) -> Row:
    share = layer["share_profit"]
    return Row(
        [
            Cell(figures.words.title(layer["layer"])),
            _customers(layer["customers"], layer["loss_making"], figures),
            *(Cell(figures.money(layer[name])) for name in _SUMS[:-1]),
            Cell(
                figures.money(layer["profit"]),
                "" if share is None else figures.share(share),
                tone="down" if Decimal(layer["profit"]) < 0 else "",
            ),
            Cell(figures.money(layer["profit_per_customer"])),
            Cell(figures.number(layer["roi"], 1)),
        ],
        "outside" if outside else "plain",
    )


def _customers(customers: int, losing: int, figures: Figures) -> Cell:
    said = figures.words.say("{number} at a loss", number=figures.number(losing))
    return Cell(figures.number(customers), said if losing else "")


def _total(tiers: list[Mapping[str, Any]], figures: Figures) -> Row:
    sums = {name: sum((Decimal(tier[name]) for tier in tiers), Decimal(0)) for name in _SUMS}
    customers = sum(tier["customers"] for tier in tiers)
    each = sums["profit"] / customers if customers else None
    losing = sum(tier["loss_making"] for tier in tiers)
    shown = (*(figures.money(sums[name]) for name in _SUMS), figures.money(each), "")
    title = Cell(figures.words.say("All customers"))
    number = _customers(customers, losing, figures)
    return Row([title, number, *(Cell(text) for text in shown)], "total")


def _notes(report: Report, figures: Figures) -> Iterator[Text]:
    words, profit = figures.words, report.summary["profit"]
    guessed = sum(layer["estimated"] for layer in profit["layers"])
    if guessed:
        said = words.count(
            "The cost of goods of {count} account is not recorded: its gross margin is taken to be"
            " {margin}.",
            "The cost of goods of {count} accounts is not recorded: their gross margin is taken to"
            " be {margin}.",
            guessed,
            margin=figures.rate(report.settings.profit.margin),
        )
        yield Text(said)
    for cost in profit["unallocated"]:
        said = words.count(
            "{count} cost of the kind “{kind}” ({amount} {currency}) could not be given to any"
            " account.",
            "{count} costs of the kind “{kind}” ({amount} {currency}) could not be given to any"
            " account.",
            cost["records"],
            kind=labels.cost(cost["kind"], words),
            amount=figures.money(cost["amount"]),
            currency=report.currency,
        )
        yield Text(said)


def _losses(report: Report, figures: Figures) -> list[Block]:
    words, losses = figures.words, report.summary["loss_makers"]
    heading = Heading(words.say("Large customers who lose money"))
    if not losses:
        return [heading, Text(words.say("None in the highest tiers."))]
    columns = [
        Column(words.say("Customer")),
        Column(words.say("Tier")),
        Column(words.say("Revenue"), number=True),
        Column(words.say("Profit"), number=True),
    ]
    rows = [
        Row(
            [
                Cell(figures.account(one["name"], one["account_id"]), one["account_id"]),
                Cell(words.title(one["layer"])),
                Cell(figures.money(one["revenue"])),
                Cell(figures.money(one["profit"]), tone="down"),
            ]
        )
        for one in losses
    ]
    return [heading, Table(heading.text, columns, rows, splits=len(rows) > 20)]
