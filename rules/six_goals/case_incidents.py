"""Case incidents: what cases tell of how customers fared with us, bad and good."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from customer_pyramid.days import days_since
from customer_pyramid.money import UNITS
from six_goals.incidents import Kind, as_incidents
from six_goals.settings import ExperienceSettings


def dated_cases(cases: ir.Table, as_of: date) -> ir.Table:
    """Return *cases* with the days ago that they were opened, due, answered, ended and judged.

    A case is judged when it is closed; one that is not, on the day that it was opened. Materialise
    the result: every kind of incident reads it.
    """
    ended = cases.closed_at.date()
    return cases.filter(cases.account_id.notnull()).select(
        "account_id",
        "id",
        "name",
        "reopened",
        "csat",
        "nps",
        open=cases.status == "open",
        urgent=(cases.severity == "high").fill_null(False),
        slow=(cases.first_response_at > cases.due_at).fill_null(False),
        opened=days_since(cases.opened_at.date(), as_of),
        due=days_since(cases.due_at.date(), as_of),
        answered=days_since(cases.first_response_at.date(), as_of),
        judged=days_since(ended.coalesce(cases.opened_at.date()), as_of),
    )


def case_incidents(cases: ir.Table, settings: ExperienceSettings) -> ir.Table:
    """Return the bad experiences with *cases*, those of `dated_cases`; see `as_incidents`.

    A case is overdue at the end of the day that it is due. What is over counts for *recent_days*.
    """
    recent = cases.judged <= settings.recent_days
    overdue = cases.filter(cases.open, cases.due >= 0)
    slow = cases.filter(cases.slow, cases.answered <= settings.recent_days)
    found = [
        _of_case(overdue, "overdue_case", "due", figure=overdue.due),
        _of_case(slow, "slow_response", "answered", figure=slow.due - slow.answered),
        _of_case(cases.filter(cases.reopened, cases.open | recent), "reopened", "opened"),
        _scored(cases, "csat", cases.csat <= settings.low_csat * UNITS, "low_csat", settings),
        _scored(cases, "nps", cases.nps <= settings.low_nps * UNITS, "low_nps", settings),
        _many(cases, settings),
        _dropped(cases, "csat", settings),
        _dropped(cases, "nps", settings),
    ]
    return ibis.union(*found)


def praise(cases: ir.Table, settings: ExperienceSettings) -> ir.Table:
    """Return the good experiences with *cases*: promoters, and those as satisfied as can be."""
    promoters = cases.nps >= settings.high_nps * UNITS
    satisfied = (cases.csat >= settings.high_csat * UNITS) & ~promoters.fill_null(False)
    return ibis.union(
        _scored(cases, "nps", promoters, "promoter", settings),
        _scored(cases, "csat", satisfied, "satisfied", settings),
    )


def _scored(
    cases: ir.Table, scale: str, found: ir.BooleanValue, kind: Kind, settings: ExperienceSettings
) -> ir.Table:
    rows = cases.filter(found, cases.judged <= settings.recent_days)
    return _of_case(rows, kind, "judged", figure=rows[scale])


def _many(cases: ir.Table, settings: ExperienceSettings) -> ir.Table:
    """Return the latest case of those with many of them in a short time."""
    rows = cases.filter(cases.opened < settings.many_cases_days)
    latest = ibis.window(group_by=rows.account_id, order_by=[rows.opened, rows.id.desc()])
    whole = ibis.window(group_by=rows.account_id)
    rows = rows.mutate(
        place=ibis.row_number().over(latest), number=rows.count().over(whole).cast("int64")
    )
    many = rows.filter(rows.place == 0, rows.number >= settings.many_cases)
    return _of_case(many, "many_cases", "opened", figure=many.number)


def _dropped(cases: ir.Table, scale: str, settings: ExperienceSettings) -> ir.Table:
    """Return the last judged case of those whose score fell."""
    rows = cases.filter(cases[scale].notnull())
    order = [rows.judged.desc(), rows.id]
    by_day = ibis.window(group_by=rows.account_id, order_by=order)
    rows = rows.mutate(before=rows[scale].lag().over(by_day), after=rows.id.lead().over(by_day))
    last = rows.filter(rows.after.isnull(), rows.judged <= settings.recent_days)
    fell = last.filter(last.before - last[scale] >= settings.score_drop * UNITS)
    return _of_case(fell, "score_drop", "judged", figure=fell[scale], before=fell.before)


def _of_case(cases: ir.Table, kind: Kind, ago: str, **figures: ir.IntegerValue) -> ir.Table:
    return as_incidents(
        cases, kind, "case", cases[ago], label=cases.name, urgent=cases.urgent, **figures
    )
