"""Scores: what customers answered before something was done, and after."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

SCALES = ("csat", "nps")


def score_changes(trials: ir.Table, cases: ir.Table) -> ir.Table:
    """Return before, after and scored_on of the *trials* where both are known, one row a scale.

    *before* is the last score up to *started_on*, *after* the first one later, up to *ends_on*. A
    score is given when its case is closed; if that is not known, when it was opened.
    """
    scored = _scores(cases)
    rows = trials.select("account_id", "item", "started_on", "ends_on").join(
        scored, trials.account_id == scored.scored_id
    )
    rows = rows.filter(rows.scored_on <= rows.ends_on)
    rows = rows.mutate(later=rows.scored_on > rows.started_on)
    trial = ["account_id", "item", "started_on", "scale"]
    away = rows.scored_on.delta(rows.started_on, unit="day").abs()
    nearest = ibis.window(group_by=[*trial, "later"], order_by=[away, rows.case_id])
    near = rows.mutate(place=ibis.row_number().over(nearest))
    near = near.filter(near.place == 0)
    changes = near.group_by(*trial).aggregate(
        before=near.score.max(where=~near.later),
        after=near.score.max(where=near.later),
        scored_on=near.scored_on.max(where=near.later),
    )
    return changes.filter(changes.before.notnull(), changes.after.notnull())


def _scores(cases: ir.Table) -> ir.Table:
    """Return scored_id, case_id, scale, score and scored_on of every score."""
    given = cases.closed_at.date().coalesce(cases.opened_at.date())
    return ibis.union(
        *(
            cases.select(
                scored_id="account_id",
                case_id="id",
                scale=ibis.literal(scale),
                score=cases[scale],
                scored_on=given,
            ).filter(lambda rows: rows.score.notnull())
            for scale in SCALES
        )
    )
