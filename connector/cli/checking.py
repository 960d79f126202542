"""Whether a job can run: what source, target and store say, and how each stream is understood."""

from __future__ import annotations

from pathlib import Path

from connector.cli.console import console, facts, heading, table
from connector.config import load_job
from connector.mapping import StreamMapping, mapping_of
from connector.model import FIELDS, OUTPUTS, Stream
from connector.plugins import Plugins
from connector.sync import Sync


def check(job_path: Path) -> None:
    """Print what is there and how it is understood; raise what is wrong with it."""
    job, plugins = load_job(job_path), Plugins()
    run = Sync(job, plugins)
    said = dict(line.split(": ", 1) for line in run.check())
    said["store"] = run.store.database.shown
    said["period"] = _period(job.model.rules.period.model_dump(exclude_none=True))
    if job.model.schedule:
        said["schedule"] = f"{job.model.schedule} ({job.model.timezone})"
    out = console()
    out.print(f"{job.name} ({job.path})", style="bold")
    out.print(facts(said))
    adapter = plugins.adapter(job.model.source.adapter)
    for stream in (stream for stream in Stream if stream in adapter.fields):
        mapping = mapping_of(job, adapter, stream, rates=())
        # Most jobs lack most of what is optional; what is read of it, the source has said.
        if mapping.explicit or mapping.values or not stream.optional:
            _show(mapping)
    _show_target(job.model.target.fields)
    out.print("\nready", style="bold green")


def _period(given: dict[str, object]) -> str:
    if "start" in given:
        return f"{given['start']} to {given['end']}"
    if "fiscal_start_month" in given:
        return f"fiscal year from month {given['fiscal_start_month']}"
    return f"{given['months']} months up to the day of the run"


def _show(mapping: StreamMapping) -> None:
    """Print how a stream is understood; what the job does not mention is the adapter's default."""
    out = console()
    out.print(heading(str(mapping.stream)))
    if not mapping.explicit and not mapping.values:
        out.print(f"as the adapter names it: {', '.join(mapping.theirs)}", style="dim")
        return
    rows = table("Our field", "Theirs", "Understood as", fold=("Theirs",))
    defaults = []
    for name, field in FIELDS[mapping.stream].items():
        theirs = mapping.columns.get(name)
        if name in mapping.constants:
            theirs = f"always {mapping.constants[name]!r}"
        if theirs is None:
            continue
        if name not in mapping.explicit and not field.required and name not in mapping.values:
            defaults.append(theirs)
            continue
        rows.add_row(name, theirs, _reading(mapping, name))
    out.print(rows)
    if defaults:
        out.print(f"and, where the source has them: {', '.join(defaults)}", style="dim")


def _reading(mapping: StreamMapping, name: str) -> str:
    values = mapping.values.get(name)
    if not values:
        return str(FIELDS[mapping.stream][name].kind)
    return ", ".join(f"{theirs} = {ours}" for theirs, ours in values.items())


def _show_target(fields: dict[str, str]) -> None:
    out = console()
    if not fields:
        out.print("\nno [target.fields]: tiers are computed, but no field is written")
        return
    rows = table("Our result", "Written to", "What it is", fold=("Written to", "What it is"))
    for ours, theirs in fields.items():
        about = OUTPUTS[ours].about if ours in OUTPUTS else "read only: a tier set by hand is kept"
        rows.add_row(ours, theirs, about)
    out.print(heading("target"))
    out.print(rows)
