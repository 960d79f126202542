"""The overview: a few figures to remember, and what asks for attention."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from connector.report.blocks import Block, Finding, Findings, Section, Text, Tile, Tiles
from connector.report.data import Report
from connector.report.figures import Figures
from connector.report.sections.findings import all_findings


def section(report: Report, figures: Figures) -> Section:
    """Return what a reader with one minute should know."""
    words = figures.words
    blocks: list[Block] = [Tiles(tuple(_tiles(report, figures)))]
    if report.outdated:
        said = words.say(
            "Records or rules have changed since this run. Performance, focus and targets are"
            " computed from what is known now, the rest is the run's: run the job again."
        )
        blocks.append(Text(said))
    return Section("overview", words.say("At a glance"), [*blocks, _attention(report, figures)])


def _tiles(report: Report, figures: Figures) -> Iterator[Tile]:
    words, now, before = figures.words, report.summary["current"], report.summary["previous"]
    yield Tile(
        words.say("Active customers"),
        figures.number(now["active"]),
        words.say("{number} in the period before", number=figures.number(before["active"])),
    )
    yield Tile(
        words.say("Revenue, {currency}", currency=report.currency),
        figures.money(now["revenue"]),
        _growth(report, figures),
    )
    yield Tile(
        words.say("From the top 20 % of customers"),
        figures.share(now["top20_share"]),
        words.say("of revenue"),
    )
    frozen = report.summary["migration"]["frozen"]
    yield Tile(
        words.say("Customers kept"),
        figures.share(frozen["retention_rate"]),
        words.say("of those of the period before"),
    )
    yield Tile(
        words.say("Net upward migration"),
        figures.change(frozen["net_upward_retained"]),
        words.say("by the limits of the period before"),
    )
    yield _profit(report, figures)


def _growth(report: Report, figures: Figures) -> str:
    now, before = (Decimal(report.summary[period]["revenue"]) for period in ("current", "previous"))
    if before <= 0:
        return figures.words.say("nothing in the period before")
    growth = figures.change(now / before - 1)
    return figures.words.say("{growth} on the period before", growth=growth)


def _profit(report: Report, figures: Figures) -> Tile:
    words, profit = figures.words, report.summary["profit"]
    guessed = sum(layer["estimated"] for layer in profit["layers"])
    small = words.say("with cost of goods estimated") if guessed else words.say("of customers")
    name = words.say("Profit, {currency}", currency=report.currency)
    return Tile(name, figures.money(profit["profit"]), small)


def _attention(report: Report, figures: Figures) -> Block:
    found: list[Finding] = [
        finding
        for finding in all_findings(report, figures)
        if finding.flag.mark in ("alarm", "warn")
    ]
    if not found:
        return Text(figures.words.say("No check asks for attention."))
    return Findings(sorted(found, key=lambda finding: finding.flag.mark))
