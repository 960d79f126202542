"""Whole runs: an Odoo gets tiers and tasks, and a second run finds nothing to write."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Literal

import pytest

from connector.config import load_job
from connector.plugins import Plugins
from connector.provision import provision
from connector.runs import Report
from connector.sync import Sync
from sandbox_odoo.sandbox import OdooSandbox
from tests.plugins.connector_odoo.odoo import READS

ACCOUNTS = 80
PLUGINS = {"odoo": "connector_odoo", "goals": "six_goals.pack"}


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [EntryPoint(name, module, "connector") for name, module in PLUGINS.items()]
    monkeypatch.setattr("connector.plugins.entry_points", lambda group: found)


def run(sandbox: OdooSandbox, job: Path) -> tuple[Report, list[str]]:
    """Return the report of a run, and model and method of its calls."""
    sandbox.requests.clear()
    report = Sync(load_job(job), Plugins()).run()
    return report, [f"{one.model} {one.method}".strip() for one in sandbox.requests]


@pytest.mark.long
@pytest.mark.parametrize("version", ["17.0", "19.0"])
def test_a_second_run_writes_nothing(
    version: Literal["17.0", "19.0"],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    with OdooSandbox(version) as sandbox:
        sandbox.make_up(ACCOUNTS)
        job = Path(sandbox.write_keys(tmp_path)["job"])
        provision(Sync(load_job(job), Plugins()), apply=True)
        sandbox.revoke()  # from here on least rights

        first, calls = run(sandbox, job)
        assert first.state == "done"
        assert first.accounts["applied"] > 0
        assert first.tasks["applied"] > 0
        partners = [one for one in sandbox.records("res.partner") if one["x_pyramid_tier"]]
        assert {one["x_pyramid_tier"] for one in partners} >= {"Top", "Medium", "Small"}

        second, quiet = run(sandbox, job)
        assert (second.state, second.accounts["applied"], second.tasks["planned"]) == ("done", 0, 0)
        assert [one for one in quiet if one.rpartition(" ")[2] not in READS] == []
        record_property("figure", f"Odoo {version}, {ACCOUNTS} accounts: {len(calls)} calls for"
                        f" the first run, {len(quiet)} for one without a change")  # fmt: skip
    with closing(sqlite3.connect(tmp_path / "connector.db")) as store:
        assert store.execute("select count(*) from quarantine").fetchone() == (0,)
