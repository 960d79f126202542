"""The pyramid of the last run: a picture, a table, and what it means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from connector.cli.console import console, print_json, table
from connector.cli.figures import (
    ISSUES,
    NOTHING,
    WARNINGS,
    counted,
    money,
    percent,
    plain,
    short_money,
    signed_percent,
)
from connector.cli.opening import open_kept
from connector.cli.picture import Slice, draw
from connector.store.tables import RunRow

_CAUTIONS: Final = ("Note", "Check", "Data")
_SAID: Final = ("eighty_twenty", "concentration", "dependency", "ninety_ten", "retention")
"""Checks whose figures stand in other lines."""
_ROOM: Final = 33
"""Columns for the amounts of a line, so that the table fits 80 columns."""


def pyramid(job_path: Path, *, as_json: bool) -> None:
    """Print the pyramid as the last run computed it."""
    kept = open_kept(job_path)
    run = kept.last_run()
    if as_json:
        print_json({"run_id": run.id, "state": run.state, **run.summary})
        return
    show(kept.job.name, run)


def show(name: str, run: RunRow) -> None:
    """Draw the pyramid of a run, and what it says; *name* is the job's."""
    picture(name, run)
    out, summary = console(), run.summary
    out.print()
    out.print(_table(summary))
    out.print(_legend(summary), style="dim")
    out.print()
    out.print(_notes(summary))


def picture(name: str, run: RunRow) -> None:
    """Draw the pyramid of a run alone; *name* is the job's."""
    out, summary = console(), run.summary
    now = summary["current"]
    out.print(Text(f"Customer pyramid of {name}", style="bold"))
    active = counted(now["active"], "active customer")
    out.print(f"{days(now['period'])}   {active}   {money(now['revenue'])} {summary['currency']}\n")
    tiers, below = _slices(summary)
    for line in draw(tiers, below, ascii_only=out.options.ascii_only):
        out.print(line, no_wrap=True)


def days(period: Mapping[str, Any]) -> str:
    """Return a period as its first and last day."""
    last = date.fromisoformat(period["end"]) - timedelta(days=1)
    return f"{period['start']} to {last}"


def _slices(summary: Mapping[str, Any]) -> tuple[list[Slice], list[Slice]]:
    layers, names = summary["current"]["layers"], _tier_names(summary)
    slices = [
        Slice(
            layer["layer"],
            layer["customers"],
            None if layer["share_revenue"] is None else Decimal(layer["share_revenue"]),
        )
        for layer in layers
    ]
    return (
        [part for part in slices if part.name in names],
        [part for part in slices if part.name not in names],
    )


def _tier_names(summary: Mapping[str, Any]) -> list[str]:
    """Return the tiers, largest customers first: the states of the matrix without the last two."""
    return list(summary["migration"]["frozen"]["matrix"])[:-2]


def _table(summary: Mapping[str, Any]) -> Table:
    headings = ("Customers", "Revenue", "Share", "Average", "From", "Up", "Down")
    rows = table("Layer", *headings, right=headings)
    names, now = _tier_names(summary), summary["current"]
    rows.columns[0].no_wrap = True
    shown = money if _fits(now) else short_money
    for layer in now["layers"]:
        name = layer["layer"]
        if name not in names:
            if rows.row_count == len(names):
                rows.add_section()
            rows.add_row(name, f"{layer['customers']:,}", *[""] * 4, *_moves(summary, name))
            continue
        rows.add_row(
            name,
            f"{layer['customers']:,}",
            shown(layer["revenue"]),
            percent(layer["share_revenue"]),
            shown(layer["average_revenue"]),
            shown(now["thresholds"].get(name) or layer["min_revenue"]),
            *_moves(summary, name),
        )
    return rows


def _fits(now: Mapping[str, Any]) -> bool:
    """Say whether amounts fit with two decimals; otherwise whole units of the currency do."""
    keys = ("revenue", "average_revenue", "min_revenue")
    widths = [max(len(money(layer[key])) for layer in now["layers"]) for key in keys]
    return sum(widths) <= _ROOM


def _moves(summary: Mapping[str, Any], name: str) -> tuple[str, str]:
    """Return how many customers of a layer a period ago are now above it, and how many below."""
    matrix = summary["migration"]["frozen"]["matrix"]
    states = list(matrix)[:-1]
    if name not in states:
        return "", ""
    place, row = states.index(name), matrix[name]
    up = sum(row[state] for state in states[:place])
    down = sum(row[state] for state in states[place + 1 :])
    return _shown(up), _shown(down) if name in states[:-1] else ""


def _shown(moved: int) -> str:
    return f"{moved:,}" if moved else NOTHING


def _legend(summary: Mapping[str, Any]) -> str:
    return (
        "From: the least revenue in the tier. Up, Down: of the customers in the layer in"
        f" {days(summary['previous']['period'])}, those now above or below it by the limits of"
        " that time (frozen basis); down includes Inactive."
    )


def _notes(summary: Mapping[str, Any]) -> Table:
    """Return what the figures mean, a line for each thing to say."""
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="bold", no_wrap=True)
    rows.add_column(overflow="fold")
    for label, said in _meaning(summary):
        rows.add_row(Text(label, style="yellow" if label in _CAUTIONS else ""), said)
    return rows


def _meaning(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    now = summary["current"]
    yield from _concentration(now)
    yield from _migration(summary)
    for warning in now["warnings"]:
        yield "Note", WARNINGS.get(warning, warning)
    for tier, tied in now["tie_at_boundary"].items():
        if tied:
            yield "Note", f"customers with equal revenue stand on both sides of {tier}"
    for check in summary.get("checks", ()):
        if check["flag"] in ("warn", "alarm") and check["name"] not in _SAID:
            yield "Check", check["finding"]
    for issue, count in summary["issues"].items():
        yield "Data", f"{count:,} {ISSUES.get(issue, issue)}"


def _concentration(now: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not now["active"]:
        yield "Note", "nobody bought anything in this period"
        return
    for_80 = counted(now["customers_for_80pct"], "customer")
    makes = "makes" if now["customers_for_80pct"] == 1 else "make"
    yield (
        "80/20",
        f"the top 20% of customers bring {percent(now['top20_share'])} of revenue;"
        f" {for_80} ({percent(now['share_customers_for_80pct'])}) {makes} 80%;"
        f" Gini {plain(now['gini'])[:5]}",
    )
    yield (
        "90/10",
        f"{percent(now['existing_share_revenue'])} of revenue comes from customers of before;"
        f" {counted(now['new_customers'], 'new customer')} brought {money(now['new_revenue'])}",
    )


def _migration(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    before = summary["previous"]
    if not before["active"]:
        yield ("Moves", f"nobody bought in {days(before['period'])}: nothing to compare with")
        return
    frozen, rank = summary["migration"]["frozen"], summary["migration"]["rank"]
    yield (
        "Moves",
        f"{frozen['upgrade']:,} up, {frozen['downgrade']:,} down, {frozen['stable']:,} stable,"
        f" {frozen['lapsed']:,} lapsed, {frozen['reactivated']:,} reactivated,"
        f" {frozen['new']:,} new (frozen basis);"
        f" {percent(frozen['retention_rate'])} of last period's customers bought again",
    )
    yield (
        "Net",
        f"upward migration {signed_percent(frozen['net_upward_retained'])} on the frozen basis,"
        f" {signed_percent(rank['net_upward_retained'])} on the rank basis (both cut alike);"
        f" with new and lapsed customers {signed_percent(frozen['net_upward_total'])} and"
        f" {signed_percent(rank['net_upward_total'])}",
    )
    if Decimal(before["revenue"]) <= 0:
        return
    change = Decimal(summary["current"]["revenue"]) / Decimal(before["revenue"]) - 1
    yield (
        "Revenue",
        f"{signed_percent(change)} on {money(before['revenue'])} in the period before",
    )
