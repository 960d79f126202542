"""Money in units: exact, halves away from zero."""

from decimal import Decimal
from fractions import Fraction

import pytest

from customer_pyramid.money import cents, from_units, root, share, show, to_units


@pytest.mark.parametrize(
    ("amount", "units"),
    [("1", 10_000), ("0.00005", 1), ("0.00004", 0), ("-0.00005", -1), ("856885.44", 8_568_854_400)],
)
def test_amounts_become_units_half_up(amount: str, units: int) -> None:
    assert to_units(Decimal(amount)) == units


def test_units_become_amounts_again() -> None:
    assert from_units(to_units(Decimal("-12.3456"))) == Decimal("-12.3456")


@pytest.mark.parametrize("amount", ["NaN", "Infinity"])
def test_what_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="finite"):
        to_units(Decimal(amount))


@pytest.mark.parametrize(
    ("units", "text"), [(50, "0.01"), (49, "0.00"), (-50, "-0.01"), (384_005_000, "38400.50")]
)
def test_cents_are_rounded_half_up(units: int, text: str) -> None:
    assert str(cents(units)) == text


@pytest.mark.parametrize(
    ("units", "text"), [(384_000_000, "38,400"), (384_005_000, "38,400.50"), (0, "0")]
)
def test_a_reader_sees_no_needless_zeros(units: int, text: str) -> None:
    assert show(units) == text


def test_a_share_of_nothing_is_unknown() -> None:
    assert share(0, 0) is None
    assert share(2, 3) == Decimal("0.666667")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        pytest.param("2", "1.414214", id="above"),
        pytest.param("0.0026", "0.050990", id="below"),
        pytest.param("0.00000000000025", "0.000001", id="half"),
        pytest.param("1/9", "0.333333", id="periodic"),
        pytest.param("0", "0.000000", id="zero"),
    ],
)
def test_a_root_is_rounded_once(value: str, found: str) -> None:
    assert root(Fraction(value), 6) == Decimal(found)
