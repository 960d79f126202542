"""What other rules would change, for a reader: layers side by side, then accounts and tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from connector.cli.console import console, heading, table
from connector.cli.figures import NOTHING, counted, money, percent, plain, short_money
from connector.cli.what_if import Tried, layer_of
from customer_pyramid.money import cents
from six_goals.action import Action

_COUNTS: Final = ("Tasks", "after", "come", "go")


def show(tried: Tried, limit: int) -> None:
    """Print what was tried and what would be otherwise."""
    out, found = console(), tried.found
    out.print(f"What if, for {tried.job} as of {tried.as_of}; nothing was written", style="bold")
    for change in tried.changes:
        out.print(f"  {change}")
    out.print(f"rules {found.before.rules} before, {found.after.rules} after\n", style="dim")
    if found.before.rules == found.after.rules:
        out.print("These are the job's rules as they are: nothing would change.", style="green")
        return
    out.print(_layers(tried))
    _show_moves(tried, limit)
    if tried.goals:
        _show_tasks(tried, limit)


def _layers(tried: Tried) -> Any:
    # Headings must differ, so that each column can be told to stand on the right.
    right = ("Customers", "after", "change", "Share", "after ", "From", "after  ")
    rows = table("Layer", *right, right=right)
    for name in tried.layers:
        before, after = (layer_of(side, name) for side in (tried.found.before, tried.found.after))
        rows.add_row(
            name,
            f"{before.customers:,}",
            f"{after.customers:,}",
            _signed(after.customers - before.customers),
            *("" if x.share_revenue is None else percent(x.share_revenue) for x in (before, after)),
            *(_least(x.boundary or x.min_revenue) for x in (before, after)),
        )
    return rows


def _least(revenue: str | None) -> str:
    return "" if revenue is None else short_money(revenue)


def _signed(change: int) -> str:
    return f"{change:+,}" if change else NOTHING


def _show_moves(tried: Tried, limit: int) -> None:
    out, found = console(), tried.found
    if not found.moved:
        out.print("\nNo account would be in another layer.")
        return
    out.print(heading(f"{counted(found.moved, 'account')} in another layer"))
    steps = table("From", "To", "Accounts", right=("Accounts",))
    for step in found.steps:
        steps.add_row(step.before, step.after, f"{step.accounts:,}")
    out.print(steps)
    out.print()
    rows = table("Account", "Name", "From", "To", "Revenue", right=("Revenue",), fold=("Account",))
    for move in found.moves:
        revenue = None if move.revenue is None else cents(move.revenue)
        rows.add_row(move.account, plain(move.name), move.before, move.after, money(revenue))
    out.print(rows)
    _show_rest(len(found.moves), found.moved, limit)


def _show_tasks(tried: Tried, limit: int) -> None:
    out, found = console(), tried.found
    rows = table("Goal", *_COUNTS, right=_COUNTS)
    for goal, title in tried.goals.items():
        counts = tried.tasks(goal)
        both = (f"{counts[side]:,}" for side in ("before", "after"))
        rows.add_row(title, *both, _signed(counts["come"]), _signed(-counts["go"]))
    out.print(heading("Tasks"))
    out.print(rows)
    _show_actions("would come", found.come, sum(found.coming.values()), limit)
    _show_actions("would go", found.go, sum(found.going.values()), limit)


def _show_actions(what: str, actions: Sequence[Action], count: int, limit: int) -> None:
    if not actions:
        return
    out = console()
    out.print(heading(f"{counted(count, 'task')} {what}"))
    rows = table("Goal", "Account", "Task", "Worth", right=("Worth",), fold=("Account", "Task"))
    for action in actions:
        worth = short_money(cents(action.expected_value))
        rows.add_row(action.goal, action.account_id, action.title, worth)
    out.print(rows)
    _show_rest(len(actions), count, limit)


def _show_rest(shown: int, count: int, limit: int) -> None:
    if shown < count:
        rest = f"... and {count - shown:,} more (--limit {limit}; 0 shows all)"
        console().print(rest, style="dim")
