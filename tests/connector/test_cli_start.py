import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field, SecretStr

from connector.cli import pyramid, scaffold, starter
from connector.cli.schema import job_schema
from connector.config import JobModel
from connector.contract import Adapter
from connector.model import FIELDS, OUTPUTS, Stream
from connector.plugins import Plugins
from connector.testing import FakeCRM
from tests.connector.cli_jobs import ACCOUNTS, DEALS, JOB, run


class Settings(BaseModel):
    """Settings of an adapter that somebody else wrote."""

    token: SecretStr = Field(description="the API token")
    region: str = Field(description="where it is", examples=["eu-1"])
    pages: int = Field(default=7, description="records at a time")
    accounts: str | None = Field(default=None, description="object that holds accounts")


def adapter(settings: type[BaseModel] = Settings) -> Adapter[Any]:
    fields = {stream: {"id": "Id", "name": "Name"} for stream in (Stream.ACCOUNTS,)}
    return Adapter("other", settings, fields, about="somebody else's")


def test_a_new_job_for_files_passes_check(tmp_path: Path) -> None:
    job = tmp_path / "job.toml"
    (tmp_path / "accounts.csv").write_text(ACCOUNTS, encoding="utf-8")
    (tmp_path / "opportunities.csv").write_text(DEALS, encoding="utf-8")

    written, checked = run("init", job, "--source", "files"), run("check", job)

    assert written.exit_code == 0
    assert "connector check" in written.stdout
    assert checked.exit_code == 0, checked.output


def test_a_new_job_never_overwrites_a_file(tmp_path: Path) -> None:
    job = tmp_path / "job.toml"
    job.write_text("mine", encoding="utf-8")

    assert run("init", job).exit_code == 2
    assert job.read_text(encoding="utf-8") == "mine"


def test_a_new_job_needs_an_adapter_that_is_installed(tmp_path: Path) -> None:
    result = run("init", tmp_path / "job.toml", "--source", "nosuch")

    assert result.exit_code == 2
    assert "'nosuch'" in result.stderr


@pytest.mark.parametrize("name", ["files", "sql"])
def test_a_new_job_is_a_valid_job(name: str) -> None:
    text = starter.starter(Plugins().adapter(name))

    assert JobModel.model_validate(tomllib.loads(text)).source.adapter == name


def test_a_new_job_is_valid_with_every_line_switched_on() -> None:
    text = starter.starter(Plugins().adapter("files"))
    on = re.sub(r'^# (?=[\w"*])', "", text, flags=re.MULTILINE)

    model = JobModel.model_validate(tomllib.loads(on))

    assert set(model.target.fields) == set(OUTPUTS)
    assert set(model.source.fields[Stream.ACCOUNTS]) == set(FIELDS[Stream.ACCOUNTS])


@pytest.mark.parametrize(
    "line",
    [
        "## the API token",
        'token = { env = "OTHER_TOKEN" }',
        'region = "eu-1"',
        "# pages = 7",
        'accounts = "accounts"',
        '# name = "Name"  # what people call it',
    ],
)
def test_a_new_job_for_somebody_elses_adapter_has(line: str) -> None:
    assert line in starter.starter(adapter())


def test_the_schema_is_json_and_names_every_adapter() -> None:
    shown = json.loads(run("schema").stdout)

    assert shown["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert {"files.settings", "sql.settings"} <= set(shown["$defs"])


def test_every_reference_of_the_schema_leads_somewhere() -> None:
    shown = job_schema(Plugins())
    used = set(re.findall(r'"#/\$defs/([^"]+)"', json.dumps(shown)))

    assert used <= set(shown["$defs"])
    assert "Secret" in used


def test_the_schema_is_a_valid_schema_and_takes_a_job() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    shown = job_schema(Plugins())
    validator = jsonschema.Draft202012Validator(shown)
    job = json.loads(json.dumps(tomllib.loads(JOB), default=str))

    jsonschema.Draft202012Validator.check_schema(shown)

    assert validator.is_valid(job)
    assert not validator.is_valid({**job, "colour": 1})
    job["source"]["settings"]["folders"] = "x"
    assert not validator.is_valid(job)


def test_the_schema_knows_our_fields_and_results() -> None:
    shown = job_schema(Plugins())["$defs"]

    source, target = shown["SourceConfig"]["properties"], shown["TargetConfig"]["properties"]
    assert set(source["fields"]["properties"]["accounts"]["properties"]) == set(
        FIELDS[Stream.ACCOUNTS]
    )
    assert set(OUTPUTS) < set(target["fields"]["properties"])


@pytest.mark.long
def test_a_new_package_passes_its_own_conformance_tests(tmp_path: Path) -> None:
    folder = tmp_path / "acme"
    assert run("new", "acme-crm", "--folder", folder).exit_code == 0

    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**_environment(), "PYTHONPATH": str(folder), "PYTEST_ADDOPTS": ""},
        check=False,
    )

    assert tested.returncode == 0, tested.stdout
    assert " passed" in tested.stdout


def test_a_new_package_builds_and_is_found(tmp_path: Path) -> None:
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    scaffold.write("acme", tmp_path / "acme")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", "dist", "acme"],
        capture_output=True,
        cwd=tmp_path,
        check=True,
    )
    (wheel,) = (tmp_path / "dist").iterdir()
    code = (
        "from connector.plugins import Plugins\n"
        "adapter = Plugins().adapter('acme')\n"
        "print(adapter.name, adapter.settings.__module__)"
    )

    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**_environment(), "PYTHONPATH": str(wheel)},
        check=True,
    )

    assert found.stdout.split() == ["acme", "connector_acme"]


@pytest.mark.parametrize("name", ["Acme", "1crm", "a b", "../x", "a$b", ""])
def test_a_name_that_is_none_is_refused(name: str, tmp_path: Path) -> None:
    assert run("new", name, "--folder", tmp_path / "new").exit_code == 2


def test_a_folder_with_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()

    assert run("new", "acme", "--folder", tmp_path).exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}


def test_the_fake_crm_gets_a_job_as_well() -> None:
    text = starter.starter(FakeCRM().adapter())

    assert JobModel.model_validate(tomllib.loads(text)).source.adapter == "fake"


def test_the_schedule_shows_the_next_times_in_the_zone_of_the_job(tmp_path: Path) -> None:
    schedule = 'timezone = "Europe/Berlin"\nschedule = "30 6 * * 1"\n'
    (tmp_path / "weekly.toml").write_text(schedule + JOB, encoding="utf-8")

    (job,) = json.loads(run("schedule", tmp_path, "--next", "3", "--json").stdout)

    assert job["job"] == "small"
    assert [time[11:16] for time in job["next"]] == ["06:30"] * 3
    assert "Europe/Berlin" in run("schedule", tmp_path, "--next", "1").stdout


def test_a_folder_without_schedules_says_how_to_make_one(tmp_path: Path) -> None:
    assert "schedule = '0 6 * * 1-5'" in run("schedule", tmp_path, "--next", "1").stdout


def test_the_scheduler_needs_a_folder(tmp_path: Path) -> None:
    assert run("schedule", tmp_path / "none").exit_code == 2


def test_the_demo_gets_our_console_and_our_pyramid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def made_up(folder: Path, **options: object) -> None:
        asked.extend([folder, options["seed"], options["accounts"], options["draw"]])

    monkeypatch.setattr("connector.demo.run", made_up)

    result = run("demo", "--folder", tmp_path, "--accounts", "60", "--seed", "3")

    assert result.exit_code == 0, result.output
    assert asked == [tmp_path, 3, 60, pyramid.picture]
