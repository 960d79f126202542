"""Uplift: what the tasks of a goal brought, against the accounts held out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from customer_pyramid.money import cents, places, root

ENOUGH = 30  # accounts in each group
Z_95 = Fraction("1.959963985")  # how many standard errors 95 % of a normal distribution lie within
DIGITS = 12  # of the standard error, so that six places of what is made of it are right


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts selected, and the successes among them; raise `ValueError` if there are more.

    Every selected account counts, whether its task was done or not (intent to treat).
    """

    successes: int
    accounts: int

    def __post_init__(self) -> None:
        if not 0 <= self.successes <= self.accounts:
            raise ValueError(f"successes must be from 0 to the number of accounts: {self!r}")

    @property
    def rate(self) -> Fraction:
        """Share of the accounts that are a success."""
        return Fraction(self.successes, self.accounts)


@dataclass(frozen=True, slots=True)
class Amounts:
    """What a group's accounts brought, in money units; most of them brought nothing.

    *total* and *squares* are the sums of the amounts and of their squares.
    """

    accounts: int
    total: int
    squares: int

    @classmethod
    def of(cls, amounts: Iterable[tuple[int, int]], accounts: int) -> Amounts:
        """Return a group of *accounts*, of which each (amount, how many) brought the amount."""
        brought = list(amounts)
        return cls(
            accounts,
            total=sum(amount * count for amount, count in brought),
            squares=sum(amount**2 * count for amount, count in brought),
        )

    @property
    def mean(self) -> Fraction:
        """Money units for each account."""
        return Fraction(self.total, self.accounts)

    @property
    def variance(self) -> Fraction:
        """Variance of the amounts, estimated from these accounts as a sample."""
        return (self.squares - self.total * self.mean) / (self.accounts - 1)


@dataclass(frozen=True, slots=True)
class Uplift:
    """A difference, its standard error and its 95 % interval.

    Rates have six places, money is in the base currency with two.
    """

    difference: Decimal
    standard_error: Decimal
    low: Decimal
    high: Decimal


def uplift(treated: Group, held_out: Group) -> Uplift | None:
    """Return how much more often *treated* accounts succeed; None is "not enough data".

    Source: domain 3, measurement.
    """
    if min(treated.accounts, held_out.accounts) < ENOUGH:
        return None
    difference = treated.rate - held_out.rate
    error = Fraction(root(_variance(treated) + _variance(held_out), DIGITS))
    return Uplift(
        difference=places(difference, 6),
        standard_error=places(error, 6),
        low=places(difference - Z_95 * error, 6),
        high=places(difference + Z_95 * error, 6),
    )


def value_uplift(treated: Amounts, held_out: Amounts) -> Uplift | None:
    """Return how much more a *treated* account brings; None is "not enough data".

    The interval is that of a difference of two means with variances of their own.
    """
    if min(treated.accounts, held_out.accounts) < ENOUGH:
        return None
    difference = treated.mean - held_out.mean
    variance = treated.variance / treated.accounts + held_out.variance / held_out.accounts
    error = Fraction(root(variance, DIGITS))
    return Uplift(
        difference=cents(difference),
        standard_error=cents(error),
        low=cents(difference - Z_95 * error),
        high=cents(difference + Z_95 * error),
    )


def _variance(group: Group) -> Fraction:
    return group.rate * (1 - group.rate) / group.accounts
