"""Roots: what happens to the accounts below another counts for the one that stands for them."""

import ibis.expr.types as ir

from customer_pyramid.hierarchy import roll_up


def at_root(rows: ir.Table, standings: ir.Table) -> ir.Table:
    """Return *rows* with each account_id replaced by that of the account it inherits from."""
    below = standings.filter(standings.inherited_from.notnull())
    return roll_up(rows, below.select("account_id", root_id="inherited_from"))
