"""The scheduler, and a look at what it will do."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from connector import schedule
from connector.cli.console import console, print_json, table
from connector.cli.outcome import log_to_stderr
from connector.plugins import Plugins


def serve(folder: Path, parallel: int, listen: str | None) -> None:
    """Run the jobs of *folder* at their times until the process is told to stop.

    What it does is logged at any rate: nobody sits before it.
    """
    log_to_stderr(verbose=True, dated=True)
    schedule.serve(folder, Plugins(), parallel=parallel, listen=listen)


def preview(folder: Path, count: int, *, as_json: bool) -> None:
    """Print the next *count* times of each job of *folder*."""
    found = schedule.preview(folder, count, plugins=Plugins())
    if as_json:
        print_json([{"job": name, "next": times} for name, times in found])
        return
    if not found:
        console().print(f"No job in {folder} has a schedule; add one: schedule = '0 6 * * 1-5'")
        return
    rows = table("Job", "Next runs")
    for name, times in found:
        rows.add_row(name, "\n".join(_said(time) for time in times))
    console().print(rows)


def _said(time: datetime) -> str:
    return f"{time:%a %Y-%m-%d %H:%M} {time.tzinfo} (UTC{time:%z})"
