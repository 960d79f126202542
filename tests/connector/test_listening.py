"""The scheduler answers over HTTP how it is and what its runs have done."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue

import httpx
import pytest

from connector import schedule
from connector.errors import ConfigError
from connector.plugins import Plugins
from connector.schedule.listening import listening
from connector.schedule.metrics import Metrics
from connector.schedule.watch import Watch
from tests.connector.cli_jobs import JOB, run, write_job

NIGHTLY = Path("/jobs/nightly.toml")
FIGURES = {
    "read": {"accounts": 10, "opportunities": 18},
    "changes": {"accounts": {"applied": 9, "rejected": 1}, "tasks": {"applied": 2}},
    "quarantined": 3,
    "requests": {"2xx": 7, "5xx": 1, "no answer": 2},
}
Get = Callable[[str], httpx.Response]


@contextmanager
def answering(watch: Watch, metrics: Metrics | None = None) -> Iterator[Get]:
    with listening("127.0.0.1:0", watch, metrics) as url, httpx.Client(base_url=url) as client:
        yield client.get


@pytest.fixture
def metrics() -> Metrics:
    pytest.importorskip("prometheus_client")
    return Metrics()


def test_health_is_a_status_and_says_what_is_wrong() -> None:
    watch = Watch()
    watch.knows(NIGHTLY, "nightly")
    with answering(watch) as get:
        well = get("/healthz")
        watch.ends(NIGHTLY, "failed")
        ill = get("/healthz?verbose")
    assert (well.status_code, well.json()["status"]) == (200, "ok")
    assert well.headers["content-type"] == "application/json"
    assert (ill.status_code, ill.json()["failing"]) == (503, {"nightly": "failed"})


def test_the_figures_of_runs_are_those_that_they_said(metrics: Metrics) -> None:
    metrics.ended("nightly", "partial", 12.5, FIGURES)
    metrics.ended("nightly", "failed", 1, {"requests": {"5xx": 6}})
    with answering(Watch(), metrics) as get:
        said = get("/metrics")
    assert said.headers["content-type"].startswith("text/plain")
    for line in (
        'connector_runs_total{job="nightly",state="partial"} 1.0',
        'connector_runs_total{job="nightly",state="failed"} 1.0',
        'connector_rows_read_total{job="nightly",stream="opportunities"} 18.0',
        'connector_changes_total{job="nightly",kind="accounts",outcome="rejected"} 1.0',
        'connector_changes_total{job="nightly",kind="tasks",outcome="applied"} 2.0',
        'connector_api_calls_total{job="nightly",status="5xx"} 7.0',
        'connector_api_calls_total{job="nightly",status="no answer"} 2.0',
        'connector_quarantined_rows{job="nightly"} 3.0',
        'connector_run_duration_seconds_sum{job="nightly"} 13.5',
        'connector_run_duration_seconds_bucket{job="nightly",le="15.0"} 2.0',
    ):
        assert line in said.text.splitlines()


def test_without_the_extra_health_is_still_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with answering(Watch(), schedule._metrics()) as get:
        assert get("/healthz").status_code == 200
        said = get("/metrics")
    assert (said.status_code, said.text) == (
        501,
        "no metrics: install pyramid-connector[metrics]\n",
    )


def test_anything_else_is_not_there() -> None:
    with answering(Watch()) as get:
        assert get("/").status_code == 404
        assert get("/metrics/../job.toml").status_code == 404


def test_it_can_be_asked_by_head_and_does_not_name_its_python() -> None:
    with listening("127.0.0.1:0", Watch(), None) as url:
        said = httpx.head(f"{url}/healthz")
    assert said.status_code == 200
    assert said.headers["server"] == "pyramid-connector"
    assert not said.content


@pytest.mark.parametrize("address", ["", "9464", "localhost", "host:port", "h:1/x", "a@b:1", ":1"])
def test_what_is_no_address_is_said(address: str) -> None:
    with pytest.raises(ConfigError, match=r"expected HOST:PORT"), listening(address, Watch(), None):
        pass


def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with (
            pytest.raises(ConfigError, match="port that is free"),
            listening(address, Watch(), None),
        ):
            pass


class Lines(logging.Handler):
    """Hands over what is logged, as it comes."""

    def __init__(self) -> None:
        super().__init__()
        self.records: SimpleQueue[logging.LogRecord] = SimpleQueue()

    def emit(self, record: logging.LogRecord) -> None:
        self.records.put(record)

    def wait_for(self, words: str) -> logging.LogRecord:
        while words not in (record := self.records.get(timeout=60)).getMessage():
            pass
        return record


@pytest.mark.long
def test_the_schedule_tells_of_a_run_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    caplog.set_level(logging.INFO)
    job = write_job(tmp_path, job='schedule = "0 6 * * *"\n' + JOB)
    broken = tmp_path / "broken.toml"
    broken.write_text("nonsense", encoding="utf-8")
    run("sync", job)
    accounts = tmp_path / "data" / "accounts.csv"
    accounts.write_text(f"{accounts.read_text(encoding='utf-8')}A11,Juliett,\n", encoding="utf-8")
    caplog.set_level(logging.INFO)
    clock = iter([datetime(2099, 1, 1, 6, 0, 30, tzinfo=UTC)] * 99)
    lines, stop = Lines(), threading.Event()
    logging.getLogger("connector").addHandler(lines)
    serving = threading.Thread(
        target=schedule.serve,
        args=(tmp_path, Plugins()),
        kwargs={"stop": stop, "listen": "127.0.0.1:0", "now": lambda: next(clock)},
    )
    serving.start()
    try:
        url = lines.wait_for("answering at").getMessage().split()[2]
        ended = lines.wait_for("job small: done")
        assert ended.levelno == logging.INFO
        figures = httpx.get(url.replace("/healthz", "/metrics")).text
        health = httpx.get(url)
    finally:
        stop.set()
        serving.join()
        logging.getLogger("connector").removeHandler(lines)
    assert 'connector_runs_total{job="small",state="done"} 1.0' in figures
    assert 'connector_rows_read_total{job="small",stream="accounts"} 11.0' in figures
    assert 'connector_quarantined_rows{job="small"} 0.0' in figures
    assert (health.status_code, health.json()["failing"]) == (503, {"broken": "unusable"})
    assert list(json.loads(health.text)["ended"]) == ["small"]
