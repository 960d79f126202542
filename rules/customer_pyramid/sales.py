"""Recognised sales: which opportunities count, at which rate, and what is wrong with the rest."""

from collections.abc import Sequence
from datetime import date
from typing import Literal, TypeAlias, cast, get_args

import ibis
import ibis.expr.types as ir

IssueKind: TypeAlias = Literal[
    "won_without_amount",
    "won_without_close_date",
    "won_in_the_future",
    "without_account",
    "unknown_account",
    "missing_rate",
]
ISSUE_KINDS: tuple[IssueKind, ...] = get_args(IssueKind)

RATE = "decimal(19, 10)"  # with 19 digits of money it fills the 38 a database can multiply


def recognised(
    opportunities: ir.Table, *, as_of: date, base_currency: str, rates: ir.Table | None = None
) -> ir.Table:
    """Return the sales that count up to *as_of*, in the base currency.

    Columns: id, account_id, close_date, amount, product, owner_id. Credits are negative amounts. A
    sale without a currency is in the base currency; one without a rate valid on its close date does
    not count, see `issue_flags`.
    """
    rated = _rated(opportunities, base_currency, rates)
    counted = rated.filter(_counts(rated, rated.amount, as_of), rated.rated)
    return counted.select(
        "id",
        "account_id",
        "close_date",
        amount=counted.base_amount,
        product="product",
        owner_id="owner_id",
    )


def recognised_items(
    items: ir.Table,
    money: Sequence[str],
    *,
    as_of: date,
    base_currency: str,
    rates: ir.Table | None = None,
) -> ir.Table:
    """Return the line *items* of the sales that count up to *as_of*, *money* in the base currency.

    *items* has account_id, status, close_date, currency and deal_amount of its sale: an item counts
    where its sale does.
    """
    counted = items.filter(_counts(items, items.deal_amount, as_of))
    if rates is None:
        return counted.filter(_is_native(counted, base_currency))
    joined = _with_rate(counted, base_currency, rates)
    rated = joined.filter(joined.native | joined.rate.notnull())
    return rated.mutate(**{name: _converted(rated, name) for name in money})


def in_base_currency(
    rows: ir.Table, columns: Sequence[str], *, base_currency: str, rates: ir.Table | None = None
) -> ir.Table:
    """Return *rows* with money *columns* in the base currency, null where there is no rate.

    *rows* has currency and close_date, the day of the rate.
    """
    if rates is None:
        native = _is_native(rows, base_currency)
        return rows.mutate(**{name: native.ifelse(rows[name], None) for name in columns})
    joined = _with_rate(rows, base_currency, rates)
    return joined.mutate(**{name: _converted(joined, name) for name in columns})


def issue_flags(
    opportunities: ir.Table,
    accounts: ir.Table,
    *,
    as_of: date,
    base_currency: str,
    rates: ir.Table | None = None,
) -> ir.Table:
    """Return id, account_id, currency and close_date of every opportunity, and a flag per issue."""
    rows = _rated(opportunities, base_currency, rates)
    won = rows.status == "won"
    flags: dict[str, ir.BooleanValue] = {
        "won_without_amount": won & rows.amount.isnull(),
        "won_without_close_date": won & rows.close_date.isnull(),
        "won_in_the_future": won & (rows.close_date > _day(as_of)).fill_null(False),
        "without_account": rows.account_id.isnull(),
        "unknown_account": rows.account_id.notnull() & ~rows.account_id.isin(accounts.id),
        "missing_rate": _counts(rows, rows.amount, as_of) & ~rows.rated,
    }
    return rows.select("id", "account_id", "currency", "close_date", **flags)


def issue_counts(flags: ir.Table) -> ir.Table:
    """Return one row with the number of opportunities that have each kind of issue."""
    return flags.aggregate(**{kind: flags.count(where=flags[kind]) for kind in ISSUE_KINDS})


def issue_rows(flags: ir.Table, kind: IssueKind) -> ir.Table:
    """Return id, account_id, currency and close_date of those with one *kind* of issue, by id."""
    return (
        flags.filter(flags[kind])
        .select("id", "account_id", "currency", "close_date")
        .order_by("id")
    )


def _rated(opportunities: ir.Table, base_currency: str, rates: ir.Table | None) -> ir.Table:
    """Add *base_amount*, and *rated*: whether the amount could be converted."""
    if rates is None:
        native = _is_native(opportunities, base_currency)
        return opportunities.mutate(base_amount=opportunities.amount, rated=native)
    joined = _with_rate(opportunities, base_currency, rates)
    return joined.mutate(
        base_amount=_converted(joined, "amount"), rated=joined.native | joined.rate.notnull()
    )


def _is_native(rows: ir.Table, base_currency: str) -> ir.BooleanValue:
    return rows.currency.isnull() | (rows.currency == base_currency)


def _with_rate(rows: ir.Table, base_currency: str, rates: ir.Table) -> ir.Table:
    dated = rates.select(
        rate_currency="currency", rate_valid_from="valid_from", rate=rates.rate.cast(RATE)
    )
    return rows.mutate(native=_is_native(rows, base_currency)).asof_join(
        dated,
        on=rows.close_date >= dated.rate_valid_from,
        predicates=[rows.currency == dated.rate_currency],
    )


def _converted(joined: ir.Table, name: str) -> ir.IntegerValue:
    """Return a money column in the base currency; null where it has no rate."""
    foreign = (joined[name].cast("decimal(19, 0)") * joined.rate).round(0).cast("int64")
    return ibis.ifelse(joined.native, joined[name], foreign)


def _counts(rows: ir.Table, amount: ir.IntegerValue, as_of: date) -> ir.BooleanValue:
    complete = rows.account_id.notnull() & amount.notnull() & rows.close_date.notnull()
    due = (rows.close_date <= _day(as_of)).fill_null(False)
    return (rows.status == "won") & complete & due


def _day(day: date) -> ir.DateScalar:
    return cast("ir.DateScalar", ibis.literal(day, type="date"))
