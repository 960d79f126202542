"""Uplift: what the tasks of a goal brought, against the accounts held out."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from customer_pyramid.money import places, root

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
class Uplift:
    """A difference of rates, its standard error and its 95 % interval, all to six places."""

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


def _variance(group: Group) -> Fraction:
    return group.rate * (1 - group.rate) / group.accounts
