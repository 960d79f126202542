"""The scheduler as a process that is stopped, started again and met by a second one.

Its source is a plugin that opens a pipe and reads it to the end: the test opens the other side, so
each knows where the other is, and nobody sleeps.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from logging.handlers import QueueHandler
from pathlib import Path
from queue import SimpleQueue
from typing import IO

import pytest
from sqlmodel import select

from connector.schedule.agenda import Agenda
from connector.schedule.folder import Folder, Scheduled
from connector.schedule.history import last_run
from connector.schedule.runs import Runs
from connector.store import Store
from connector.store.tables import RunRow

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes"),
]

PLUGIN = """
from collections.abc import Sequence
from pathlib import Path
from pydantic import BaseModel
from connector import FIELDS, Adapter, Current, Page, Stream, hookimpl

class Settings(BaseModel):
    folder: Path

class Slow:
    def __init__(self, settings):
        self.folder = settings.folder
    def check(self, fields=()):
        return "slow"
    def pull(self, stream, fields, cursor):
        if stream is Stream.ACCOUNTS:
            with (self.folder / "log").open("a") as log:
                log.write("begin\\n")
            (self.folder / "pipe").read_text()
            with (self.folder / "log").open("a") as log:
                log.write("end\\n")
            yield Page([{"id": "A1", "name": "One"}], "1")
    def current(self, accounts, fields):
        return Current([{"id": account} for account in accounts])
    def write(self, changes):
        return iter(())
    def close(self):
        pass

@hookimpl
def adapters():
    fields = {stream: {name: name for name in FIELDS[stream]} for stream in Stream}
    return [Adapter("slow", Settings, fields, source=Slow, writer=Slow)]
"""

SERVE = """
import logging, sys
from pathlib import Path
from connector.plugins import Plugins
from connector.schedule import serve
logging.basicConfig(level=logging.INFO, format="%(message)s")
serve(Path(sys.argv[1]), Plugins())
"""

JOB = """
schedule = "0 0 1 1 *"
[source]
adapter = "slow"
settings = { folder = "." }
"""


class Site:
    """A folder with one job, which is overdue, and the plugin it needs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        plugin = folder / "plugin"
        about = plugin / "slow_crm-1.0.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-crm\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text("[connector]\nslow = slow_crm\n")
        (plugin / "slow_crm.py").write_text(PLUGIN)
        self.jobs = folder / "jobs"
        self.jobs.mkdir()
        (self.jobs / "slow.toml").write_text(JOB.replace('"."', f'"{folder}"'))
        os.mkfifo(folder / "pipe")
        (found,) = Folder(self.jobs).changes().values()
        assert isinstance(found, Scheduled)
        self.job = found
        self.store = Store(found.store_url)

    def note_an_old_run(self) -> None:
        started = datetime.now(UTC) - timedelta(days=400)
        row = RunRow(
            id="r0",
            job_id=self.store.job_id("slow"),
            state="done",
            stage="record",
            as_of=started.date(),
            started_at=started,
            config_hash="",
        )
        with self.store.session() as session:
            session.add(row)

    def runs(self) -> list[str]:
        with self.store.session() as session:
            rows = session.exec(select(RunRow).order_by(RunRow.started_at)).all()  # type: ignore[arg-type] # a column
        return [row.state for row in rows]

    def log(self) -> list[str]:
        return (self.folder / "log").read_text().split()

    def let_read(self) -> IO[str]:
        """Wait until a run reads the pipe; it goes on when what is returned is closed."""
        return (self.folder / "pipe").open("w")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    made.note_an_old_run()
    return made


Serve = Callable[[], subprocess.Popen[str]]


@pytest.fixture
def serve(site: Site) -> Iterator[Serve]:
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(site.folder / "plugin")}
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(site.jobs)],
            env=environment,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Iterator[SimpleQueue[logging.LogRecord]]:
    """Yield what the runs log, as it comes."""
    caplog.set_level(logging.INFO)
    records: SimpleQueue[logging.LogRecord] = SimpleQueue()
    handler = QueueHandler(records)
    logging.getLogger("connector.schedule.runs").addHandler(handler)
    yield records
    logging.getLogger("connector.schedule.runs").removeHandler(handler)


def wait_for(process: subprocess.Popen[str], words: str) -> str:
    """Return the first line that the process logs with *words*; fail if it ends before."""
    seen = []
    for line in process.stderr or ():
        seen.append(line)
        if words in line:
            return line
    pytest.fail(f"{words!r} was never logged: {seen}")


def stop(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> str:
    process.send_signal(number)
    _, said = process.communicate(timeout=10)
    assert process.returncode == 0
    return said


def test_a_run_that_was_stopped_is_taken_up_by_the_next_start(site: Site, serve: Serve) -> None:
    first = serve()
    with site.let_read():
        before = datetime.now(UTC)
        said = stop(first)
        assert datetime.now(UTC) - before < timedelta(seconds=5)
    assert "stopped on the way; the next start takes it up" in said
    assert site.runs() == ["done", "running"]
    second = serve()
    site.let_read().close()
    assert "done, 0 accounts" in wait_for(second, "job slow: done")
    stop(second, signal.SIGINT)
    assert site.runs() == ["done", "done"]
    assert site.log() == ["begin", "begin", "end"]


def test_two_schedulers_never_run_a_job_twice_at_once(
    site: Site, monkeypatch: pytest.MonkeyPatch, said: SimpleQueue[logging.LogRecord]
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(site.folder / "plugin"))
    schedulers = [Runs(parallel=1), Runs(parallel=1)]
    agendas = [
        Agenda(Folder(site.jobs), start=runs.start, last_run=last_run) for runs in schedulers
    ]
    agendas[0].tick(datetime.now(UTC))
    with site.let_read():
        agendas[1].tick(datetime.now(UTC))
        messages = [said.get(timeout=30).getMessage() for _ in range(3)]
        assert "job slow: skipped, job 'slow' is already running (process" in messages[-1]
        assert site.log() == ["begin"]
        assert site.runs() == ["done", "running"]
        for runs in schedulers:
            runs.stop()


def test_a_run_that_is_killed_is_reported_and_stays_to_be_taken_up(
    site: Site, monkeypatch: pytest.MonkeyPatch, said: SimpleQueue[logging.LogRecord]
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(site.folder / "plugin"))
    runs = Runs(parallel=1)
    assert runs.start(site.job)
    with site.let_read():
        assert not runs.start(site.job)
        message = said.get(timeout=10).getMessage()
        assert "running in process" in message
        os.kill(int(message.split()[-1]), signal.SIGKILL)
    assert "ended without a result (exit code -9)" in said.get(timeout=10).getMessage()
    runs.stop()
    last = last_run(site.job)
    assert last is not None
    assert last.cut_off
