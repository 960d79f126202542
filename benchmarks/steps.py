"""The measured steps: runs of the connector, and the floor under each."""

from __future__ import annotations

import sys
import time
from datetime import date
from pathlib import Path

import duckdb

from benchmarks.delivery import ledger, ledger_floor
from benchmarks.measure import measured
from connector.analysis import analyse
from connector.config import load_job
from connector.engine import Engine
from connector.facts import RECORDS
from connector.plugins import Plugins
from connector.runs import Report, Runs
from connector.store import Records
from connector.store.tables import RunRow
from connector.sync import Sync
from six_goals.words import Words

AS_OF = date(2026, 12, 31)


class _Timed(Runs):
    """Runs that note the CPU seconds of their stages."""

    stages: dict[str, float]
    _last: tuple[str, float] | None = None

    def stage(self, row: RunRow, stage: str) -> None:
        """Note how far the run is, and what it has cost so far."""
        self.close_stage()
        self._last = (stage, time.process_time())
        super().stage(row, stage)

    def close_stage(self) -> None:
        """Note what the last stage has cost."""
        if self._last:
            name, start = self._last
            self.stages[name] = time.process_time() - start


def _sync(folder: Path, job: str = "benchmark") -> Sync:
    return Sync(load_job(folder / f"{job}.toml"), Plugins())


def run(folder: Path, stages: dict[str, float]) -> int:
    """Run the job as `connector sync` does."""
    sync = _sync(folder)
    timed = _Timed(sync.store, sync.job, sync.job_id, sync.rules.hash, sync.governor)
    timed.stages = stages
    sync.runs = timed
    report = sync.run()
    timed.close_stage()
    return report.accounts["applied"]


def pull(folder: Path, stages: dict[str, float]) -> int:
    """Read accounts and opportunities from Parquet into the store."""
    report = Report("benchmark", "pull", AS_OF)
    _sync(folder)._pull(report)
    return sum(pulled.read for pulled in report.pulled.values())


def pull_floor(folder: Path, stages: dict[str, float]) -> int:
    """Read every value of the same Parquet with DuckDB."""
    with duckdb.connect() as engine:
        engine.execute("set threads = 2")
        count = 0
        for name in ("accounts", "opportunities"):
            found = engine.execute(
                f"select count(*), min(hash(columns(*)))::varchar from '{folder}/{name}.parquet'"
            ).fetchone()
            count += int(found[0]) if found else 0
        return count


def analysis(folder: Path, stages: dict[str, float]) -> int:
    """Compute standings, statistics and migration from the store."""
    sync = _sync(folder)
    with Engine(sync.store, sync.job) as engine:
        engine.load(sync.job_id)
        stages["load"] = time.process_time()
        found = analyse(engine, sync.rules, AS_OF, Words(), goals=False)
        return int(found.summary["migration"]["frozen"]["upgrade"])


def analysis_floor(folder: Path, stages: dict[str, float]) -> int:
    """Compute the same from the same store with SQL written by hand, customers only."""
    sync = _sync(folder)
    sql = (Path(__file__).parent / "analysis.sql").read_text()
    with duckdb.connect() as engine:
        engine.execute("set threads = 2")
        engine.execute("set memory_limit = '800MB'")
        with sync.store.reader(engine) as reader:
            reader.load(
                "accounts",
                "select id, name, owner_id, industry from account where not deleted",
                dict.fromkeys(("id", "name", "owner_id", "industry"), "varchar"),
            )
            reader.load(
                "sales",
                "select account_id, amount, close_date from opportunity"
                " where status = 'won' and not deleted",
                {"account_id": "varchar", "amount": "bigint", "close_date": "date"},
            )
        moved_up: tuple[int, ...] = (0,)
        for statement in engine.extract_statements(sql):
            moved_up = engine.execute(statement).fetchone() or (0,)
        return int(moved_up[0])


def pull_lines(folder: Path, stages: dict[str, float]) -> int:
    """Read accounts, opportunities and line items from Parquet into a store of their own."""
    report = Report("goals", "pull", AS_OF)
    _sync(folder, "goals")._pull(report)
    return sum(pulled.read for pulled in report.pulled.values())


def goals(folder: Path, stages: dict[str, float]) -> int:
    """Run the whole analysis with all six goals from the store."""
    sync = _sync(folder, "goals")
    with Engine(sync.store, sync.job) as engine:
        engine.load(sync.job_id)
        stages["load"] = time.process_time()
        found = analyse(engine, sync.rules, AS_OF, Words())
        for name, goal in found.summary["goals"].items():
            print(f"{name}: {goal['proposed']} of {goal['candidates']}", file=sys.stderr)
        return engine.count(RECORDS + "opportunities")


def goals_floor(folder: Path, stages: dict[str, float]) -> int:
    """Read the same columns from the store once, into a DuckDB as the engine's."""
    sync = _sync(folder, "goals")
    with duckdb.connect() as engine:
        engine.execute("set memory_limit = '1200MB'")
        engine.execute("set preserve_insertion_order = false")
        with sync.store.reader(engine) as reader:
            for table, columns in _READ.items():
                where = "status <> 'lost'" if table == "opportunity" else ""
                picked = {name: (name, kind) for name, kind in columns.items()}
                reader.copy(table, Records(table, sync.job_id, where), picked)
        found = engine.execute("select count(*) from opportunity").fetchone()
        return int(found[0]) if found else 0


_READ = {
    "account": dict.fromkeys(("id", "name", "owner_id", "industry"), "varchar"),
    "opportunity": {
        "id": "varchar",
        "account_id": "varchar",
        "status": "varchar",
        "amount": "bigint",
        "close_date": "date",
    },
    "line_item": {
        "opportunity_id": "varchar",
        "category": "varchar",
        "amount": "bigint",
        "cost": "bigint",
    },
}
"""What all six goals read of this company, by table of the store."""

STEPS = {
    "pull-lines": pull_lines,
    "goals": goals,
    "goals-floor": goals_floor,
    "ledger": ledger,
    "ledger-floor": ledger_floor,
    "run": run,
    "pull": pull,
    "pull-floor": pull_floor,
    "analysis": analysis,
    "analysis-floor": analysis_floor,
}

if __name__ == "__main__":
    chosen, place = STEPS[sys.argv[1]], Path(sys.argv[2])
    measured(lambda stages: chosen(place, stages))
