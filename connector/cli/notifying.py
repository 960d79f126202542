"""Messages about a job: a test of whether they arrive, and what each was last told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from connector import notify
from connector.cli.console import console, print_json, table
from connector.cli.opening import open_kept
from connector.config import Job, load_job
from connector.errors import ConfigError, RemoteError
from connector.store.tables import NoticeRow


def test(job_path: Path, *, as_json: bool) -> int:
    """Send a test message to each target and print what happened; return the exit code."""
    job = load_job(job_path)
    _check_targets(job)
    outcomes = notify.send_test(job)
    if as_json:
        print_json(
            [
                {"target": name, "delivered": problem is None, "problem": problem}
                for name, problem in outcomes.items()
            ]
        )
    else:
        for name, problem in outcomes.items():
            said = f"not delivered: {problem}" if problem else "delivered"
            console().print(f"{name}: {said}", style="red" if problem else "green")
    return RemoteError.exit_code if any(outcomes.values()) else 0


def status(job_path: Path, *, as_json: bool) -> None:
    """Print what each target was last told, and what could not be delivered."""
    kept = open_kept(job_path)
    _check_targets(kept.job)
    known = notify.notices(kept.store, kept.job_id)
    told = {name: known.get(name) for name in kept.job.model.notify.to}
    if as_json:
        print_json([_data(name, row) for name, row in told.items()])
        return
    rows = table("Target", "Last told", "By run", "Not delivered", fold=("Not delivered",))
    for name, row in told.items():
        data = _data(name, row)
        undelivered = ": ".join(filter(None, [data["missed"], data["problem"]]))
        rows.add_row(name, data["told"] or "nothing is wrong", data["run_id"], undelivered)
    console().print(rows)


def _data(name: str, row: NoticeRow | None) -> Mapping[str, str]:
    row = row or NoticeRow(job_id=0, target=name)
    return {key: getattr(row, key) for key in ("target", "told", "run_id", "missed", "problem")}


def _check_targets(job: Job) -> None:
    if not job.model.notify.to:
        raise ConfigError(f"{job.path}: notify.to: nobody to tell; add a table [notify.to.NAME]")
