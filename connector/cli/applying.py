"""Plans that were kept: written to a file, carried out from one, or approved where a run waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from connector.approval import approve as note_approval
from connector.approval import planned_by, waiting
from connector.cli.listing import LAST, find_run
from connector.cli.opening import open_kept
from connector.cli.progress import progress_bars
from connector.cli.reporting import told
from connector.config import load_job
from connector.plugins import Plugins
from connector.proposal import (
    Header,
    Proposal,
    as_text,
    header_of,
    job_file_of,
    named_from,
    read_plan,
    write_plan,
)
from connector.store.tables import RunRow
from connector.sync import Planned, Sync

_BATCH = 1_000


def keep(planned: Planned, run: Sync, out: Path, override: str | None) -> None:
    """Write what a run would do to the file *out*."""
    plan, report = planned.plan, planned.report
    header = Header(
        job=report.job,
        job_file=named_from(out, run.job.path),
        rules=run.rules.hash,
        as_of=report.as_of,
        run_id=report.run_id,
        override=override or "",
        changes=plan.changed + len(plan.tasks),
    )
    write_plan(out, header, _lines(planned))


def apply(path: Path, job_path: Path | None, *, as_json: bool) -> int:
    """Carry out the plan in a file and print its report; return the exit code."""
    job_path = job_path or job_file_of(path, header_of(path))
    return _carry_out(read_plan(path), job_path, as_json=as_json)


def approve(job_path: Path, run_id: str, *, as_json: bool) -> int:
    """Carry out what a waiting run planned and print its report; return the exit code."""
    kept = open_kept(job_path)
    row = waiting(kept.store, kept.job_id) if run_id == LAST else None
    row = row or find_run(kept, run_id)
    proposal = planned_by(kept.store, kept.job.name, row)
    return _carry_out(proposal, job_path, row, as_json=as_json)


def _carry_out(
    proposal: Proposal, job_path: Path, waits: RunRow | None = None, *, as_json: bool
) -> int:
    job = load_job(job_path)
    with progress_bars() as progress:
        run = Sync(
            job,
            Plugins(),
            as_of=proposal.as_of,
            override=proposal.override or None,
            progress=progress,
        )
        run.accept(proposal)
        if waits is not None:
            note_approval(run.store, job.name, waits)
        report = run.apply(proposal)
    return told(run.store, report, job_path, as_json=as_json)


def _lines(planned: Planned) -> Iterator[str]:
    stamps = planned.plan.stamps
    for batch in planned.plan.set_fields(_BATCH):
        yield from (as_text(change, stamps) for change in batch)
    yield from (as_text(task, stamps) for task in planned.plan.tasks)
