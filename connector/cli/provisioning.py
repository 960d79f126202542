"""What the target needs for a job: shown, and made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from connector.cli.console import console, heading, print_json, table
from connector.cli.figures import counted
from connector.cli.outcome import PARTIAL
from connector.config import load_job
from connector.contract import ProvisionStep
from connector.plugins import Plugins
from connector.provision import provision as provisioned
from connector.sync import Sync

_MISSING: Final = ("by hand", "failed")


def provision(job_path: Path, *, apply: bool, as_json: bool) -> int:
    """Print what the target needs, once it is made where *apply* says so; return the exit code."""
    job = load_job(job_path)
    steps = provisioned(Sync(job, Plugins()), apply=apply)
    if as_json:
        print_json({"job": job.name, "applied": apply, "steps": [asdict(step) for step in steps]})
    else:
        _show(steps, job_path, apply=apply)
    missing = apply and any(step.state in _MISSING for step in steps)
    return PARTIAL if missing else 0


def _show(steps: Sequence[ProvisionStep], job: Path, *, apply: bool) -> None:
    out = console()
    rows = table("What", "State", fold=("What",))
    for step in steps:
        rows.add_row(step.what, step.state)
    out.print(rows)
    for state in ("done", *_MISSING):
        for step in (step for step in steps if step.state == state and step.how):
            out.print(heading(f"{step.what}: {state}"))
            out.print(step.how)
    out.print(f"\n{_summary(steps, job, apply=apply)}")


def _summary(steps: Sequence[ProvisionStep], job: Path, *, apply: bool) -> str:
    counts = Counter(step.state for step in steps)
    if counts["to do"]:
        return f"{counted(counts['to do'], 'thing')} to make: connector provision {job} --apply"
    missing = sum(counts[state] for state in _MISSING)
    made = f"Made {counted(counts['done'], 'thing')}; " if apply and counts["done"] else ""
    if missing:
        return f"{made}{counted(missing, 'thing')} left to do by hand, as said above."
    return f"{made}the target has all that the job needs."
