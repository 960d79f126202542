"""The audit trail: who did what, and the proof that the list is as it was written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from connector import audit as trail
from connector.audit import Head
from connector.cli.console import console, print_json, table
from connector.cli.figures import counted
from connector.cli.opening import open_kept
from connector.errors import ConfigError
from connector.store.tables import AuditRow

_HASH: Final = re.compile(r"[0-9a-f]{64}")
_KEEP: Final = "Keep this hash elsewhere: --head HASH proves later that nothing was changed."


def audit(job_path: Path, limit: int, *, every: bool, as_json: bool) -> None:
    """Print the newest entries of the job and of its store, the oldest of them first."""
    kept = open_kept(job_path)
    found = trail.entries(kept.store, None if every else kept.job.name, limit or None)
    last = trail.head(kept.store)
    if as_json:
        print_json({"entries": [_data(entry) for entry in found], "head": _head(last)})
        return
    rows = table("No.", "Time (UTC)", "Who", "What", right=("No.",), fold=("Who", "What"))
    for entry in found:
        when = entry.moment[:19].replace("T", " ")
        rows.add_row(str(entry.number), when, entry.who, _what(entry, named=every))
    console().print(rows)
    _show_head(last)


def verify(job_path: Path, kept_hash: str | None, *, as_json: bool) -> None:
    """Print that the trail is whole; raise AuditError with the first entry that is wrong."""
    kept = open_kept(job_path)
    if kept_hash is not None and not _HASH.fullmatch(kept_hash.lower()):
        raise ConfigError(f"--head {kept_hash!r}: a hash has 64 digits, 0 to 9 and a to f")
    proof = trail.verify(kept.store, kept_hash and kept_hash.lower())
    if as_json:
        data = {"entries": proof.entries, "head": _head(proof.head), "known": _head(proof.known)}
        print_json(data)
        return
    out = console()
    out.print(f"{counted(proof.entries, 'entry', 'entries')}, each follows the one before it.")
    if proof.known:
        out.print(f"Up to entry {proof.known.number} it is what it was when its hash was noted.")
    _show_head(proof.head)


def _show_head(last: Head | None) -> None:
    if last:
        # Not wrapped: it is to be copied.
        console().print(f"Last entry: {last.number}\n{last.hash}", soft_wrap=True)
        console().print(_KEEP, style="dim")


def _data(entry: AuditRow) -> dict[str, Any]:
    return {**entry.model_dump(), "details": _details(entry)}


def _details(entry: AuditRow) -> Mapping[str, Any]:
    try:
        found = json.loads(entry.details)
    except ValueError:
        found = None
    # Whoever has tampered with it must not keep the rest from being listed.
    return found if isinstance(found, dict) else {"not readable": entry.details}


def _head(found: Head | None) -> dict[str, Any] | None:
    return found._asdict() if found else None


def _what(entry: AuditRow, *, named: bool) -> str:
    subject = " ".join(filter(None, [entry.verb, entry.job if named else "", entry.run_id]))
    details = _listed(_details(entry))
    return f"{subject}\n{details}" if details else subject


def _listed(details: Mapping[str, Any]) -> str:
    """Return details as people read them; of counts only what there is."""
    parts = []
    for name, value in details.items():
        if isinstance(value, Mapping):
            counts = ", ".join(f"{count:,} {part}" for part, count in value.items() if count)
            parts.append(f"{name}: {counts or 'none'}")
        elif value is not None:
            parts.append(f"{name}: {value}")
    return "; ".join(parts)
