"""A run killed at each point where it keeps, asks or sends something loses and doubles nothing.

The points are counted in a run that nothing happens to; then a process dies before each, by
SIGKILL, which is after the one before it, and another one runs the job again. Where a process has
left, to the last row, what the one before it left, what follows is known already: that the job runs
again from there is tried once.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from connector.audit import verify
from connector.store import Store
from tests.acceptance.crashing import TODAY, YESTERDAY, Crm, Server, prepare

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks, and counts threads"),
]

PARTS = 2
"""Into how many tests the points of a run are dealt, for as many cores."""

STORED = {
    # Numbers of scans and what is called by them differ; and a run that ends is not run again.
    "account": "id, name, owner_id, deleted",
    "opportunity": "id, account_id, status, amount, close_date, deleted",
    "standing": "account_id, layer, tier, tier_raw, movement, rank, revenue, tier_since",
    "tier_span": "account_id, valid_from, valid_to, layer",
    "action": "goal, account_id, item, marker, decision, cause, owner, priority, due, subject",
    "task": "marker, account_id, goal, target_id, subject, priority",
    # What the run itself did to a task it finds when it is taken up, else the next run does.
    "trial": "goal, account_id, item, started_on, arm, marker, ends_on, target, succeeded_on,"
    " value, case when marker in (select marker from ledger where kind = 'close_task')"
    " then 'closed by us' when task_status is null and marker in (select marker from task)"
    " then 'open' else task_status end",
    "ledger": "marker, account_id, kind, state, content",
    "refusal": "subject, digest, code",
    "quarantine": "stream, record, problems",
    "run": "state, stage, as_of",
}


VOLATILE = {"run_id", "started_at", "finished_at", "since", "holder"}
NAMES = re.compile(r"\d{8}T\d{6}-[0-9a-f]{6}|scan-\d+|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.\d]*")
"""Of runs, scans and moments: no two runs have the same."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Return what runs jobs in processes of their own."""
    server = Server()
    yield server
    server.close()


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize(
    ("kind", "day"), [("memory", "a later day"), ("sql", "the first day")], ids=["memory", "sql"]
)
def test_a_run_killed_anywhere_ends_as_if_nothing_had_happened(
    tmp_path: Path,
    server: Server,
    record_property: Callable[[str, object], None],
    kind: str,
    day: str,
    part: int,
) -> None:
    begun = tmp_path / "begun"
    prepare(begun, kind)
    if day == "a later day":
        assert server.run(begun, kind, YESTERDAY) == "ended"
        Crm(begun, kind).live()
    points, expected = _undisturbed(begun, tmp_path / "undisturbed", kind, server)
    first, last = (len(points) * n // PARTS for n in (part, part + 1))
    # After one point and before the next nothing is kept, asked or sent: dying there is the same.
    mine = [
        point
        for point in range(1 + first, 1 + last)
        if point == len(points) or points[point - 1].startswith("before")
    ]

    differing, tried, before = {}, 0, None
    for point in mine:
        folder = tmp_path / f"point-{point}"
        shutil.copytree(begun, folder)
        assert server.run(folder, kind, TODAY, point) == "killed", points[point - 1]
        there, has_ended = _there(folder, kind)
        if there != before:
            tried, before = tried + 1, there
            if not has_ended:
                assert server.run(folder, kind, TODAY) == "ended", points[point - 1]
            found = _left(folder, kind)
            _assert_adds_up(folder)
            verify(Store(f"sqlite:///{folder / 'connector.db'}"))
            if found != expected:
                differing[f"{point} {points[point - 1]}"] = _difference(found, expected)
        shutil.rmtree(folder)

    places = ", ".join(f"{n} {name}" for name, n in Counter(points).items())
    record_property(
        "figure",
        f"crashes ({kind}, {day}): of {len(points)} points {first + 1} to {last}, killed at"
        f" {len(mine)} (after one is before the next), which left {tried} different states;"
        f" the points: {places}",
    )
    assert differing == {}


def _undisturbed(
    begun: Path, folder: Path, kind: str, server: Server
) -> tuple[list[str], dict[str, list[Any]]]:
    """Return the points of a run that nothing happens to, and what it leaves."""
    shutil.copytree(begun, folder)
    assert server.run(folder, kind, TODAY) == "ended"
    left = _left(folder, kind)
    markers = [row[0] for row in left["tasks"]]
    assert len(set(markers)) == len(markers) >= 4
    return json.loads((folder / "points.json").read_text()), left


def _there(folder: Path, kind: str) -> tuple[dict[str, list[Any]], bool]:
    """Return all that a killed run has left, and whether it had nothing left to do.

    What names the run itself and its time is left out.
    """
    copy = folder.with_name("copy")  # to look into a database that was not closed tidies it up
    shutil.copytree(folder, copy)
    there, ended = Crm(copy, kind).held(), False
    if (copy / "connector.db").exists():
        with closing(sqlite3.connect(copy / "connector.db")) as store:
            assert store.execute("pragma integrity_check").fetchone() == ("ok",)
            asked = "select name from sqlite_master where type = 'table' order by name"
            for (table,) in store.execute(asked).fetchall():
                if table == "audit":
                    continue  # tells the time of everything: no two are the same
                columns = {row[1] for row in store.execute(f"pragma table_info({table})")}
                kept = ", ".join(f'"{name}"' for name in sorted(columns - VOLATILE))
                rows = store.execute(f"select {kept} from {table}").fetchall()
                there[table] = sorted(NAMES.sub("", repr(row)) for row in rows)
            if "run" in there:
                done = "select 1 from run where state = 'done' and as_of = ?"
                ended = store.execute(done, (TODAY.isoformat(),)).fetchone() is not None
    shutil.rmtree(copy)
    return there, ended


def _left(folder: Path, kind: str) -> dict[str, list[Any]]:
    """Return what is in the target and in the store."""
    left = Crm(folder, kind).held()
    with closing(sqlite3.connect(folder / "connector.db")) as store:
        for table, columns in STORED.items():
            rows = store.execute(f"select {columns} from {table}").fetchall()
            left[table] = sorted(NAMES.sub("", repr(row)) for row in rows)
    return left


def _assert_adds_up(folder: Path) -> None:
    """Every change of every run has come to an end, and every account has an outcome."""
    with closing(sqlite3.connect(folder / "connector.db")) as store:
        assert store.execute("pragma integrity_check").fetchone() == ("ok",)
        open_ends = "select * from ledger where state in ('sending', 'retry', 'unknown')"
        assert store.execute(open_ends).fetchall() == []
        for (counts,) in store.execute("select counts from run"):
            accounts = json.loads(counts)["accounts"]
            assert accounts.pop("read") == sum(accounts.values())
        asked = "select marker from trial where arm = 'treated' and marker is not null"
        known = "select marker from task"
        assert set(store.execute(asked)) <= set(store.execute(known))


def _difference(found: dict[str, list[Any]], expected: dict[str, list[Any]]) -> dict[str, object]:
    return {
        name: {
            "more": [row for row in found[name] if row not in expected[name]],
            "missing": [row for row in expected[name] if row not in found[name]],
            "rows": (len(found[name]), len(expected[name])),
        }
        for name in expected
        if found[name] != expected[name]
    }
