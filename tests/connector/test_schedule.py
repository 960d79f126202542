"""The scheduler's decisions, at moments that the test names; nothing runs and nothing waits."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from threading import Event

import pytest

from connector.cron import cron_trigger
from connector.errors import ConfigError, StoreError
from connector.plugins import Plugins
from connector.schedule import preview
from connector.schedule.agenda import Agenda, Verdict, verdict
from connector.schedule.folder import Folder, Scheduled
from connector.schedule.history import LastRun, last_run
from connector.schedule.runs import Runs as Started
from connector.store import Store
from connector.store.tables import RunRow

JOB = """
schedule = "{schedule}"
timezone = "Europe/Berlin"
catch_up = "{catch_up}"
[source]
adapter = "files"
settings = {{ folder = "data", accounts = "accounts.csv", opportunities = "deals.csv" }}
"""


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def write_job(path: Path, schedule: str = "0 6 * * *", catch_up: str = "once") -> Path:
    path.write_text(JOB.format(schedule=schedule, catch_up=catch_up), encoding="utf-8")
    return path


class Runs:
    """Takes down what is started instead of starting it."""

    def __init__(self) -> None:
        self.started: list[tuple[str, int]] = []
        self.busy: set[str] = set()

    def start(self, job: Scheduled, times: int) -> bool:
        if job.name in self.busy:
            return False
        self.started.append((job.name, times))
        return True

    def taken(self) -> list[tuple[str, int]]:
        started, self.started = self.started, []
        return started


@pytest.fixture
def runs() -> Runs:
    return Runs()


@pytest.fixture
def make(tmp_path: Path, runs: Runs) -> Callable[..., Agenda]:
    def made(last: LastRun | None = None) -> Agenda:
        return Agenda(Folder(tmp_path), start=runs.start, last_run=lambda job: last)

    return made


def scheduled(schedule: str, catch_up: str = "once") -> Scheduled:
    timetable = cron_trigger(schedule, "UTC")
    return Scheduled(Path("a.toml"), "a", "", timetable, catch_up)  # type: ignore[arg-type] # text


@pytest.mark.parametrize(
    ("since", "now", "once", "skip"),
    [
        pytest.param("2026-06-01T05:00", "2026-06-01T05:59:59", "wait", "wait", id="before"),
        pytest.param("2026-06-01T05:00", "2026-06-01T06:00", "run", "run", id="on the second"),
        pytest.param("2026-06-01T05:00", "2026-06-01T06:00:59", "run", "run", id="a moment late"),
        pytest.param("2026-06-01T06:00", "2026-06-01T06:00:30", "wait", "wait", id="done"),
        pytest.param("2026-06-01T05:00", "2026-06-01T06:10", "catch_up", "skip", id="missed"),
        pytest.param("2026-05-20T05:00", "2026-06-01T12:00", "catch_up", "skip", id="many missed"),
        pytest.param("2026-05-20T05:00", "2026-06-01T06:00", "run", "run", id="missed, and now"),
    ],
)
def test_what_has_come_up_asks_for_one_run(
    since: str, now: str, once: Verdict, skip: Verdict
) -> None:
    assert verdict(scheduled("0 6 * * *"), at(since), at(now)) == once
    assert verdict(scheduled("0 6 * * *", "skip"), at(since), at(now)) == skip


def test_a_job_runs_at_its_time_in_its_zone(
    tmp_path: Path, make: Callable[..., Agenda], runs: Runs
) -> None:
    write_job(tmp_path / "a.toml")
    agenda = make()
    assert agenda.tick(at("2026-06-01T03:59:30")) == at("2026-06-01T04:00")
    assert runs.taken() == []
    assert agenda.tick(at("2026-06-01T04:00")) == at("2026-06-01T04:00:30")
    assert runs.taken() == [("a", 1)]
    agenda.tick(at("2026-06-01T04:00:30"))
    assert runs.taken() == []


@pytest.mark.long
def test_a_day_of_minutes_runs_each_job_as_often_as_its_line_says(
    tmp_path: Path, make: Callable[..., Agenda], runs: Runs
) -> None:
    write_job(tmp_path / "daily.toml", "30 2 * * *")
    write_job(tmp_path / "hourly.toml", "7 * * * *")
    for day in ("2026-03-28T23:00", "2026-10-24T22:00"):  # midnight in Berlin, then a change
        agenda, now = make(), at(day)
        end = now + timedelta(hours=23 if "03" in day else 25)
        while now < end:
            now = agenda.tick(now)
        started = [name for name, _ in runs.taken()]
        assert started.count("daily") == 1
        assert started.count("hourly") == (23 if "03" in day else 25)


@pytest.mark.parametrize(
    ("last", "catch_up", "expected"),
    [
        pytest.param(None, "once", [], id="never ran"),
        pytest.param(LastRun(at("2026-06-01T04:00:01")), "once", [], id="ran in time"),
        pytest.param(LastRun(at("2026-05-28T04:00")), "once", [("a", 1)], id="missed days"),
        pytest.param(LastRun(at("2026-05-28T04:00")), "skip", [], id="missed days, skip"),
        pytest.param(LastRun(at("2026-06-01T04:01"), True), "skip", [("a", 1)], id="cut off"),
        pytest.param(
            LastRun(at("2026-05-31T04:00"), True), "once", [("a", 2)], id="cut off and missed"
        ),
        pytest.param(
            LastRun(at("2026-05-31T04:00"), True), "skip", [("a", 1)], id="cut off, missed, skip"
        ),
    ],
)
def test_the_start_makes_up_for_the_time_before(
    tmp_path: Path,
    make: Callable[..., Agenda],
    runs: Runs,
    last: LastRun | None,
    catch_up: str,
    expected: list[tuple[str, int]],
) -> None:
    write_job(tmp_path / "a.toml", catch_up=catch_up)
    agenda = make(last)
    agenda.tick(at("2026-06-01T10:00"))
    assert runs.taken() == expected
    agenda.tick(at("2026-06-01T10:01"))
    assert runs.taken() == []


def test_a_job_that_is_still_running_is_skipped_and_said_so(
    tmp_path: Path, make: Callable[..., Agenda], runs: Runs, caplog: pytest.LogCaptureFixture
) -> None:
    write_job(tmp_path / "a.toml", "* * * * *")
    agenda = make()
    agenda.tick(at("2026-06-01T10:00"))
    runs.busy.add("a")
    agenda.tick(at("2026-06-01T10:01"))
    runs.busy.clear()
    agenda.tick(at("2026-06-01T10:01:30"))
    assert runs.taken() == []
    assert "job a: skipped, its last run is still under way" in caplog.text


def test_a_clock_put_right_by_a_second_runs_nothing_twice(
    tmp_path: Path, make: Callable[..., Agenda], runs: Runs
) -> None:
    write_job(tmp_path / "a.toml")
    agenda = make()
    agenda.tick(at("2026-06-01T03:59:30"))
    for moment in ("2026-06-01T04:00:00", "2026-06-01T03:59:59", "2026-06-01T04:00:01"):
        agenda.tick(at(moment))
    assert runs.taken() == [("a", 1)]


def test_files_that_come_change_and_go_are_noticed(
    tmp_path: Path, make: Callable[..., Agenda], runs: Runs
) -> None:
    agenda = make()
    agenda.tick(at("2026-06-01T10:00"))
    job = write_job(tmp_path / "a.toml", "* * * * *")
    agenda.tick(at("2026-06-01T10:01"))
    agenda.tick(at("2026-06-01T10:02"))
    assert runs.taken() == [("a", 1)]
    write_job(job, "0 12 * * *")
    os.utime(job, (1, 1))  # a file system may not tell two writes of one second apart
    agenda.tick(at("2026-06-01T10:03"))
    agenda.tick(at("2026-06-01T10:04"))
    assert runs.taken() == []
    job.unlink()
    agenda.tick(at("2026-06-01T10:05"))
    assert agenda.tick(at("2026-06-01T10:00")) == at("2026-06-01T10:01")
    assert runs.taken() == []


def test_a_bad_file_is_reported_and_the_others_go_on(
    tmp_path: Path, make: Callable[..., Agenda], runs: Runs, caplog: pytest.LogCaptureFixture
) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("schedule = \n", encoding="utf-8")
    wrong = write_job(tmp_path / "wrong.toml", "0 6 * * 8")
    write_job(tmp_path / "good.toml", "* * * * *")
    agenda = make()
    agenda.tick(at("2026-06-01T10:00"))
    assert f"{bad}: not valid TOML" in caplog.text
    assert "line 1" in caplog.text
    assert f"{wrong}: schedule: not a cron line (no weekday: '8')" in caplog.text
    write_job(bad, "* * * * *")
    agenda.tick(at("2026-06-01T10:01"))
    agenda.tick(at("2026-06-01T10:02"))
    assert sorted(runs.taken()) == [("bad", 1), ("good", 1), ("good", 1)]


def test_an_unknown_adapter_is_reported_before_any_run(tmp_path: Path) -> None:
    path = write_job(tmp_path / "a.toml")
    (problem,) = Folder(tmp_path, Plugins([])).changes().values()
    assert f"{path}: source.adapter: no adapter 'files' is installed" in str(problem)


def test_a_job_without_a_schedule_is_left_alone(
    tmp_path: Path, make: Callable[..., Agenda], runs: Runs, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_job(tmp_path / "a.toml")
    path.write_text(path.read_text().replace('schedule = "0 6 * * *"', ""))
    make(LastRun(at("2020-01-01T00:00"), True)).tick(at("2026-06-01T10:00"))
    assert runs.taken() == []
    assert "no job with a schedule yet" in caplog.text


def test_a_store_that_does_not_answer_keeps_the_job_on_the_schedule(
    tmp_path: Path, runs: Runs, caplog: pytest.LogCaptureFixture
) -> None:
    def no_store(job: Scheduled) -> LastRun | None:
        raise StoreError("store x: locked")

    write_job(tmp_path / "a.toml", "* * * * *")
    agenda = Agenda(Folder(tmp_path), start=runs.start, last_run=no_store)
    agenda.tick(at("2026-06-01T10:00"))
    agenda.tick(at("2026-06-01T10:01"))
    assert runs.taken() == [("a", 1)]
    assert "job a: store x: locked" in caplog.text


def test_a_folder_that_vanishes_leaves_its_jobs_on_the_schedule(
    tmp_path: Path, runs: Runs, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "jobs"
    folder.mkdir()
    write_job(folder / "a.toml", "* * * * *")
    agenda = Agenda(Folder(folder), start=runs.start, last_run=lambda job: None)
    agenda.tick(at("2026-06-01T10:00"))
    folder.rename(tmp_path / "away")
    agenda.tick(at("2026-06-01T10:01"))
    assert runs.taken() == [("a", 1)]
    assert "the jobs already known go on" in caplog.text


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        preview(tmp_path / "none", 5)


def test_the_preview_shows_the_next_times_of_each_job(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_job(tmp_path / "workdays.toml", "0 6 * * 1-5")
    write_job(tmp_path / "night.toml", "30 2 * * *")
    (tmp_path / "bad.toml").write_text("what", encoding="utf-8")
    caplog.set_level(logging.ERROR)
    found = preview(tmp_path, 2, datetime(2026, 3, 28, 12, tzinfo=UTC))
    shown = [
        (name, [time.isoformat(timespec="minutes") for time in times]) for name, times in found
    ]
    assert shown == [
        ("night", ["2026-03-29T03:30+02:00", "2026-03-30T02:30+02:00"]),
        ("workdays", ["2026-03-30T06:00+02:00", "2026-03-31T06:00+02:00"]),
    ]
    assert "bad.toml: not valid TOML" in caplog.text


class HeldRuns(Started):
    """Starts nothing: says what would run, and lets it go on when told."""

    def __init__(self, parallel: int) -> None:
        super().__init__(parallel)
        self.running: SimpleQueue[str] = SimpleQueue()
        self.held = {name: Event() for name in "abc"}

    def _once(self, job: Scheduled) -> str:
        self.running.put(job.name)
        assert self.held[job.name].wait(10)
        return "done"


def test_no_more_runs_than_allowed_at_a_time() -> None:
    timetable = cron_trigger("0 6 * * *", "UTC")
    runs = HeldRuns(parallel=1)
    for name in "abc":
        assert runs.start(Scheduled(Path(name), name, "", timetable, "once"))
    for _ in range(3):
        running = runs.running.get(timeout=10)
        assert runs.running.empty()
        runs.held[running].set()
    runs.stop()


@pytest.mark.parametrize(
    ("state", "said"),
    [("partial", "partial"), ("waiting", "waiting"), ("replaced", None), ("applying", None)],
)
def test_the_last_run_says_how_it_ended_if_a_schedule_could_end_so(
    sqlite_store: Store, state: str, said: str | None
) -> None:
    job_id = sqlite_store.job_id("nightly")
    with sqlite_store.session() as session:
        for key, of in (("1", state), ("2", "planned")):
            begun = datetime(2026, 1, int(key), tzinfo=UTC)
            session.add(
                RunRow(
                    id=key,
                    job_id=job_id,
                    state=of,
                    stage="",
                    as_of=begun.date(),
                    started_at=begun,
                    config_hash="",
                )
            )
    url = f"sqlite:///{sqlite_store.database.path}"
    timetable = cron_trigger("0 6 * * *", "UTC")

    assert last_run(Scheduled(Path("x"), "nightly", url, timetable, "once")) == LastRun(
        datetime(2026, 1, 1, tzinfo=UTC), cut_off=False, state=said
    )
