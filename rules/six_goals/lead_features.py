"""Lead features: what was known of a lead at a given age, and nothing later."""

from __future__ import annotations

from datetime import date
from typing import Final

import ibis
import ibis.expr.types as ir

from six_goals.settings import LeadScoringSettings

FIELDS: Final = ("industry", "region", "size_band", "source", "channel")
COUNTS: Final = ("activities", "inbound")
DAYS: Final = ("days_to_first", "days_since_last")

_OPEN = ("open", "qualified")
_WON = "won"


def lead_examples(
    leads: ir.Table, accounts: ir.Table, settings: LeadScoringSettings, as_of: date
) -> ir.Table:
    """Return one row for each lead and each age it reached undecided; materialise it.

    Columns: lead_id, account_id, age (days), created_on, won (null while open) and `FIELDS`, the
    lead's own or else those of its account.

    A lead that was decided before it reached an age is no example of it: that nothing happened
    afterwards would tell how it ended. One that was decided on an unknown day is none either.
    """
    rows = _reached(leads, settings, as_of)
    shared = [name for name in FIELDS if name in accounts.columns]
    about = accounts.select(of_id="id", **{f"of_{name}": accounts[name] for name in shared})
    joined = rows.left_join(about, rows.account_id == about.of_id)
    known = {name: ibis.coalesce(joined[name], joined[f"of_{name}"]) for name in shared}
    given = [name for name in FIELDS if name not in shared]
    return joined.select("lead_id", "account_id", "age", "created_on", "won", *given, **known)


def activities_seen(examples: ir.Table, activities: ir.Table) -> ir.Table:
    """Return the activities of each of *examples* before it had its age; materialise it.

    Columns: lead_id, age, day (from 0, the day on which the lead was created), kind, direction and
    outcome. An activity that names no lead is with every lead of its account.
    """
    told = activities.mutate(on=activities.happened_at.date())
    named = told.filter(told.lead_id.notnull()).mutate(told_id=told.lead_id)
    general = told.filter(told.lead_id.isnull()).mutate(told_id=told.account_id)
    of_lead, of_account = (
        _met(examples, source, key) for key, source in (("lead_id", named), ("account_id", general))
    )
    return of_lead.union(of_account)


def lead_histories(examples: ir.Table, seen: ir.Table) -> ir.Table:
    """Return *examples* with `COUNTS` and `DAYS` of the activities seen (`activities_seen`).

    The days are null without an activity; days_since_last is 1 for an activity the day before.
    """
    contacts = seen.group_by(seen_id="lead_id", seen_age="age").aggregate(
        activities=seen.count(),
        inbound=seen.count(where=seen.direction == "inbound"),
        days_to_first=seen.day.min(),
        days_since_last=(seen.age - seen.day).min(),
    )
    joined = examples.left_join(
        contacts, [examples.lead_id == contacts.seen_id, examples.age == contacts.seen_age]
    )
    counts = {name: joined[name].fill_null(0) for name in COUNTS}
    return joined.select(*examples.columns, *DAYS, **counts)


def activity_counts(seen: ir.Table) -> ir.Table:
    """Return how many activities of each kind and of each outcome were seen.

    Columns: lead_id, age, feature ("kind:call", "outcome:no_answer") and n.
    """
    kinds, outcomes = (
        seen.filter(seen[name].notnull()).select(
            "lead_id", "age", feature=ibis.literal(f"{name}:") + seen[name]
        )
        for name in ("kind", "outcome")
    )
    rows = kinds.union(outcomes)
    return rows.group_by("lead_id", "age", "feature").aggregate(n=rows.count())


def _reached(leads: ir.Table, settings: LeadScoringSettings, as_of: date) -> ir.Table:
    """Return the leads once for every age at which they were still undecided."""
    today = ibis.literal(as_of, type="date")
    ended = leads.status.isin((_WON, *sorted(settings.not_won))) & leads.closed_on.notnull()
    decided = ended & (leads.closed_on <= today)
    rows = leads.filter(leads.status.isin(_OPEN) | ended).select(
        "account_id",
        *FIELDS,
        lead_id="id",
        created_on=leads.created_at.date(),
        won=ibis.ifelse(decided, leads.status == _WON, ibis.null("boolean")),
        until=ibis.ifelse(decided, leads.closed_on, today),
        age=ibis.array(list(settings.ages)).cast("array<int64>").unnest(),
    )
    return rows.filter(rows.until.delta(rows.created_on, unit="day") >= rows.age)


def _met(examples: ir.Table, activities: ir.Table, key: str) -> ir.Table:
    """Return the activities whose told_id is the *key* of an example, before it had its age."""
    rows = examples.select("lead_id", "account_id", "age", "created_on")
    told = activities.select("told_id", "on", "kind", "direction", "outcome")
    joined = rows.join(told, rows[key] == told.told_id)
    day = joined.on.delta(joined.created_on, unit="day")
    met = joined.select("lead_id", "age", "kind", "direction", "outcome", day=day)
    return met.filter(met.day >= 0, met.day < met.age)
