"""What a run would write, field by field, old and new; nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from connector.cli.applying import keep
from connector.cli.console import console, facts, heading, print_json, table
from connector.cli.figures import counted, plain
from connector.cli.progress import progress_bars
from connector.cli.reporting import (
    as_data,
    changed_by_hand,
    show_streams,
    shown_actions,
    shown_fields,
)
from connector.config import Job, load_job
from connector.contract import Capabilities, CloseTask, PutTask, SetFields
from connector.governor import Cost
from connector.model import OUTPUTS
from connector.overrides import Override
from connector.plan import Plan
from connector.plugins import Plugins
from connector.sync import Planned, Sync

_BATCH: Final = 1_000


@dataclass(frozen=True, slots=True)
class Calls:
    """What the run costs in calls to the target."""

    read: int
    write: int
    cost: Cost | None
    """What is known of the organisation."""

    @property
    def share(self) -> float | None:
        """The part of a day's limit."""
        return (self.read + self.write) / self.cost.limit if self.cost and self.cost.limit else None

    @property
    def seconds(self) -> float | None:
        """How long they take, one after the other."""
        each = self.cost.seconds if self.cost else None
        return None if each is None else each * (self.read + self.write)


def plan(
    job_path: Path, as_of: Any, override: str | None, limit: int, out: Path | None, *, as_json: bool
) -> None:
    """Print what a run would write."""
    job, plugins = load_job(job_path), Plugins()
    capabilities = _capabilities(job, plugins)
    with progress_bars() as progress:
        run = Sync(job, plugins, as_of=as_of, override=override, progress=progress)
        with run.plan() as planned:
            changes = list(islice(_changes(planned.plan), limit or None))
            if out is not None:
                keep(planned, run, out, override)
    calls = _calls(planned, capabilities, run.governor.cost())
    if as_json:
        print_json(_as_data(planned, changes, calls, limit))
        return
    _show(planned, changes, calls, limit, job_path, out)


def _capabilities(job: Job, plugins: Plugins) -> Capabilities:
    adapters, target = plugins.adapters, job.model.target.adapter or job.model.source.adapter
    # An unknown adapter is reported by the run itself, which knows on which side it is.
    return adapters[target].capabilities if target in adapters else Capabilities()


def _calls(planned: Planned, capabilities: Capabilities, cost: Cost | None) -> Calls:
    size = capabilities.per_call or capabilities.write_batch
    writes = _ceil(planned.plan.changed, size) + _ceil(len(planned.plan.tasks), size)
    return Calls(_ceil(planned.plan.accounts, capabilities.read_batch), writes, cost)


def _shown_calls(calls: Calls) -> str:
    said = f"{calls.read:,} to read and {calls.write:,} to write, at the target"
    if calls.share is not None and calls.cost and calls.cost.limit:
        left = f", {calls.cost.left:,} left" if calls.cost.left is not None else ""
        said += f": {calls.share:.1%} of the {calls.cost.limit:,} a day{left}"
    if calls.seconds is not None:
        said += f"; about {max(1, round(calls.seconds / 60))} min"
    return said


def _ceil(count: int, size: int) -> int:
    return -(-count // size)


def _changes(plan: Plan) -> Iterator[SetFields]:
    for batch in plan.set_fields(_BATCH):
        yield from batch


def _as_data(
    planned: Planned, changes: Sequence[SetFields], calls: Calls, limit: int
) -> dict[str, object]:
    tasks = planned.plan.tasks
    return {
        **as_data(planned.report),
        "calls": {
            "read": calls.read,
            "write": calls.write,
            "share_of_day": calls.share,
            "seconds": calls.seconds,
        },
        "task_kinds": dict(_kinds(tasks)),
        "changes": [
            {
                "account": change.ref.id,
                "fields": {n: [change.old.get(n), value] for n, value in change.values.items()},
            }
            for change in changes
        ],
        "task_changes": [_task_data(task) for task in tasks[: limit or None]],
    }


def _task_data(task: PutTask | CloseTask) -> dict[str, object]:
    said: dict[str, object] = {
        "kind": _kind(task),
        "account": task.ref.id,
        "marker": task.marker,
    }
    if isinstance(task, CloseTask):
        return {**said, "reason": task.reason}
    names = ("goal", "subject", "body", "owner", "due", "priority")
    return {**said, **{name: getattr(task, name) for name in names}}


def _kinds(tasks: Sequence[PutTask | CloseTask]) -> Counter[str]:
    return Counter({"create": 0, "update": 0, "close": 0}) + Counter(map(_kind, tasks))


def _kind(task: PutTask | CloseTask) -> str:
    if isinstance(task, CloseTask):
        return "close"
    return "create" if task.task_id is None else "update"


def _show(
    planned: Planned,
    changes: Sequence[SetFields],
    calls: Calls,
    limit: int,
    job: Path,
    kept: Path | None,
) -> None:
    out, report, plan = console(), planned.report, planned.plan
    out.print(f"Plan of {report.job} as of {report.as_of}; nothing was written", style="bold")
    show_streams(report)
    kinds = _kinds(plan.tasks)
    out.print(
        facts(
            {
                "accounts": _accounts(report.accounts, plan),
                "tasks": ", ".join(f"{count:,} to {kind}" for kind, count in kinds.items()),
                "fields": shown_fields(report.fields),
                "by hand": changed_by_hand(report.by_hand),
                "actions": shown_actions(report.actions),
                "calls": _shown_calls(calls),
            }
        )
    )
    _show_by_hand(report.by_hand, limit)
    if plan.empty:
        out.print("\nNothing to write: the target holds every result already.", style="green")
        return
    _show_changes(planned, changes, limit)
    _show_tasks(plan.tasks, limit)
    out.print(f"\nTo carry it out: connector {f'apply {kept}' if kept else f'sync {job}'}")


def _accounts(counts: Mapping[str, int], plan: Plan) -> str:
    parts = {
        "to change": plan.changed,
        "unchanged": plan.unchanged,
        "not in the target": plan.missing,
        "quarantined": counts["quarantined"],
    }
    said = " + ".join(f"{count:,} {name}" for name, count in parts.items() if count)
    locked = f"; {plan.locked:,} keep a tier that a person has locked" if plan.locked else ""
    return f"{counts['read']:,} read = {said}{locked}" if said else f"{counts['read']:,} read"


def _show_by_hand(overrides: Sequence[Override], limit: int) -> None:
    if not overrides:
        return
    rows = table("Account", "Result", "Set by hand", "By the rules", "", fold=("Account",))
    shown = overrides[: limit or None]
    for one in shown:
        what = "kept" if one.kept else "written over"
        rows.add_row(one.account, one.field, plain(one.held), plain(one.ours), what)
    out = console()
    more = "" if len(shown) == len(overrides) else f" (--limit {limit}; 0 shows all)"
    out.print(heading(f"{counted(len(overrides), 'tier')} changed by hand in the target{more}"))
    out.print(rows)


def _show_changes(planned: Planned, changes: Sequence[SetFields], limit: int) -> None:
    plan = planned.plan
    stamps = {theirs for ours, theirs in plan.fields.items() if OUTPUTS[ours].stamp}
    rows = table("Account", "Field", "Old", "New", fold=("Account", "Field"))
    for change in changes:
        account = change.ref.id
        for field, value in change.values.items():
            if field not in stamps:
                rows.add_row(account, field, plain(change.old.get(field)), plain(value))
                account = ""
        rows.add_section()
    if rows.row_count:
        out = console()
        out.print(heading(_title(len(changes), plan.changed, "account", limit)))
        out.print(rows)


def _show_tasks(tasks: Sequence[PutTask | CloseTask], limit: int) -> None:
    if not tasks:
        return
    rows = table("Task", "Account", "Due", "Priority", "Subject", fold=("Account", "Subject"))
    shown = tasks[: limit or None]
    for task in shown:
        if isinstance(task, CloseTask):
            rows.add_row("close", task.ref.id, "", "", task.reason)
            continue
        rows.add_row(_kind(task), task.ref.id, str(task.due), task.priority, task.subject)
    out = console()
    out.print(heading(_title(len(shown), len(tasks), "task", limit)))
    out.print(rows)


def _title(shown: int, count: int, one: str, limit: int) -> str:
    if shown == count:
        return f"{counted(count, one)} to write"
    return f"{shown:,} of {counted(count, one)} to write (--limit {limit}; 0 shows all)"
