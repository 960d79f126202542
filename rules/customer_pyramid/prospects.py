"""Prospects: accounts with a live sales contact, and how warm it is."""

from datetime import timedelta

import ibis
import ibis.expr.types as ir

from customer_pyramid.hierarchy import roll_up
from customer_pyramid.periods import Period
from customer_pyramid.settings import PyramidSettings

HEATS = ("hot", "warm", "cold")


def live_contacts(
    open_accounts: ir.Table,
    contacts: ir.Table | None,
    links: ir.Table | None,
    settings: PyramidSettings,
    current: Period,
) -> ir.Table:
    """Return live_id and live_heat, one row for each account with a live contact.

    Hot has an open opportunity, warm a contact within `warm_window` days before the period's end,
    cold one within `prospect_window`. Contacts of an account in *links* count for its root. Source:
    domain 1.1.
    """
    live = open_accounts.filter(open_accounts.account_id.notnull()).select(
        "account_id", degree=ibis.literal(0, type="int64")
    )
    if contacts is not None:
        live = live.union(_contacted(contacts, settings, current))
    if links is not None:
        live = roll_up(live, links)
    hottest = live.group_by(live_id="account_id").aggregate(degree=live.degree.min())
    heat = ibis.cases(*((hottest.degree == degree, heat) for degree, heat in enumerate(HEATS)))
    return hottest.select("live_id", live_heat=heat)


def _contacted(contacts: ir.Table, settings: PyramidSettings, current: Period) -> ir.Table:
    since, warm = (
        ibis.literal(current.last_day - timedelta(days=days), type="date")
        for days in (settings.prospect_window, settings.warm_window)
    )
    recent = contacts.filter(contacts.last_contact >= since)
    degree = ibis.ifelse(recent.last_contact >= warm, 1, 2).cast("int64")
    return recent.select("account_id", degree=degree)
