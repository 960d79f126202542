"""A backtest for a reader: the pyramid day by day, what was proposed, and what followed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from connector.backtest import Day, Followed, Outcome, Outcomes
from connector.cli.backtesting import Replayed
from connector.cli.console import console, facts, heading, table
from connector.cli.figures import NOTHING, counted, percent, short_money, signed_percent
from customer_pyramid.money import places
from customer_pyramid.settings import INACTIVE, PROSPECT, SUSPECT
from six_goals.uplift import Group

_SAID: Final[Mapping[Outcome, str]] = {
    "lapsed": "lapsed",
    "grew": "grew",
    "came_back": "came back",
    "first_order": "bought",
}
_MOVES: Final = {
    "upgrade": "Up",
    "downgrade": "Down",
    "stable": "Stable",
    "lapsed": "Lapsed",
    "reactivated": "Back",
    "new": "New",
}
_OUTSIDE: Final = (INACTIVE, PROSPECT, SUSPECT)
_KEY: Final = (
    "Flagged: accounts for which the goal proposed something on that day. Others: those in the"
    " same position for which it did not: active customers for 'lapsed' and 'grew', Inactive for"
    " 'came back', Prospect and Suspect for 'bought'. Difference: in percentage points, with its"
    " 95% interval; an account counts on each day anew. It tells what a rule sees coming; what a"
    " task is good for is told by the accounts held out."
)


def show(found: Replayed) -> None:
    """Print a backtest."""
    out, first, last = console(), found.days[0].as_of, found.days[-1].as_of
    title = f"Backtest of {found.job}: {counted(len(found.days), 'day')}, {first} to {last}"
    out.print(title, style="bold")
    currency = found.days[0].summary["currency"]
    said = f"every {found.every}; revenue in {currency}; rules {found.rules.hash}\n"
    out.print(said, style="dim")
    out.print(_pyramids(found))
    out.print(heading("Moves since the period before each, by its limits (frozen basis)"))
    out.print(_moves(found))
    if not found.rules.goals:
        return
    _show_actions(found)
    for day in found.days:
        _show_day(found, day)
    if any(day.followed for day in found.days):
        out.print(heading("All days together"))
        _show_outcomes(found, found.together)
        out.print()
        out.print(_KEY, style="dim")


def _pyramids(found: Replayed) -> Any:
    tiers = [layer for layer in _sizes(found.days[0]) if layer not in _OUTSIDE]
    rows = _by_day("Active", "Revenue", *tiers, INACTIVE)
    for day in found.days:
        now, sizes = day.summary["current"], _sizes(day)
        counts = (f"{sizes[layer]:,}" for layer in (*tiers, INACTIVE))
        rows.add_row(str(day.as_of), f"{now['active']:,}", short_money(now["revenue"]), *counts)
    return rows


def _moves(found: Replayed) -> Any:
    rows = _by_day(*_MOVES.values(), "Net")
    for day in found.days:
        moves = day.summary["migration"]["frozen"]
        counts = (_count(moves[move]) for move in _MOVES)
        rows.add_row(str(day.as_of), *counts, signed_percent(moves["net_upward_retained"]))
    return rows


def _by_day(*columns: str) -> Any:
    """Return an empty table with a column for the day, and *columns* of figures."""
    rows = table("Day", *columns, right=columns)
    rows.columns[0].no_wrap = True
    return rows


def _count(count: int) -> str:
    return f"{count:,}" if count else NOTHING


def _sizes(day: Day) -> dict[str, int]:
    layers = day.summary["current"]["layers"]
    return {layer["layer"]: layer["customers"] for layer in layers}


def _show_actions(found: Replayed) -> None:
    out, goals = console(), _titles(found)
    rows = _by_day(*goals.values())
    for day in found.days:
        counts = (_count(day.summary["goals"][goal]["proposed"]) for goal in goals)
        rows.add_row(str(day.as_of), *counts)
    out.print(heading("Actions proposed"))
    out.print(rows)
    gaps = dict(_gaps(found))
    if gaps:
        out.print()
        out.print(facts(gaps))


def _titles(found: Replayed) -> dict[str, str]:
    return {goal.name: goal.title for goal in found.rules.goals}


def _gaps(found: Replayed) -> Iterator[tuple[str, str]]:
    """Yield the goals that lack data, and which."""
    for goal, title in _titles(found).items():
        said = [day.summary["goals"][goal].get("gap") for day in found.days]
        for gap in dict.fromkeys(filter(None, said)):
            yield title, gap


def _show_day(found: Replayed, day: Day) -> None:
    out = console()
    out.print(heading(f"After {day.as_of}, until {day.until}"))
    if day.followed is None:
        out.print(f"not yet known: the last sale is of {found.last_sale}")
        return
    _show_outcomes(found, day.followed)


def _show_outcomes(found: Replayed, outcomes: Outcomes) -> None:
    right = ("Flagged", "Others", "Difference")
    rows = table("Goal", "", *right, right=right)
    for column in rows.columns:
        column.no_wrap = True
    for goal, title in _titles(found).items():
        for outcome, followed in outcomes[goal].items():
            if followed.flagged.accounts:
                groups = map(_group, (followed.flagged, followed.others))
                rows.add_row(title, _SAID[outcome], *groups, _difference(followed))
                title = ""
    if rows.row_count:
        console().print(rows)
        return
    console().print("nothing was proposed for an account that could be followed")


def _group(group: Group) -> str:
    if not group.accounts:
        return NOTHING
    return f"{percent(places(group.rate, 6))} of {group.accounts:,}"


def _difference(followed: Followed) -> str:
    found = followed.difference
    if found is None:
        return "not enough data"
    points, low, high = (100 * share for share in (found.difference, found.low, found.high))
    return f"{points:+.1f} ({low:.1f} to {high:.1f})"
