"""Customer focus: who looks after customers, how we talk with them, what we know of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from connector.report import labels
from connector.report.blocks import (
    Beside,
    Block,
    Cell,
    Column,
    Heading,
    Row,
    Section,
    Table,
    Terms,
    Text,
)
from connector.report.data import REPS, Report
from connector.report.figures import Figures


def section(report: Report, figures: Figures) -> Section:
    """Return organisation, communication and information below each other."""
    words = figures.words
    blocks: list[Block] = [
        Heading(words.say("Organisation")),
        *_organisation(report, figures),
        Heading(words.say("Communication")),
        *_communication(report, figures),
        Heading(words.say("Information")),
        *_information(report, figures),
    ]
    lead = words.say("How well we are set up for our customers, beginning with the largest.")
    return Section("focus", words.say("Customer focus"), blocks, lead)


def _organisation(report: Report, figures: Figures) -> Iterator[Block]:
    words, found = figures.words, report.review["organisation"]
    rows = [
        Row(
            [
                Cell(words.title(layer["layer"])),
                Cell(figures.number(layer["accounts"])),
                _known(figures.number(layer["owned"]), layer["owned"], figures),
                _known(figures.share(layer["share"]), layer["owned"], figures),
            ]
        )
        for layer in found["layers"]
    ]
    columns = [
        Column(words.say("Layer")),
        Column(words.say("Accounts"), number=True),
        Column(words.say("with an owner"), number=True),
        Column(words.say("of all"), number=True),
    ]
    layers = Table(words.say("Accounts with an owner"), columns, rows)
    if found["reps"]:
        yield Beside([layers, _reps(found["reps"], report, figures)])
    else:
        yield layers


def _reps(reps: Sequence[Mapping[str, Any]], report: Report, figures: Figures) -> Table:
    words = figures.words
    rows = [
        Row(
            [
                Cell(figures.account(report.names.users.get(rep["owner_id"]), rep["owner_id"])),
                *(Cell(figures.number(rep[key])) for key in ("accounts", "customers")),
                Cell(figures.number(rep["key_customers"])),
            ]
        )
        for rep in reps[:REPS]
    ]
    columns = [
        Column(words.say("Owner")),
        Column(words.say("Accounts"), number=True),
        Column(words.say("Customers"), number=True),
        Column(words.say("in the highest tiers"), number=True),
    ]
    more = len(reps) - REPS
    note = words.count("{count} more owner.", "{count} more owners.", more) if more > 0 else ""
    return Table(words.say("Who looks after whom"), columns, rows, note)


def _communication(report: Report, figures: Figures) -> Iterator[Block]:
    words, found = figures.words, report.review["communication"]
    kinds = list(dict.fromkeys(one["kind"] for one in found["layers"]))
    by_place = {(one["layer"], one["kind"]): one for one in found["layers"]}
    layers = list(dict.fromkeys(one["layer"] for one in found["layers"]))
    if layers:
        rows = [
            Row(
                [
                    Cell(words.title(layer)),
                    *(_contacts(by_place.get((layer, kind)), figures) for kind in kinds),
                ]
            )
            for layer in layers
        ]
        columns = [
            Column(words.say("Contacts in the period")),
            *(Column(labels.contact(kind, words), number=True) for kind in kinds),
        ]
        note = words.say("Below each number: how many were planned, and how much of that was done.")
        yield Table(words.say("Contacts in the period"), columns, rows, note)
    if found["mix"]:
        yield _mix(found["mix"], report, figures)
    yield Terms(tuple(_said(found, report, figures)))


def _contacts(found: Mapping[str, Any] | None, figures: Figures) -> Cell:
    if found is None:
        return Cell("·", tone="quiet")
    words, planned = figures.words, found["planned"]
    small = ""
    if planned is not None:
        small = words.say("of {planned}", planned=figures.number(planned))
        small += "" if found["share"] is None else f" · {figures.share(found['share'], 0)}"
    if found["done"] is None:
        return Cell(figures.unknown, small, tone="quiet")
    return Cell(figures.number(found["done"]), small)


def _mix(mix: Sequence[Mapping[str, Any]], report: Report, figures: Figures) -> Table:
    words = figures.words
    rows = [
        Row(
            [
                Cell(labels.contact(one["kind"], words)),
                Cell(figures.number(one["contacts"])),
                Cell(figures.share(one["share"])),
                _known(figures.money(one["cost"]), one["cost"], figures),
            ]
        )
        for one in mix
    ]
    columns = [
        Column(words.say("Way")),
        Column(words.say("Contacts"), number=True),
        Column(words.say("of all"), number=True),
        Column(words.say("Cost, {currency}", currency=report.currency), number=True),
    ]
    return Table(words.say("Ways of contact"), columns, rows)


def _said(found: Mapping[str, Any], report: Report, figures: Figures) -> Iterator[tuple[str, str]]:
    words = figures.words
    layers = report.review["organisation"]["layers"]
    order = {layer["layer"]: place for place, layer in enumerate(layers)}
    for one in sorted(found["silences"], key=lambda one: order.get(one["layer"], len(order))):
        said = words.say(
            "{silent} of {customers} had no contact for {days} days",
            days=figures.number(report.settings.focus.contact_days),
            silent=figures.number(one["silent"]),
            customers=figures.number(one["customers"]),
        )
        yield words.title(one["layer"]), figures.known(said, one["silent"])
    ratio = found["inbound_ratio"]
    theirs = None if ratio is None else Decimal(ratio) * 100
    said = words.say("{number} contacts for each 100 of ours", number=figures.number(theirs))
    yield words.say("Begun by customers"), figures.known(said, ratio)
    if found["due"]:
        due = " · ".join(
            f"{labels.contact(kind, words)} {figures.number(count)}"
            for kind, count in found["due"].items()
        )
        yield words.say("Due now by the plan"), due


def _information(report: Report, figures: Figures) -> Iterator[Block]:
    words, found = figures.words, report.review["information"]
    layers = found["layers"]
    names = [one["field"] for one in layers[0]["fields"]] if layers else []
    rows = [
        Row(
            [
                Cell(words.title(layer["layer"])),
                *(
                    _known(figures.share(f["share"], 0), f["share"], figures)
                    for f in layer["fields"]
                ),
                _known(figures.share(layer["completeness"], 0), layer["completeness"], figures),
                _known(figures.share(layer["share_stale"], 0), layer["share_stale"], figures),
            ]
        )
        for layer in layers
    ]
    columns = [
        Column(words.say("Filled in")),
        *(Column(labels.field(name, words), number=True) for name in names),
        Column(words.say("All of these"), number=True),
        Column(words.say("Stale"), number=True),
    ]
    if rows:
        note = words.say(
            "Stale: accounts without a sign of life for {months} months.",
            months=figures.number(report.settings.focus.stale_months),
        )
        yield Table(words.say("What we know of our accounts"), columns, rows, note)
    else:
        yield Text(words.say("There are no accounts yet."))
    yield Terms(tuple(_records(found, figures)))


def _records(found: Mapping[str, Any], figures: Figures) -> Iterator[tuple[str, str]]:
    words = figures.words
    yield words.say("Possible duplicates"), figures.number(found["possible_duplicates"])
    said = words.say(
        "{number}, of which {amount} have an amount, {day} a date and {product} a product",
        number=figures.number(found["won_deals"]),
        amount=figures.share(found["won_with_amount"], 0),
        day=figures.share(found["won_with_date"], 0),
        product=figures.share(found["won_with_product"], 0),
    )
    yield words.say("Won deals of the period"), said


def _known(said: str, value: object, figures: Figures) -> Cell:
    return Cell(said) if value is not None else Cell(figures.unknown, tone="quiet")
