"""Plans: the contacts of a year and what they cost, and how far targets are reached."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connector.report import labels
from connector.report.blocks import Block, Cell, Column, Findings, Flag, Row, Section, Table, Text
from connector.report.data import Report
from connector.report.figures import NOTHING, Figures
from connector.report.sections.findings import findings

_MONEY = ("revenue", "profit")


def contacts(report: Report, figures: Figures) -> Section:
    """Return the contact plan by tier, with its checks."""
    words, plan = figures.words, report.review["contact_plan"]
    title = words.say("Contact plan")
    blocks: list[Block] = []
    if plan["tiers"]:
        blocks.append(_plan(plan, report, figures))
    else:
        blocks.append(Text(words.say("No contacts are planned for the tiers of this job.")))
    blocks.append(Findings(findings(plan["checks"], figures)))
    lead = words.say("How often each tier should hear from us in a year, and what that costs.")
    return Section("contact_plan", title, blocks, lead)


def targets(report: Report, figures: Figures) -> Section:
    """Return how far each target is reached."""
    words, found = figures.words, report.review["targets"]
    title = words.say("Targets")
    if not found:
        said = words.say("The job sets no targets; they stand under rules.settings.targets.")
        return Section("targets", title, [Text(said, quiet=True)])
    columns = [
        Column(words.say("Tier or account")),
        Column(words.say("What")),
        Column(words.say("Target"), number=True),
        Column(words.say("Reached"), number=True),
        Column(words.say("of it"), number=True),
        Column(words.say("Result")),
    ]
    rows = [_target(one, report, figures) for one in found]
    note = words.say("Tiers are those by the limits of the period before, so that progress shows.")
    return Section("targets", title, [Table(title, columns, rows, note, stacks=True)])


def _plan(plan: Mapping[str, Any], report: Report, figures: Figures) -> Table:
    words = figures.words
    kinds = list(dict.fromkeys(kind for tier in plan["tiers"] for kind in tier["contacts"]))
    budgets = {one["tier"]: one for one in plan["budgets"]}
    titles = (
        words.say("Customers"),
        *(labels.contact(kind, words) for kind in kinds),
        words.say("Cost of one"),
        words.say("Cost of all"),
        words.say("of gross margin"),
    )
    rows = [
        Row(
            [
                Cell(words.title(tier["tier"])),
                Cell(figures.number(tier["customers"])),
                *(Cell(figures.number(tier["contacts"].get(kind, 0))) for kind in kinds),
                Cell(figures.money(tier["cost_per_customer"])),
                Cell(figures.money(tier["cost"])),
                _budget(budgets[tier["tier"]], figures),
            ]
        )
        for tier in plan["tiers"]
    ]
    rows.append(_all(plan, kinds, figures))
    columns = [Column(words.say("Tier")), *(Column(title, number=True) for title in titles)]
    note = words.say(
        "Contacts with all customers of the tier; amounts in {currency}.", currency=report.currency
    )
    return Table(words.say("Contact plan"), columns, rows, note)


def _all(plan: Mapping[str, Any], kinds: list[str], figures: Figures) -> Row:
    tiers = plan["tiers"]
    counts = [
        sum((Decimal(tier["contacts"].get(kind, 0)) for tier in tiers), Decimal(0))
        for kind in kinds
    ]
    cells = (
        figures.words.say("All customers"),
        figures.number(sum(tier["customers"] for tier in tiers)),
        *(figures.number(count) for count in counts),
        "",
        figures.money(sum((Decimal(tier["cost"]) for tier in tiers), Decimal(0))),
        "",
    )
    return Row([Cell(text) for text in cells], "total")


def _budget(budget: Mapping[str, Any], figures: Figures) -> Cell:
    words, within = figures.words, budget["within"]
    if within is None:
        return Cell(figures.unknown, tone="quiet")
    shown = figures.share(budget["share"])
    return Cell(shown) if within else Cell(shown, flag=Flag("warn", words.say("too much")))


def _target(target: Mapping[str, Any], report: Report, figures: Figures) -> Row:
    words, ratio, actual = figures.words, target["ratio"], target["actual"]
    subject = target["subject"]
    name = (
        Cell(figures.account(report.names.accounts.get(subject), subject), subject)
        if target["named"]
        else Cell(words.title(subject))
    )
    reached = (
        Cell(figures.unknown, tone="quiet")
        if target["reached"] is None
        else Cell(NOTHING if actual is None else _value(target["measure"], actual, figures))
    )
    bar = None if ratio is None else min(max(Decimal(ratio), Decimal(0)), Decimal(1))
    return Row(
        [
            name,
            Cell(labels.aim(target["measure"], words)),
            Cell(_value(target["measure"], target["aim"], figures)),
            reached,
            Cell(figures.share(ratio, 0), bar=bar),
            Cell("", flag=_reached(target["reached"], figures)),
        ]
    )


def _value(measure: str, value: str, figures: Figures) -> str:
    if measure == "tier":
        return figures.words.title(value)
    if measure == "satisfaction":
        return figures.share(value)
    return figures.money(value) if measure in _MONEY else figures.number(value)


def _reached(reached: bool | None, figures: Figures) -> Flag:
    words = figures.words
    if reached is None:
        return Flag("unknown", words.say("unknown"))
    return Flag("ok", words.say("reached")) if reached else Flag("warn", words.say("not yet"))
