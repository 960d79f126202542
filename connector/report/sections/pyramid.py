"""The pyramid: its picture, its layers in figures, and how revenue is spread over customers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from connector.report import charts
from connector.report.blocks import (
    Beside,
    Block,
    Cell,
    Chart,
    Column,
    Picture,
    Row,
    Section,
    Slab,
    Table,
    Text,
)
from connector.report.data import Report
from connector.report.figures import NOTHING, Figures


def section(report: Report, figures: Figures) -> Section:
    """Return the pyramid as a picture and as a table, with what is to be said of it."""
    words = figures.words
    return Section(
        "pyramid",
        words.say("The pyramid"),
        [_picture(report, figures), _table(report, figures), *_notes(report, figures)],
        lead=words.say("Who buys how much: customers by revenue in the period, the largest first."),
    )


def curves(report: Report, figures: Figures) -> Section:
    """Return how revenue and profit are spread, as curves."""
    words, found = figures.words, report.summary["curves"]
    drawn = [_lorenz(report, figures)] if _has_shares(found["lorenz"]) else []
    drawn += [_whale(report, figures)] if _has_shares(found["whale"]) else []
    blocks: list[Block] = [Beside(drawn)] if drawn else []
    if len(drawn) < 2:
        blocks.append(Text(words.say("Without revenue or profit above 0 there is no curve of it.")))
    return Section("curves", words.say("How revenue and profit are spread"), blocks)


def _picture(report: Report, figures: Figures) -> Picture:
    words = figures.words
    layers = {one["layer"]: one for one in report.summary["current"]["layers"]}
    largest = max(Decimal(layers[tier]["share_revenue"] or 0) for tier in report.tiers)
    return Picture(
        words.say("The pyramid: customers and revenue of each tier"),
        (words.say("Customers"), words.say("Share of revenue")),
        [_slab(layers[tier], largest, report, figures) for tier in report.tiers],
        [
            (words.title(name), figures.number(one["customers"]))
            for name, one in layers.items()
            if name not in report.tiers
        ],
    )


def _slab(layer: Mapping[str, Any], largest: Decimal, report: Report, figures: Figures) -> Slab:
    share = Decimal(layer["share_revenue"] or 0)
    return Slab(
        name=figures.words.title(layer["layer"]),
        customers=figures.number(layer["customers"]),
        share=figures.share(layer["share_revenue"]),
        revenue=f"{figures.money(layer['revenue'])} {report.currency}",
        bar=max(share, Decimal(0)) / largest if largest > 0 else Decimal(0),
    )


def _table(report: Report, figures: Figures) -> Table:
    words, now = figures.words, report.summary["current"]
    titles = (
        words.say("Customers"),
        words.say("of all"),
        words.say("Revenue"),
        words.say("of all"),
        words.say("Average"),
        words.say("From"),
        words.say("Orders"),
        words.say("Up"),
        words.say("Down"),
    )
    rows = [_row(layer, report, figures) for layer in now["layers"]]
    total = (
        words.say("All customers"),
        figures.number(now["active"]),
        "",
        figures.money(now["revenue"]),
        "",
        figures.money(_average(now)),
        "",
        figures.number(sum(one["orders"] for one in now["layers"] if one["layer"] in report.tiers)),
    )
    place = len(report.tiers)
    rows.insert(place, Row([Cell(text) for text in (*total, "", "")], "total"))
    note = words.say(
        "Amounts in {currency}. From: the least revenue in the tier. Up, Down: of the customers in"
        " the layer a period ago ({period}), those who are now above or below it by the limits of"
        " that time.",
        currency=report.currency,
        period=figures.period(report.summary["previous"]["period"]),
    )
    columns = [Column(words.say("Layer")), *(Column(title, number=True) for title in titles)]
    return Table(words.say("The layers in figures"), columns, rows, note)


def _row(layer: Mapping[str, Any], report: Report, figures: Figures) -> Row:
    name, number = layer["layer"], figures.number(layer["customers"])
    title = figures.words.title(name)
    if name not in report.tiers:
        empty = [""] * 6
        cells = (title, number, *empty, *_moves(name, report, figures))
        return Row([Cell(text) for text in cells], "outside")
    limit = report.summary["current"]["thresholds"].get(name) or layer["min_revenue"]
    cells = (
        title,
        number,
        figures.share(layer["share_customers"]),
        figures.money(layer["revenue"]),
        figures.share(layer["share_revenue"]),
        figures.money(layer["average_revenue"]),
        figures.money(limit),
        figures.number(layer["orders"]),
        *_moves(name, report, figures),
    )
    return Row([Cell(text) for text in cells])


def _moves(name: str, report: Report, figures: Figures) -> tuple[str, str]:
    """Return how many of a layer's customers are now above it, and how many below."""
    matrix = report.summary["migration"]["frozen"]["matrix"]
    states = list(matrix)[:-1]
    if name not in states:
        return "", ""
    place, row = states.index(name), matrix[name]
    up = sum(row[state] for state in states[:place])
    down = sum(row[state] for state in states[place + 1 :])
    return _moved(up, figures), _moved(down, figures) if name in report.tiers else ""


def _moved(count: int, figures: Figures) -> str:
    return figures.number(count) if count else NOTHING


def _average(now: Mapping[str, Any]) -> Decimal | None:
    return Decimal(now["revenue"]) / now["active"] if now["active"] else None


def _notes(report: Report, figures: Figures) -> Iterator[Text]:
    words, now = figures.words, report.summary["current"]
    if not now["active"]:
        yield Text(words.say("Nobody bought anything in this period."))
    if "small_base" in now["warnings"]:  # the checks tell the others
        said = words.say(
            "Fewer than {number} customers are active: 1 % is less than one of them, so read the"
            " first tier with care, or use fewer tiers or fixed thresholds.",
            number=figures.number(report.settings.pyramid.small_base),
        )
        yield Text(said)
    for tier, tied in now["tie_at_boundary"].items():
        if tied:
            said = words.say(
                "Customers with equal revenue stand on both sides of the limit of {tier}.",
                tier=words.title(tier),
            )
            yield Text(said)


def _has_shares(points: list[Mapping[str, Any]]) -> bool:
    return bool(points) and points[-1]["share"] is not None


def _lorenz(report: Report, figures: Figures) -> Chart:
    words, now = figures.words, report.summary["current"]
    return Chart(
        words.say("Revenue"),
        charts.lorenz(report.summary["curves"]["lorenz"], figures),
        words.say(
            "Lorenz curve. On the dashed line all customers would be equal; the further the curve"
            " hangs below it, the fewer bring most. Gini coefficient {gini}.",
            gini=figures.number(now["gini"], 2),
        ),
    )


def _whale(report: Report, figures: Figures) -> Chart:
    words, profit = figures.words, report.summary["profit"]
    caption = words.say(
        "Whale curve. At its highest point, after {customers} of {all} customers, profit would be"
        " {peak} of what it is; those after it cost money.",
        customers=figures.number(profit["peak_customers"]),
        all=figures.number(profit["customers"]),
        peak=figures.share(profit["peak_ratio"]),
    )
    if profit["peak_customers"] == profit["customers"]:
        caption = words.say("Whale curve. It never falls: no customer costs more than it brings.")
    return Chart(
        words.say("Profit"), charts.whale(report.summary["curves"]["whale"], figures), caption
    )
