"""Climbed: which accounts came to what an up-sell action was for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import ibis
import ibis.expr.types as ir

from customer_pyramid.exact import total, wide
from six_goals.goal import Facts
from six_goals.ladder import step_number
from six_goals.outcomes import ordered, ordered_item

_TRIAL = ("account_id", "item", "started_on")


def target_reached(facts: Facts, trials: ir.Table) -> ir.Table:
    """Return the trials whose account came to its target; see `Goal.succeeded` for the columns.

    The target is the revenue of the next tier when the trial started. It is reached on the first
    day until *ends_on* on which the sales of as many days as the current period has come to it. The
    value is the margin of all sales until *ends_on*.
    """
    rows = trials.join(_trailing(facts, trials), "account_id")
    reached = rows.filter(
        rows.day > rows.started_on, rows.day <= rows.ends_on, rows.revenue >= rows.target
    )
    first = reached.group_by(_TRIAL).aggregate(succeeded_on=reached.day.min())
    worth = ordered(facts, trials).select(*_TRIAL, "value")
    return first.left_join(worth, _TRIAL).select(*_TRIAL, "succeeded_on", "value")


def stepped_up(facts: Facts, trials: ir.Table, prefix: str, ladder: Sequence[str]) -> ir.Table:
    """Return the trials after which the step that was offered, or a higher one, was bought.

    The step is what follows *prefix* in the item. The value is the margin of these purchases.
    """
    offered = trials.item.substr(len(prefix))
    asked = trials.select(
        "account_id",
        "started_on",
        "ends_on",
        asked="item",
        item=offered,
        least=step_number(offered, ladder),
    )
    enough = [asked.filter(asked.least.isnull())]  # the ladder was another one then
    for number, step in enumerate(ladder):
        enough.append(asked.filter(asked.least <= number).mutate(item=ibis.literal(step)))
    any_of = ibis.union(*enough) if ladder else enough[0]
    found = any_of.join(ordered_item(facts, any_of), _TRIAL)
    return (
        found.group_by("account_id", "started_on", item=found.asked)
        .aggregate(succeeded_on=found.succeeded_on.min(), value=total(found.value))
        .select(*_TRIAL, "succeeded_on", "value")
    )


def _trailing(facts: Facts, trials: ir.Table) -> ir.Table:
    """Return account_id, day and revenue: what was sold in the period that ends with each day."""
    sales = facts.table("sales").semi_join(trials, "account_id")
    days = sales.group_by("account_id", day=sales.close_date).aggregate(amount=total(sales.amount))
    first = ibis.literal(date(1970, 1, 1), type="date")
    numbered = days.mutate(number=days.day.delta(first, unit="day"))
    length = (facts.current.end - facts.current.start).days
    window = ibis.range_window(
        preceding=length - 1, following=0, group_by=numbered.account_id, order_by=numbered.number
    )
    revenue = wide(numbered.amount.sum().over(window)).cast("int64")
    return numbered.select("account_id", "day", revenue=revenue)
