"""A second run writes what has changed since, and nothing else."""

from __future__ import annotations

import csv
import io
import itertools
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from tests.acceptance.command import as_json, connector

ACCOUNTS = """\
id,name,owner_id
A1,Alfa,rep1
A2,Bravo,rep1
A3,Charlie,rep2
A4,Delta,rep2
A5,Echo,rep2
A6,Foxtrot,rep2
A7,Golf,rep2
"""

DEALS = """\
id,account_id,status,amount,close_date
D1,A1,won,7000.00,2026-03-01
D2,A2,won,3000.50,2026-03-01
D3,A3,won,2000.00,2026-03-01
D4,A4,won,950.00,2026-03-01
D5,A5,won,500.00,2026-03-01
D6,A6,won,100.00,2026-03-01
"""

pytestmark = pytest.mark.long

UP_SELL = "up_sell:A4:2026-06-30"
"""A4 is near Big."""

JOB = """\
name = "job"
{source}
[target]
overrides = "overwrite"
[target.fields]
tier = "pyramid_tier"
rank = "pyramid_rank"
revenue_period = "pyramid_revenue"
computed_at = "pyramid_at"
[rules]
goals = ["up_sell"]
as_of = 2026-06-30
[rules.settings.holdout]
percent = 0
[rules.settings.up_sell]
upgradable = 0
[rules.settings.pyramid]
method = "thresholds"
thresholds = ["5000", "1000", "400"]
"""


class Crm(Protocol):
    """Where a job reads and writes, as its users see it."""

    folder: Path

    @property
    def source(self) -> str:
        """The part of the job that says where it is."""
        ...

    def accounts(self) -> dict[str, dict[str, str]]:
        """Return what a rep sees of each account."""
        ...

    def edit(self, account: str, field: str, value: str | None) -> None:
        """Change a field of the target by hand."""
        ...

    def buy(self, deal: str, account: str, amount: str) -> None:
        """Add a won deal."""
        ...

    def tasks(self) -> dict[str, str]:
        """Return the status of each task by marker."""
        ...

    def finish(self, marker: str, status: str) -> None:
        """Do or reject a task."""
        ...

    def state(self) -> object:
        """Return what is different after any write, even of equal values."""
        ...


def _rows(content: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content)))


def _text(value: object) -> str:
    return "" if value is None else str(value)


class Files:
    """Files of one format, written in place or into a copy."""

    def __init__(self, folder: Path, ending: str, mode: str) -> None:
        self.folder = folder
        self.ending = ending
        self.mode = mode
        self.data = folder / "data"
        self.out = self.data if mode == "in_place" else self.data / "out"
        self.data.mkdir()
        self._write(self.data / f"accounts.{ending}", _rows(ACCOUNTS))
        self._write(self.data / f"deals.{ending}", _rows(DEALS))

    @property
    def source(self) -> str:
        return (
            '[source]\nadapter = "files"\n[source.settings]\nfolder = "data"\n'
            f'accounts = "accounts.{self.ending}"\nopportunities = "deals.{self.ending}"\n'
            f'mode = "{self.mode}"\ntasks = "tasks.{self.ending}"\n'
        )

    def accounts(self) -> dict[str, dict[str, str]]:
        rows = self._read(self.out / f"accounts.{self.ending}")
        return {row["id"]: {name: _text(value) for name, value in row.items()} for row in rows}

    def edit(self, account: str, field: str, value: str | None) -> None:
        path = self.out / f"accounts.{self.ending}"
        rows = self._read(path)
        next(row for row in rows if row["id"] == account)[field] = value
        self._write(path, rows)

    def buy(self, deal: str, account: str, amount: str) -> None:
        path = self.data / f"deals.{self.ending}"
        row = {"id": deal, "account_id": account, "status": "won", "amount": amount}
        self._write(path, [*self._read(path), {**row, "close_date": "2026-04-01"}])

    def tasks(self) -> dict[str, str]:
        path = self.out / f"tasks.{self.ending}"
        return {str(row["marker"]): str(row["status"]) for row in self._read(path)}

    def finish(self, marker: str, status: str) -> None:
        path = self.out / f"tasks.{self.ending}"
        rows = self._read(path)
        next(row for row in rows if row["marker"] == marker).update(
            status=status, closed_on="2026-06-30"
        )
        self._write(path, rows)

    def state(self) -> object:
        paths = sorted(path for path in self.data.rglob("*") if path.is_file())
        return [(str(p), p.stat().st_mtime_ns, p.stat().st_ino, p.read_bytes()) for p in paths]

    def _read(self, path: Path) -> list[dict[str, Any]]:
        if self.ending == "csv":
            return list(_rows(path.read_text(encoding="utf-8-sig")))
        if self.ending == "parquet":
            with pq.ParquetFile(path) as file:
                return list(file.read().to_pylist())
        book = openpyxl.load_workbook(path)
        header, *rows = book.active.iter_rows(values_only=True)
        book.close()
        return [dict(zip(map(str, header), row, strict=True)) for row in rows]

    def _write(self, path: Path, rows: list[dict[str, Any]]) -> None:
        if self.ending == "csv":
            with path.open("w", encoding="utf-8", newline="") as file:
                lines = csv.DictWriter(file, list(rows[0]))
                lines.writeheader()
                lines.writerows(rows)
        elif self.ending == "parquet":
            names = list(rows[0])
            columns = {
                name: pa.array([_typed(name, row.get(name)) for row in rows]) for name in names
            }
            pq.write_table(pa.table(columns), path)
        else:
            book = openpyxl.Workbook()
            book.active.append(list(rows[0]))
            for row in rows:
                book.active.append([_typed(name, row.get(name)) for name in rows[0]])
            book.save(path)


def _typed(name: str, value: Any) -> Any:
    return float(value) if name == "amount" else value


class Sql:
    """Tables of a database."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.engine = create_engine(url, poolclass=NullPool)
        ours = "pyramid_tier text, pyramid_rank integer, pyramid_revenue numeric(20, 2)"
        time = "timestamptz" if url.startswith("postgresql") else "text"
        self.run(
            "create table accounts (id text primary key, name text, owner_id text,"
            f" {ours}, pyramid_at {time})",
            "create table deals (id text primary key, account_id text, status text,"
            " amount numeric(20, 2), close_date date)",
        )
        for name, content in (("accounts", ACCOUNTS), ("deals", DEALS)):
            for row in _rows(content):
                self._insert(name, row)

    @property
    def source(self) -> str:
        return (
            f'[source]\nadapter = "sql"\n[source.settings]\nurl = "{self.url}"\n'
            'accounts = "accounts"\nopportunities = "deals"\n'
        )

    def run(self, *statements: str, **values: object) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement), values)

    def fetch(self, sql: str) -> list[dict[str, object]]:
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(sql)).mappings()]

    def _insert(self, table: str, row: dict[str, str]) -> None:
        marks = ", ".join(f":{name}" for name in row)
        self.run(f"insert into {table} ({', '.join(row)}) values ({marks})", **row)

    def accounts(self) -> dict[str, dict[str, str]]:
        rows = self.fetch("select * from accounts")
        return {str(row["id"]): {name: _text(value) for name, value in row.items()} for row in rows}

    def edit(self, account: str, field: str, value: str | None) -> None:
        self.run(f"update accounts set {field} = :value where id = :id", value=value, id=account)

    def buy(self, deal: str, account: str, amount: str) -> None:
        row = {"id": deal, "account_id": account, "status": "won", "amount": amount}
        self._insert("deals", {**row, "close_date": "2026-04-01"})

    def tasks(self) -> dict[str, str]:
        rows = self.fetch("select marker, status from pyramid_tasks")
        return {str(row["marker"]): str(row["status"]) for row in rows}

    def finish(self, marker: str, status: str) -> None:
        self.run(
            "update pyramid_tasks set status = :status, closed_on = '2026-06-30'"
            " where marker = :marker",
            status=status,
            marker=marker,
        )

    def state(self) -> object:
        tables = ("accounts", "deals", "pyramid_tasks")
        if self.url.startswith("postgresql"):
            # Every update of a row, even to equal values, gives it a new place and transaction.
            return [self.fetch(f"select xmin, ctid, * from {table}") for table in tables]
        with closing(sqlite3.connect(self.folder / "crm.db")) as crm:
            changes = crm.execute("pragma data_version").fetchone()
        counter = (self.folder / "crm.db").read_bytes()[24:28]  # grows with each transaction
        return changes, counter, [self.fetch(f"select * from {table}") for table in tables]


_numbers = itertools.count(1)


def _sqlite(folder: Path, request: pytest.FixtureRequest) -> Crm:
    return Sql(folder, f"sqlite:///{folder / 'crm.db'}")


def _postgres(folder: Path, request: pytest.FixtureRequest) -> Crm:
    server = request.getfixturevalue("postgres_url")
    name = f"second_run_{next(_numbers)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"create database {name} template template0"))
    return Sql(folder, make_url(server).set(database=name).render_as_string(hide_password=False))


def _files(ending: str, mode: str) -> Callable[[Path, pytest.FixtureRequest], Crm]:
    return lambda folder, request: Files(folder, ending, mode)


CRMS: dict[str, Callable[[Path, pytest.FixtureRequest], Crm]] = {
    "csv copy": _files("csv", "copy"),
    "csv in place": _files("csv", "in_place"),
    "parquet in place": _files("parquet", "in_place"),
    "xlsx in place": _files("xlsx", "in_place"),
    "sqlite": _sqlite,
    "postgresql": _postgres,
}


QUICK = ("csv copy", "parquet in place", "postgresql")


class Job:
    """A job that has run once on a CRM."""

    def __init__(self, crm: Crm) -> None:
        self.crm = crm
        self.path = crm.folder / "job.toml"
        self.path.write_text(JOB.format(source=crm.source), encoding="utf-8")
        connector("sync", self.path)

    def plan(self) -> Any:
        return as_json("plan", self.path, "--limit", "0")

    def sync(self) -> Any:
        return as_json("sync", self.path)


@pytest.fixture(
    params=[pytest.param(name, marks=[] if name in QUICK else [pytest.mark.long]) for name in CRMS]
)
def job(request: pytest.FixtureRequest, tmp_path: Path) -> Job:
    """Return a job that has run once."""
    return Job(CRMS[request.param](tmp_path, request))


def test_a_second_run_on_unchanged_data_writes_nothing(job: Job) -> None:
    before = job.crm.state()

    planned, done = job.plan(), job.sync()

    assert planned["changes"] == planned["task_changes"] == []
    assert done["accounts"]["unchanged"] == done["accounts"]["read"] == 7
    assert (done["tasks"]["planned"], done["state"]) == (0, "done")
    assert job.crm.state() == before


def test_later_runs_write_what_has_changed_and_nothing_else(job: Job) -> None:
    """One story, since each run costs time: an edit, a deal, a task that is done."""
    first = job.crm.accounts()
    assert (first["A3"]["pyramid_tier"], job.crm.tasks()) == ("Big", {UP_SELL: "open"})

    job.crm.edit("A3", "pyramid_tier", "Top")
    before = job.crm.state()
    planned = job.plan()
    assert job.crm.state() == before
    (change,) = planned["changes"]
    assert change["account"] == "A3"
    assert change["fields"]["pyramid_tier"] == ["Top", "Big"]
    assert set(change["fields"]) == {"pyramid_tier", "pyramid_at"}
    done = job.sync()
    assert done["accounts"]["applied"] == 1
    assert done["fields"] == {"tier": 1}
    after = job.crm.accounts()
    assert [key for key in after if after[key] != first[key]] == ["A3"]
    assert after["A3"]["pyramid_tier"] == "Big"

    job.crm.finish(UP_SELL, "rejected")
    job.crm.buy("D9", "A6", "320")  # below A5, above 400
    planned, done = job.plan(), job.sync()
    assert [one["account"] for one in planned["changes"]] == ["A6"]
    assert planned["changes"][0]["fields"]["pyramid_tier"] == ["Small", "Medium"]
    assert planned["task_changes"] == []
    assert done["fields"] == planned["fields"]
    assert (done["accounts"]["applied"], done["actions"]) == (1, {"cooldown": 1})
    assert job.crm.accounts()["A6"]["pyramid_tier"] == "Medium"
    assert job.crm.tasks() == {UP_SELL: "rejected"}


def test_a_task_whose_reason_has_gone_is_closed(job: Job) -> None:
    job.crm.buy("D9", "A4", "100")

    planned, done = job.plan(), job.sync()

    assert [(one["kind"], one["marker"]) for one in planned["task_changes"]] == [("close", UP_SELL)]
    assert [one["account"] for one in planned["changes"]] == ["A4"]
    assert (done["accounts"]["applied"], done["tasks"]["applied"]) == (1, 1)
    assert job.crm.accounts()["A4"]["pyramid_tier"] == "Big"
    assert job.crm.tasks()[UP_SELL] in ("closed", "done")


@pytest.mark.parametrize(
    "name", ["csv in place", pytest.param("postgresql", marks=pytest.mark.long)]
)
def test_a_stamp_that_was_changed_by_hand_is_no_reason_to_write(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    job = Job(CRMS[name](tmp_path, request))
    job.crm.edit("A1", "pyramid_at", "2020-01-01T00:00:00+00:00")
    before = job.crm.state()

    assert job.plan()["changes"] == []
    assert job.sync()["accounts"]["applied"] == 0
    assert job.crm.state() == before
