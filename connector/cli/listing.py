"""Lists of what there is: runs, rows set aside, plugins."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlmodel import col, select

from connector.cli.console import console, facts, print_json, table
from connector.cli.figures import counted, plain
from connector.cli.opening import Kept, open_kept
from connector.cli.reporting import not_written, show_not_written
from connector.errors import ConfigError
from connector.plugins import Plugins
from connector.pull import problems_of
from connector.store.tables import QuarantineRow, RunRow

_HOW_TO_FIX: Final = """\
Either correct the record where it comes from, or tell the job how to read it:
a value map ([source.values]), a format ([source.formats]), another column
([source.fields]) or a rate ([currency]). The next sync reads these rows again."""

LAST: Final = "last"
"""Stands for the id of the last run."""
_UNDER_WAY: Final = ("running", "applying", "undoing")


def runs(job_path: Path, limit: int, *, as_json: bool) -> None:
    """Print the job's runs, the newest first."""
    found = open_kept(job_path).runs(limit or None)
    if as_json:
        print_json([_run_data(run) for run in found])
        return
    rows = table("Run", "State", "As of", "Took", "Written", "Message", right=("Took", "Written"))
    for run in found:
        rows.add_row(
            run.id, _state(run), str(run.as_of), _took(run), _written(run), run.message or ""
        )
    console().print(rows)


def one_run(job_path: Path, run_id: str, *, as_json: bool) -> None:
    """Print one run and every change of it that is not in the target."""
    kept = open_kept(job_path)
    run = find_run(kept, run_id)
    refused = not_written(kept.store, run.id)
    if as_json:
        print_json({**_run_data(run), "not_written": refused})
        return
    out = console()
    out.print(f"Run {run.id}: {_state(run)}", style="bold")
    counts: dict[str, Any] = run.counts
    out.print(
        facts(
            {
                "as of": run.as_of,
                "started": f"{run.started_at:%Y-%m-%d %H:%M:%S} UTC",
                "took": _took(run),
                "accounts": _listed(counts.get("accounts", {})),
                "tasks": _listed(counts.get("tasks", {})),
                "fields": _listed(counts.get("fields", {})),
                "message": run.message,
            }
        )
    )
    if refused:
        show_not_written(refused)


def quarantine(job_path: Path, *, as_json: bool) -> None:
    """Print the rows that could not be understood, with field, value, reason and what to do."""
    kept = open_kept(job_path)
    query = select(QuarantineRow).where(QuarantineRow.job_id == kept.job_id)
    query = query.order_by(col(QuarantineRow.stream), col(QuarantineRow.record))
    with kept.store.session() as session:
        found = session.exec(query).all()
    if as_json:
        print_json([entry for row in found for entry in quarantine_entries(row)])
        return
    out = console()
    if not found:
        out.print("Nothing is set aside: every row was understood.", style="green")
        return
    rows = table(
        "Stream", "Record", "Field", "Value", "Reason", "Since",
        fold=("Record", "Reason"),
    )  # fmt: skip
    for row in found:
        for entry in quarantine_entries(row):
            since = f"{row.since:%Y-%m-%d}"
            shown = [plain(entry[key]) for key in ("stream", "record", "field", "value", "reason")]
            rows.add_row(*shown, since)
    out.print(rows)
    out.print(f"{counted(len(found), 'row')} set aside.", style="bold")
    out.print(_HOW_TO_FIX)


def quarantine_entries(row: QuarantineRow) -> Sequence[Mapping[str, str]]:
    """Return one entry for each problem of a row that was set aside."""
    return [
        {
            "stream": row.stream,
            "record": row.record,
            "field": problem.field,
            "value": problem.value,
            "reason": problem.reason,
            "since": _utc(row.since).isoformat(timespec="seconds"),
        }
        for problem in problems_of(row)
    ]


def plugins(*, as_json: bool) -> None:
    """Print the plugins that are installed, the broken ones with what is wrong."""
    installed = Plugins()
    about = {name: adapter.about for name, adapter in installed.adapters.items()}
    goals = {name: goal.about for name, goal in installed.goals.items()}
    places = {name: place.about for name, place in installed.secrets.items()}
    sandboxes = {name: sandbox.about for name, sandbox in installed.sandboxes.items()}
    if as_json:
        print_json(
            [
                {
                    "name": plugin.name,
                    "version": plugin.version,
                    "distribution": plugin.distribution,
                    "adapters": list(plugin.adapters),
                    "goals": list(plugin.goals),
                    "secrets": list(plugin.secrets),
                    "sandboxes": list(plugin.sandboxes),
                    "problem": plugin.problem,
                }
                for plugin in installed.found
            ]
        )
        return
    rows = table("Plugin", "Version", "Distribution", "Brings", fold=("Brings",))
    for plugin in installed.found:
        brings = "\n".join(
            [f"{name}: {about[name]}" for name in plugin.adapters]
            + [f"{name}: {goals[name]}" for name in plugin.goals]
            + [f"{name}: {places[name]}" for name in plugin.secrets]
            + [f"sandbox {name}: {sandboxes[name]}" for name in plugin.sandboxes]
        )
        shown = f"can't be used: {plugin.problem}" if plugin.problem else brings
        rows.add_row(plugin.name, plugin.version, plugin.distribution, shown)
    console().print(rows)


def find_run(kept: Kept, run_id: str) -> RunRow:
    """Return a run of the job, or the last that was carried out; ConfigError if there is none."""
    if run_id == LAST:
        return kept.last_run()
    with kept.store.session() as session:
        run = session.get(RunRow, run_id)
    if run is None or run.job_id != kept.job_id:
        raise ConfigError(f"{kept.job.path}: no run {run_id!r}; 'connector runs' lists them")
    return run


def _run_data(run: RunRow) -> dict[str, object]:
    return {
        "run_id": run.id,
        "state": run.state,
        "stage": run.stage,
        "as_of": run.as_of,
        "started_at": _utc(run.started_at),
        "finished_at": _utc(run.finished_at) if run.finished_at else None,
        "config_hash": run.config_hash,
        "message": run.message,
        "counts": run.counts,
    }


def _state(run: RunRow) -> str:
    return f"{run.state}, at {run.stage}" if run.state in _UNDER_WAY else run.state


def _took(run: RunRow) -> str:
    if run.finished_at is None:
        return ""
    seconds = (run.finished_at - run.started_at).total_seconds()
    return f"{seconds:.1f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _written(run: RunRow) -> str:
    """Return how many changes of fields and tasks were written."""
    counts: dict[str, Any] = json.loads(json.dumps(run.counts or {}))
    parts = (counts.get(part, {}).get("applied", 0) for part in ("accounts", "tasks"))
    return f"{sum(parts):,}" if counts and run.state in ("done", "partial") else ""


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def _utc(time: datetime) -> datetime:
    """Return *time* with its zone, which SQLite does not keep."""
    return time if time.tzinfo else time.replace(tzinfo=UTC)
