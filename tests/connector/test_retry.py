"""What failed for the moment is tried again; what failed for good is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector import AuthError, RateLimited, Unavailable
from connector.retry import ATTEMPTS, retrying, retrying_call


class Flaky:
    """Fails as told, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


@pytest.fixture
def pauses() -> list[float]:
    return []


def test_what_works_is_called_once(pauses: list[float]) -> None:
    call = Flaky()

    assert retrying_call(call, sleep=pauses.append) == "answer"
    assert (call.calls, pauses) == (1, [])


def test_what_fails_for_the_moment_is_called_again(pauses: list[float]) -> None:
    call = Flaky(Unavailable("gone"), Unavailable("gone"))

    assert retrying_call(call, sleep=pauses.append) == "answer"
    assert (call.calls, len(pauses)) == (3, 2)


def test_what_keeps_failing_is_raised_as_it_is(pauses: list[float]) -> None:
    call = Flaky(*[Unavailable("gone")] * 99)

    with pytest.raises(Unavailable, match="gone"):
        retrying_call(call, sleep=pauses.append)

    assert call.calls == ATTEMPTS


def test_what_fails_for_good_is_not_called_again(pauses: list[float]) -> None:
    call = Flaky(AuthError("no"))

    with pytest.raises(AuthError):
        retrying_call(call, sleep=pauses.append)

    assert (call.calls, pauses) == (1, [])


@pytest.mark.parametrize("seconds", [0.0, 7.0, 120.0])
def test_a_crm_that_says_when_is_believed(pauses: list[float], seconds: float) -> None:
    retrying_call(Flaky(RateLimited("slow", retry_after=seconds)), sleep=pauses.append)

    assert pauses == [seconds]


def test_one_that_asks_for_longer_than_the_deadline_is_not_waited_for(pauses: list[float]) -> None:
    with pytest.raises(RateLimited):
        retrying_call(
            Flaky(RateLimited("slow", retry_after=1000.0)), deadline=900, sleep=pauses.append
        )

    assert pauses == []


def test_otherwise_pauses_stay_within_a_minute(pauses: list[float]) -> None:
    call = Flaky(*[RateLimited("slow")] * 9)

    retrying_call(call, attempts=10, sleep=pauses.append)

    assert len(pauses) == 9
    assert all(0 <= pause <= 60 for pause in pauses)


def test_pages_go_on_where_they_broke_off_and_progress_counts_anew(pauses: list[float]) -> None:
    got: list[int] = []
    breaks = [2, 2, 4]

    def pages() -> Iterator[int]:
        for number in range(len(got), 6):
            if breaks and number == breaks[0]:
                breaks.pop(0)
                raise Unavailable("broke off")
            yield number

    for page in retrying(pages, attempts=3, sleep=pauses.append):
        got.append(page)

    assert got == [0, 1, 2, 3, 4, 5]
    assert len(pauses) == 3


def test_pages_that_never_come_are_given_up(pauses: list[float]) -> None:
    def pages() -> Iterator[int]:
        raise Unavailable("gone")
        yield 1

    with pytest.raises(Unavailable):
        list(retrying(pages, attempts=3, sleep=pauses.append))

    assert len(pauses) == 2
