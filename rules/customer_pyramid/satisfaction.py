"""Satisfaction: what customers say of us, and how we keep what they were promised."""

from datetime import timedelta

import ibis.expr.types as ir

from customer_pyramid.days import dated_in, timed_in
from customer_pyramid.division import divided
from customer_pyramid.exact import total
from customer_pyramid.money import UNITS
from customer_pyramid.periods import Period

CSAT_SATISFIED = 4 * UNITS  # of 5
NPS_PROMOTER, NPS_DETRACTOR = 9 * UNITS, 6 * UNITS  # of 10
HOUR = timedelta(hours=1).seconds


def answers(cases: ir.Table, period: Period) -> ir.Table:
    """Return what the cases opened in *period* say, one row an account, all in 1/10,000.

    Columns: account_id, gap (mean of perceived - expected), csat (share of answers of 4 and 5),
    nps (from -100 to 100), response_hours (the median), reopened (share of the cases). What nobody
    answered is null. Source: domain 2.
    """
    opened = cases.filter(timed_in(cases.opened_at, period), cases.account_id.notnull())
    waited = opened.first_response_at.delta(opened.opened_at, unit="second")
    rows = opened.mutate(gap=opened.perceived - opened.expected, waited=waited)
    promoters, detractors = rows.nps >= NPS_PROMOTER, rows.nps <= NPS_DETRACTOR
    sums = rows.group_by("account_id").aggregate(
        gap=total(rows.gap),
        gaps=rows.gap.count(),
        satisfied=rows.count(where=rows.csat >= CSAT_SATISFIED),
        csats=rows.csat.count(),
        promotion=rows.count(where=promoters) - rows.count(where=detractors),
        npses=rows.nps.count(),
        waited=rows.waited.median(),
        reopened=rows.count(where=rows.reopened),
        judged=rows.reopened.count(),
    )
    return sums.select(
        "account_id",
        gap=divided(sums.gap, sums.gaps),
        csat=divided(sums.satisfied * UNITS, sums.csats),
        nps=divided(sums.promotion * 100 * UNITS, sums.npses),
        response_hours=(sums.waited * UNITS / HOUR).round().cast("int64"),
        reopened=divided(sums.reopened * UNITS, sums.judged),
    )


def promises_kept(deliveries: ir.Table, period: Period) -> ir.Table:
    """Return account_id and promise_kept, the share delivered in *period* that was in time.

    *deliveries* has account_id, promised and delivered; what was never promised does not count.
    """
    promised = deliveries.filter(deliveries.promised.notnull(), deliveries.account_id.notnull())
    done = promised.filter(dated_in(promised.delivered, period))
    counted = done.group_by("account_id").aggregate(
        delivered=done.count(), kept=done.count(where=done.delivered <= done.promised)
    )
    kept = divided(counted.kept * UNITS, counted.delivered)
    return counted.select("account_id", promise_kept=kept)
