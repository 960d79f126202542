"""Standings: for each account its layer, its rank, the way up, and the move since last period."""

import ibis
import ibis.expr.types as ir

from customer_pyramid.migration import movement
from customer_pyramid.periods import Period
from customer_pyramid.places import places
from customer_pyramid.prospects import live_contacts
from customer_pyramid.settings import (
    INACTIVE,
    NONE,
    PROSPECT,
    REST_OF_WORLD,
    SUSPECT,
    PyramidSettings,
)

EXCLUDED_KINDS = ("competitor", "partner", "internal", "test", "disqualified")
DESCRIPTION = ("name", "owner_id", "industry", "region", "size_band", "tier_locked")
FIGURES = ("revenue", "orders", "previous_revenue", "previous_orders")
INHERITED = ("layer", "tier", "tier_raw")
OWN = ("account_id", *DESCRIPTION)


def standings(
    accounts: ir.Table,
    totals: ir.Table,
    open_accounts: ir.Table,
    settings: PyramidSettings,
    current: Period,
    previous: Period,
    *,
    contacts: ir.Table | None = None,
    links: ir.Table | None = None,
    last_run: ir.Table | None = None,
) -> ir.Table:
    """Return where every account stands, one row each; materialise it before taking more from it.

    *totals* are materialised, see `totals`, and rolled up if *links* (account_id, root_id) are
    given. *open_accounts* has the account_id of open opportunities, *contacts* account_id and
    last_contact (a date) of other live contacts, *last_run* account_id, tier and tier_raw as held
    after the last run, for hysteresis.

    Revenue, gaps and ranks are whole numbers; `share` is for display. An account with
    `inherited_from` takes layer and tier from its root and has no figures of its own. Rest of world
    has no figures at all.
    """
    ranked = places(_customers(accounts, totals, links), settings, last_run)
    live = live_contacts(open_accounts, contacts, links, settings, current)
    described = accounts.select(
        account_id="id",
        excluded=is_excluded(accounts),
        **{column: accounts[column] for column in DESCRIPTION if column in accounts.columns},
    )
    rows = described.left_join(ranked, described.account_id == ranked.place_id)
    rows = rows.select(*described.columns, *ranked.columns)
    joined = rows.left_join(live, rows.account_id == live.live_id)
    stood = _stood(joined.select(*rows.columns, *live.columns), previous)
    return stood if links is None else _inherited(stood, links)


def is_excluded(accounts: ir.Table) -> ir.BooleanColumn:
    """Say which accounts are the rest of the world: we never do business with them."""
    return accounts.excluded.fill_null(False) | accounts.kind.isin(EXCLUDED_KINDS).fill_null(False)


def _customers(accounts: ir.Table, totals: ir.Table, links: ir.Table | None) -> ir.Table:
    """Return the totals of the accounts that take part in the ranking."""
    taking_part = accounts.filter(~is_excluded(accounts)).select("id")
    if links is not None:
        taking_part = taking_part.anti_join(links, taking_part.id == links.account_id)
    return totals.semi_join(taking_part, totals.account_id == taking_part.id)


def _stood(rows: ir.Table, previous: Period) -> ir.Table:
    states = rows.mutate(
        layer=_layer(rows),
        state=_state(rows.tier_raw, rows.first_order.notnull()),
        previous_state=_state(
            rows.previous_tier, rows.first_order < ibis.literal(previous.end, type="date")
        ),
        **{figure: rows[figure].fill_null(0) for figure in FIGURES},
    )
    known = {
        "previous_state": states.previous_state,
        "movement": _movement(states, states.frozen_no),
        "movement_rank": _movement(states, states.tier_no),
        **{figure: states[figure] for figure in FIGURES},
    }
    return states.select(
        "account_id",
        *(column for column in DESCRIPTION if column in rows.columns),
        "layer",
        "tier",
        "tier_raw",
        "tier_frozen",
        "rank",
        "share",
        "next_tier",
        "next_tier_gap",
        "previous_tier",
        "previous_rank",
        "first_order",
        "last_order",
        **{name: _unless(states.excluded, value) for name, value in known.items()},
        tie_at_boundary=states.tie_at_boundary.fill_null(False),
        credit_only=_credit_only(states),
        heat=_unless(states.layer != PROSPECT, states.live_heat),
        inherited_from=ibis.null("string"),
    )


def _layer(rows: ir.Table) -> ir.StringValue:
    return ibis.cases(
        (rows.excluded, REST_OF_WORLD),
        (rows.tier.notnull(), rows.tier),
        (rows.first_order.notnull(), INACTIVE),
        (rows.live_id.notnull(), PROSPECT),
        else_=SUSPECT,
    )


def _state(tier: ir.StringValue, bought: ir.BooleanValue) -> ir.StringValue:
    return ibis.cases((tier.notnull(), tier), (bought, INACTIVE), else_=NONE)


def _movement(states: ir.Table, tier_no: ir.IntegerValue) -> ir.StringValue:
    return movement(states.previous_state, states.state, states.previous_tier_no, tier_no)


def _credit_only(states: ir.Table) -> ir.BooleanValue:
    booked = (states.orders > 0) | (states.revenue < 0)
    return ~states.excluded & states.tier.isnull() & (states.revenue <= 0) & booked


def _inherited(stood: ir.Table, links: ir.Table) -> ir.Table:
    """Give the accounts below a root its layer and tier, and no figures."""
    roots = stood.select(
        inherited_root="account_id", **{f"root_{column}": stood[column] for column in INHERITED}
    )
    held = links.select(linked_id="account_id", linked_root="root_id")
    above = held.join(roots, held.linked_root == roots.inherited_root)
    above = above.select("linked_id", "linked_root", *(f"root_{column}" for column in INHERITED))
    rows = stood.left_join(above, stood.account_id == above.linked_id)
    below = rows.linked_id.notnull()
    columns = {
        column: _inherited_column(rows, column, below)
        for column in stood.columns
        if column not in OWN
    }
    return rows.select(*(column for column in OWN if column in stood.columns), **columns)


def _inherited_column(rows: ir.Table, column: str, below: ir.BooleanValue) -> ir.Value:
    if column == "inherited_from":
        return rows.linked_root
    if column in INHERITED:
        return ibis.ifelse(below, rows[f"root_{column}"], rows[column])
    if column in {"tie_at_boundary", "credit_only"}:
        return ibis.ifelse(below, False, rows[column])
    return _unless(below, rows[column])


def _unless(condition: ir.BooleanValue, value: ir.Value) -> ir.Value:
    return ibis.ifelse(condition, ibis.null(value.type()), value)
