"""Incidents: what went wrong between a customer and us, one row for each thing that did."""

from __future__ import annotations

from datetime import date
from typing import Final, Literal, TypeAlias

import ibis
import ibis.expr.types as ir

from customer_pyramid.days import days_since
from six_goals.settings import ExperienceSettings

Kind: TypeAlias = Literal[
    "overdue_case",
    "missed_delivery",
    "low_nps",
    "low_csat",
    "reopened",
    "late_delivery",
    "many_cases",
    "slow_response",
    "reply_gap",
    "service_lost",
    "score_drop",
    "handover_gap",
    "promoter",
    "satisfied",
]
Record: TypeAlias = Literal["case", "deal", "contact"]

WORST_FIRST: Final[tuple[Kind, ...]] = (
    "overdue_case",
    "missed_delivery",
    "low_nps",
    "low_csat",
    "reopened",
    "late_delivery",
    "many_cases",
    "slow_response",
    "reply_gap",
    "service_lost",
    "score_drop",
    "handover_gap",
)

_NUMBER: Final = ibis.null("int64")
_TEXT: Final = ibis.null("string")
_NO: Final = ibis.literal(False)


def as_incidents(
    rows: ir.Table,
    kind: Kind | ir.StringValue,
    record: Record,
    ago: ir.IntegerValue,
    *,
    figure: ir.IntegerValue = _NUMBER,
    before: ir.IntegerValue = _NUMBER,
    label: ir.StringValue = _TEXT,
    urgent: ir.BooleanValue = _NO,
) -> ir.Table:
    """Return *rows*, which have account_id and id, as every table of incidents is.

    Columns: account_id, kind, record and record_id; *ago*, days before the day; *figure*, what the
    kind is measured by: days late, a score in units, a number of cases; *before*, the score before
    it; *label*, a name or a reason; and *urgent*.
    """
    return rows.select(
        "account_id",
        kind=ibis.literal(kind) if isinstance(kind, str) else kind,
        record=ibis.literal(record),
        record_id=rows.id,
        ago=ago,
        figure=figure,
        before=before,
        label=label,
        urgent=urgent,
    )


def delivery_incidents(deliveries: ir.Table, as_of: date, settings: ExperienceSettings) -> ir.Table:
    """Return the deliveries that came late, and those that did not come; see `as_incidents`.

    A promise that passed more than *recent_days* ago counts no longer: nobody noted the delivery.
    """
    promised = days_since(deliveries.promised, as_of)
    delivered = days_since(deliveries.delivered, as_of)
    rows = deliveries.filter(deliveries.account_id.notnull()).mutate(
        id=deliveries.deal_id,
        late=promised - delivered.fill_null(0),
        ago=delivered.coalesce(promised),
        kind=ibis.ifelse(delivered.isnull(), "missed_delivery", "late_delivery"),
    )
    rows = rows.filter(rows.late > 0, rows.ago <= settings.recent_days)
    return as_incidents(rows, rows.kind, "deal", rows.ago, figure=rows.late)


def loss_incidents(lost: ir.Table, as_of: date, settings: ExperienceSettings) -> ir.Table:
    """Return the deals that were lost for bad service; see `as_incidents`."""
    reason = lost.reason.lower()
    served = ibis.or_(*(reason.contains(word.lower()) for word in settings.service_words))
    ago = days_since(lost.close_date, as_of)
    rows = lost.mutate(ago=ago).filter(served, ago <= settings.recent_days)
    return as_incidents(rows, "service_lost", "deal", rows.ago, label=rows.reason)
