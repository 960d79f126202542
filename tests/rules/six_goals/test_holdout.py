"""The holdout hash of domain 5.5."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from six_goals.holdout import holdout_bucket, is_held_out
from six_goals.settings import HoldoutSettings


@pytest.mark.parametrize(
    ("account", "bucket"),
    [("001", 45), ("002", 38), ("003", 72), ("ACC-1", 61), ("Kan-code", 64)],
)
def test_the_bucket_is_as_in_the_domain(account: str, bucket: int) -> None:
    assert holdout_bucket("pyramid-v1", "retention", account) == bucket


def test_a_bucket_below_the_percentage_is_held_out() -> None:
    assert is_held_out("pyramid-v1", "retention", "002", percent=39)
    assert not is_held_out("pyramid-v1", "retention", "002", percent=38)


def test_about_a_tenth_is_held_out() -> None:
    held_out = sum(is_held_out("pyramid-v1", "up_sell", f"A{n}", 10) for n in range(10_000))

    assert 900 < held_out < 1_100


def test_each_goal_and_each_salt_draws_anew() -> None:
    drawn = {
        tuple(is_held_out(salt, goal, f"A{n}", 50) for n in range(100))
        for salt in ("a", "b")
        for goal in ("up_sell", "retention")
    }

    assert len(drawn) == 4


@given(st.text(), st.integers(0, 49))
def test_a_larger_holdout_keeps_whom_it_had(account: str, percent: int) -> None:
    fewer = is_held_out("salt", "up_sell", account, percent)

    assert fewer <= is_held_out("salt", "up_sell", account, percent + 1)


@given(st.text())
def test_no_percent_holds_nobody_out(account: str) -> None:
    assert not is_held_out("salt", "up_sell", account, 0)


@pytest.mark.parametrize("percent", [-1, 51])
def test_at_most_half_is_held_out(percent: int) -> None:
    with pytest.raises(ValueError, match=f"not {percent}"):
        HoldoutSettings(percent=percent)
