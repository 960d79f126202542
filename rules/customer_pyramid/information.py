"""Information: how complete, fresh and free of duplicates the records of our customers are."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypedDict

import ibis
import ibis.expr.types as ir

from customer_pyramid.days import dated_in, day, midnight
from customer_pyramid.exact import total
from customer_pyramid.money import share
from customer_pyramid.periods import Period, add_months
from customer_pyramid.settings import (
    INACTIVE,
    PROSPECT,
    REST_OF_WORLD,
    SUSPECT,
    FocusSettings,
    PyramidSettings,
)
from customer_pyramid.standings import is_excluded

# How a company's name ends in law, dots taken for spaces.
LEGAL_FORMS = (
    "( (ab|ag|as|bv|b v|co|company|corp|corporation|gmbh|inc|incorporated|kg|limited|llc|llp|ltd"
    "|nv|n v|oy|oyj|plc|pty|s a|s r l|sa|sarl|spa|srl)|股份有限公司|有限责任公司|有限公司)+$"
)


class WonRow(TypedDict):
    """The row of `won_deals`: how many there are, and how many say what."""

    deals: int
    with_amount: int
    with_date: int
    with_product: int
    complete: int


@dataclass(frozen=True, slots=True)
class Filled:
    """How many accounts of a layer have one field; None where no account of any layer has it."""

    field: str
    filled: int | None
    share: Decimal | None


@dataclass(frozen=True, slots=True)
class LayerInformation:
    """What we know of a layer; *completeness* is the share over all its known fields.

    *stale* accounts showed no sign of life for long, of those where we know when they last did.
    """

    layer: str
    accounts: int
    fields: tuple[Filled, ...]
    completeness: Decimal | None
    stale: int | None
    share_stale: Decimal | None


@dataclass(frozen=True, slots=True)
class Information:
    """How good our records are; shares of won deals are None where there are none."""

    layers: tuple[LayerInformation, ...]
    possible_duplicates: int
    won_deals: int
    won_complete: Decimal | None
    won_with_amount: Decimal | None
    won_with_date: Decimal | None
    won_with_product: Decimal | None


def completeness(
    standings: ir.Table,
    accounts: ir.Table,
    activities: ir.Table,
    settings: FocusSettings,
    as_of: date,
) -> ir.Table:
    """Return one row for each layer: layer, accounts, filled_0 .. for the key fields, and stale.

    An account is stale that had no contact, and was not created, in the last months.
    """
    since = add_months(as_of, -settings.stale_months)
    own = standings.filter(standings.inherited_from.isnull(), standings.layer != REST_OF_WORLD)
    fields = {f"filled_{n}": _is_filled(accounts, name) for n, name in _fields(settings)}
    described = accounts.select("created_on", described_id="id", **fields)
    recent = activities.filter(activities.happened_at >= midnight(since))
    heard = recent.select(heard_id="account_id").distinct()
    rows = own.select("account_id", "layer")
    rows = rows.join(described, rows.account_id == described.described_id).drop("described_id")
    rows = rows.left_join(heard, rows.account_id == heard.heard_id)
    rows = rows.select("layer", "created_on", "heard_id", *fields)
    is_new = (rows.created_on >= day(since)).fill_null(False)
    return rows.group_by("layer").aggregate(
        accounts=rows.count(),
        **{name: rows.count(where=rows[name]) for name in fields},
        stale=rows.count(where=rows.heard_id.isnull() & ~is_new),
    )


def possible_duplicates(accounts: ir.Table) -> ir.Table:
    """Return name_key, account_id and name of accounts that are called the same as another one.

    Case, punctuation and legal forms ("Ltd") make no difference; excluded accounts don't count.
    """
    named = _named(accounts)
    counts = named.group_by(shared_key="name_key").aggregate(accounts=named.count())
    shared = counts.filter(counts.accounts > 1)
    rows = named.semi_join(shared, named.name_key == shared.shared_key)
    return rows.select("name_key", "account_id", "name")


def duplicate_counts(accounts: ir.Table) -> ir.Table:
    """Return one row: how many names are shared, and by how many accounts."""
    named = _named(accounts)
    counts = named.group_by("name_key").aggregate(accounts=named.count())
    shared = counts.filter(counts.accounts > 1)
    return shared.aggregate(names=shared.count(), accounts=total(shared.accounts))


def won_deals(opportunities: ir.Table, period: Period) -> ir.Table:
    """Return one row about the deals won in *period*, or on no known day; see `WonRow`.

    *opportunities* has status, amount, close_date and product.
    """
    dated = opportunities.close_date.isnull() | dated_in(opportunities.close_date, period)
    won = opportunities.filter(opportunities.status == "won", dated)
    amount, date_, product = (
        won[column].notnull() for column in ("amount", "close_date", "product")
    )
    return won.aggregate(
        deals=won.count(),
        with_amount=won.count(where=amount),
        with_date=won.count(where=date_),
        with_product=won.count(where=product),
        complete=won.count(where=amount & date_ & product),
    )


def information(
    layers: Iterable[Mapping[str, Any]],
    won: WonRow,
    possible_duplicates: int,
    settings: FocusSettings,
    pyramid: PyramidSettings,
    *,
    recorded: bool,
) -> Information:
    """Return what the rows of `completeness` and `won_deals` say.

    *recorded* says whether there are activities at all: without, nobody knows what is stale.
    Source: domain 2.
    """
    rows = {row["layer"]: row for row in layers}
    names = [name for name in (*pyramid.tiers, INACTIVE, PROSPECT, SUSPECT) if name in rows]
    known = {n for n, _ in _fields(settings) if any(row[f"filled_{n}"] for row in rows.values())}
    return Information(
        layers=tuple(_layer(rows[name], known, settings, recorded=recorded) for name in names),
        possible_duplicates=possible_duplicates,
        won_deals=won["deals"],
        won_complete=share(won["complete"], won["deals"]),
        won_with_amount=share(won["with_amount"], won["deals"]),
        won_with_date=share(won["with_date"], won["deals"]),
        won_with_product=share(won["with_product"], won["deals"]),
    )


def _named(accounts: ir.Table) -> ir.Table:
    """Return account_id and name, and what is left of the name as name_key."""
    named = accounts.filter(accounts.name.notnull(), ~is_excluded(accounts))
    words = named.name.lower().re_replace("[[:space:][:punct:]]+", " ").strip()
    keyed = named.select("name", account_id="id", name_key=words.re_replace(LEGAL_FORMS, ""))
    return keyed.filter(keyed.name_key != "")


def _fields(settings: FocusSettings) -> list[tuple[int, str]]:
    return list(enumerate(settings.key_fields))


def _is_filled(accounts: ir.Table, name: str) -> ir.BooleanValue:
    if name not in accounts.columns:
        return ibis.literal(False)
    column = accounts[name]
    return (column != "").fill_null(False) if column.type().is_string() else column.notnull()


def _layer(
    row: Mapping[str, Any], known: Collection[int], settings: FocusSettings, *, recorded: bool
) -> LayerInformation:
    accounts: int = row["accounts"]
    filled = {n: int(row[f"filled_{n}"]) for n in known}
    return LayerInformation(
        layer=row["layer"],
        accounts=accounts,
        fields=tuple(_filled(name, filled.get(n), accounts) for n, name in _fields(settings)),
        completeness=share(sum(filled.values()), accounts * len(filled)),
        stale=row["stale"] if recorded else None,
        share_stale=share(row["stale"], accounts) if recorded else None,
    )


def _filled(field: str, count: int | None, accounts: int) -> Filled:
    return Filled(field, count, None if count is None else share(count, accounts))
