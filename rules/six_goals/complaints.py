"""Complaints: accounts that nobody should try to sell to just now."""

from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

LOW_CSAT = 2 * 10_000  # on a scale from 1 to 5, in units
LOW_NPS = 6 * 10_000  # on a scale from 0 to 10


def complaining(cases: ir.Table, as_of: date, days: int) -> ir.Table:
    """Return account_id of those with an open case of high severity or a recent bad score.

    A score is recent if the case was opened within *days*. Source: domain 3, suppression.
    """
    since = ibis.literal(as_of - timedelta(days=days), type="date")
    urgent = (cases.status == "open") & (cases.severity == "high").fill_null(False)
    low = (cases.csat <= LOW_CSAT).fill_null(False) | (cases.nps <= LOW_NPS).fill_null(False)
    recent = cases.opened_at.date() >= since
    return cases.filter(urgent | (low & recent)).select("account_id").distinct()
