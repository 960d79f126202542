"""Division of whole numbers, exact in databases that divide through floats."""

from fractions import Fraction

import ibis
import ibis.expr.types as ir

from customer_pyramid.exact import wide
from customer_pyramid.money import UNITS


def fits(number: ir.Value, by: ir.Value | int) -> ir.IntegerValue:
    """Return how many times *by*, not negative, goes into *number*; null where *by* is 0."""
    # Without the remainder the quotient is whole, and a float holds it to 2**51: enough for money.
    whole = by if isinstance(by, int) else by.nullif(0)
    return ((number - number % whole) / whole).round().cast("int64")


def divided(number: ir.Value, by: ir.Value | int) -> ir.IntegerValue:
    """Return *number* / *by* to the nearest whole number, halves away from zero.

    *by* is not negative; the result is null where it is 0.
    """
    return fits(2 * number + ibis.ifelse(number < 0, -by, by), 2 * by)


def times(number: ir.IntegerValue, factor: Fraction) -> ir.IntegerValue:
    """Return *number* times *factor* to the nearest whole number, halves away from zero."""
    # In two parts, so that no product is larger than the result.
    by = factor.denominator
    whole, rest = fits(number, by), number % by
    return whole * factor.numerator + divided(rest * factor.numerator, by)


def ratio(part: ir.IntegerValue, whole: ir.IntegerValue) -> ir.IntegerValue:
    """Return *part* of *whole* in 1/10,000, to be looked at; null where there is no whole."""
    share = part.cast("float64") / whole.nullif(0).cast("float64")
    return (share * UNITS).round().cast("int64")


def evenly(amount: ir.IntegerValue, place: ir.IntegerValue, size: ir.Value) -> ir.IntegerValue:
    """Return what the one at *place*, from 1, of *size* gets of *amount*, so that all is divided.

    The first ones get one more, until nothing is left over.
    """
    rest = amount % size
    more = ibis.cases((place <= rest, 1), (place <= -rest, -1), else_=0)
    return fits(amount, size) + more


def apportioned(
    amount: ir.IntegerValue, part: ir.IntegerValue, running: ir.Value, whole: ir.IntegerValue
) -> ir.IntegerValue:
    """Return the share of *amount* that *part* of *whole* takes, so that all is divided.

    *running* is the sum of the parts up to and with this one: not the shares but their running
    total is rounded.
    """
    magnitude, sign = wide(amount.abs()), ibis.ifelse(amount < 0, -1, 1)
    to_here, before = wide(running), wide(running) - part
    return sign * (_of(magnitude, to_here, whole) - _of(magnitude, before, whole))


def _of(amount: ir.DecimalValue, part: ir.DecimalValue, whole: ir.IntegerValue) -> ir.IntegerValue:
    # A remainder in 38 digits takes long: a quotient through floats is put right by what is left.
    product = amount * part
    guess = (product / wide(whole)).round().cast("int64")
    return guess + divided((product - wide(guess) * whole).cast("int64"), whole)
