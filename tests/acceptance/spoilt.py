"""A small folder with a job that is fine, for tests that spoil something in it."""

from __future__ import annotations

import csv
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.acceptance.command import tiers

ACCOUNTS = """\
id,name,parent_id,owner_id
A1,Alfa,,rep1
A2,Bravo,A1,rep1
A3,Charlie,,rep2
A4,Delta,,rep2
A5,Echo,,rep1
A6,Foxtrot,,rep1
A7,Golf,,rep2
A8,Hotel,,rep2
"""

DEALS = """\
id,account_id,status,amount,currency,close_date
D1,A1,won,7000,EUR,2017-02-01
D2,A2,won,3000.50,EUR,2017-03-01
D3,A3,won,2000,EUR,2017-04-01
D4,A4,won,1000,USD,2017-05-01
D5,A5,won,500,EUR,2017-06-01
D6,A6,won,400,EUR,2017-07-01
D7,A7,won,300,EUR,2017-08-01
D8,A8,lost,200,EUR,2017-09-01
"""

FILES = """\
[source.settings]
folder = "data"
accounts = "accounts.csv"
opportunities = "deals.csv"
"""

SQL = """\
[source.settings]
url = "sqlite:///crm.db"
accounts = "accounts"
opportunities = "deals"
"""

TARGET = """\
[target]
adapter = "files"
[target.settings]
folder = "data"
accounts = "accounts.csv"
output = "out"
[target.fields]
tier = "pyramid_tier"
rank = "pyramid_rank"
revenue_period = "pyramid_revenue"
"""

RULES = """\
[currency]
base = "EUR"
rates = [{ currency = "USD", valid_from = 2017-01-01, rate = "0.9" }]
[rules]
goals = ["retention", "up_sell"]
as_of = 2017-12-31
[rules.settings.pyramid]
method = "thresholds"
thresholds = ["5000", "1000", "400"]
"""

JOB = f'name = "job"\n[source]\nadapter = "files"\n{FILES}{TARGET}{RULES}'
SQL_JOB = JOB.replace(FILES, SQL).replace('"files"', '"sql"', 1)
ROLLED = JOB + 'roll_up = "ultimate_parent"\n'


@dataclass
class Site:
    """A folder with a job and its data; *fixture* gives what only some kinds need."""

    folder: Path
    patch: pytest.MonkeyPatch
    fixture: Callable[[str], str]
    held: ExitStack = field(default_factory=ExitStack)

    @property
    def job(self) -> Path:
        return self.folder / "job.toml"

    @property
    def store(self) -> Path:
        return self.folder / "connector.db"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def data(self, name: str) -> Path:
        return self.folder / "data" / name

    def change(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        before = path.read_text(encoding="utf-8")
        assert old in before
        path.write_text(before.replace(old, new, 1), encoding="utf-8")

    def deal(self, line: str) -> None:
        """Add a deal at the end."""
        with self.data("deals.csv").open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def crm(self, *statements: str) -> None:
        with sqlite3.connect(self.folder / "crm.db") as crm:
            for statement in statements:
                crm.execute(statement)
        crm.close()

    def fill(self, job: str) -> None:
        """Write everything as it should be."""
        for name in ("accounts", "deals"):
            given = self.data(f"{name}.csv")
            if given.is_dir():
                shutil.rmtree(given)
        self.folder.joinpath("data").mkdir(parents=True, exist_ok=True)
        self.job.write_text(job, encoding="utf-8")
        self.data("accounts.csv").write_text(ACCOUNTS, encoding="utf-8")
        self.data("deals.csv").write_text(DEALS, encoding="utf-8")
        _fill_database(self.folder / "crm.db")

    def written(self) -> dict[str, bytes]:
        """Return all that is in the target."""
        if not self.out.is_dir():
            return {}
        return {path.name: path.read_bytes() for path in sorted(self.out.iterdir())}

    def results(self) -> object:
        """Return what each account ends with, in the store and in the target."""
        names = ("layer", "tier", "rank", "revenue", "previous_tier", "movement")
        kept = {key: [row[name] for name in names] for key, row in tiers(self.job).items()}
        target = self.out / "accounts.csv"
        rows = csv.DictReader(target.read_text(encoding="utf-8").splitlines())
        ours = ("pyramid_tier", "pyramid_rank", "pyramid_revenue")
        return kept, {row["id"]: [row[name] for name in ours] for row in rows}


def _fill_database(path: Path) -> None:
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as crm:
        for name, content in (("accounts", ACCOUNTS), ("deals", DEALS)):
            header, *rows = csv.reader(content.splitlines())
            crm.execute(f"create table {name} ({', '.join(header)})")
            marks = ", ".join("?" * len(header))
            crm.executemany(f"insert into {name} values ({marks})", rows)
    crm.close()
