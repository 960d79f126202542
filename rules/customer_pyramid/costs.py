"""Costs: what was spent on each account, by the records of contacts, campaigns, cases and costs.

All tables name accounts as the standings do: roll them up first where those are rolled up.
"""

from decimal import Decimal

import ibis
import ibis.expr.types as ir

from customer_pyramid.days import dated_in, timed_in
from customer_pyramid.division import evenly
from customer_pyramid.exact import summed, total
from customer_pyramid.money import to_units
from customer_pyramid.periods import Period
from customer_pyramid.settings import ProfitSettings

ACCOUNT, LEAD = "account", "lead"
SELLING = ("marketing", "sales")
NOTHING = ibis.literal(0, type="int64")


def selling_costs(
    activities: ir.Table, costs: ir.Table, settings: ProfitSettings, period: Period
) -> ir.Table:
    """Return what marketing and sales cost in *period*, one row an account and one for all leads.

    Columns: account_id, aim ("account", or "lead" without an account_id), contact_cost,
    campaign_cost, ms_cost; the last adds the costs that name the account. A campaign's cost is
    divided evenly over its members: accounts and leads with an activity of it in the period.
    Materialise the result. Source: domain 1.5.
    """
    contacts = _aimed(activities, period)
    parts = (
        _contact_costs(contacts, settings),
        _campaign_costs(contacts, costs, period),
        _named_costs(costs, period),
    )
    rows = ibis.union(*parts)
    summed = rows.group_by("account_id", "aim").aggregate(
        contact_cost=total(rows.contact),
        campaign_cost=total(rows.campaign),
        named=total(rows.named),
    )
    ms_cost = summed.contact_cost + summed.campaign_cost + summed.named
    return summed.mutate(ms_cost=ms_cost).drop("named")


def service_costs(
    sales: ir.Table, cases: ir.Table, costs: ir.Table, settings: ProfitSettings, period: Period
) -> ir.Table:
    """Return account_id and service_cost in *period*: cases, credit notes and costs of service."""
    opened = cases.filter(timed_in(cases.opened_at, period))
    credited = sales.filter(dated_in(sales.close_date, period), sales.amount < 0)
    booked = _booked(costs, period, "service")
    rows = ibis.union(
        opened.select("account_id", cost=_units(settings.case_cost)),
        credited.select("account_id", cost=_units(settings.credit_note_cost)),
        booked.select("account_id", cost="amount"),
    )
    named = rows.filter(rows.account_id.notnull())
    return named.group_by("account_id").aggregate(service_cost=total(named.cost))


def goods_costs(lines: ir.Table, costs: ir.Table, period: Period) -> ir.Table:
    """Return account_id and the known cost_of_goods in *period*.

    That is the cost of the lines where each of the account's lines has one, else its costs of
    goods; an account with neither has no row.
    """
    sold = lines.filter(dated_in(lines.close_date, period))
    booked = _booked(costs, period, "goods")
    nothing = ibis.null("int64")
    rows = sold.select("account_id", "cost", unpriced=sold.cost.isnull(), booked=nothing).union(
        booked.select("account_id", cost=nothing, unpriced=ibis.literal(False), booked="amount")
    )
    sums = rows.group_by("account_id").aggregate(
        cost=summed(rows.cost),
        incomplete=rows.unpriced.any(),
        booked=summed(rows.booked),
    )
    cost = ibis.ifelse(sums.incomplete, None, sums.cost).coalesce(sums.booked)
    known = sums.select("account_id", cost_of_goods=cost)
    return known.filter(known.account_id.notnull(), known.cost_of_goods.notnull())


def overhead_costs(costs: ir.Table, period: Period) -> ir.Table:
    """Return one row with the overhead booked in *period*, `booked_overhead`."""
    booked = _booked(costs, period, "overhead")
    return booked.aggregate(booked_overhead=total(booked.amount))


def unallocated_costs(
    standings: ir.Table, activities: ir.Table, costs: ir.Table, period: Period
) -> ir.Table:
    """Return kind, records and amount of the costs in *period* that no account or lead bears.

    They name no account that there is, nor a campaign that has members. Overhead is not among them.
    """
    booked = _booked(costs, period, "goods", *SELLING, "service")
    known = standings.select(known_id="account_id")
    stray = booked.anti_join(known, booked.account_id == known.known_id)
    shared = stray.kind.isin(SELLING) & stray.account_id.isnull()
    stray = stray.mutate(shared=ibis.ifelse(shared, stray.campaign, None))
    manned = _members(_aimed(activities, period)).select(manned="campaign").distinct()
    left = stray.anti_join(manned, stray.shared == manned.manned)
    return left.group_by("kind").aggregate(records=left.count(), amount=total(left.amount))


def _aimed(activities: ir.Table, period: Period) -> ir.Table:
    """Return the activities in *period* that somebody is the aim of."""
    rows = activities.filter(timed_in(activities.happened_at, period))
    aim = ibis.cases(
        (rows.account_id.notnull(), ACCOUNT),
        (rows.lead_id.notnull(), LEAD),
        else_=ibis.null("string"),
    )
    aimed = rows.select("account_id", "lead_id", "kind", "campaign", aim=aim)
    return aimed.filter(aimed.aim.notnull())


def _contact_costs(contacts: ir.Table, settings: ProfitSettings) -> ir.Table:
    prices = [(contacts.kind == kind, _units(cost)) for kind, cost in settings.unit_costs.items()]
    price = ibis.cases(*prices, else_=NOTHING) if prices else NOTHING
    return contacts.group_by("account_id", "aim").aggregate(
        contact=total(price), campaign=NOTHING, named=NOTHING
    )


def _members(contacts: ir.Table) -> ir.Table:
    """Return campaign, aim, account_id and member, each member of a campaign once."""
    part = contacts.filter(contacts.campaign.notnull())
    member = part.account_id.coalesce(part.lead_id)
    return part.select("campaign", "aim", "account_id", member=member).distinct()


def _campaign_costs(contacts: ir.Table, costs: ir.Table, period: Period) -> ir.Table:
    booked = _booked(costs, period, *SELLING)
    shared = booked.filter(booked.account_id.isnull(), booked.campaign.notnull())
    spent = shared.group_by(shared="campaign").aggregate(spent=total(shared.amount))
    members = _members(contacts)
    joined = members.join(spent, members.campaign == spent.shared)
    rows = joined.select(*members.columns, "spent")
    place = ibis.row_number().over(group_by=rows.campaign, order_by=[rows.aim, rows.member]) + 1
    placed = rows.mutate(place=place, size=rows.count().over(group_by=rows.campaign))
    share = evenly(placed.spent, placed.place, placed.size)
    return placed.group_by("account_id", "aim").aggregate(
        contact=NOTHING, campaign=total(share), named=NOTHING
    )


def _named_costs(costs: ir.Table, period: Period) -> ir.Table:
    booked = _booked(costs, period, *SELLING)
    named = booked.filter(booked.account_id.notnull())
    return named.group_by("account_id", aim=ibis.literal(ACCOUNT)).aggregate(
        contact=NOTHING, campaign=NOTHING, named=total(named.amount)
    )


def _booked(costs: ir.Table, period: Period, *kinds: str) -> ir.Table:
    return costs.filter(costs.kind.isin(kinds), dated_in(costs.spent_on, period))


def _units(cost: Decimal) -> ir.IntegerScalar:
    return ibis.literal(to_units(cost), type="int64")
