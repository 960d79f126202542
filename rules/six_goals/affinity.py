"""Affinity: which items are bought by the same accounts, and which an account has not bought."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TypedDict

import ibis.expr.types as ir

from customer_pyramid.exact import at_least, wide
from customer_pyramid.money import root
from six_goals.settings import AffinitySettings


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


def pair_counts(baskets: ir.Table) -> ir.Table:
    """Return each ordered pair of items that some account has both of; see `PairRow`.

    *baskets* has account_id and item; repeated rows count once, and rows without an account or an
    item not at all. Materialise the result.
    """
    held = baskets.select("account_id", "item").drop_null().distinct()
    items = held.group_by("item").aggregate(n_item=held.count())
    others = items.select(other="item", n_other="n_item")
    also = held.select(also_id="account_id", other="item")
    both = held.join(also, [held.account_id == also.also_id, held.item != also.other])
    pairs = both.group_by("item", "other").aggregate(n_both=both.count())
    counted = pairs.join(items, "item").join(others, "other")
    rows = counted.cross_join(held.aggregate(n=held.account_id.nunique()))
    return rows.select("item", "other", "n", "n_item", "n_other", "n_both")


def rules(pairs: ir.Table, settings: AffinitySettings) -> ir.Table:
    """Return the rows of `pair_counts` that are strong enough to act on."""
    return pairs.filter(
        pairs.n_both >= settings.min_accounts,
        at_least(pairs.n_both, pairs.n, Fraction(settings.min_support)),
        at_least(pairs.n_both, pairs.n_item, Fraction(settings.min_confidence)),
        at_least(
            wide(pairs.n_both) * pairs.n,
            wide(pairs.n_item) * pairs.n_other,
            Fraction(settings.min_lift),
        ),
    )


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
