"""How the target and the ledger compare, printed."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from connector.cli.console import console, facts, heading, print_json, table
from connector.cli.figures import counted, plain
from connector.cli.opening import open_kept
from connector.cli.outcome import PARTIAL
from connector.cli.progress import progress_bars
from connector.plugins import Plugins
from connector.reconcile import Reconciled
from connector.reconcile import reconcile as compared
from connector.sync import Sync

_SAID: Final = {
    "changed": "another value",
    "no account": "the account is not there",
    "no task": "the task is not there",
}


def reconcile(job_path: Path, sample: int | None, limit: int, *, as_json: bool) -> int:
    """Print where the target differs from what was written; return the exit code."""
    kept = open_kept(job_path)
    with progress_bars() as progress:
        sync = Sync(kept.job, Plugins(), progress=progress)
        # Another sample every day, and the same one all day.
        found = compared(sync, sample, f"{datetime.now(UTC):%Y-%m-%d}")
    if as_json:
        print_json(asdict(found))
    else:
        _show(found, limit)
    return PARTIAL if found.differences else 0


def _show(found: Reconciled, limit: int) -> None:
    out = console()
    looked = counted(found.accounts, "account")
    if found.accounts < found.known:
        looked = f"{looked} of {found.known:,}"
    out.print(
        facts(
            {
                "looked at": looked,
                "compared": f"{counted(found.fields, 'value')}, {counted(found.tasks, 'task')}",
                "differences": f"{len(found.differences):,}",
            }
        )
    )
    if not found.differences:
        out.print("The target holds all that was written there.", style="green")
        return
    rows = table("Account", "What", "Written", "Holds now", fold=("Account", "What"))
    shown = found.differences[: limit or None]
    for one in shown:
        now = plain(one.held) if one.kind == "changed" else _SAID[one.kind]
        rows.add_row(one.account, one.what, plain(one.written), now)
    of_all = f" of {len(found.differences):,}" if len(shown) < len(found.differences) else ""
    out.print(heading(f"{len(shown):,}{of_all} not as written"))
    out.print(rows)
    out.print(
        "The next sync writes what the rules say again, save tiers that people have locked or set"
        " (target.overrides); other fields that people change on purpose are better left to them."
    )
