"""The whole run with PostgreSQL as the store: the same results as with SQLite."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.command import as_json, connector, tiers
from tests.acceptance.jobs import northwind


@pytest.fixture
def job(tmp_path: Path, postgres_url: str) -> Path:
    path = northwind(tmp_path)
    path.write_text(f'[store]\nurl = "{postgres_url}"\n{path.read_text()}')
    return path


@pytest.mark.long
def test_a_run_gives_the_same_on_postgresql_and_on_sqlite(job: Path, tmp_path: Path) -> None:
    other = tmp_path / "sqlite"
    other.mkdir()
    on_sqlite = northwind(other)
    connector("sync", on_sqlite)
    connector("sync", job)
    assert tiers(job) == tiers(on_sqlite)
    assert _results(job) == _results(on_sqlite)


@pytest.mark.long
def test_a_second_run_changes_nothing_on_postgresql(job: Path) -> None:
    connector("sync", job)
    again = as_json("sync", job)
    assert again["accounts"]["unchanged"] == again["accounts"]["read"] == 91
    assert again["tasks"]["planned"] == 0


def _results(job: Path) -> dict[str, object]:
    found = as_json("pyramid", job)
    return {key: found[key] for key in ("current", "previous", "migration", "issues")}
