"""The actions of the last run: those that became tasks, those left out and why, and what came of
it all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from sqlalchemy import ColumnElement, case, func
from sqlmodel import col, select

from connector.cli.account import find_account
from connector.cli.console import console, facts, heading, print_json, table
from connector.cli.figures import CAUSES, counted, money, percent, short_money, signed_percent
from connector.cli.opening import Kept, open_kept
from connector.errors import ConfigError
from connector.store.tables import ActionRow, RunRow
from connector.trials import outcomes
from customer_pyramid.money import cents
from six_goals.suppression import Cause
from six_goals.uplift import ENOUGH, Group, Uplift

if TYPE_CHECKING:
    from six_goals.outcomes import Outcome, Result

_BECAME: Final = ("create", "open_task", "rep_cap")
_WHAT: Final = (*_BECAME, *(cause for cause in get_args(Cause) if cause not in _BECAME))
"""What becomes of an action: first the tasks, then what waits, then what is left out and why."""

_DATA: Final = (
    "goal", "account_id", "item", "decision", "cause", "marker", "owner", "priority", "due",
    "expires_on", "subject", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Listed:
    """Actions of a run: how many there are of each kind, some of each, and what came of them."""

    run: RunRow
    counts: Mapping[str, int]
    actions: Mapping[str, Sequence[ActionRow]]
    outcomes: Mapping[str, Outcome]


def actions(
    job_path: Path,
    goal: str | None,
    account: str | None,
    cause: str | None,
    limit: int,
    *,
    as_json: bool,
) -> None:
    """Print what the last run wanted done, *limit* actions of each kind (0 is all)."""
    kept = open_kept(job_path)
    listed = _listed(kept, goal, account, cause, limit)
    if as_json:
        print_json(_data(listed))
        return
    _show(kept, listed, limit)


def _listed(
    kept: Kept, goal: str | None, account: str | None, cause: str | None, limit: int
) -> _Listed:
    _check("--cause", cause, _WHAT)
    _check("--goal", goal, kept.job.model.rules.goals)
    run = kept.last_run()
    wanted = [col(ActionRow.job_id) == kept.job_id]
    if goal:
        wanted.append(col(ActionRow.goal) == goal)
    if account:
        wanted.append(col(ActionRow.account_id) == find_account(kept, account).id)
    if cause:
        wanted.append(_became() == cause)
    found: dict[str, Outcome] = {}
    if not account and not cause:
        found = outcomes(kept.store, kept.job_id, run.as_of)
    named = {name: one for name, one in found.items() if goal in (None, name)}
    with kept.store.session() as session:
        count = select(_became(), func.count()).where(*wanted).group_by(_became())
        counts = {str(what): int(n) for what, n in session.exec(count)}
        rows = {
            what: session.exec(_best(wanted, what).limit(limit or None)).all()
            for what in sorted(counts, key=_place)
        }
    return _Listed(run, {what: counts[what] for what in rows}, rows, named)


def _became() -> ColumnElement[Any]:
    return func.coalesce(col(ActionRow.cause), col(ActionRow.decision))


def _best(wanted: Sequence[ColumnElement[bool]], what: str) -> Any:
    order = case({"High": 0, "Normal": 1}, value=col(ActionRow.priority), else_=2)
    keys = (col(ActionRow.account_id), col(ActionRow.goal), col(ActionRow.item))
    query = select(ActionRow).where(*wanted, _became() == what)
    return query.order_by(order, col(ActionRow.expected_value).desc(), *keys)


def _place(what: str) -> tuple[int, str]:
    return (_WHAT.index(what) if what in _WHAT else len(_WHAT), what)


def _check(option: str, value: str | None, known: Sequence[str]) -> None:
    if value is not None and value not in known:
        raise ConfigError(f"{option}: no {value!r}; there is: {', '.join(known)}")


def _data(listed: _Listed) -> dict[str, Any]:
    """Return what is listed for JSON: money and shares as text."""
    return {
        "run_id": listed.run.id,
        "as_of": listed.run.as_of,
        "counts": listed.counts,
        "actions": [_action(action) for rows in listed.actions.values() for action in rows],
        "outcomes": {goal: _outcome(one) for goal, one in listed.outcomes.items()},
    }


def _action(action: ActionRow) -> dict[str, Any]:
    return {
        **{name: getattr(action, name) for name in _DATA},
        "expected_value": cents(action.expected_value),
        "evidence": json.loads(action.evidence),
    }


def _outcome(one: Outcome) -> dict[str, Any]:
    return {
        "tasks": one.tasks,
        "treated": _result(one.treated),
        "held_out": _result(one.held_out),
        "uplift": one.uplift and asdict(one.uplift),
        "value_uplift": one.value_uplift and asdict(one.value_uplift),
    }


def _result(result: Result) -> dict[str, Any]:
    return {"ended": asdict(result.ended), "so_far": asdict(result.so_far)}


def _show(kept: Kept, listed: _Listed, limit: int) -> None:
    out = console()
    total = counted(sum(listed.counts.values()), "action")
    out.print(f"{kept.job.name} as of {listed.run.as_of}: {total}", style="bold")
    for what, rows in listed.actions.items():
        out.print(heading(f"{listed.counts[what]:,} {CAUSES.get(what, what)}"))
        _show_rows(rows, dated=what in _BECAME)
        hidden = listed.counts[what] - len(rows)
        if hidden:
            out.print(f"... and {hidden:,} more (--limit {limit}; 0 shows all)", style="dim")
    if listed.outcomes:
        out.print(heading("What came of it"))
        currency = listed.run.summary["currency"]
        told = {goal: "\n".join(_told(one, currency)) for goal, one in listed.outcomes.items()}
        out.print(facts(told))


def _show_rows(rows: Sequence[ActionRow], *, dated: bool) -> None:
    due = ("Due",) if dated else ()
    shown = table("Goal", "Account", "What to do", "Worth", *due, right=("Worth", "Due"),
                  fold=("Account", "What to do"))  # fmt: skip
    shown.columns[0].no_wrap = True
    for action in rows:
        day = (str(action.due),) if dated else ()
        worth = short_money(cents(action.expected_value))
        shown.add_row(action.goal, action.account_id, action.subject, worth, *day)
    console().print(shown)


def _told(one: Outcome, currency: str) -> Iterator[str]:
    """Yield the lines about one goal: its tasks, its successes and what is due to the tasks."""
    tasks = ", ".join(f"{n:,} {status}" for status, n in sorted(one.tasks.items()))
    yield f"tasks: {tasks or 'none yet'}"
    treated, held_out = one.treated, one.held_out
    if one.uplift is None:
        yield (
            f"not enough data: {_through(treated.ended)} with a task and"
            f" {_through(held_out.ended)} held out have had their time,"
            f" {ENOUGH} of each are needed"
        )
        yield f"so far {_rate(treated.so_far)} with a task, {_rate(held_out.so_far)} held out"
        return
    yield f"succeeded: {_rate(treated.ended)} with a task, {_rate(held_out.ended)} held out"
    yield f"due to the tasks: {_range(one.uplift, signed_percent)} of the accounts"
    if one.value_uplift:
        yield f"margin an account: {_range(one.value_uplift, _signed_money)} {currency}"


def _through(group: Group) -> str:
    return f"{group.accounts:,}"


def _rate(group: Group) -> str:
    rate = f" ({percent(Decimal(group.successes) / group.accounts)})" if group.accounts else ""
    return f"{group.successes:,} of {group.accounts:,}{rate}"


def _range(uplift: Uplift, shown: Callable[[Decimal], str]) -> str:
    low, high = shown(uplift.low), shown(uplift.high)
    return f"{shown(uplift.difference)} (95% sure: {low} to {high})"


def _signed_money(amount: Decimal) -> str:
    return ("+" if amount > 0 else "") + money(amount)
