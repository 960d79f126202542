"""The holdout hash of domain 5.5."""

import pytest

from six_goals.holdout import holdout_bucket, is_held_out


@pytest.mark.parametrize(
    ("account", "bucket"),
    [("001", 45), ("002", 38), ("003", 72), ("ACC-1", 61), ("Kan-code", 64)],
)
def test_the_bucket_is_as_in_the_domain(account: str, bucket: int) -> None:
    assert holdout_bucket("pyramid-v1", "retention", account) == bucket


def test_a_bucket_below_the_percentage_is_held_out() -> None:
    assert is_held_out("pyramid-v1", "retention", "002", percent=39)
    assert not is_held_out("pyramid-v1", "retention", "002", percent=38)
