"""What a run tells: its name on every line of the log, spans, and nothing about a person."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from connector import telemetry
from connector.cli import main
from connector.cli.outcome import log_to_stderr
from connector.errors import ConfigError, Unavailable
from connector.http import crm_client
from tests.connector.cli_jobs import ACCOUNTS, run, write_job


@pytest.fixture(autouse=True)
def quiet_again(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave the logs as they were, and no spans going out."""
    for name in ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "CONNECTOR_LOG_FORMAT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(telemetry, "_tracer", None)
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]


def lines_of(stderr: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stderr.splitlines()]


# --- logs


def test_every_line_of_a_run_names_it_and_no_customer(tmp_path: Path) -> None:
    accounts = ACCOUNTS.replace("Bravo", "Bravo bravo@example.com")
    job = write_job(tmp_path, accounts=accounts)
    result = run("--log-format", "json", "sync", job, "--verbose")
    assert result.exit_code == 0, result.output
    lines = lines_of(result.stderr)
    (name,) = {line.get("run") for line in lines}
    assert re.fullmatch(r"\d{8}T\d{6}-[0-9a-f]{6}", str(name))
    assert {line["job"] for line in lines} == {"small"}
    stages = [str(line["message"]) for line in lines if f"run {name}:" in str(line["message"])]
    assert [stage.rsplit(" ", 1)[1] for stage in stages] == [
        *("pull", "analyse", "plan", "deliver", "record")
    ]
    for row in accounts.splitlines()[1:]:
        assert row.split(",")[1] not in result.stderr


def test_what_stops_a_command_is_a_line_of_json_too(tmp_path: Path) -> None:
    result = run("--log-format", "json", "check", tmp_path / "nope.toml")
    (line,) = lines_of(result.stderr)
    assert (result.exit_code, line["level"]) == (2, "error")
    assert "nope.toml: no such file" in line["message"]


def test_the_environment_may_choose_the_form_and_the_next_command_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTOR_LOG_FORMAT", "json")
    assert run("check", tmp_path / "nope.toml").stderr.startswith("{")
    monkeypatch.delenv("CONNECTOR_LOG_FORMAT")
    assert run("check", tmp_path / "nope.toml").stderr.startswith("error: ")


def test_a_bug_is_one_line_of_json_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("connector.cli.reporting.sync", fail)
    monkeypatch.setattr(sys, "argv", ["connector", "--log-format", "json", "sync", "job.toml"])
    with pytest.raises(SystemExit) as ended:
        main()
    (line,) = lines_of(capsys.readouterr().err)
    assert ended.value.code == 1
    assert line["level"] == "critical"
    assert "RuntimeError: a bug" in line["traceback"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_address_that_a_crm_quotes_is_not_logged(
    form: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    log_to_stderr(verbose=True, form=form)
    error = Unavailable("POST crm/contacts: 503: busy with ann.o'hara+x@mail.example.com")
    logging.getLogger("connector.retry").warning("%s; trying again in %.0f s", error, 2)
    said = capsys.readouterr().err
    assert "POST crm/contacts: 503: busy with" in said
    assert "@" not in said
    assert "trying again in 2 s" in said


def test_outside_a_run_a_line_names_none(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr(verbose=True, form="json")
    with telemetry.run("nightly", "r1"):
        logging.getLogger("x").info("in it")
    logging.getLogger("x").info("after it")
    logging.getLogger("x").info("told by another", extra={"job": "other", "run": "r2"})
    inside, outside, told = lines_of(capsys.readouterr().err)
    assert (inside["job"], inside["run"]) == ("nightly", "r1")
    assert "run" not in outside
    assert (told["job"], told["run"]) == ("other", "r2")


# --- spans


@pytest.fixture
def spans() -> Any:
    exporting = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    exporter = exporting.InMemorySpanExporter()
    telemetry.export_spans(exporter)
    return exporter


def answer(request: httpx.Request) -> httpx.Response:
    if request.url.path.endswith("/lost"):
        raise httpx.ReadError("connection lost", request=request)
    return httpx.Response(200)


def test_a_run_has_stages_and_a_stage_has_requests(spans: Any) -> None:
    transport = httpx.MockTransport(answer)
    with (
        telemetry.run("nightly", "r1"),
        crm_client("https://crm.example/t0ken", transport=transport) as client,
    ):
        telemetry.stage("pull")
        client.get("/accounts", params={"key": "s3cret"})
        telemetry.stage("deliver")
        with pytest.raises(Unavailable):
            client.patch("/lost")
    found = {span.name: span for span in spans.get_finished_spans()}
    assert list(found) == ["GET", "pull", "PATCH", "deliver", "run"]
    parents = {name: span.parent and span.parent.span_id for name, span in found.items()}
    ids = {name: span.context.span_id for name, span in found.items()}
    assert parents == {
        "run": None,
        "pull": ids["run"],
        "deliver": ids["run"],
        "GET": ids["pull"],
        "PATCH": ids["deliver"],
    }
    assert dict(found["GET"].attributes) == {
        "http.request.method": "GET",
        "server.address": "crm.example",
        "http.response.status_code": 200,
    }
    assert found["PATCH"].attributes["error.type"] == "NoAnswer"
    assert not found["PATCH"].status.is_ok
    assert found["run"].attributes["connector.run"] == "r1"
    told = "".join(span.to_json() for span in spans.get_finished_spans())
    assert "s3cret" not in told
    assert "t0ken" not in told


@pytest.mark.long
def test_a_job_s_run_is_told_stage_by_stage(tmp_path: Path, spans: Any) -> None:
    assert run("plan", write_job(tmp_path)).exit_code == 0
    names = [span.name for span in spans.get_finished_spans()]
    assert names == ["pull", "analyse", "plan", "run"]


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://h"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://h"}, False),
    ],
)
def test_the_variables_of_opentelemetry_decide(
    variables: dict[str, str], wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    if wanted:
        with pytest.raises(ConfigError, match=r"install pyramid-connector\[traces\]"):
            telemetry.export_spans()
    else:
        telemetry.export_spans()
        with telemetry.run("nightly", "r1"):
            pass


def test_requests_are_counted_by_their_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "_requests", type(telemetry._requests)())
    with crm_client("https://crm.example", transport=httpx.MockTransport(answer)) as client:
        client.get("/accounts")
        client.get("/accounts")
        with pytest.raises(Unavailable):
            client.get("/lost")
    assert telemetry.requests() == {"2xx": 2, "no answer": 1}
