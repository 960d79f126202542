"""Outcomes: which accounts that a goal once selected came to what it wanted, and what of that is
due to the tasks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import groupby
from typing import Literal, TypeAlias, TypedDict

import ibis
import ibis.expr.types as ir

from customer_pyramid.exact import total
from customer_pyramid.money import half_up
from six_goals.goal import Facts
from six_goals.uplift import Amounts, Group, Uplift, uplift, value_uplift

Arm: TypeAlias = Literal["treated", "holdout"]


class TallyRow(TypedDict):
    """One row of `tally`: *n* trials that are alike in all that is counted.

    *counted* is false for trials that only count their tasks.
    """

    goal: str
    arm: Arm
    counted: bool
    ended: bool
    succeeded: bool
    task_status: str | None
    value: int | None
    n: int


@dataclass(frozen=True, slots=True)
class Result:
    """What became of the accounts of a goal that were treated, or of those held out.

    *ended* are those whose time is over, *so_far* these and all others. *amounts* is what those of
    *ended* brought; None if that isn't known of one that succeeded.
    """

    ended: Group
    so_far: Group
    amounts: Amounts | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a goal's tasks came to: *tasks* counts them by status (open, done, rejected, gone)."""

    tasks: Mapping[str, int]
    treated: Result
    held_out: Result

    @property
    def uplift(self) -> Uplift | None:
        """How much more often accounts succeed if treated; None is "not enough data"."""
        return uplift(self.treated.ended, self.held_out.ended)

    @property
    def value_uplift(self) -> Uplift | None:
        """How much more an account brings if treated; None is "not enough data"."""
        if self.treated.amounts is None or self.held_out.amounts is None:
            return None
        return value_uplift(self.treated.amounts, self.held_out.amounts)


def ordered(facts: Facts, trials: ir.Table) -> ir.Table:
    """Return the trials that an order followed; see `Goal.succeeded` for the columns.

    The value is the gross margin of all sales from then until *ends_on*.
    """
    bought = facts.table("sales").select("account_id", "close_date", "amount")
    return _followed(trials, bought, facts.margin)


def ordered_item(facts: Facts, trials: ir.Table) -> ir.Table:
    """Return the trials that a purchase of the very item followed."""
    bought = facts.table("purchases").select("account_id", "close_date", "amount", bought="item")
    return _followed(trials, bought, facts.margin)


def tally(trials: ir.Table, as_of: date) -> ir.Table:
    """Return the trials that had begun by *as_of*, added up; see `TallyRow`.

    *trials* has goal, account_id, item, started_on, ends_on, arm, task_status, succeeded_on and
    value. An account counts once for a goal, with its first trial: who succeeded is selected less
    often again. One that changed sides before that ended counts on neither. A trial has ended when
    its last day is over, also if it succeeded long before: those that did not must have had as
    long.
    """
    today = ibis.literal(as_of, type="date")
    begun = trials.filter(trials.started_on <= today)
    account = ibis.window(group_by=["goal", "account_id"])
    place = ibis.row_number().over(
        group_by=["goal", "account_id"], order_by=[begun.started_on, begun.item]
    )
    treated, held = begun.arm == "treated", begun.arm == "holdout"
    other_from = ibis.ifelse(
        treated,
        begun.started_on.min(where=held).over(account),
        begun.started_on.min(where=treated).over(account),
    )
    ended = begun.ends_on < today
    rows = begun.select(
        "goal",
        "arm",
        "task_status",
        counted=(place == 0) & (other_from.isnull() | (other_from > begun.ends_on)),
        ended=ended,
        succeeded=begun.succeeded_on.notnull(),
        value=ibis.ifelse(ended & begun.succeeded_on.notnull(), begun.value, ibis.null("int64")),
    )
    return rows.group_by(*rows.columns).aggregate(n=rows.count())


def outcomes(rows: Iterable[TallyRow]) -> dict[str, Outcome]:
    """Return what came of each goal, by its name, from the rows of `tally`.

    All accounts selected count, whether their task was done or not (intent to treat). Source:
    domain 3, measurement.
    """
    ordered_rows = sorted(rows, key=_goal)
    return {goal: _outcome(list(found)) for goal, found in groupby(ordered_rows, key=_goal)}


def _followed(trials: ir.Table, sales: ir.Table, margin: Fraction) -> ir.Table:
    bought = sales.rename(sale_account="account_id")
    same = [trials.account_id == bought.sale_account]
    if "bought" in bought.columns:
        same.append(trials.item == bought.bought)
    after = trials.join(bought, same).filter(
        lambda rows: (rows.close_date > rows.started_on) & (rows.close_date <= rows.ends_on)
    )
    found = after.group_by("account_id", "item", "started_on").aggregate(
        succeeded_on=after.close_date.min(where=after.amount > 0),
        revenue=total(after.amount),
    )
    per_mille = half_up(margin * 1000)
    succeeded = found.filter(found.succeeded_on.notnull())
    value = (succeeded.revenue.cast("decimal(38, 0)") * per_mille / ibis.literal(1000)).round(0)
    return succeeded.select(
        "account_id", "item", "started_on", "succeeded_on", value=value.cast("int64")
    )


def _goal(row: TallyRow) -> str:
    return row["goal"]


def _outcome(rows: Sequence[TallyRow]) -> Outcome:
    tasks: dict[str, int] = {}
    for row in rows:
        if row["task_status"] is not None:
            tasks[row["task_status"]] = tasks.get(row["task_status"], 0) + row["n"]
    return Outcome(tasks, _result(rows, "treated"), _result(rows, "holdout"))


def _result(rows: Sequence[TallyRow], arm: Arm) -> Result:
    selected = [row for row in rows if row["counted"] and row["arm"] == arm]
    ended = [row for row in selected if row["ended"]]
    brought = [(row["value"], row["n"]) for row in ended if row["succeeded"]]
    known = [(value, n) for value, n in brought if value is not None]
    group = _group(ended)
    return Result(
        ended=group,
        so_far=_group(selected),
        amounts=Amounts.of(known, group.accounts) if len(known) == len(brought) else None,
    )


def _group(rows: Iterable[TallyRow]) -> Group:
    counts = [(row["n"], row["n"] if row["succeeded"] else 0) for row in rows]
    return Group(
        successes=sum(succeeded for _, succeeded in counts), accounts=sum(n for n, _ in counts)
    )
