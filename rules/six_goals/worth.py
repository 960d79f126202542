"""Worth: money times a probability, exact, and as quick as a database can."""

from fractions import Fraction

import ibis.expr.types as ir

from customer_pyramid.money import half_up

# Both sides together fill the 38 digits that a database can multiply.
MONEY = "decimal(19, 0)"
SHARE = "decimal(19, 9)"
SHARE_PLACES = 9


def share_of(part: ir.NumericValue, whole: ir.NumericValue) -> ir.DecimalValue:
    """Return *part* of *whole* to nine places: for probabilities, not for money."""
    return (part.cast("float64") / whole.cast("float64")).round(SHARE_PLACES).cast(SHARE)


def expected(units: ir.IntegerValue, share: ir.DecimalValue) -> ir.DecimalValue:
    """Return *units* times a share of `share_of`, in units and parts of them.

    To round so many digits takes a database longer than all else, a million times: `margin_on`
    does it for the few that are proposed.
    """
    return units.cast(MONEY) * share


def median(units: ir.IntegerColumn) -> ir.IntegerScalar:
    """Return the median, to the nearest unit."""
    return units.median().round(0).cast("int64")


def margin_on(units: Fraction, margin: Fraction) -> int:
    """Return the margin of *units*, to the nearest unit; nothing is worth less than 0."""
    return max(0, half_up(units * margin))
