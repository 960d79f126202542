"""Integers that can't overflow, in expressions that DuckDB and PostgreSQL both understand."""

from fractions import Fraction
from typing import cast

import ibis.expr.operations as ops
import ibis.expr.types as ir

WIDE = "decimal(38, 0)"


def wide(column: ir.Value) -> ir.DecimalColumn:
    """Return *column* in 38 digits: room for products and for sums of sums."""
    return column.cast(WIDE)


def total(column: ir.Value, where: ir.BooleanValue | None = None) -> ir.IntegerScalar:
    """Return the sum of *column* as int64, 0 if there is nothing to sum."""
    return summed(column, where).fill_null(0)


def summed(column: ir.Value, where: ir.BooleanValue | None = None) -> ir.IntegerScalar:
    """Return the sum of *column* as int64, null if there is nothing to sum.

    Databases sum int64 in more than 64 bits, which Ibis doesn't know: it would leave out a cast to
    what it takes the sum for. More than int64 holds is an error of the database.
    """
    whole = ops.Cast(column.sum(where=where), to="int64").to_expr()
    return cast("ir.IntegerScalar", whole)


def at_least(value: ir.Value, bound: ir.Value, factor: Fraction) -> ir.BooleanValue:
    """Say whether *value* reaches *bound* times *factor*, compared without a division."""
    if factor == 1:
        return value >= bound
    return wide(value) * factor.denominator >= wide(bound) * factor.numerator
