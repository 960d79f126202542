"""The scheduler's health at moments that the test names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.schedule.watch import LATE, Watch

START = datetime(2026, 1, 1, 6, 0, tzinfo=UTC)
NIGHTLY, HOURLY = Path("/jobs/nightly.toml"), Path("/jobs/hourly.toml")


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(clock: Clock) -> Watch:
    made = Watch(clock)
    made.ticks(START + timedelta(minutes=1))
    made.knows(NIGHTLY, "nightly")
    made.knows(HOURLY, "hourly", "done")
    return made


@pytest.mark.parametrize("state", ["done", "partial", "busy"])
def test_all_is_well_while_jobs_wait_run_and_end_well(watch: Watch, state: str) -> None:
    assert watch.health()[0]
    watch.due(NIGHTLY, START)
    watch.begins(NIGHTLY)
    watch.ends(NIGHTLY, state)
    well, said = watch.health()
    assert well
    assert said == {
        "status": "ok",
        "loop": "alive",
        "failing": {},
        "late": {},
        "ended": {"nightly": "2026-01-01T06:00:00+00:00"},
    }


@pytest.mark.parametrize("state", ["failed", "stopped", "cut off"])
def test_a_run_that_ended_badly_is_named_until_one_ends_well(watch: Watch, state: str) -> None:
    watch.ends(NIGHTLY, state)
    well, said = watch.health()
    assert not well
    assert (said["status"], said["failing"]) == ("failing", {"nightly": state})
    watch.ends(NIGHTLY, "done")
    assert watch.health()[0]


def test_what_failed_before_the_scheduler_was_started_again_is_not_forgotten(watch: Watch) -> None:
    watch.knows(NIGHTLY, "nightly", "failed")
    watch.knows(NIGHTLY, "nightly")  # the file was touched
    assert watch.health()[1]["failing"] == {"nightly": "failed"}


def test_a_run_that_does_not_begin_is_late(watch: Watch, clock: Clock) -> None:
    watch.due(NIGHTLY, START)
    clock.time += LATE
    watch.ticks(clock.time)
    assert watch.health()[0]
    clock.time += timedelta(seconds=1)
    well, said = watch.health()
    assert not well
    assert said["late"] == {"nightly": "2026-01-01T06:00:00+00:00"}
    watch.due(NIGHTLY, clock.time)  # one more time does not make it less late
    assert watch.health()[1]["late"] == {"nightly": "2026-01-01T06:00:00+00:00"}
    watch.begins(NIGHTLY)
    assert watch.health()[0]


def test_a_run_that_outlasts_the_next_time_is_late_till_it_ends(watch: Watch, clock: Clock) -> None:
    watch.due(HOURLY, START)
    watch.begins(HOURLY)
    watch.due(HOURLY, START + timedelta(hours=1))
    clock.time += timedelta(hours=1, minutes=6)
    watch.ticks(clock.time)
    assert list(watch.health()[1]["late"]) == ["hourly"]
    watch.ends(HOURLY, "done")
    assert watch.health()[0]


def test_a_loop_that_does_not_come_round_is_stuck(watch: Watch, clock: Clock) -> None:
    clock.time += timedelta(minutes=1) + LATE + timedelta(seconds=1)
    well, said = watch.health()
    assert not well
    assert said["loop"] == "stuck"


def test_a_file_that_can_not_be_used_is_named_until_it_is_mended_or_gone(watch: Watch) -> None:
    watch.unusable(NIGHTLY)
    watch.unusable(Path("/jobs/other.toml"))
    assert watch.health()[1]["failing"] == {"nightly": "unusable", "other": "unusable"}
    watch.knows(NIGHTLY, "nightly")
    watch.forgets(Path("/jobs/other.toml"))
    assert watch.health()[0]
