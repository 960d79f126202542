"""People are told once when a job goes bad and once when it is well again.

Messages go to a web server of the test's own: through Apprise as it is, and by our web hook.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from connector import notify
from connector.config import Job, load_job
from connector.errors import (
    AuthError,
    ConfigError,
    ConnectorError,
    GuardError,
    RateLimited,
    Unavailable,
)
from connector.store import Store
from connector.store.tables import NoticeRow, RunRow
from connector.sync import Sync
from connector.testing import FakeCRM
from tests.connector.cli_jobs import run, run_json, words
from tests.connector.sync_world import JOB as WORLD
from tests.connector.sync_world import World, crm

SOURCE = '[source]\nadapter = "files"\n'
HOOK = '[notify.to.desk]\nwebhook = { env = "DESK" }\n'
APPRISE = '[notify.to.team]\napprise = { env = "TEAM" }\n'
CANARY = "s3cret-canary"


@dataclass
class Received:
    """A web server, and what was sent to it."""

    url: str = ""
    status: int = 200
    requests: list[tuple[str, Mapping[str, str], Any]] = field(default_factory=list)

    @property
    def bodies(self) -> list[Any]:
        return [body for _, _, body in self.requests]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Received]:
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            received.requests.append((self.path, dict(self.headers), json.loads(content)))
            self.send_response(received.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        serving = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        address = f"127.0.0.1:{http.server_port}"
        received.url = f"http://{address}"
        monkeypatch.setenv("DESK", f"http://{address}/{CANARY}")
        monkeypatch.setenv("TEAM", f"json://{address}/{CANARY}")
        yield received
        http.shutdown()
        serving.join()


def job_with(folder: Path, settings: str) -> Job:
    path = folder / "north.toml"
    path.write_text(SOURCE + settings, encoding="utf-8")
    return load_job(path)


class Runs:
    """Runs of one job, one after the other, and how each ends."""

    def __init__(self, store: Store, job: Job) -> None:
        self.store, self.job, self.count = store, job, 0

    def ends(self, state: str, error: ConnectorError | None = None, **counts: int) -> None:
        self.count += 1
        sent = {"applied": 3, "rejected": 0, "waiting": 0, "quarantined": 0, **counts}
        row = RunRow(
            id=f"r{self.count}", job_id=1, state=state, stage="record", as_of=date(2026, 6, 30),
            started_at=datetime(2026, 6, 30, tzinfo=UTC), config_hash="", message=str(error or ""),
            counts={"pulled": {}, "accounts": sent, "tasks": {"applied": 1}},
        )  # fmt: skip
        notify.run_ended(self.store, self.job, row, error)

    @property
    def notices(self) -> Mapping[str, NoticeRow]:
        return notify.notices(self.store, 1)


@pytest.fixture
def runs(sqlite_store: Store, tmp_path: Path, server: Received) -> Runs:
    return Runs(sqlite_store, job_with(tmp_path, HOOK))


# --- when somebody is told


def test_a_job_that_is_well_is_not_news(runs: Runs, server: Received) -> None:
    runs.ends("done")

    assert server.requests == []


def test_it_is_told_once_that_a_job_is_bad_and_once_that_it_is_well(
    runs: Runs, server: Received
) -> None:
    for _ in range(3):
        runs.ends("failed", AuthError("the key is not accepted; renew it"))
    assert [body["state"] for body in server.bodies] == ["failed"]
    for _ in range(3):
        runs.ends("done")

    assert [body["state"] for body in server.bodies] == ["failed", "well again"]
    assert [body["run"] for body in server.bodies] == ["r1", "r4"]


def test_another_kind_of_trouble_is_news(runs: Runs, server: Received) -> None:
    runs.ends("failed", AuthError("no"))
    runs.ends("stopped", GuardError("too much"))
    runs.ends("partial", rejected=2)
    runs.ends("partial", rejected=7)
    runs.ends("partial", rejected=7, quarantined=1)

    assert [body["state"] for body in server.bodies] == ["failed", "stopped", *["partial"] * 2]


def test_what_comes_and_goes_by_turns_is_of_one_kind(runs: Runs, server: Received) -> None:
    runs.ends("failed", Unavailable("away"))
    runs.ends("failed", RateLimited("slow down"))

    assert len(server.requests) == 1


def test_an_end_that_the_job_does_not_name_counts_as_well(
    sqlite_store: Store, tmp_path: Path, server: Received
) -> None:
    runs = Runs(sqlite_store, job_with(tmp_path, f'[notify]\non = ["failed"]\n{HOOK}'))
    runs.ends("partial", rejected=1)
    runs.ends("failed", AuthError("no"))
    runs.ends("partial", rejected=1)

    assert [body["state"] for body in server.bodies] == ["failed", "well again"]
    assert "ended as partial" in server.bodies[1]["message"]


def test_a_message_that_could_not_be_delivered_is_tried_again_at_the_next_run(
    runs: Runs, server: Received, caplog: pytest.LogCaptureFixture
) -> None:
    server.status = 503
    runs.ends("failed", AuthError("no"))
    row = runs.notices["desk"]
    assert (row.told, row.missed) == ("", "failed: AuthError")
    assert row.problem == "the service answered 503"
    assert "notify.to.desk: not told, the next run tries again: the service an" in caplog.text

    server.status = 204
    runs.ends("failed", AuthError("no"))
    runs.ends("failed", AuthError("no"))

    assert len(server.requests) == 2
    row = runs.notices["desk"]
    assert (row.told, row.missed, row.problem) == ("failed: AuthError", "", "")


def test_a_job_that_is_well_before_anybody_could_be_told_says_so(
    runs: Runs, server: Received
) -> None:
    server.status = 500
    runs.ends("failed", AuthError("no"))
    server.status = 200
    runs.ends("done")
    runs.ends("done")

    assert [body["state"] for body in server.bodies] == ["failed", "well again"]
    assert "the message about that could not be delivered" in server.bodies[1]["message"]


def test_each_is_told_whatever_becomes_of_the_other(
    sqlite_store: Store, tmp_path: Path, server: Received
) -> None:
    gone = '[notify.to.gone]\nwebhook = { env = "NOT_SET" }\n'
    runs = Runs(sqlite_store, job_with(tmp_path, gone + HOOK))
    runs.ends("failed", AuthError("no"))

    assert len(server.requests) == 1
    assert "environment variable NOT_SET is not set" in runs.notices["gone"].problem
    runs.job = job_with(tmp_path, HOOK)
    runs.ends("failed", AuthError("no"))
    assert runs.notices.keys() == {"desk"}


def test_what_goes_wrong_in_telling_costs_the_run_nothing(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(notify, "_known", lambda *_: 1 / 0)

    runs.ends("failed", AuthError("no"))

    assert "nobody was told of run r1: ZeroDivisionError" in caplog.text


# --- what they are told


def test_the_message_says_what_happened_and_what_to_do(runs: Runs, server: Received) -> None:
    runs.ends("stopped", GuardError("2 of 3 accounts are gone; check the source"))
    runs.ends("partial", rejected=1200, quarantined=2)
    runs.ends("done")

    stopped, partial, well = server.bodies
    assert stopped["title"] == "north: stopped"
    assert stopped["message"].splitlines() == [
        "Job north was stopped in its run for 2026-06-30 (r1).",
        "2 of 3 accounts are gone; check the source",
        "Before that: 3 accounts and 1 task were written.",
        "The runs so far: connector runs north.toml",
        "The next message comes when the kind of trouble changes, or when the job is well again.",
    ]
    assert "Left out: 1,200 refused, 2 set aside." in partial["message"]
    assert "connector runs north.toml --run r2; connector quarantine" in partial["message"]
    assert well["title"] == "north: well again"
    assert "3 accounts and 1 task were written." in well["message"]


def test_apprise_delivers_it_as_it_is(
    sqlite_store: Store, tmp_path: Path, server: Received
) -> None:
    runs = Runs(sqlite_store, job_with(tmp_path, APPRISE))
    runs.ends("failed", AuthError("the key is not accepted"))
    runs.ends("done")

    failed, well = server.bodies
    assert (failed["title"], failed["type"]) == ("north: failed", "failure")
    assert "the key is not accepted" in failed["message"]
    assert (well["title"], well["type"]) == ("north: well again", "success")


def test_a_web_hook_gets_the_body_that_the_job_writes(
    sqlite_store: Store, tmp_path: Path, server: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "Bearer abc")
    body = (
        'headers = { Authorization = { env = "TOKEN" }, X-Kind = "job" }\n'
        'body = { text = "{job}: {state} on {day}", code = 7, since = 2026-01-31,'
        ' blocks = [{ type = "plain", text = "{message}" }, true] }\n'
    )
    runs = Runs(sqlite_store, job_with(tmp_path, HOOK + body))
    runs.ends("failed", AuthError('a "quoted" {job} \\ text'))

    ((path, headers, sent),) = server.requests
    assert path == f"/{CANARY}"
    assert (headers["Authorization"], headers["X-Kind"]) == ("Bearer abc", "job")
    assert sent["text"] == "north: failed on 2026-06-30"
    assert (sent["code"], sent["since"], sent["blocks"][1]) == (7, "2026-01-31", True)
    assert 'a "quoted" {job} \\ text' in sent["blocks"][0]["text"]


@pytest.mark.parametrize("settings", [HOOK, APPRISE], ids=["web hook", "Apprise"])
@pytest.mark.parametrize("url", ["", "nonsense", "http://127.0.0.1:1/", "json://127.0.0.1:1/"])
def test_a_url_is_shown_nowhere(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str, url: str,
    server: Received, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    server.status = 401
    if url:
        monkeypatch.setenv("DESK", f"{url}{CANARY}")
        monkeypatch.setenv("TEAM", f"{url}{CANARY}")
    runs.job = job_with(tmp_path, settings)

    runs.ends("failed", AuthError("no"))
    (row,) = runs.notices.values()

    assert row.problem.startswith(("the service", "Apprise does not understand"))
    assert CANARY not in caplog.text + repr(row) + repr(runs.job.model)


# --- what a job may say


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("[notify.to.x]\n", "notify.to.x: give apprise or webhook, one of them"),
        (
            '[notify.to.x]\nwebhook = "a"\napprise = "b"\n',
            "notify.to.x: give apprise or webhook, one of them",
        ),
        ("[notify.to.x]\nwebhok = 'a'\n", "notify.to.x.webhok: unknown; did you mean 'webhook'?"),
        (
            "[notify.to.x]\nwebhook = { env = 1 }\n",
            'notify.to.x.webhook: expected text, { env = "NAME" }',
        ),
        (
            "[notify.to.x]\nwebhook = 'a'\nbody = { a = ['{jop}'] }\n",
            "notify.to.x.body: {jop}: unknown; did you mean 'job'?",
        ),
        (
            "[notify.to.x]\napprise = 'a'\nbody = { a = 1 }\n",
            "notify.to.x: body and headers go with webhook",
        ),
        (
            "[notify]\non = ['done']\n",
            "notify.on.0: expected 'failed', 'stopped', 'partial' or 'waiting'",
        ),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, settings: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        job_with(tmp_path, settings)

    assert said in str(caught.value)


# --- whole runs and commands


def test_a_run_that_fails_tells_of_it_and_a_plan_does_not(
    tmp_path: Path, server: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AuthError("the key is not accepted")

    monkeypatch.setattr(Sync, "_pull", refuse)
    world = World(tmp_path, FakeCRM(), WORLD + HOOK)
    with pytest.raises(AuthError), world.sync().plan():
        pass
    assert server.requests == []
    for _ in range(2):
        with pytest.raises(AuthError):
            world.run()

    (body,) = server.bodies
    assert "the key is not accepted" in body["message"]
    (notice,) = run_json("notify", "status", world.path)
    assert notice["told"] == "failed: AuthError"
    assert "failed: AuthError" in words(run("notify", "status", world.path).stdout)


@pytest.mark.long
def test_a_run_tells_that_the_job_is_well_and_a_plan_does_not(
    tmp_path: Path, server: Received
) -> None:
    world = World(tmp_path, FakeCRM(), WORLD + HOOK)
    with pytest.raises(GuardError):
        world.run()
    world.crm = crm()
    with world.sync().plan():
        pass
    assert len(server.requests) == 1
    world.run()

    assert server.bodies[1]["title"] == "fake: well again"
    assert "7 accounts and 2 tasks were written." in server.bodies[1]["message"]


def test_a_test_message_says_for_each_what_happened(
    tmp_path: Path, server: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_with(tmp_path, HOOK + APPRISE).path
    good = run("notify", "test", job)
    assert good.exit_code == 0
    assert good.stdout.splitlines() == ["desk: delivered", "team: delivered"]
    assert [body["title"] for body in server.bodies] == ["north: test"] * 2

    server.status = 404
    monkeypatch.setitem(sys.modules, "apprise", None)
    bad = run_json("notify", "test", job, code=3)

    assert [one["problem"] for one in bad] == [
        "the service answered 404",
        "the apprise package is missing; install pyramid-connector[notify]",
    ]
    assert not (tmp_path / "connector.db").exists()


def test_a_job_that_names_nobody_can_not_be_tested(tmp_path: Path) -> None:
    said = run("notify", "test", job_with(tmp_path, "").path)

    assert said.exit_code == 2
    assert "notify.to: nobody to tell" in said.stderr
