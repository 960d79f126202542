"""A CRM that refuses whole batches: one bad row costs itself alone, and few calls."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from math import ceil, log2

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector import Applied, Change, Ref, Refused, Rejected, SetFields, Unknown, WriteOutcome
from connector.poison import apart

ROWS = [f"A{number:03}" for number in range(200)]


def change(account: str) -> SetFields:
    return SetFields(Ref(account), {"tier": "Top"}, {"tier": None})


class AllOrNothing:
    """A CRM that does nothing of a call with a bad row, and names the last of them."""

    def __init__(self, bad: Collection[str]) -> None:
        self.bad = frozenset(bad)
        self.calls: list[int] = []
        self.held: list[str] = []

    def write(self, changes: Sequence[Change]) -> Iterator[WriteOutcome]:
        self.calls.append(len(changes))
        accounts = [change.ref.id for change in changes]
        if spoilt := self.bad.intersection(accounts):
            words = f"{max(spoilt)} is locked"
            raise Refused(f"crm: {words}", code="locked", words=words)
        for account in accounts:
            self.held.append(account)
            yield Applied(f"fields:{account}", account)

    def take(self, accounts: Sequence[str] = ROWS) -> list[WriteOutcome]:
        return list(apart(self.write, [change(account) for account in accounts]))


def rejected(outcomes: Sequence[WriteOutcome]) -> dict[str, str]:
    return {one.marker: one.message for one in outcomes if isinstance(one, Rejected)}


BAD_PLACES = [
    range(7),
    range(193, 200),
    range(0, 200, 29),
    range(1, 14, 2),
    range(31, 38),
    *(sorted(random.Random(seed).sample(range(200), 7)) for seed in range(60)),
]


@pytest.mark.parametrize("places", BAD_PLACES, ids=str)
def test_seven_bad_rows_of_two_hundred_cost_themselves_alone(places: Sequence[int]) -> None:
    bad = [ROWS[place] for place in places]
    crm = AllOrNothing(bad)

    outcomes = crm.take()

    assert rejected(outcomes) == {f"fields:{one}": f"{one} is locked" for one in bad}
    assert sorted(crm.held) == sorted(set(ROWS) - set(bad))
    assert len(crm.calls) <= 7 * ceil(log2(200)) + 1


@settings(deadline=None)
@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1)))))
def test_every_change_has_one_outcome_and_is_made_once(case: tuple[int, set[int]]) -> None:
    rows, bad = ROWS[: case[0]], [ROWS[place] for place in case[1]]
    crm = AllOrNothing(bad)
    found: list[WriteOutcome] = []

    try:
        found = crm.take(rows)
    except Refused:
        assert len(bad) > 16
        return

    assert sorted(one.marker for one in found) == [f"fields:{row}" for row in rows]
    assert sorted(crm.held) == sorted(set(rows) - set(bad))
    assert rejected(found) == {f"fields:{one}": f"{one} is locked" for one in bad}


def test_a_good_batch_is_one_call() -> None:
    crm = AllOrNothing([])
    crm.take()
    assert crm.calls == [200]


def test_a_crm_that_takes_nothing_at_all_stops_the_run_soon() -> None:
    crm = AllOrNothing(ROWS)
    with pytest.raises(Refused, match="is locked"):
        crm.take()
    assert len(crm.calls) < 100


def test_many_bad_rows_at_the_start_do_not_stop_the_run() -> None:
    crm = AllOrNothing(ROWS[:40])
    outcomes = crm.take()
    assert len(rejected(outcomes)) == 40
    assert sorted(crm.held) == ROWS[40:]


def test_what_was_answered_before_the_refusal_stands() -> None:
    def write(changes: Sequence[Change]) -> Iterator[WriteOutcome]:
        for one in changes:
            if one.ref.id == "A001":
                raise Refused("crm: no", code="no", words="no")
            yield Applied(one.marker, one.ref.id)

    outcomes = list(apart(write, [change(row) for row in ROWS[:3]]))

    assert [(type(one), one.marker[-4:]) for one in outcomes] == [
        (Applied, "A000"),
        (Rejected, "A001"),
        (Applied, "A002"),
    ]


def test_unknown_outcomes_pass() -> None:
    def write(changes: Sequence[Change]) -> Iterator[WriteOutcome]:
        return (Unknown(one.marker, "the connection broke") for one in changes)

    outcomes = list(apart(write, [change("A")]))
    assert [type(one) for one in outcomes] == [Unknown]
