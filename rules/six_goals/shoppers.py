"""Shoppers: customers and what they bought; those alike in it are looked at once, as a profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, TypeAlias

import ibis
import ibis.expr.types as ir

ITEM_LIMIT: Final = 500
"""The most items that are compared with each other: those that most customers buy."""

NO_INDUSTRY: Final = ""
"""Stands for an unknown industry, so that profiles can be joined on it."""

Held: TypeAlias = Literal["has", "had", "before"]

_BITS = 62  # of the 63 that an int64 has above zero: no database's shift reaches the sign
_FINGERPRINTS: tuple[Held, ...] = ("has", "had", "before")


@dataclass(frozen=True, slots=True)
class Shelf:
    """The days between which an item counts as held.

    An account *has* what it bought from *start* on, *had* what it bought from *since* on, and held
    *before* what it first bought before *start*.
    """

    start: date
    since: date

    def holds(self, bought: ir.Table, held: Held) -> ir.BooleanValue:
        """Say which rows of *bought* (with first_bought and last_bought) are held that way."""
        start, since = (ibis.literal(day, type="date") for day in (self.start, self.since))
        match held:
            case "has":
                return bought.last_bought >= start
            case "had":
                return bought.last_bought >= since
            case "before":
                return bought.first_bought < start


@dataclass(frozen=True, slots=True)
class Market:
    """Who bought what: the tables of this module, computed.

    *count* is the number of *items*; *keys* are the columns in which a profile's shoppers agree.
    """

    shelf: Shelf
    count: int
    keys: tuple[str, ...]
    items: ir.Table
    shoppers: ir.Table
    profiles: ir.Table
    held: ir.Table


def catalogue(baskets: ir.Table, limit: int = ITEM_LIMIT) -> ir.Table:
    """Return the *limit* items that most accounts bought: item and number (from 0).

    Materialise the result.
    """
    items = baskets.group_by("item").aggregate(accounts=baskets.count())
    place = ibis.row_number().over(order_by=[items.accounts.desc(), items.item])
    return items.mutate(number=place).filter(place < limit).drop("accounts")


def shoppers(
    standings: ir.Table, baskets: ir.Table, catalogue: ir.Table, items: int, shelf: Shelf
) -> ir.Table:
    """Return one row for each active customer; materialise it.

    Columns: account_id, tier, industry, oldest and newest (when it first bought its first and its
    last item), and has, had and before, which tell those apart that do not hold the same *items*
    of the *catalogue*: a bit for each; null where there are too many of them.
    """
    bought = baskets.join(catalogue, "item")
    held = bought.group_by("account_id").aggregate(
        oldest=bought.first_bought.min(),
        newest=bought.first_bought.max(),
        **{kind: _fingerprint(bought, shelf.holds(bought, kind), items) for kind in _FINGERPRINTS},
    )
    customers = standings.filter(standings.tier.notnull(), standings.inherited_from.isnull())
    known = customers.select(
        "account_id", "tier", industry=customers.industry.fill_null(NO_INDUSTRY)
    )
    rows = known.left_join(held, "account_id")
    prints = {kind: rows[kind].fill_null(0) for kind in _FINGERPRINTS}
    return rows.select(*known.columns, "oldest", "newest", **prints)


def alike(items: int, *columns: str) -> tuple[str, ...]:
    """Return the columns of `shoppers` in which customers must agree to be one profile.

    That is *columns*, fingerprints among them. Hardly two customers hold the same of very many
    items: then each is a profile of its own.
    """
    return columns if items <= _BITS else ("account_id",)


def profiles(shoppers: ir.Table, keys: Sequence[str]) -> ir.Table:
    """Return *shoppers* that agree in *keys* as one row: tier, industry, profile and accounts.

    The profile is the id of one of its *accounts*, which stands for all: see `held_by`. *keys* are
    those of `alike`, and are columns of the result. Materialise it.
    """
    if "account_id" in keys:
        one = ibis.literal(1, type="int64")
        return shoppers.mutate(profile=shoppers.account_id, accounts=one)
    return shoppers.group_by(keys).aggregate(
        profile=shoppers.account_id.min(), accounts=shoppers.count()
    )


def held_by(profiles: ir.Table, baskets: ir.Table, catalogue: ir.Table, shelf: Shelf) -> ir.Table:
    """Return what each profile ever bought: profile, accounts, item, and how it is held.

    Holding is told by the columns has, had and before. Materialise the result.
    """
    known = profiles.select("profile", "accounts")
    bought = baskets.select("account_id", "item", "first_bought", "last_bought")
    rows = known.join(bought, known.profile == bought.account_id).semi_join(catalogue, "item")
    return rows.select(
        "profile",
        "accounts",
        "item",
        has=shelf.holds(rows, "has"),
        had=shelf.holds(rows, "had"),
        before=shelf.holds(rows, "before"),
    )


def _fingerprint(bought: ir.Table, held: ir.BooleanValue, items: int) -> ir.IntegerValue:
    if items > _BITS:
        return ibis.null("int64")
    return (ibis.literal(1, type="int64") << bought.number).bit_or(where=held)
