"""Contact gaps: messages that nobody answered, and orders after which nobody was in touch."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import ibis
import ibis.expr.types as ir

from customer_pyramid.days import day, days_since
from six_goals.action import add_business_days
from six_goals.incidents import as_incidents
from six_goals.settings import ExperienceSettings


def recent_contacts(activities: ir.Table, as_of: date, settings: ExperienceSettings) -> ir.Table:
    """Return the activities with accounts of the last *recent_days*; materialise the result."""
    since = as_of - timedelta(days=settings.recent_days)
    # Databases are slow at the day of a time: the day before is early enough in every zone.
    early = datetime.combine(since - timedelta(days=1), time(), UTC)
    rows = activities.filter(
        activities.account_id.notnull(),
        activities.happened_at >= ibis.literal(early, type="timestamp('UTC')"),
    )
    rows = rows.filter(rows.happened_at.date() >= day(since))
    return rows.select(
        "account_id",
        "id",
        "happened_at",
        inbound=(rows.direction == "inbound").fill_null(False),
        ago=days_since(rows.happened_at.date(), as_of),
    )


def handover_gaps(
    sales: ir.Table, contacts: ir.Table, as_of: date, settings: ExperienceSettings
) -> ir.Table:
    """Return the orders after which nobody was in touch for *handover_days*; see `as_incidents`."""
    ago, days = days_since(sales.close_date, as_of), settings.handover_days
    won = sales.filter(sales.amount > 0, ago >= days, ago <= settings.recent_days)
    won = won.select("account_id", "id", won_ago=days_since(won.close_date, as_of))
    touched = contacts.select(touched_id="account_id", touch_ago="ago")
    rows = won.anti_join(
        touched,
        [
            won.account_id == touched.touched_id,
            touched.touch_ago <= won.won_ago,
            touched.touch_ago >= won.won_ago - days,
        ],
    )
    return as_incidents(rows, "handover_gap", "deal", rows.won_ago)


def reply_gaps(contacts: ir.Table, as_of: date, settings: ExperienceSettings) -> ir.Table:
    """Return the accounts that wait for an answer for more than *reply_days*; see `as_incidents`.

    A contact of which the direction is not known is an answer too. The incident is the first
    message that nobody answered.
    """
    answers = contacts.filter(~contacts.inbound)
    answers = answers.group_by(answered_id="account_id").aggregate(
        last_answer=answers.happened_at.max()
    )
    asked = contacts.filter(contacts.inbound)
    rows = asked.left_join(answers, asked.account_id == answers.answered_id)
    waiting = rows.filter(rows.last_answer.isnull() | (rows.last_answer < rows.happened_at))
    order = ibis.window(group_by=waiting.account_id, order_by=[waiting.happened_at, waiting.id])
    first = waiting.mutate(place=ibis.row_number().over(order))
    limit = (as_of - _should_be_answered(as_of, settings.reply_days)).days
    rows = first.filter(first.place == 0, first.ago >= limit)
    return as_incidents(rows, "reply_gap", "contact", rows.ago)


def _should_be_answered(as_of: date, days: int) -> date:
    """Return the last day whose messages should be answered before *as_of*."""
    asked = as_of
    while add_business_days(asked, days) >= as_of:
        asked -= timedelta(days=1)
    return asked
