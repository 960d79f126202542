"""What undoing a run would put back, and the undoing itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from connector.cli.console import console, facts, heading, print_json, table
from connector.cli.figures import counted, plain
from connector.cli.listing import find_run
from connector.cli.opening import open_kept
from connector.cli.outcome import PARTIAL
from connector.cli.progress import progress_bars
from connector.cli.reporting import as_data, told
from connector.config import load_job
from connector.contract import CloseTask, SetFields
from connector.plugins import Plugins
from connector.sync import Sync
from connector.undo import Left, Undoing, plan_undo
from connector.undo import undo as put_back

_SHOWN: Final = 20


def undo(job_path: Path, run_id: str, *, apply: bool, as_json: bool) -> int:
    """Print what undoing a run changes, and do it where *apply* says so; return the exit code."""
    run_id = find_run(open_kept(job_path), run_id).id
    with progress_bars() as progress:
        sync = Sync(load_job(job_path), Plugins(), progress=progress)
        if not apply:
            _show(plan_undo(sync, run_id), run_id, job_path, as_json=as_json)
            return 0
        undoing, report = put_back(sync, run_id)
    if as_json:
        print_json({**as_data(report), **_as_data(undoing)})
        return PARTIAL if report.state == "partial" else 0
    _show_left(undoing.left)
    return told(sync.store, report, job_path, as_json=False)


def _show(undoing: Undoing, run_id: str, job: Path, *, as_json: bool) -> None:
    if as_json:
        print_json({"run_id": run_id, **_as_data(undoing)})
        return
    out = console()
    out.print(f"Undoing run {run_id}; nothing was written", style="bold")
    left = counted(len(undoing.left), "value or task") if undoing.left else "nothing"
    out.print(
        facts(
            {
                "accounts": f"{len(undoing.fields):,} to put back",
                "tasks": f"{len(undoing.tasks):,} to close",
                "stays": left,
            }
        )
    )
    _show_fields(undoing.fields)
    _show_tasks(undoing.tasks)
    _show_left(undoing.left)
    if undoing.fields or undoing.tasks:
        out.print(f"\nTo carry it out: connector undo {job} {run_id} --apply")
        out.print("The next sync computes the same again, unless the job or its source changes.")


def _show_fields(changes: Sequence[SetFields]) -> None:
    rows = table("Account", "Field", "Now", "Back to", fold=("Account", "Field"))
    for change in changes[:_SHOWN]:
        account = change.ref.id
        for name, value in change.values.items():
            rows.add_row(account, name, plain(change.old.get(name)), plain(value))
            account = ""
        rows.add_section()
    _print("accounts to put back", len(changes), rows)


def _show_tasks(tasks: Sequence[CloseTask]) -> None:
    rows = table("Account", "Task", fold=("Account", "Task"))
    for task in tasks[:_SHOWN]:
        rows.add_row(task.ref.id, task.marker)
    _print("tasks to close", len(tasks), rows)


def _show_left(left: Sequence[Left]) -> None:
    rows = table("Account", "What", "Stays, because", fold=("Account", "What"))
    for one in left[:_SHOWN]:
        rows.add_row(one.account, one.what, one.why)
    _print("that stay as they are", len(left), rows)


def _print(what: str, count: int, rows: object) -> None:
    if not count:
        return
    shown = f"{_SHOWN:,} of {count:,}" if count > _SHOWN else f"{count:,}"
    out = console()
    out.print(heading(f"{shown} {what}"))
    out.print(rows)


def _as_data(undoing: Undoing) -> dict[str, object]:
    return {
        "fields": [
            {
                "account": change.ref.id,
                "fields": {n: [change.old.get(n), value] for n, value in change.values.items()},
            }
            for change in undoing.fields
        ],
        "close": [
            {"account": task.ref.id, "marker": task.marker, "task_id": task.task_id}
            for task in undoing.tasks
        ],
        "left": [asdict(one) for one in undoing.left],
    }
