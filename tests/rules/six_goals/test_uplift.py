"""Uplift, against the example of domain 5.5."""

from decimal import Decimal

import pytest

from six_goals.uplift import Group, Uplift, uplift


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


@pytest.mark.parametrize(
    ("treated", "held_out", "enough"),
    [(30, 30, True), (29, 1_000, False), (1_000, 29, False), (0, 0, False)],
)
def test_a_group_below_30_accounts_is_not_enough(treated: int, held_out: int, enough: bool) -> None:
    assert (uplift(Group(0, treated), Group(0, held_out)) is not None) == enough


@pytest.mark.parametrize(("successes", "accounts"), [(2, 1), (-1, 1)])
def test_successes_are_among_the_accounts(successes: int, accounts: int) -> None:
    with pytest.raises(ValueError, match=f"successes={successes}, accounts={accounts}"):
        Group(successes, accounts)
