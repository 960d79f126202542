"""A small job that can be killed at every point where it keeps, asks or sends something.

Run as a module it is a server: a line of its input says which job to run and where to kill it, and
a line of its output how that ended. Each run is a fork of a process that has imported everything
and opened nothing: the threads of DuckDB and Arrow do not outlive a fork, but the few that wait
from the import on (an allocator's, OpenBLAS's) are not needed there. What a run had to import and
to translate, the process learns from it, so that later ones need not.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import date
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any, Final, Self, TextIO

import adbc_driver_sqlite.dbapi  # noqa: F401 - imported here, it is in every fork already
import duckdb  # noqa: F401 - as above
import ibis  # noqa: F401 - as above
import pytest
from sqlalchemy.engine.default import DefaultDialect

import connector_sql
import connector_sql.source
import connector_sql.writer
import six_goals.pack  # noqa: F401 - as above
from connector.config import load_job
from connector.contract import Capabilities, Change
from connector.model import Stream
from connector.store import bulk
from connector.sync import Sync
from connector.testing.fake import FakeCRM, _FakeSource, _FakeWriter
from tests.acceptance.jobs import ROOT
from tests.compiled import compile_rules_once, leave_out_figures, memory, remember
from tests.connector.sync_world import account, deal, plugins_with

_TOO_LONG: Final = 300

YESTERDAY: Final = date(2026, 6, 29)
TODAY: Final = date(2026, 6, 30)

RULES: Final = """\
[target.fields]
tier = "tier"
rank = "rank"
revenue_period = "revenue"
computed_at = "computed_at"
[rules]
goals = ["up_sell"]
[rules.settings.up_sell]
upgradable = 0
[rules.settings.holdout]
percent = 20
[rules.settings.pyramid]
method = "thresholds"
thresholds = ["10000", "5000", "1000"]
[guard]
max_tier_changes = 1.0
max_deleted = 0.5
"""
SOURCES: Final = {
    "memory": '[source]\nadapter = "fake"\n',
    "sql": '[source]\nadapter = "sql"\n[source.settings]\nurl = "sqlite:///crm.db"\n'
    'accounts = "accounts"\nopportunities = "deals"\npage_size = 5\n',
}
LEARNT: Final = "learnt.pickle"
BATCH: Final = 5
REVENUE: Final = {
    "B01": 12000, "B02": 4500, "B03": 950, "B04": 2000, "B05": 100, "B06": 50,
    "B07": 4600, "B08": 900, "B09": 4700, "B10": 980, "B11": 9500,
}  # fmt: skip


class KeptCRM(FakeCRM):
    """A CRM in memory whose content is in a file as well, and outlives whoever writes into it."""

    _KEPT: Final = ("rows", "stamps", "deletions", "tasks", "now")

    def __init__(self, path: Path) -> None:
        super().__init__(page_size=BATCH, scan=True)
        self.path = path
        if path.exists():
            vars(self).update(pickle.loads(path.read_bytes()))  # noqa: S301 - written below
        self.task_ids = count(len(self.tasks) + 1)
        self.scans = count(os.getpid() * 1000)  # no process continues the scan of another

    def save(self) -> None:
        new = self.path.with_suffix(".new")
        new.write_bytes(pickle.dumps({name: getattr(self, name) for name in self._KEPT}))
        new.replace(self.path)


class Crm:
    """What people do in the CRM of a folder, of either kind."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        self.kept = KeptCRM(folder / "crm.pickle") if kind == "memory" else None

    def make(self) -> Self:
        """Fill an empty CRM."""
        if self.kept is None:
            self._sql("create table accounts (id text primary key, name text, owner_id text,"
                      " tier text, rank integer, revenue numeric, computed_at text)")  # fmt: skip
            self._sql("create table deals (id text primary key, account_id text, status text,"
                      " amount numeric, close_date text)")  # fmt: skip
        for key in (*REVENUE, "B12"):
            self.put(Stream.ACCOUNTS, account(key))
        for key, revenue in REVENUE.items():
            self.put(Stream.OPPORTUNITIES, deal(f"D{key}", key, str(revenue)))
        return self

    def live(self) -> None:
        """Do what may happen in a day: new ones, gone ones, edits, tasks done."""
        self.put(Stream.ACCOUNTS, account("B13"))
        self.put(Stream.OPPORTUNITIES, deal("D20", "B13", "4800"))
        self.put(Stream.OPPORTUNITIES, deal("D21", "B02", "700"))
        self.put(Stream.OPPORTUNITIES, deal("D22", "B05", "2400"))
        self.put(Stream.ACCOUNTS, {"id": "B04", "tier": "Mine"})
        if self.kept is not None:
            self.kept.delete(Stream.ACCOUNTS, ["B06"])
            self.kept.finish(f"up_sell:B03:{YESTERDAY}", "rejected")
            self.kept.finish(f"up_sell:B09:{YESTERDAY}", "done")
            self.kept.save()
            return
        self._sql("delete from accounts where id = 'B06'")
        for key, status in (("B03", "rejected"), ("B09", "done")):
            self._sql(
                f"update pyramid_tasks set status = '{status}', closed_on = '{YESTERDAY}'"
                f" where account = '{key}'"
            )

    def put(self, stream: Stream, row: dict[str, object]) -> None:
        if self.kept is not None:
            self.kept.put(stream, [row])
            self.kept.save()
            return
        table = "accounts" if stream is Stream.ACCOUNTS else "deals"
        marks, values = ", ".join("?" * len(row)), tuple(row.values())
        sets = ", ".join(f"{name} = excluded.{name}" for name in row)
        self._sql(
            f"insert into {table} ({', '.join(row)}) values ({marks})"
            f" on conflict (id) do update set {sets}",
            *values,
        )

    def held(self) -> dict[str, list[Any]]:
        """Return all that the target holds of ours."""
        if self.kept is not None:
            kept = KeptCRM(self.kept.path)  # what the file holds by now
            accounts = kept.rows[Stream.ACCOUNTS].values()
            names = ("id", "tier", "rank", "revenue")
            fields = [tuple(str(row.get(name)) for name in names) for row in accounts]
            tasks = [(t.marker, t.status, t.subject, t.body, t.priority) for t in kept.tasks]
        else:
            fields = self._sql("select id, tier, rank, revenue from accounts")
            made = self._sql("select 1 from sqlite_master where name = 'pyramid_tasks'")
            asked = "select marker, status, subject, body, priority from pyramid_tasks"
            tasks = self._sql(asked) if made else []
        return {"fields": sorted(fields), "tasks": sorted(tasks)}

    def _sql(self, sql: str, *values: object) -> list[Any]:
        with closing(sqlite3.connect(self.folder / "crm.db")) as crm, crm:
            return crm.execute(sql, values).fetchall()


def prepare(folder: Path, kind: str) -> Crm:
    """Write job and CRM into *folder*."""
    folder.mkdir()
    (folder / "job.toml").write_text(f'name = "crashing"\n{SOURCES[kind]}{RULES}')
    return Crm(folder, kind).make()


def run(folder: Path, kind: str, day: date, points: Points) -> None:
    """Run the job of *folder*, by way of *points*."""
    os.chdir(folder)
    points.patch()
    patch = pytest.MonkeyPatch()
    compile_rules_once(patch)
    leave_out_figures(patch)
    kept = Crm(folder, kind).kept
    adapter = connector_sql.adapters()[0] if kept is None else kept.adapter()
    streams = (Stream.ACCOUNTS, Stream.OPPORTUNITIES)  # of the others there would be no rows
    adapter = replace(
        adapter,
        fields={stream: adapter.fields[stream] for stream in streams},
        capabilities=Capabilities(read_batch=BATCH, write_batch=BATCH),
    )
    Sync(load_job(folder / "job.toml"), plugins_with(adapter), as_of=day).run()


class Points:
    """The points of a run in their order; the process is killed at *last*, if there is one."""

    def __init__(self, last: int | None = None) -> None:
        self.last = last
        self.names: list[str] = []

    def patch(self) -> None:
        """Lead what keeps, asks and sends through these points; only for a process of its own."""
        self._around(bulk._Sqlite, "commit", "keeping rows")
        self._around(DefaultDialect, "do_commit", "committing")
        for source in (_FakeSource, connector_sql.source.SqlSource):
            self._around_each(source, "pull", "reading a page")
        for writer in (_FakeWriter, connector_sql.writer.SqlWriter):
            self._around(writer, "current", "asking the target")
            self._around_all(writer, "write", "writing")
        self._save_each_change()

    def reach(self, name: str) -> None:
        """Pass a point, or end here without a word."""
        self.names.append(name)
        if len(self.names) == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def _around(self, owner: type, name: str, label: str) -> None:
        function = getattr(owner, name)

        def called(*given: Any, **named: Any) -> Any:
            self.reach(f"before {label}")
            found = function(*given, **named)
            self.reach(f"after {label}")
            return found

        setattr(owner, name, called)

    def _around_each(self, owner: type, name: str, label: str) -> None:
        function = getattr(owner, name)

        def each(*given: Any, **named: Any) -> Iterator[Any]:
            self.reach(f"before {label}")
            for found in function(*given, **named):
                yield found
                self.reach(f"before {label}")  # what was given has been dealt with
            self.reach(f"after {label}")

        setattr(owner, name, each)

    def _around_all(self, owner: type, name: str, label: str) -> None:
        function = getattr(owner, name)

        def all_at_once(*given: Any, **named: Any) -> Iterator[Any]:
            self.reach(f"before {label}")
            found = list(function(*given, **named))
            self.reach(f"after {label}")
            yield from found

        setattr(owner, name, all_at_once)

    def _save_each_change(self) -> None:
        write = _FakeWriter._write

        def kept(writer: Any, change: Change) -> Any:
            outcome = write(writer, change)
            self.reach("before the CRM keeps a change")
            writer.crm.save()
            self.reach("after the CRM has kept a change")
            return outcome

        _FakeWriter._write = kept  # type: ignore[assignment]  # in a process of its own


class Server:
    """A process that runs jobs in forks of itself."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.acceptance.crashing"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, folder: Path, kind: str, day: date, last: int | None = None) -> str:
        """Run a job; return "ended", "killed" or what went wrong."""
        asked = {"folder": str(folder), "kind": kind, "day": day.isoformat(), "last": last}
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(asked) + "\n")
        stdin.flush()
        return str(json.loads(stdout.readline()))

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def learn(path: Path) -> None:
    """Spare later forks the time of importing the same modules and translating the same rules."""
    if path.exists():
        modules, translated = pickle.loads(path.read_bytes())  # noqa: S301 - written by `_child`
        for name in modules:
            with suppress(ImportError):  # Alembic's scripts have no name to import them by
                import_module(name)
        remember(translated)
        path.unlink()


def _serve(asked: TextIO, told: TextIO) -> None:
    for line in asked:
        wanted = json.loads(line)
        child = os.fork()
        if child == 0:
            _child(**wanted)
        _, status = os.waitpid(child, 0)
        signalled = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        said = "killed" if signalled else "ended" if status == 0 else f"failed: {status}"
        learn(Path(wanted["folder"]) / LEARNT)
        told.write(json.dumps(said) + "\n")
        told.flush()


def _child(folder: str, kind: str, day: str, last: int | None) -> None:
    code = 1
    signal.alarm(_TOO_LONG)
    try:
        points = Points(last)
        run(Path(folder), kind, date.fromisoformat(day), points)
        (Path(folder) / "points.json").write_text(json.dumps(points.names))
        if not last:
            (Path(folder) / LEARNT).write_bytes(pickle.dumps(([*sys.modules], memory())))
        code = 0
    except BaseException:  # noqa: BLE001 - it must not go on as the server
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    _serve(sys.stdin, sys.stdout)
