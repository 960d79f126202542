"""The report of a run: numbers that add up, and what stands in the way of the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, Final

from connector import audit, refusals
from connector.cli.console import console, facts, heading, print_json, table
from connector.cli.figures import CAUSES, counted, plain
from connector.cli.outcome import PARTIAL, WAITING
from connector.cli.progress import progress_bars
from connector.config import load_job
from connector.errors import ConfigError
from connector.ledger import ledger_rows
from connector.overrides import Override
from connector.plugins import Plugins
from connector.runs import Report
from connector.store import Store
from connector.sync import Sync

NOT_WRITTEN: Final = ("rejected", "retry", "conflict", "unknown", "sending")
"""The states of the ledger in which a change is not in the target, as far as we know."""

_SHOWN: Final = 10


def sync(job_path: Path, as_of: Any, override: str | None, *, as_json: bool) -> int:
    """Run the job and print its report; return the exit code."""
    job = load_job(job_path)
    with progress_bars() as progress:
        run = Sync(job, Plugins(), as_of=as_of, override=override, progress=progress)
        report = run.run()
    return told(run.store, report, job_path, as_json=as_json)


def retry(job_path: Path, only: str | None, *, as_json: bool) -> int:
    """Run the job with nothing held back that was refused before; return the exit code."""
    job = load_job(job_path)
    with progress_bars() as progress:
        run = Sync(job, Plugins(), progress=progress)
        again = _forget(run, only)
        report = run.run()
    if not as_json:
        console().print(f"Held back until now: {counted(again, 'change')} that the target refused.")
    return told(run.store, report, job_path, as_json=as_json)


def _forget(run: Sync, only: str | None) -> int:
    known = refusals.codes(run.store, run.job_id)
    if only is not None and only not in known:
        raise ConfigError(
            f"--only {only}: the target has refused nothing with this code; it has with:"
            f" {', '.join(known) or 'none'}"
        )
    # Before it is done: nothing is forgotten of which nobody knows who wanted it.
    wanted = {"changes": known[only] if only else sum(known.values())}
    audit.record(run.store, "retry", job=run.job.name, details={**wanted, "only": only})
    return refusals.forget(run.store, run.job_id, only)


def told(store: Store, report: Report, job_path: Path, *, as_json: bool) -> int:
    """Print the report of a run; return the exit code."""
    refused = list(islice(not_written(store, report.run_id), _SHOWN))
    if as_json:
        print_json({**as_data(report), "not_written": refused})
    else:
        _show(report, refused, job_path)
    return {"partial": PARTIAL, "waiting": WAITING}.get(report.state, 0)


def not_written(store: Store, run_id: str) -> Sequence[dict[str, object]]:
    """Return the changes of a run that are not in the target, as the ledger has them."""
    keys = ("account_id", "kind", "marker", "state", "code", "message")
    rows = ledger_rows(store, run_id, NOT_WRITTEN)
    return [{key: row[key] for key in keys} for row in rows]


def as_data(report: Report) -> dict[str, object]:
    """Return a report for JSON."""
    return {
        "job": report.job,
        "run_id": report.run_id,
        "as_of": report.as_of,
        "state": report.state,
        **report.counts(),
    }


def show_streams(report: Report) -> None:
    """Print what was read of each stream; one that has no rows is left out."""
    rows = table(
        "Read", "rows", "new or changed", "unchanged", "quarantined", "deleted",
        right=("rows", "new or changed", "unchanged", "quarantined", "deleted"),
    )  # fmt: skip
    for stream, pulled in report.pulled.items():
        counts = asdict(pulled)
        if counts["pages"] or counts["read"]:
            figures = (counts[n] for n in ("read", "stored", "unchanged", "quarantined", "deleted"))
            rows.add_row(stream, *(f"{figure:,}" for figure in figures))
    out = console()
    out.print()
    if rows.row_count:
        out.print(rows)
        out.print()
    elif report.pulled:
        out.print("The source has nothing new since the last run.")


def shown_actions(actions: Mapping[str, int]) -> str:
    """Return how many actions there are and what becomes of them."""
    if not actions:
        return "none"
    ordered = sorted(actions.items(), key=lambda item: (-item[1], item[0]))
    return "\n".join(f"{count:,} {CAUSES.get(key, key)}" for key, count in ordered)


def shown_fields(fields: Mapping[str, int]) -> str:
    """Return how often each field changes."""
    return ", ".join(f"{name} {count:,}" for name, count in fields.items()) or "none"


def _show(report: Report, refused: Sequence[Mapping[str, object]], job: Path) -> None:
    out = console()
    out.print(f"{report.job} as of {report.as_of}: {report.state}", style="bold")
    show_streams(report)
    out.print(
        facts(
            {
                "accounts": _sum(report.accounts, "read"),
                "tasks": _sum(report.tasks, "planned"),
                "fields": shown_fields(report.fields),
                "actions": shown_actions(report.actions),
                "locked": _locked(report.locked),
                "by hand": changed_by_hand(report.by_hand),
                "plan": _of_plan(report.plan),
                "run": report.run_id,
            }
        )
    )
    out.print()
    _show_end(report, refused, job)


def _show_end(report: Report, refused: Sequence[Mapping[str, object]], job: Path) -> None:
    out = console()
    if report.state == "waiting":
        out.print(
            f"Nothing was written: the job waits for approval.\n"
            f"To look at it: connector plan {job}\n"
            f"To carry it out: connector approve {job} {report.run_id}"
        )
        return
    if refused:
        show_not_written(refused)
        out.print(f"All of them: connector runs {job} --run {report.run_id}")
    aside = report.accounts["quarantined"]
    aside = max(aside, sum(pulled.quarantined for pulled in report.pulled.values()))
    if aside:
        out.print(
            f"{counted(aside, 'row')} could not be understood and {'is' if aside == 1 else 'are'}"
            f" set aside: connector quarantine {job}"
        )
    nothing_sent = not report.accounts["applied"] and not report.tasks["applied"]
    if nothing_sent and not refused:
        out.print("Nothing to write: the target holds every result already.", style="green")


def show_not_written(rows: Sequence[Mapping[str, object]]) -> None:
    """Print changes that are not in the target, in the target's own words."""
    shown = table("Account", "Change", "State", "What the target said", fold=("Account",))
    for row in rows:
        said = ": ".join(str(row[key]) for key in ("code", "message") if row[key])
        shown.add_row(str(row["account_id"]), str(row["kind"]), str(row["state"]), said)
    console().print(heading("Not written"))
    console().print(shown)


def _sum(counts: Mapping[str, int], whole: str) -> str:
    """Return the counts as the sum they are: 91 read = 3 unchanged + 88 applied."""
    if not counts[whole]:
        return "none"
    parts = [f"{count:,} {name}" for name, count in counts.items() if name != whole and count]
    return f"{counts[whole]:,} {whole}" + (f" = {' + '.join(parts)}" if parts else "")


def _of_plan(counts: Mapping[str, int]) -> str:
    """Return what became of a plan that was carried out."""
    if not counts:
        return ""
    parts = {
        "as planned": counts["same"],
        "changed since and left out": counts["differs"],
        "not needed any more": counts["not_needed"],
    }
    said = " + ".join(f"{count:,} {name}" for name, count in parts.items() if count) or "none"
    more = f"; {counts['unplanned']:,} others wait for another plan" if counts["unplanned"] else ""
    return f"{counts['planned']:,} planned = {said}{more}"


def changed_by_hand(overrides: Sequence[Override]) -> str:
    """Return how many tiers people have changed in the target, and which for example."""
    if not overrides:
        return ""
    first = overrides[0]
    now = "kept" if first.kept else "written over"
    example = f"{first.account}: {plain(first.held)}, by the rules {plain(first.ours)}"
    accounts = counted(len({one.account for one in overrides}), "account")
    more = ", ..." if len(overrides) > 1 else ""
    return f"{accounts} with a tier that a person has changed; it was {now} ({example}{more})"


def _locked(locked: int) -> str:
    if not locked:
        return ""
    return f"{counted(locked, 'account')} with a tier that a person has locked; it was kept"
