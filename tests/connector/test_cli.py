import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from connector import cli
from connector.cli import outcome, planning, reporting
from connector.errors import (
    AccessError,
    AuthError,
    BusyError,
    ConfigError,
    ConnectorError,
    DataError,
    GuardError,
    PluginError,
    StoreError,
    Unavailable,
)
from connector.model import Stream
from connector.plugins import Plugins
from connector.testing import FakeCRM
from tests.connector.cli_jobs import (
    AS_OF,
    DEALS,
    JOB,
    command_names,
    run,
    run_json,
    words,
    write_job,
)

HEAVY = (
    "duckdb",
    "ibis",
    "pyarrow",
    "sqlalchemy",
    "sqlmodel",
    "pydantic",
    "httpx",
    "rich.markdown",
)


def test_starting_imports_nothing_heavy() -> None:
    code = f"import sys, connector.cli; print([m for m in {HEAVY!r} if m in sys.modules])"

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


def test_the_help_of_every_command_imports_nothing_heavy() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from connector.cli import app\n"
        f"for name in {command_names()!r}:\n"
        "    result = CliRunner().invoke(app, [name, '--help'])\n"
        "    assert result.exit_code == 0, (name, result.output)\n"
        # Pydantic is not among them: Typer itself reads arguments with it.
        f"print([m for m in {HEAVY!r} if m in sys.modules and m != 'pydantic'])"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


def test_the_help_names_every_command_whole() -> None:
    said = run("--help").stdout

    assert said.count("...") == 1  # the usage line
    assert all(f"\n  {name} " in said for name in command_names())


def test_the_version_is_printed() -> None:
    assert run("--version").stdout.startswith("connector 0.")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(ConfigError("wrong"), 2, id="config"),
        pytest.param(PluginError("missing"), 2, id="plugin"),
        pytest.param(AuthError("refused"), 3, id="auth"),
        pytest.param(AccessError("no right"), 3, id="access"),
        pytest.param(Unavailable("down"), 3, id="unavailable"),
        pytest.param(GuardError("too much"), 4, id="guard"),
        pytest.param(DataError("bad row"), 5, id="data"),
        pytest.param(StoreError("full"), 6, id="store"),
        pytest.param(BusyError("running"), 6, id="busy"),
    ],
)
def test_an_error_is_one_line_and_its_exit_code(
    error: ConnectorError, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(reporting, "sync", fail)

    result = run("sync", "job.toml")

    assert result.exit_code == code
    assert result.stderr == f"error: {error}\n"
    assert result.stdout == ""


def test_every_line_of_an_error_is_marked(tmp_path: Path) -> None:
    job = write_job(tmp_path, "colour = 1\n" + JOB.replace('adapter = "files"\n', "", 1))

    result = run("check", job)

    lines = result.stderr.splitlines()
    assert result.exit_code == 2
    assert len(lines) == 2
    assert all(line.startswith(f"error: {job}: ") for line in lines)


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(reporting, "sync", fail)

    assert isinstance(run("sync", "job.toml").exception, RuntimeError)


def test_an_interrupted_run_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(reporting, "sync", interrupt)

    result = run("sync", "job.toml")

    assert result.exit_code == outcome.INTERRUPTED
    assert "run the same command again" in result.stderr


def test_a_day_that_is_none_is_refused() -> None:
    result = run("plan", "job.toml", "--as-of", "31.12.2025")

    assert result.exit_code == 2
    assert "2026-01-31" in words(result.stderr)


@pytest.mark.parametrize(
    "command",
    [["pyramid"], ["tiers"], ["runs"], ["quarantine"], ["explain", "A1"]],
    ids=lambda c: c[0],
)
def test_before_the_first_run_a_command_says_to_run_it(command: list[str], tmp_path: Path) -> None:
    job = write_job(tmp_path)

    result = run(command[0], job, *command[1:])

    assert result.exit_code == 2
    assert "run 'connector sync small.toml' first" in result.stderr
    assert not (tmp_path / "connector.db").exists()


def test_check_says_what_is_there_and_is_ready(tmp_path: Path) -> None:
    result = run("check", write_job(tmp_path))

    assert result.exit_code == 0, result.output
    assert "deals.csv" in result.stdout
    assert "pyramid_tier" in result.stdout
    assert result.stdout.splitlines()[-1] == "ready"


def test_check_names_the_column_that_is_missing(tmp_path: Path) -> None:
    job = write_job(tmp_path, JOB + '[source.fields.opportunities]\namount = "sum"\n')

    result = run("plan", job)

    assert result.exit_code == 2
    assert "'sum'" in result.stderr


@dataclass(frozen=True)
class Story:
    """A job and what its commands printed, one after the other."""

    job: Path
    plan: Result
    loud_plan: Result
    written_by_plan: bool
    first: Result
    second: Result
    runs: list[dict[str, Any]]

    @property
    def plan_data(self) -> Any:
        """Return the plan that was printed as JSON."""
        return json.loads(self.loud_plan.stdout)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("story")
    job = write_job(folder)
    plan, loud = (
        run("plan", job),
        run("-v", "plan", job, "--json", "--limit", "1", "--as-of", AS_OF),
    )
    written = (folder / "out").exists()
    first, second = run("sync", job), run("sync", job)
    return Story(job, plan, loud, written, first, second, run_json("runs", job))


def test_a_plan_writes_nothing(story: Story) -> None:
    assert story.plan.exit_code == 0, story.plan.output
    assert not story.written_by_plan
    assert "10 read = 9 to change + 1 unchanged" in story.plan.stdout


def test_a_plan_shows_old_and_new(story: Story) -> None:
    shown = story.plan_data

    assert shown["state"] == "planned"
    assert shown["accounts"]["read"] == 10
    assert [change["account"] for change in shown["changes"]] == ["A1"]
    assert shown["changes"][0]["fields"]["pyramid_tier"] == [None, "Top"]


def test_a_plan_says_what_it_costs(story: Story) -> None:
    # Files have no limits, and no calls that take time.
    unknown = {"share_of_day": None, "seconds": None}
    assert story.plan_data["calls"] == {"read": 1, "write": 2, **unknown}
    assert "1 to read and 2 to write" in story.plan.stdout


def test_a_sync_reports_numbers_that_add_up(story: Story) -> None:
    assert story.first.exit_code == 0, story.first.output
    assert "10 read = 1 unchanged + 9 applied" in story.first.stdout
    assert story.first.stderr == ""


def test_a_second_sync_says_that_there_is_nothing_to_write(story: Story) -> None:
    assert story.second.exit_code == 0, story.second.output
    assert "10 read = 10 unchanged" in story.second.stdout
    assert "Nothing to write" in story.second.stdout
    assert story.second.stderr == ""


def test_logging_goes_to_stderr_and_the_result_to_stdout(story: Story) -> None:
    assert "connector.pull: pulled accounts" in story.loud_plan.stderr
    assert story.plan_data["as_of"] == AS_OF


def test_runs_are_listed_the_newest_first(story: Story) -> None:
    states = ["done", "done", "planned", "planned"]

    assert [one["state"] for one in story.runs] == states
    assert story.runs[-1]["run_id"] < story.runs[0]["run_id"]
    assert run("runs", story.job).exit_code == 0


def test_one_run_shows_what_it_could_not_write(story: Story) -> None:
    last = story.runs[0]["run_id"]

    assert run_json("runs", story.job, "--run", last)["not_written"] == []
    assert f"Run {last}: done" in run("runs", story.job, "--run", last).stdout
    assert run("runs", story.job, "--run", "no-such").exit_code == 2


def test_nothing_set_aside_reads_well(story: Story) -> None:
    assert "every row was understood" in run("quarantine", story.job).stdout


@pytest.mark.long
def test_rows_set_aside_make_a_partial_run(tmp_path: Path) -> None:
    job = write_job(tmp_path, deals=DEALS + "D99,A2,Bad,won,twelve,2025-05-01,EUR\n")

    result = run("sync", job)

    assert result.exit_code == outcome.PARTIAL
    assert "1 row could not be understood" in words(result.stdout)
    (entry,) = run_json("quarantine", job)
    said = [entry[key] for key in ("stream", "record", "field", "value")]
    assert said == ["opportunities", "D99", "amount", "twelve"]
    listed = run("quarantine", job)
    assert listed.exit_code == 0
    assert "The next sync reads these rows again" in listed.stdout
    assert run_json("explain", job, "A2")["quarantine"] == [entry]


@pytest.mark.long
def test_refused_changes_are_listed_in_the_words_of_the_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm = FakeCRM(accounts=[{"id": "A1", "name": "Alfa"}, {"id": "A2", "name": "Bravo"}])
    crm.put(Stream.OPPORTUNITIES, [_won("D1", "A1"), _won("D2", "A2")])
    crm.refuse("A2")
    job = tmp_path / "fake.toml"
    text = 'source = {adapter = "fake"}\ntarget = {fields = {tier = "tier"}}\n'
    job.write_text(f"{text}rules = {{as_of = {AS_OF}}}", "utf-8")
    monkeypatch.setattr(Plugins, "adapter", lambda self, name: crm.adapter())

    result = run("sync", job)

    assert result.exit_code == outcome.PARTIAL
    assert "2 read = 1 applied + 1 rejected" in result.stdout
    assert "refused: Validation failed: locked by a rule" in words(result.stdout)
    last = run_json("runs", job)[0]["run_id"]
    refused = run_json("runs", job, "--run", last)["not_written"]
    assert {(one["account_id"], one["state"]) for one in refused} == {("A2", "rejected")}

    wrong = run("retry", job, "--only", "locked")
    assert wrong.exit_code == 2
    assert "it has with: refused" in words(wrong.stderr)
    crm.restore()
    assert run("sync", job).exit_code == outcome.PARTIAL
    again = run("retry", job, "--only", "refused")
    assert again.exit_code == 0, again.output
    assert "Held back until now: 1 change that the target refused." in words(again.stdout)
    (retried,) = (one for one in run_json("audit", job)["entries"] if one["verb"] == "retry")
    assert (retried["job"], retried["details"]) == ("fake", {"changes": 1, "only": "refused"})
    assert crm.fields_of("A2")["tier"] == "Small"


def _won(deal: str, account: str) -> dict[str, object]:
    won = {"status": "won", "amount": "10", "close_date": "2025-05-01"}
    return {"id": deal, "account_id": account, **won}


def test_a_guard_stops_a_run_that_changes_too_much(story: Story) -> None:
    job = story.job.with_name("guarded.toml")
    job.write_text(JOB + "[guard]\nmax_tier_changes = 0.0\n", encoding="utf-8")
    changed = DEALS.replace("D9,A2,,won,9000", "D9,A2,,won,99000")
    (story.job.parent / "data" / "deals.csv").write_text(changed, encoding="utf-8")

    stopped = run("sync", job)

    assert stopped.exit_code == 4
    assert "--override REASON" in stopped.stderr
    # The records have been read, though, and `explain` tells that they are newer than the tier.
    assert "Records have come in since" in words(run("explain", job, "A2").stdout)


def test_plugins_are_listed_with_their_adapters() -> None:
    listed = {plugin["name"]: plugin for plugin in run_json("plugins")}

    assert listed["files"]["adapters"] == ["files"]
    assert listed["files"]["problem"] is None
    assert "CSV" in run("plugins").stdout


@pytest.mark.long
def test_the_console_script_ends_with_the_exit_code(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", "from connector.cli import main; main()", "check", "none.toml"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "80"},
        check=False,
    )

    assert found.returncode == 2
    assert found.stderr.startswith("error: none.toml: no such file")
    assert found.stdout == ""


def test_calls_are_whole_batches() -> None:
    assert [planning._ceil(count, 200) for count in (0, 1, 200, 201)] == [0, 1, 1, 2]


def test_main_is_the_console_script() -> None:
    assert callable(cli.main)
