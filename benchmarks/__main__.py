"""Measures whole runs and the floor under each: `python -m benchmarks [--accounts N]`."""

from __future__ import annotations

import argparse
import platform
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import mkdtemp

from benchmarks.data import GOALS_JOB, JOB, generate
from benchmarks.delivery import CHANGES
from benchmarks.measure import Figures, in_child


def main() -> None:
    """Generate the data, measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--opportunities", type=int, help="default: five for each account")
    parser.add_argument("--folder", type=Path, help="keep data and store here; default: temporary")
    given = parser.parse_args()
    opportunities = given.opportunities or given.accounts * 5
    folder = given.folder or Path(mkdtemp(prefix="connector-benchmark-"))
    try:
        prepare(folder, given.accounts, opportunities)
        report(folder, given.accounts, opportunities)
    finally:
        if given.folder is None:
            shutil.rmtree(folder)


def prepare(folder: Path, accounts: int, opportunities: int) -> None:
    """Write data and job; forget an earlier store and output."""
    if not (folder / "line_items.parquet").exists():
        # By another process: a child begins with the peak of memory that its parent has had.
        with ProcessPoolExecutor(1) as other:
            other.submit(generate, folder, accounts, opportunities).result()
    (folder / "benchmark.toml").write_text(JOB)
    (folder / "goals.toml").write_text(GOALS_JOB)
    forget(folder)


def forget(folder: Path) -> None:
    """Remove the stores and what was written."""
    for file in folder.glob("*.db*"):
        file.unlink()
    shutil.rmtree(folder / "out", ignore_errors=True)


def report(folder: Path, accounts: int, opportunities: int) -> None:
    """Measure each step beside its floor and print the figures."""
    rows = accounts + opportunities
    print(f"{accounts:,} accounts, {opportunities:,} opportunities; Python", end=" ")
    print(f"{platform.python_version()}, {platform.machine()}\n")
    print("| step | wall s | CPU s | peak MB | CPU / floor |")
    print("|---|---|---|---|---|")
    floor = in_child("pull-floor", folder)
    line("floor: read the same Parquet with DuckDB", floor)
    pulled = in_child("pull", folder)
    line(f"pull into the store, {rows / pulled.wall:,.0f} rows/s", pulled, floor)
    agree(floor, pulled)
    by_hand = in_child("analysis-floor", folder)
    line("floor: the analysis in SQL by hand, same store", by_hand)
    analysed = in_child("analysis", folder)
    line("analysis", analysed, by_hand)
    agree(by_hand, analysed)
    forget(folder)
    first = in_child("run", folder)
    line("first run: everything, all accounts written", first)
    again = in_child("run", folder)
    line("run without a change", again, first)
    in_child("pull-lines", folder)
    read = in_child("goals-floor", folder)
    line(f"floor: read the same columns, {2 * opportunities:,} line items too", read)
    proposed = in_child("goals", folder)
    line("the whole analysis with all six goals", proposed, read)
    agree(read, proposed)
    by_hand = in_child("ledger-floor", folder)
    line(f"floor: {CHANGES:,} changes noted in SQLite by hand, {_each(by_hand)}", by_hand)
    noted = in_child("ledger", folder)
    line(f"{CHANGES:,} changes through the ledger, {_each(noted)}", noted, by_hand)
    agree(by_hand, noted)
    print("\nCPU seconds by stage:")
    for name, figures in (("first run", first), ("no change", again)):
        stages = ", ".join(f"{stage} {cpu:.1f}" for stage, cpu in figures.stages.items())
        print(f"- {name}: {stages}")


def _each(figures: Figures) -> str:
    """Return what a change costs, without what it costs to make it up."""
    spent = figures.cpu - sum(figures.stages.values())
    return f"{spent / CHANGES * 1e6:.1f} us each"


def line(name: str, figures: Figures, floor: Figures | None = None) -> None:
    """Print one row of the table."""
    ratio = f"{figures.cpu / floor.cpu:.2f}" if floor else ""
    print(
        f"| {name} | {figures.wall:.1f} | {figures.cpu:.1f} | {figures.peak_mb:,.0f} | {ratio} |",
        flush=True,
    )


def agree(floor: Figures, figures: Figures) -> None:
    """Raise AssertionError if the two did not find the same."""
    if floor.result != figures.result:
        raise AssertionError(f"the floor found {floor.result}, the connector {figures.result}")


if __name__ == "__main__":
    main()
