"""A run killed at any moment and then run to its end leaves what an undisturbed run leaves."""

from __future__ import annotations

import csv
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

JOB = """\
name = "killed"
[source]
adapter = "sql"
[source.settings]
url = "sqlite:///crm.db"
accounts = "accounts"
opportunities = "deals"
page_size = 100
[target]
adapter = "files"
[target.settings]
folder = "."
accounts = "accounts.csv"
output = "out"
[target.fields]
tier = "tier"
layer = "layer"
rank = "rank"
revenue_period = "revenue"
movement = "movement"
[rules]
goals = ["retention", "up_sell"]
as_of = 2026-06-30
[rules.settings.suppression]
new_per_week = 40
"""

MOMENTS = 4


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_run_killed_at_random_moments_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    start = time.perf_counter()
    undisturbed = _prepare(tmp_path / "undisturbed")
    assert _run(undisturbed).wait() == 0
    lasted = time.perf_counter() - start
    expected = _all_there_is(undisturbed)
    assert expected["file tasks.csv"]
    cut_off = 0
    for moment in range(MOMENTS):
        folder = _prepare(tmp_path / f"killed-{moment}")
        cut_off += _run_and_kill(folder, random.Random(moment).uniform(0.15, 1.0) * lasted)
        if not _has_ended(folder):
            assert _run(folder).wait() == 0, f"moment {moment}"
        assert differing(_all_there_is(folder), expected) == {}, f"moment {moment}"
    assert cut_off >= MOMENTS // 2


def _prepare(folder: Path) -> Path:
    folder.mkdir()
    (folder / "killed.toml").write_text(JOB)
    chance = random.Random(1)
    accounts = [(f"A{n:04}", f"Company {n}", f"rep{n % 7}") for n in range(600)]
    deals = [
        (
            f"D{n:05}",
            f"A{int(chance.random() ** 2 * 600):04}",
            chance.choice(["won", "won", "won", "lost", "open"]),
            round(chance.paretovariate(1.2) * 500, 2),
            f"{chance.choice([2024, 2025, 2026])}-{chance.randint(1, 6):02}-15",
        )
        for n in range(6000)
    ]
    with sqlite3.connect(folder / "crm.db") as crm:
        crm.execute("create table accounts (id text primary key, name text, owner_id text)")
        crm.execute(
            "create table deals (id text primary key, account_id text, status text,"
            " amount numeric, close_date text)"
        )
        crm.executemany("insert into accounts values (?, ?, ?)", accounts)
        crm.executemany("insert into deals values (?, ?, ?, ?, ?)", deals)
    crm.close()
    with (folder / "accounts.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("id", "name", "owner_id"), *accounts])
    return folder


def _run(folder: Path) -> subprocess.Popen[bytes]:
    # The interpreter is told what to run, so that what is killed is the run and not a wrapper.
    code = (
        "import sys; from connector.cli import main; sys.argv[1:] = ['sync', 'killed.toml']; main()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _run_and_kill(folder: Path, after: float) -> bool:
    """Start a run and kill it after so many seconds; say whether it was still running."""
    process = _run(folder)
    try:
        process.wait(timeout=after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def _has_ended(folder: Path) -> bool:
    """Say whether the run that was killed had nothing left to do."""
    if not (folder / "connector.db").exists():
        return False
    with sqlite3.connect(folder / "connector.db") as store:
        known = store.execute("select count(*) from sqlite_master where name = 'run'").fetchone()
        done = (
            known[0] and store.execute("select count(*) from run where state = 'done'").fetchone()
        )
    store.close()
    return bool(done and done[0])


def differing(found: dict[str, list[object]], expected: dict[str, list[object]]) -> object:
    """Return what is in one and not in the other, the first few of each part."""
    return {
        part: ([x for x in found[part] if x not in expected[part]][:3], len(found[part]))
        for part in expected
        if found[part] != expected[part]
    }


RECORDED = {
    # `scan` counts full readings of the source: a run that is taken up may begin another.
    "account": "job_id, id, name, owner_id, modified_at, deleted",
    "opportunity": "job_id, id, account_id, status, stage, amount, close_date, deleted",
    "stream_state": "job_id, stream, mapping_hash, scan_name",
    "quarantine": "job_id, stream, record, problems, content",
    "standing": "job_id, account_id, layer, tier, tier_raw, tier_frozen, movement, rank, revenue,"
    " previous_revenue, orders, first_order, last_order, next_tier, next_tier_gap, tier_since",
    "tier_span": "job_id, account_id, valid_from, valid_to, layer",
    "action": "job_id, goal, account_id, marker, decision, cause, owner, priority, due,"
    " expected_value, subject, reason",
    "task": "*",
    "ledger": "marker, account_id, kind, state, code, content",
    "run": "job_id, state, as_of, config_hash",
}


def _all_there_is(folder: Path) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {}
    with sqlite3.connect(folder / "connector.db") as store:
        for table, columns in RECORDED.items():
            found[table] = sorted(
                store.execute(f"select {columns} from {table}").fetchall(), key=repr
            )
    store.close()
    for file in sorted((folder / "out").iterdir()):
        found[f"file {file.name}"] = list(file.read_text(encoding="utf-8-sig").splitlines())
    return found
