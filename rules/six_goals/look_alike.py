"""Look-alike: how much an account that never bought has in common with the best customers."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from customer_pyramid.exact import total
from customer_pyramid.settings import PROSPECT, SUSPECT, PyramidSettings
from six_goals.settings import LookAlikeSettings

LIKE = ("value", "tier", "good", "customers")


def likeness(
    accounts: ir.Table,
    standings: ir.Table,
    pyramid: PyramidSettings,
    settings: LookAlikeSettings,
) -> ir.Table:
    """Return how much each value of a field speaks for an account; materialise it.

    Columns: field, value, customers (with this value), good (those of them in all tiers but the
    last), tier (where most of the good ones are; the higher if equal) and weight: the log of how
    much more often the value is found among good customers than among all, each count raised by
    one. Only customers whose value is known count. Source: domain 3.4.
    """
    good = pyramid.tiers[:-1]
    held = _held(accounts, standings, settings.fields)
    counts = held.group_by("field", "value").aggregate(
        good=held.count(where=held.tier.isin(good)),
        customers=held.count(),
        **{f"n_{place}": held.count(where=held.tier == tier) for place, tier in enumerate(good)},
    )
    fields = counts.group_by(field_name="field").aggregate(
        field_good=total(counts.good), field_all=total(counts.customers), n_values=counts.count()
    )
    rows = counts.join(fields, counts.field == fields.field_name)
    rows = rows.filter(rows.field_good > 0)
    among_good = (rows.good + 1) / (rows.field_good + rows.n_values)
    among_all = (rows.customers + 1) / (rows.field_all + rows.n_values)
    return rows.select(
        "field",
        "value",
        "good",
        "customers",
        tier=_usual_tier(rows, good),
        weight=(among_good / among_all).ln(),
    )


def look_alikes(
    accounts: ir.Table, standings: ir.Table, likeness: ir.Table, settings: LookAlikeSettings
) -> ir.Table:
    """Return prospects and suspects by their likeness to the best customers; materialise it.

    Columns: account_id, score (the sum of the weights of `likeness` to six places; a value that is
    unknown, or that no customer has, adds nothing), rank (from 1, equal scores by id) and what the
    account is most like: like_field, like_value, like_tier, like_good and like_customers, those of
    the field that adds most. They are null where no field adds anything.
    """
    asked = standings.filter(
        standings.layer.isin((PROSPECT, SUSPECT)), standings.inherited_from.isnull()
    )
    rows = accounts.semi_join(asked, accounts.id == asked.account_id)
    rows = rows.select("id", *settings.fields)
    for field in settings.fields:
        rows = _weighed(rows, likeness, field)
    rows = rows.mutate(like_field=_telling_field(rows, settings))
    scored = rows.select(
        "like_field",
        account_id="id",
        score=_score(rows, settings.fields).round(6).cast("decimal(9, 6)"),
        **{f"like_{name}": _of_field(rows, name, settings.fields) for name in LIKE},
    )
    order = ibis.row_number().over(order_by=[scored.score.desc(), scored.account_id])
    return scored.mutate(rank=order + 1)


def _held(accounts: ir.Table, standings: ir.Table, fields: Sequence[str]) -> ir.Table:
    """Return one row for each field of each customer whose value is known."""
    active = standings.filter(standings.tier.notnull(), standings.inherited_from.isnull())
    tiers = active.select("account_id", "tier")
    customers = accounts.select("id", *fields).join(tiers, accounts.id == tiers.account_id)
    first, *others = (
        customers.select("tier", field=ibis.literal(field), value=customers[field])
        for field in fields
    )
    rows = first.union(*others) if others else first
    return rows.filter(rows.value.notnull())


def _usual_tier(rows: ir.Table, good: Sequence[str]) -> ir.StringValue:
    counts = [rows[f"n_{place}"] for place in range(len(good))]
    most = ibis.greatest(*counts) if counts else ibis.literal(0)
    named = [((count == most) & (most > 0), tier) for count, tier in zip(counts, good, strict=True)]
    return ibis.cases(*named) if named else ibis.null("string")


def _weighed(rows: ir.Table, likeness: ir.Table, field: str) -> ir.Table:
    """Add what `likeness` knows of the account's value of *field*, null if nothing."""
    known = likeness.filter(likeness.field == field)
    about = known.select(**{f"{field}_{name}": known[name] for name in ("weight", *LIKE)})
    joined = rows.left_join(about, rows[field] == about[f"{field}_value"])
    return joined.select(*rows.columns, *about.columns)


def _telling_field(rows: ir.Table, settings: LookAlikeSettings) -> ir.StringValue:
    """Return the field with the highest weight above 0, the first if equal."""
    weights = {
        field: ibis.ifelse(
            rows[f"{field}_good"] >= settings.min_alike, rows[f"{field}_weight"], 0.0
        ).fill_null(0.0)
        for field in settings.fields
    }
    most = ibis.greatest(*weights.values())
    return ibis.cases(
        *(((weight == most) & (most > 0), field) for field, weight in weights.items())
    )


def _of_field(rows: ir.Table, name: str, fields: Sequence[str]) -> ir.Value:
    return ibis.cases(*((rows.like_field == field, rows[f"{field}_{name}"]) for field in fields))


def _score(rows: ir.Table, fields: Sequence[str]) -> ir.FloatingValue:
    # One after the other, always in this order: floats added in another may differ.
    score = ibis.literal(0.0)
    for field in fields:
        score = score + rows[f"{field}_weight"].fill_null(0.0)
    return score
