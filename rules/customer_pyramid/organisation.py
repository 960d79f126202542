"""Organisation: whether every customer has somebody who looks after it, and how many each has."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypedDict

import ibis.expr.types as ir

from customer_pyramid.money import share
from customer_pyramid.settings import INACTIVE, PROSPECT, REST_OF_WORLD, SUSPECT, PyramidSettings


class OwnedRow(TypedDict):
    """One row of `owned`."""

    layer: str
    owner_id: str | None
    accounts: int


@dataclass(frozen=True, slots=True)
class LayerOwners:
    """The accounts of a layer, and those of them that have an owner; None if none anywhere has."""

    layer: str
    accounts: int
    owned: int | None
    share: Decimal | None


@dataclass(frozen=True, slots=True)
class RepLoad:
    """What one owner looks after: accounts in all, customers, and customers in key layers."""

    owner_id: str
    accounts: int
    customers: int
    key_customers: int


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who looks after whom; *reps* by key customers, those with most first."""

    layers: tuple[LayerOwners, ...]
    reps: tuple[RepLoad, ...]


def owned(standings: ir.Table) -> ir.Table:
    """Return the number of accounts by layer and owner; see `OwnedRow`."""
    own = standings.filter(standings.inherited_from.isnull(), standings.layer != REST_OF_WORLD)
    return own.group_by("layer", "owner_id").aggregate(accounts=own.count())


def organisation(
    rows: Iterable[OwnedRow], settings: PyramidSettings, key_layers: Collection[str]
) -> Organisation:
    """Return the organisation from the rows of `owned`.

    Where no account at all has an owner, owners are not recorded: then they are unknown. Source:
    domain 2.
    """
    counts = list(rows)
    recorded = any(row["owner_id"] for row in counts)
    names = (*settings.tiers, INACTIVE, PROSPECT, SUSPECT)
    return Organisation(
        layers=tuple(_layer(name, counts, recorded=recorded) for name in names),
        reps=_reps(counts, settings, key_layers),
    )


def _layer(name: str, rows: Iterable[OwnedRow], *, recorded: bool) -> LayerOwners:
    own = [row for row in rows if row["layer"] == name]
    accounts = sum(row["accounts"] for row in own)
    held = sum(row["accounts"] for row in own if row["owner_id"])
    return LayerOwners(
        layer=name,
        accounts=accounts,
        owned=held if recorded else None,
        share=share(held, accounts) if recorded else None,
    )


def _reps(
    rows: Iterable[OwnedRow], settings: PyramidSettings, key_layers: Collection[str]
) -> tuple[RepLoad, ...]:
    accounts, customers, key = Counter[str](), Counter[str](), Counter[str]()
    for row in rows:
        if owner := row["owner_id"]:
            accounts[owner] += row["accounts"]
            customers[owner] += row["accounts"] * (row["layer"] in settings.tiers)
            key[owner] += row["accounts"] * (row["layer"] in key_layers)
    order = sorted(accounts, key=lambda owner: (-key[owner], -customers[owner], owner))
    return tuple(RepLoad(owner, accounts[owner], customers[owner], key[owner]) for owner in order)
