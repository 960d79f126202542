"""Bad input of every kind: a clear message, the right exit code, and nothing is lost.

Each kind spoils a small folder that is fine otherwise. Once it is put right, the next run ends as
if nothing had been wrong.
"""

from __future__ import annotations

import errno
import gzip
import json
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import openpyxl
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from sqlalchemy import create_engine, make_url, text

from connector import plugins, retry
from connector.lease import lease
from connector.store import Store, bulk, opening
from tests.acceptance.command import as_json, connector
from tests.acceptance.spoilt import ACCOUNTS, DEALS, JOB, ROLLED, SQL_JOB, Site

PARTIAL = 5
WRONG = "not-it-7391"
"""A password that is wrong, and still a secret."""


@dataclass(frozen=True)
class Kind:
    """A kind of bad input: what it does to a site, and how the run must end.

    *says* are the telling parts of the message: what is wrong, where, what to do. *mend* puts right
    what writing job and data anew does not. *long* ones are much like another.
    """

    name: str
    code: int
    says: tuple[str, ...]
    spoil: Callable[[Site], None]
    job: str
    after_a_good_run: bool
    long: bool
    mend: Callable[[Site], None] | None


KINDS: list[Kind] = []


def kind(
    name: str,
    code: int,
    *says: str,
    job: str = JOB,
    after_a_good_run: bool = False,
    long: bool = False,
    mend: Callable[[Site], None] | None = None,
) -> Callable[[Callable[[Site], None]], None]:
    """Make the function below it a kind of bad input."""

    def keep(spoil: Callable[[Site], None]) -> None:
        KINDS.append(Kind(name, code, says, spoil, job, after_a_good_run, long, mend))

    return keep


# The job


@kind("broken TOML", 2, "job.toml: not valid TOML", "line 3")
def _(site: Site) -> None:
    site.change("job.toml", 'adapter = "files"', 'adapter = "files')


@kind("job that is not UTF-8", 2, "job.toml: byte 8 is not UTF-8; save the file as UTF-8")
def _(site: Site) -> None:
    site.job.write_bytes(b'name = "\xfcbung"\n')


@kind("missing job file", 2, "job.toml: no such file", "connector init")
def _(site: Site) -> None:
    site.job.unlink()


@kind("wrong key", 2, "job.toml: source.setings: unknown; did you mean 'settings'?")
def _(site: Site) -> None:
    site.change("job.toml", "[source.settings]", "[source.setings]")


@kind("wrong key of the adapter", 2, "source.settings.account: unknown; did you mean 'accounts'?")
def _(site: Site) -> None:
    site.change("job.toml", "accounts = ", "account = ")


@kind("wrong type", 2, "guard.max_tier_changes", "number", "'many'")
def _(site: Site) -> None:
    site.change("job.toml", "[rules]", '[guard]\nmax_tier_changes = "many"\n[rules]')


@kind("unknown field of ours", 2, "target.fields.teir: unknown; did you mean 'tier'?")
def _(site: Site) -> None:
    site.change("job.toml", "tier = ", "teir = ")


@kind("unknown time zone", 2, "timezone: no time zone 'Europe/Berin'", "'Europe/Berlin'")
def _(site: Site) -> None:
    site.change("job.toml", "[source]", 'timezone = "Europe/Berin"\n[source]')


@kind("rates file that is missing", 2, "currency.rates", "rates.csv can't be read: No such file")
def _(site: Site) -> None:
    rates = re.search(r"rates = .*", JOB)
    assert rates
    site.change("job.toml", rates[0], 'rates = "rates.csv"')


@kind(
    "rates file that is no table", 2, "rates.csv line 3 is not a rate", "such as 1.0842", long=True
)
def _(site: Site) -> None:
    rates = re.search(r"rates = .*", JOB)
    assert rates
    site.change("job.toml", rates[0], 'rates = "rates.csv"')
    lines = "currency,valid_from,rate\nUSD,2017-01-01,0.9\nUSD,2017-13-01,0.9\n"
    (site.folder / "rates.csv").write_text(lines, encoding="utf-8")


@kind("secret that is not set", 2, "source.settings.url", "variable CRM_URL is not set; set it",
      job=SQL_JOB)  # fmt: skip
def _(site: Site) -> None:
    site.patch.delenv("CRM_URL", raising=False)
    site.change("job.toml", 'url = "sqlite:///crm.db"', 'url = { env = "CRM_URL" }')


# Plugins


@kind("unknown adapter", 2, "source.adapter: no adapter 'filez'", "installed: ", "files", "package")
def _(site: Site) -> None:
    site.change("job.toml", 'adapter = "files"', 'adapter = "filez"')


@kind("plugin that does not import", 2, "source.adapter: plugin 'broken'", "can't be loaded",
      "No module named 'not_there'")  # fmt: skip
def _(site: Site) -> None:
    installed = entry_points(group="connector")
    broken = EntryPoint("broken", "not_there", "connector")
    site.patch.setattr(plugins, "entry_points", lambda group: [*installed, broken])
    site.change("job.toml", 'adapter = "files"', 'adapter = "broken"')


# Files that can't be read


@kind("missing folder", 2, "job.toml: source.settings.folder: there is no folder")
def _(site: Site) -> None:
    shutil.rmtree(site.folder / "data")


@kind(
    "missing data file",
    2,
    "job.toml: source.settings.opportunities: no file 'deals.csv'",
    "check the name",
)
def _(site: Site) -> None:
    site.data("deals.csv").unlink()


@kind("folder in place of a file", 2, "settings.accounts: no file 'accounts.csv'", long=True)
def _(site: Site) -> None:
    site.data("accounts.csv").unlink()
    site.data("accounts.csv").mkdir()


@kind("unreadable encoding", 2, "accounts.csv line 3", "not utf-8", "set `encoding`", "cp1252")
def _(site: Site) -> None:
    site.data("accounts.csv").write_bytes(ACCOUNTS.replace("Bravo", "Brávo").encode("latin-1"))


@kind("wrong delimiter", 2, "accounts.csv line 1", "likely a semicolon", "set delimiter = ';'")
def _(site: Site) -> None:
    site.data("accounts.csv").write_text(ACCOUNTS.replace(",", ";"), encoding="utf-8")


@kind(
    "two columns of one name", 2, "accounts.csv line 1", "two columns are called 'name'", long=True
)
def _(site: Site) -> None:
    site.change("data/accounts.csv", "owner_id", "name")


@kind("missing column that the job names", 2, "source.fields.accounts.industry",
      "no column 'branch'", "it has: ", long=True)  # fmt: skip
def _(site: Site) -> None:
    site.change("job.toml", "[target]", '[source.fields.accounts]\nindustry = "branch"\n[target]')


@kind("missing required column", 2, "source.fields.opportunities.status", "no column 'status'")
def _(site: Site) -> None:
    site.change("data/deals.csv", "status", "state")


@kind("quote never closed", 3, "accounts.csv line 4: a quote is opened and never closed", "correct")
def _(site: Site) -> None:
    site.change("data/accounts.csv", "Charlie", '"Charlie')


@kind("text called Parquet", 3, "accounts.parquet: can't be read as Parquet",
      mend=lambda site: _to_parquet(site))  # fmt: skip
def _(site: Site) -> None:
    site.change("job.toml", '"accounts.csv"', '"accounts.parquet"')
    site.data("accounts.parquet").write_text(ACCOUNTS, encoding="utf-8")


@kind("damaged workbook", 3, "accounts.xlsx: can't be read as Excel",
      mend=lambda site: _to_workbook(site), long=True)  # fmt: skip
def _(site: Site) -> None:
    _to_workbook(site)
    whole = site.data("accounts.xlsx").read_bytes()
    site.data("accounts.xlsx").write_bytes(whole[: len(whole) // 2])


@kind("damaged gzip", 3, "deals.csv.gz: damaged gzip file", "export it again",
      mend=lambda site: _to_gzip(site))  # fmt: skip
def _(site: Site) -> None:
    _to_gzip(site)
    whole = site.data("deals.csv.gz").read_bytes()
    site.data("deals.csv.gz").write_bytes(whole[:-20])


def _to_parquet(site: Site) -> None:
    site.change("job.toml", '"accounts.csv"', '"accounts.parquet"')
    pq.write_table(pa_csv.read_csv(site.data("accounts.csv")), site.data("accounts.parquet"))


def _to_workbook(site: Site) -> None:
    site.change("job.toml", '"accounts.csv"', '"accounts.xlsx"')
    book = openpyxl.Workbook()
    for line in ACCOUNTS.splitlines():
        book.active.append(line.split(","))
    book.save(site.data("accounts.xlsx"))


def _to_gzip(site: Site) -> None:
    site.change("job.toml", '"deals.csv"', '"deals.csv.gz"')
    site.data("deals.csv.gz").write_bytes(gzip.compress(DEALS.encode()))


# Rows that can't be understood


@kind("text in amounts", PARTIAL, "amount", "'about 5'", "is not an amount", "source.formats")
def _(site: Site) -> None:
    site.change("data/deals.csv", "7000", "about 5")


@kind("decimal comma", PARTIAL, "amount", "'3000,50'", "decimal mark '.'", "source.formats")
def _(site: Site) -> None:
    site.change("data/deals.csv", "3000.50", '"3000,50"')


@kind("amount beyond all measure", PARTIAL, "amount", "'1e300'", "is not an amount", long=True)
def _(site: Site) -> None:
    site.change("data/deals.csv", "7000", "1e300")


@kind("amount that is no number", PARTIAL, "amount", "'NaN'", "is not an amount", long=True)
def _(site: Site) -> None:
    site.change("data/deals.csv", "7000", "NaN")


@kind("impossible date", PARTIAL, "close_date", "'2017-02-30'", "is not a date", "formats.dates")
def _(site: Site) -> None:
    site.change("data/deals.csv", "2017-02-01", "2017-02-30")


@kind("stage that is not mapped", PARTIAL, "status", "'Closed Won' is none of won, lost, open",
      "add it to source.values.opportunities.status",
      mend=lambda site: _map_the_stage(site))  # fmt: skip
def _(site: Site) -> None:
    site.change("data/deals.csv", "A1,won", "A1,Closed Won")


def _map_the_stage(site: Site) -> None:
    site.change("data/deals.csv", "A1,won", "A1,Closed Won")
    stages = '[source.values.opportunities.status]\n"Closed Won" = "won"\n'
    site.change("job.toml", "[target]", f"{stages}[target]")


@kind("empty id", PARTIAL, "no id, row", "empty, but every record needs its id")
def _(site: Site) -> None:
    site.change("data/deals.csv", "D3,A3", ",A3")


@kind("id twice with other values", PARTIAL, "D1", "more than once with different values",
      "the first was kept")  # fmt: skip
def _(site: Site) -> None:
    site.deal("D1,A1,won,9000,EUR,2017-02-01")


@kind("row with too many cells", PARTIAL, "deals.csv line 3", "8 cells where the header has 6")
def _(site: Site) -> None:
    site.change("data/deals.csv", "D2,A2,won", "D2,A2,won,1,2")


@kind(
    "row with too few cells",
    PARTIAL,
    "deals.csv line 10",
    "2 cells where the header has 6",
    long=True,
)
def _(site: Site) -> None:
    site.deal("D9,A1")


@kind("NUL bytes", PARTIAL, "name", "holds a NUL character", "remove it")
def _(site: Site) -> None:
    site.change("data/accounts.csv", "Bravo", "Bra\0vo")


@kind("unknown currency", PARTIAL, "currency", "no rate for 'XXX'", "add it to currency.rates")
def _(site: Site) -> None:
    site.change("data/deals.csv", "USD", "XXX")


@kind("rate that begins too late", PARTIAL, "no rate for 'USD' on 2016-05-01", "currency.rates")
def _(site: Site) -> None:
    site.change("data/deals.csv", "USD,2017-05-01", "USD,2016-05-01")


# Rows that are understood, though something is odd about them


@kind("the same row twice", 0)
def _(site: Site) -> None:
    site.deal("D1,A1,won,7000,EUR,2017-02-01")


@kind("orphan", 0, '"unknown_account": 1')
def _(site: Site) -> None:
    site.deal("D9,A99,won,9000,EUR,2017-02-01")


@kind("cycle of parents", 0, '"parent_cycle": 1', job=ROLLED)
def _(site: Site) -> None:
    site.change("data/accounts.csv", "A1,Alfa,", "A1,Alfa,A2")


@kind("credit", 0)
def _(site: Site) -> None:
    site.deal("D9,A1,won,-6000,EUR,2017-02-01")


# Runs that a guard stops


@kind("file without rows", 4, "the source sent no accounts, where it had 8", "--override REASON",
      after_a_good_run=True)  # fmt: skip
def _(site: Site) -> None:
    site.data("accounts.csv").write_text(ACCOUNTS.splitlines()[0] + "\n", encoding="utf-8")


@kind(
    "empty file",
    4,
    "the source sent no opportunities, where it had 8",
    after_a_good_run=True,
    long=True,
)
def _(site: Site) -> None:
    site.data("deals.csv").write_text("", encoding="utf-8")


@kind("empty file at the start", 4, "the source sent no accounts", "Check the source")
def _(site: Site) -> None:
    site.data("accounts.csv").write_text("", encoding="utf-8")


@kind("half the accounts gone", 4, "4 of 8 accounts are gone", "guard.max_deleted allows 20%",
      "--override REASON", after_a_good_run=True)  # fmt: skip
def _(site: Site) -> None:
    half = "".join(ACCOUNTS.splitlines(keepends=True)[:5])
    site.data("accounts.csv").write_text(half, encoding="utf-8")


@kind("half the deals gone", 4, "opportunities are gone", "guard.max_deleted allows 20%",
      "--override REASON", after_a_good_run=True)  # fmt: skip
def _(site: Site) -> None:
    gone = "".join(DEALS.splitlines(keepends=True)[:7])
    site.data("deals.csv").write_text(gone, encoding="utf-8")


@kind("flood of new tiers", 4, "ranked accounts would change tier", "max_tier_changes allows 30%",
      "connector plan", after_a_good_run=True)  # fmt: skip
def _(site: Site) -> None:
    for amount in ("2000,", "1000,", "500,", "400,", "300,"):
        site.change("data/deals.csv", amount, "9000,")


# Targets that can't be written


@kind("file where the folder should be", 3, "out is not a folder", "nothing was changed",
      mend=lambda site: site.out.unlink())  # fmt: skip
def _(site: Site) -> None:
    site.out.write_text("in the way", encoding="utf-8")


@kind("disk full at the target", 3, "accounts.csv: disk full: free space; nothing was changed",
      after_a_good_run=True, mend=lambda site: site.patch.undo())  # fmt: skip
def _(site: Site) -> None:
    def fsync(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    site.patch.setattr("connector_files.replace.os.fsync", fsync)
    site.deal("D9,A1,won,1000,EUR,2017-02-01")


@kind("column that the target does not have", 2, "no column 'pyramid_tier'", "it has id, name",
      "add it there", job=SQL_JOB)  # fmt: skip
def _(site: Site) -> None:
    target = '[target]\nfields = { tier = "pyramid_tier" }\n'
    before, after = SQL_JOB.index("[target]"), SQL_JOB.index("[currency]")
    site.job.write_text(SQL_JOB[:before] + target + SQL_JOB[after:], encoding="utf-8")


@kind("tasks file that is none", 2, "tasks.csv: this is no tasks file", "no column 'marker'",
      mend=lambda site: (site.out / "tasks.csv").unlink())  # fmt: skip
def _(site: Site) -> None:
    site.out.mkdir()
    (site.out / "tasks.csv").write_text("what,when\nshopping,today\n", encoding="utf-8")


# The store


@kind("locked store", 6, "store sqlite:///", "locked by another program", "stop that program",
      after_a_good_run=True, mend=lambda site: site.held.close())  # fmt: skip
def _(site: Site) -> None:
    site.patch.setattr(opening, "_BUSY_MS", 20)
    other = site.held.enter_context(closing(sqlite3.connect(site.store)))
    other.execute("begin immediate")


@kind("store of a newer version", 6, "made by a newer connector (schema 9999", "upgrade",
      after_a_good_run=True, mend=lambda site: _set_version(site, opening.SCHEMA))  # fmt: skip
def _(site: Site) -> None:
    _set_version(site, "9999")


def _set_version(site: Site, version: str) -> None:
    with closing(sqlite3.connect(site.store)) as store, store:
        store.execute("update alembic_version set version_num = ?", [version])


@kind("store that is no database", 6, "is not a SQLite database", "name another file in store.url",
      mend=lambda site: site.store.unlink())  # fmt: skip
def _(site: Site) -> None:
    site.store.write_text("these are notes of mine, not a database\n" * 20, encoding="utf-8")


@kind("store in a folder that is missing", 6, "folder", "none is missing; create it")
def _(site: Site) -> None:
    site.change("job.toml", "[source]", '[store]\nurl = "sqlite:///none/store.db"\n[source]')


@kind("disk full at the store", 6, "store sqlite:///", "disk is full", "goes on where it was",
      after_a_good_run=True, mend=lambda site: site.patch.undo())  # fmt: skip
def _(site: Site) -> None:
    pages = opening.sqlite_pragmas
    for module in (opening, bulk):
        site.patch.setattr(
            module, "sqlite_pragmas", lambda: (*pages(), "pragma max_page_count = 1")
        )
    for number in range(2000):
        site.deal(f"N{number},A1,lost,1,EUR,2017-02-01")


@kind("job that is running already", 6, "job 'job' is already running (process", "wait until",
      after_a_good_run=True, mend=lambda site: site.held.close())  # fmt: skip
def _(site: Site) -> None:
    store = Store(f"sqlite:///{site.store}")
    site.held.enter_context(lease(store, "job", store.job_id("job")))


# Databases as sources


@kind("unknown table", 3, "crm.db: there is no table 'deals'", "there are accounts, orders",
      "correct the name in the job", job=SQL_JOB)  # fmt: skip
def _(site: Site) -> None:
    site.crm("alter table deals rename to orders")


@kind(
    "database file that is missing",
    3,
    "crm.db: there is no such file; check url",
    job=SQL_JOB,
    long=True,
)
def _(site: Site) -> None:
    (site.folder / "crm.db").unlink()


@kind("wrong password", 3, "password authentication failed", "check user and password in url",
      job=SQL_JOB)  # fmt: skip
def _(site: Site) -> None:
    url = make_url(site.fixture("postgres_url"))
    _ask_for_passwords(url.render_as_string(hide_password=False), "locked_out")
    url = url.set(username="locked_out", password=WRONG)
    shown = url.render_as_string(hide_password=False)
    site.change("job.toml", "sqlite:///crm.db", shown)


def _ask_for_passwords(url: str, user: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as server:
        rules = Path(str(server.execute(text("show hba_file")).scalar()))
        line = f"local all {user} scram-sha-256\n"
        if line not in (before := rules.read_text(encoding="utf-8")):
            rules.write_text(line + before, encoding="utf-8")
            server.execute(text(f"create role {user} login password 'right-one'"))
            server.execute(text("select pg_reload_conf()"))
    engine.dispose()


@kind(
    "host that can't be reached",
    3,
    "127.0.0.1",
    "onnection refused; check host and port in url",
    job=SQL_JOB,
)
def _(site: Site) -> None:
    site.change("job.toml", "sqlite:///crm.db", f"postgresql://me:{WRONG}@127.0.0.1:1/crm")


@pytest.fixture(scope="module")
def good_sites(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, object]]:
    """Return what gives folder and results of a job that ran on good input from the start."""
    made: dict[str, tuple[Path, object]] = {}

    def good(job: str) -> tuple[Path, object]:
        if job not in made:
            site = Site(tmp_path_factory.mktemp("good"), pytest.MonkeyPatch(), str)
            site.fill(job)
            connector("sync", site.job)
            made[job] = site.folder, site.results()
        return made[job]

    return good


@pytest.fixture
def site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Site]:
    """Return a folder in which nothing is yet; no time passes before something is tried again."""
    monkeypatch.setattr(retry, "_PAUSES", lambda state: 0.0)
    made = Site(tmp_path / "site", monkeypatch, request.getfixturevalue)
    with made.held:
        yield made


@pytest.mark.long
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, id=kind.name, marks=[pytest.mark.long] if kind.long else [])
        for kind in KINDS
    ],
)
def test_bad_input_is_explained_and_nothing_is_lost(
    kind: Kind, site: Site, good_sites: Callable[[str], tuple[Path, object]]
) -> None:
    folder, good = good_sites(kind.job)
    if kind.after_a_good_run:
        shutil.copytree(folder, site.folder)
    else:
        site.fill(kind.job)
    before = site.written()
    kind.spoil(site)
    untouched = before or site.written()

    said = connector("sync", site.job, expect=kind.code).output + _set_aside(kind, site)

    assert [part for part in kind.says if part not in said] == [], said
    assert "Traceback" not in said
    assert WRONG not in said
    assert not [path.name for path in site.folder.rglob("*.tmp")]
    if kind.code not in (0, PARTIAL):
        assert site.written() == untouched
    if not site.store.exists():
        return  # it stopped before anything was kept: nothing is there to be lost
    site.fill(kind.job)
    if kind.mend is not None:
        kind.mend(site)
    connector("sync", site.job)
    assert site.results() == good
    assert as_json("quarantine", site.job) == []


def _set_aside(kind: Kind, site: Site) -> str:
    """Return what the run says of rows that are odd, each on one line."""
    if kind.code == PARTIAL:
        return str(as_json("quarantine", site.job))
    if kind.code == 0:
        return json.dumps(as_json("pyramid", site.job)["issues"])
    return ""


def test_there_are_at_least_thirty_kinds() -> None:
    names = [kind.name for kind in KINDS]

    assert len(names) == len(set(names)) >= 30
