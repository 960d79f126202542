"""Money as a whole number of units, 10,000 to one of the currency: exact in every database."""

from decimal import Decimal
from fractions import Fraction
from math import isqrt

MONEY_SCALE = 4
UNITS = 10**MONEY_SCALE


def to_units(amount: Decimal) -> int:
    """Return *amount* in units, halves away from zero; raise `ValueError` if it isn't finite."""
    if not amount.is_finite():
        raise ValueError(f"amount must be a finite number, not {amount!r}")
    return half_up(Fraction(amount) * UNITS)


def from_units(units: int) -> Decimal:
    """Return *units* as an exact decimal with four places."""
    return Decimal(units).scaleb(-MONEY_SCALE)


def cents(units: int | Fraction) -> Decimal:
    """Return *units* as a decimal with two places, halves away from zero."""
    return Decimal(_quotient(units.numerator * 100, units.denominator * UNITS)).scaleb(-2)


def show(units: int) -> str:
    """Return *units* as text for a reader: `38,400.50`, and `38,400` where it is whole."""
    amount = cents(units)
    return f"{amount:,.0f}" if amount == amount.to_integral_value() else f"{amount:,.2f}"


def half_up(value: Fraction) -> int:
    """Return the nearest whole number, halves away from zero."""
    return _quotient(value.numerator, value.denominator)


def places(value: Fraction, digits: int) -> Decimal:
    """Return *value* as a decimal with *digits* places, halves away from zero."""
    # Without a fraction in between: reports and reasons round by the hundred thousand.
    return Decimal(_quotient(value.numerator * 10**digits, value.denominator)).scaleb(-digits)


def whole(units: int) -> int:
    """Return *units* in the currency without cents, halves away from zero."""
    return _quotient(units, UNITS)


def root(value: Fraction, digits: int) -> Decimal:
    """Return the square root as a decimal with *digits* places, halves up."""
    twice = isqrt(4 * value.numerator * 100**digits // value.denominator)
    return Decimal((twice + 1) // 2).scaleb(-digits)


def share(part: int, whole: int) -> Decimal | None:
    """Return *part* of *whole* to six places; None if there is no whole."""
    return places(Fraction(part, whole), 6) if whole else None


def _quotient(part: int, whole: int) -> int:
    """Return *part* divided by a *whole* above zero, halves away from zero."""
    rounded = (2 * abs(part) + whole) // (2 * whole)
    return rounded if part >= 0 else -rounded
