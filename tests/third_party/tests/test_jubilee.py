"""The goal of this package is asked by the connector, with the settings of a job."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acme_server import AcmeCRM

JOB = """\
[source]
adapter = "acme"
[source.settings]
url = "{url}"
token = {{ env = "ACME_TOKEN" }}
[source.values.opportunities.status]
"Won" = "won"
[rules]
goals = ["jubilee"]
[rules.settings.jubilee]
years = {years}
[rules.settings.holdout]
percent = 0
"""


@pytest.fixture
def crm() -> Iterator[AcmeCRM]:
    """Return a CRM with a customer of ten years and one of three."""
    crm = AcmeCRM()
    for key, first in (("A1", "2016-06-10"), ("A2", "2023-06-10")):
        crm.put("accounts", {"id": key, "company": f"Company {key}", "type": "customer"})
        for day in (first, "2026-03-01"):
            deal = {"account": key, "state": "Won", "value": "1000", "currency": "USD"}
            crm.put("deals", {"id": f"{key} {day}", "closed": day, **deal})
    yield crm
    crm.stop()


def synced(crm: AcmeCRM, folder: Path, years: int) -> dict[str, Any]:
    """Return the report of a run that congratulates every so many *years*."""
    (folder / "job.toml").write_text(JOB.format(url=crm.url, years=years))
    command = [str(Path(sys.executable).with_name("connector")), "sync", "job.toml"]
    done = subprocess.run(
        [*command, "--as-of", "2026-06-30", "--json"],
        cwd=folder,
        env={**os.environ, "ACME_TOKEN": crm.token},
        stdout=subprocess.PIPE,
        check=True,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_a_job_gets_the_tasks_of_the_seventh_goal(crm: AcmeCRM, tmp_path: Path) -> None:
    assert synced(crm, tmp_path, years=5)["tasks"]["applied"] == 1
    (task,) = crm.tasks.values()
    assert task["subject"] == "Congratulate Company A1 on 10 years with us"
    assert task["body"] == "Company A1 first ordered on June 10, 2016, 10 years ago."


def test_its_settings_are_those_of_the_job(crm: AcmeCRM, tmp_path: Path) -> None:
    assert synced(crm, tmp_path, years=3)["tasks"]["applied"] == 1
    assert {task["account"] for task in crm.tasks.values()} == {"A2"}
