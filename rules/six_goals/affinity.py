"""Affinity: which items are bought by the same accounts, and which an account has not bought."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TypedDict

import ibis
import ibis.expr.types as ir

from customer_pyramid.exact import at_least, total, wide
from customer_pyramid.money import root
from six_goals.settings import AffinitySettings
from six_goals.worth import share_of


class PairRow(TypedDict):
    """One row of `pair_counts`: of *n* accounts, how many have *item*, *other* and both."""

    item: str
    other: str
    n: int
    n_item: int
    n_other: int
    n_both: int


@dataclass(frozen=True, slots=True)
class Affinity:
    """The rule "who has *item* also has *other*", with the measures that follow from its counts.

    The counts are those of `PairRow`. Measures are exact; only the cosine is rounded, to six
    places. Source: domain 3.1.
    """

    item: str
    other: str
    n: int
    n_item: int
    n_other: int
    n_both: int

    @property
    def support(self) -> Fraction:
        """Share of all accounts that have both."""
        return Fraction(self.n_both, self.n)

    @property
    def confidence(self) -> Fraction:
        """Share of the accounts with *item* that have *other*."""
        return Fraction(self.n_both, self.n_item)

    @property
    def lift(self) -> Fraction:
        """Confidence against the share of all accounts that have *other*: 1 is no affinity."""
        return Fraction(self.n_both * self.n, self.n_item * self.n_other)

    @property
    def jaccard(self) -> Fraction:
        """Share of the accounts with either that have both."""
        return Fraction(self.n_both, self.n_item + self.n_other - self.n_both)

    @property
    def cosine(self) -> Decimal:
        """The accounts with both, against the geometric mean of those with each."""
        return root(Fraction(self.n_both**2, self.n_item * self.n_other), 6)

    def shrunk_confidence(self, k: int = 10) -> Fraction:
        """Return the confidence as if *k* more accounts with *item* bought *other* as all do."""
        expected = Fraction(k * self.n_other, self.n)
        return (self.n_both + expected) / (self.n_item + k)


def pair_counts(baskets: ir.Table, settings: AffinitySettings | None = None) -> ir.Table:
    """Return each ordered pair of items that some account has both of; see `PairRow`.

    *baskets* has account_id and item; repeated rows count once, and rows without an account or an
    item not at all. If it has a column accounts, each of its rows stands for so many accounts. With
    *settings*, items too rare for any of the `rules` are left out, which keeps the pairs few.
    Materialise the result.
    """
    held = _weighed(baskets)
    items = held.group_by("item").aggregate(n_item=total(held.accounts))
    holders = held.select("account_id", "accounts").distinct()
    counted = items.cross_join(holders.aggregate(n=total(holders.accounts)))
    if settings is not None:
        counted = counted.filter(_frequent(counted.n_item, counted.n, settings))
        held = held.semi_join(counted, "item")
    others = counted.select(other="item", n_other="n_item")
    also = held.select(also_id="account_id", other="item")
    both = held.join(also, [held.account_id == also.also_id, held.item != also.other])
    pairs = both.group_by("item", "other").aggregate(n_both=total(both.accounts))
    rows = pairs.join(counted, "item").join(others, "other")
    return rows.select("item", "other", "n", "n_item", "n_other", "n_both")


def rules(pairs: ir.Table, settings: AffinitySettings) -> ir.Table:
    """Return the rows of `pair_counts` that are strong enough to act on."""
    return pairs.filter(
        _frequent(pairs.n_both, pairs.n, settings),
        at_least(pairs.n_both, pairs.n_item, Fraction(settings.min_confidence)),
        at_least(
            wide(pairs.n_both) * pairs.n,
            wide(pairs.n_item) * pairs.n_other,
            Fraction(settings.min_lift),
        ),
    )


def with_probability(pairs: ir.Table, shrinkage: int) -> ir.Table:
    """Return *pairs* with p, the confidence shrunk by *shrinkage* accounts, as a share.

    Source: domain 3.1.
    """
    together = pairs.n_both * pairs.n + shrinkage * pairs.n_other
    return pairs.mutate(p=share_of(together, pairs.n * (pairs.n_item + shrinkage)))


def affinities(rows: Iterable[PairRow]) -> list[Affinity]:
    """Return the rows with their measures, by lift, then confidence, then names."""
    return sorted(
        (Affinity(**row) for row in rows),
        key=lambda pair: (-pair.lift, -pair.confidence, pair.item, pair.other),
    )


def white_space(baskets: ir.Table, accounts: ir.Table, items: ir.Table) -> ir.Table:
    """Return account_id and item of every item an account has not bought.

    *baskets* is that of `pair_counts`; *accounts* (account_id) and *items* (item) have each one
    once. Source: domain 3.1.
    """
    pairs = accounts.select("account_id").cross_join(items.select("item"))
    return pairs.anti_join(baskets, ["account_id", "item"])


def _weighed(baskets: ir.Table) -> ir.Table:
    """Return account_id, item and accounts: how many accounts a row stands for."""
    if "accounts" in baskets.columns:
        rows = baskets.select("account_id", "item", "accounts")
    else:
        rows = baskets.select("account_id", "item", accounts=ibis.literal(1, type="int64"))
    return rows.drop_null().distinct()


def _frequent(
    accounts: ir.IntegerValue, n: ir.IntegerValue, settings: AffinitySettings
) -> ir.BooleanValue:
    enough = at_least(accounts, n, Fraction(settings.min_support))
    return (accounts >= settings.min_accounts) & enough
