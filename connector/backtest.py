"""The rules on days that have passed: what they would have said, and what followed.

Each day is analysed with what was known then, by the dates of the records: their values are those
of today. What followed is compared between the accounts for which a goal proposed something and
those in the same position for which it did not: it tells what a rule sees coming, not what a task
is good for. That is for the holdout to tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count, takewhile
from typing import Any, Final, Literal, Self, TypeAlias, get_args

import pyarrow as pa

from connector.analysis import Analysis, analyse
from connector.engine import Engine
from connector.language import words_of
from connector.ruleset import RuleSet
from customer_pyramid.periods import add_months
from customer_pyramid.settings import INACTIVE
from six_goals.uplift import Group, Uplift, uplift

Outcome: TypeAlias = Literal["lapsed", "grew", "came_back", "first_order"]
"""What may follow: of active customers the first two, of Inactive and of all others one each."""

_STEP: Final = re.compile(r"([1-9]\d{0,2})(d|w|mo|y)")
_MONTHS: Final = {"mo": 1, "y": 12}
_DAYS: Final = {"d": 1, "w": 7}

_SPAN: Final = """
    select min(close_date), max(close_date) from held_opportunities
    where status = 'won' and amount is not null and close_date <= $today
"""
_FOLLOWED: Final = """
    create or replace table followed as
    with bought as (
        select account_id,
            count(*) filter (close_date > $day and amount > 0) > 0 as bought,
            coalesce(sum(amount) filter (close_date > $day), 0)
                > coalesce(sum(amount) filter (close_date <= $day), 0) as grew
        from later_sales where close_date > $before and close_date <= $until
        group by account_id
    )
    select s.account_id,
        case when s.tier is not null then 'active'
            when s.layer = $inactive then 'inactive' else 'other' end as position,
        coalesce(b.bought, false) as bought, coalesce(b.grew, false) as grew
    from standings s left join bought b using (account_id)
    where s.inherited_from is null and s.revenue is not null
"""
_COUNTED: Final = """
    select null as goal, position, count(*), count(*) filter (bought), count(*) filter (grew)
    from followed group by position
    union all
    select goal, position, count(*), count(*) filter (bought), count(*) filter (grew)
    from flagged join followed using (account_id) group by goal, position
"""
_REMEMBER: Final = """
    create or replace table before as
    select account_id, layer, tier, tier_raw, null::date as tier_since, null::bigint as digest
    from standings
"""


@dataclass(frozen=True, slots=True)
class Step:
    """The time from one day to the next: whole months, or days."""

    months: int = 0
    days: int = 0

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the step that *text* names, such as 3mo, 1y, 2w or 30d; else raise ValueError."""
        found = _STEP.fullmatch(text)
        if not found:
            raise ValueError(f"no step: {text!r}")
        number, unit = int(found[1]), found[2]
        return cls(number * _MONTHS.get(unit, 0), number * _DAYS.get(unit, 0))

    def day(self, first: date, times: int) -> date:
        """Return the day that is *times* steps from *first*.

        Months are counted from the day after, as periods are: from the last day of a month it is
        always a last day.
        """
        after = first + timedelta(days=1)
        return add_months(after, times * self.months) + timedelta(days=times * self.days - 1)


@dataclass(frozen=True, slots=True)
class Followed:
    """How often something followed where a goal proposed an action, and where it did not."""

    flagged: Group
    others: Group

    def __add__(self, other: Followed) -> Followed:
        return Followed(_sum(self.flagged, other.flagged), _sum(self.others, other.others))

    @property
    def difference(self) -> Uplift | None:
        """Return how much more often it followed where there was an action; None if few know."""
        return uplift(self.flagged, self.others)


_NOBODY: Final = Group(0, 0)
_UNSEEN: Final = Followed(_NOBODY, _NOBODY)

Outcomes: TypeAlias = Mapping[str, Mapping[Outcome, Followed]]
"""What followed, by goal."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day replayed; *followed* is None where it is not known yet.

    *summary* is as that of a run. *accounts* are those with an action, by goal.
    """

    as_of: date
    until: date
    summary: Mapping[str, Any]
    accounts: Mapping[str, int]
    followed: Outcomes | None


def days(first: date, last: date, step: Step) -> list[date]:
    """Return the days from *first*, by *step*, up to *last*."""
    return list(takewhile(lambda day: day <= last, (step.day(first, n) for n in count())))


def span_of_sales(engine: Engine, today: date) -> tuple[date, date] | None:
    """Return the days of the first and the last sale that are known *today*."""
    first, last = engine.database.execute(_SPAN, {"today": today}).fetchone() or (None, None)
    return (first, last) if first and last else None


def replay(
    engine: Engine, rules: RuleSet, first: date, last: date, step: Step, known_until: date
) -> Iterator[Day]:
    """Yield each day from *first* to *last*, with what followed until the next.

    The engine has been loaded for a replay. A day remembers the tiers of the one before, as runs
    do, and nothing of the runs that there were.
    """
    engine.database.execute("delete from before")
    for times, day in enumerate(days(first, last, step)):
        analysis = _analysed(engine, rules, day)
        engine.workspace.bring("flagged", _flagged(analysis))
        before, until = step.day(first, times - 1), step.day(first, times + 1)
        known = until <= known_until
        yield Day(
            as_of=day,
            until=until,
            summary=analysis.summary,
            accounts=_accounts(engine, rules),
            followed=_followed(engine, rules, analysis, before, until) if known else None,
        )
        engine.database.execute(_REMEMBER)


def together(rules: RuleSet, replayed: Iterable[Day]) -> Outcomes:
    """Return what followed on all days whose end is known, added up."""
    totals = {goal.name: dict.fromkeys(get_args(Outcome), _UNSEEN) for goal in rules.goals}
    for day in replayed:
        for goal, outcomes in (day.followed or {}).items():
            for outcome, followed in outcomes.items():
                totals[goal][outcome] += followed
    return totals


def _analysed(engine: Engine, rules: RuleSet, day: date) -> Analysis:
    words = words_of(rules.job.model.language, [goal.locale for goal in rules.goals])
    return analyse(engine, rules, day, words, replay=True)


def _flagged(analysis: Analysis) -> pa.Table:
    pairs = sorted({(action.goal, action.account_id) for action in analysis.actions})
    return pa.table(
        {
            "goal": pa.array([goal for goal, _ in pairs], pa.string()),
            "account_id": pa.array([account for _, account in pairs], pa.string()),
        }
    )


def _accounts(engine: Engine, rules: RuleSet) -> Mapping[str, int]:
    rows = engine.database.execute("select goal, count(*) from flagged group by goal").fetchall()
    found = dict(rows)
    return {goal.name: found.get(goal.name, 0) for goal in rules.goals}


def _followed(
    engine: Engine, rules: RuleSet, analysis: Analysis, before: date, until: date
) -> Outcomes:
    _show_later_sales(engine, analysis, until)
    window = {"before": before, "day": analysis.facts.as_of, "until": until}
    engine.database.execute(_FOLLOWED, {**window, "inactive": INACTIVE})
    counted: dict[str | None, dict[Outcome, Group]] = {}
    for goal, position, *counts in engine.database.execute(_COUNTED).fetchall():
        counted.setdefault(goal, {}).update(_groups(position, *counts))
    everybody = counted.get(None, {})
    return {
        goal.name: {
            outcome: _compared(counted.get(goal.name, {}), everybody, outcome)
            for outcome in get_args(Outcome)
        }
        for goal in rules.goals
    }


def _show_later_sales(engine: Engine, analysis: Analysis, until: date) -> None:
    """Make a view of all sales up to *until*, counted as the analysis counts them."""
    from customer_pyramid.hierarchy import roll_up
    from customer_pyramid.sales import recognised

    facts = analysis.facts
    sales = recognised(
        facts.opportunities(), as_of=until, base_currency=facts.base_currency, rates=facts.rates
    )
    if "links" in engine.workspace:
        sales = roll_up(sales, engine.workspace.table("links"))
    engine.workspace.view("later_sales", sales)


def _groups(position: str, accounts: int, bought: int, grew: int) -> dict[Outcome, Group]:
    if position == "active":
        return {"lapsed": Group(accounts - bought, accounts), "grew": Group(grew, accounts)}
    return {"came_back" if position == "inactive" else "first_order": Group(bought, accounts)}


def _compared(
    flagged: Mapping[Outcome, Group], everybody: Mapping[Outcome, Group], outcome: Outcome
) -> Followed:
    some, every = flagged.get(outcome, _NOBODY), everybody.get(outcome, _NOBODY)
    others = Group(every.successes - some.successes, every.accounts - some.accounts)
    return Followed(some, others)


def _sum(one: Group, other: Group) -> Group:
    return Group(one.successes + other.successes, one.accounts + other.accounts)
