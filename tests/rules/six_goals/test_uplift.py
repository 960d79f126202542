"""Uplift, against the example of domain 5.5 and by round numbers."""

from decimal import Decimal
from fractions import Fraction
from statistics import mean, variance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from six_goals.uplift import Amounts, Group, Uplift, uplift, value_uplift

EUR = 10_000


def test_the_uplift_is_that_of_the_domain() -> None:
    assert uplift(Group(40, 200), Group(5, 50)) == Uplift(
        difference=Decimal("0.10"),
        standard_error=Decimal("0.050990"),
        low=Decimal("0.000061"),
        high=Decimal("0.199939"),
    )


def test_tasks_may_do_harm() -> None:
    assert uplift(Group(5, 50), Group(40, 200)) == Uplift(
        difference=Decimal("-0.10"),
        standard_error=Decimal("0.050990"),
        low=Decimal("-0.199939"),
        high=Decimal("-0.000061"),
    )


ENOUGH = [(30, 30, True), (29, 1_000, False), (1_000, 29, False), (0, 0, False)]


@pytest.mark.parametrize(("treated", "held_out", "enough"), ENOUGH)
def test_a_group_below_30_accounts_is_not_enough(treated: int, held_out: int, enough: bool) -> None:
    assert (uplift(Group(0, treated), Group(0, held_out)) is not None) == enough


@pytest.mark.parametrize(("successes", "accounts"), [(2, 1), (-1, 1)])
def test_successes_are_among_the_accounts(successes: int, accounts: int) -> None:
    with pytest.raises(ValueError, match=f"successes={successes}, accounts={accounts}"):
        Group(successes, accounts)


def test_the_value_uplift_is_the_difference_of_the_means() -> None:
    # 50 of 100 brought 200: mean 100, variance 100 x 100 x 100 / 99. The others brought nothing.
    treated = Amounts.of([(200 * EUR, 50)], accounts=100)
    held_out = Amounts.of([], accounts=50)

    assert value_uplift(treated, held_out) == Uplift(
        difference=Decimal("100.00"),
        standard_error=Decimal("10.05"),
        low=Decimal("80.30"),
        high=Decimal("119.70"),
    )


def test_each_group_has_its_own_variance() -> None:
    # 1,000,000 / 99 / 100 = 101.0101 and 2,500 x 50 / 49 / 50 = 51.0204: the root is 12.33.
    treated = Amounts.of([(200 * EUR, 50)], accounts=100)
    held_out = Amounts.of([(100 * EUR, 25)], accounts=50)

    found = value_uplift(treated, held_out)

    assert found is not None
    assert (found.difference, found.standard_error) == (Decimal("50.00"), Decimal("12.33"))


@pytest.mark.parametrize(("treated", "held_out", "enough"), ENOUGH)
def test_below_30_accounts_there_is_no_value_uplift(
    treated: int, held_out: int, enough: bool
) -> None:
    found = value_uplift(Amounts.of([], treated), Amounts.of([], held_out))

    assert (found is not None) == enough


@given(st.lists(st.integers(-(10**15), 10**15), min_size=2, max_size=50))
def test_mean_and_variance_are_exactly_those_of_the_sample(amounts: list[int]) -> None:
    group = Amounts.of([(amount, 1) for amount in amounts], len(amounts))

    exact = [Fraction(amount) for amount in amounts]
    assert (group.mean, group.variance) == (mean(exact), variance(exact))
