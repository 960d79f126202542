"""What people are told of a run, in plain sentences: numbers and what to do, no customers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from connector.config import Job
from connector.errors import ConnectorError, StoreError, Transient
from connector.store.tables import RunRow

Level = Literal["info", "success", "warning", "failure"]

_LEVELS: Final[Mapping[str, Level]] = {"failed": "failure", "stopped": "failure"}
_OF_ONE_KIND: Final = (Transient, StoreError)
"""Errors whose subclasses come and go by turns, and ask for the same."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message: *words* can be filled into the body for a web hook."""

    title: str
    text: str
    level: Level
    words: Mapping[str, str]


def trouble(run: RunRow, error: ConnectorError | None) -> str:
    """Return what kind of trouble a run ended in: another kind is worth another message."""
    if error is not None:
        kind = next((one for one in _OF_ONE_KIND if isinstance(error, one)), type(error))
        return f"{run.state}: {kind.__name__}"
    left = [name for name, count in _left(run.counts).items() if count]
    return f"{run.state}: {', '.join(left) or 'set aside'}"


def told_trouble(job: Job, run: RunRow) -> Message:
    """Return the message that a job has gone bad."""
    return _message(job, run, run.state, _LEVELS.get(run.state, "warning"), _bad(job, run))


def told_well(job: Job, run: RunRow, *, untold: bool) -> Message:
    """Return the message that a job is well again; *untold* if of its trouble none arrived."""
    return _message(job, run, "well again", "success", _well(job, run, untold=untold))


def test_message(job: Job) -> Message:
    """Return a message that says that messages arrive."""
    text = f"This is a test: messages about job {job.name} arrive here. Nothing has happened to it."
    title = f"{job.name}: test"
    words = {"state": "test", "run": "", "day": "", **_words(job, title, text)}
    return Message(title, text, "info", words)


def _message(job: Job, run: RunRow, state: str, level: Level, lines: Iterator[str]) -> Message:
    title, text = f"{job.name}: {state}", "\n".join(lines)
    words = {"state": state, "run": run.id, "day": str(run.as_of), **_words(job, title, text)}
    return Message(title, text, level, words)


def _words(job: Job, title: str, text: str) -> Mapping[str, str]:
    return {"job": job.name, "title": title, "message": text}


def _bad(job: Job, run: RunRow) -> Iterator[str]:
    file = job.path.name
    if run.state == "partial":
        yield f"Job {job.name} ran for {run.as_of}, but some records were left out."
        yield _written(run.counts)
        left = ", ".join(f"{count:,} {name}" for name, count in _left(run.counts).items() if count)
        yield f"Left out: {left or 'rows set aside in earlier runs'}."
        yield f"To see which: connector runs {file} --run {run.id}; connector quarantine {file}"
    elif run.state == "waiting":
        yield f"Job {job.name} has planned its run for {run.as_of}, which waits for approval."
        yield f"To look at it: connector plan {file}"
        yield f"To carry it out: connector approve {file} {run.id}"
    else:
        yield f"Job {job.name} {_ENDED[run.state]} in its run for {run.as_of} ({run.id})."
        yield run.message
        if any(run.counts.get(part, {}).get("applied") for part in ("accounts", "tasks")):
            yield f"Before that: {_written(run.counts)}"
        yield f"The runs so far: connector runs {file}"
    yield "The next message comes when the kind of trouble changes, or when the job is well again."


_ENDED: Final = {"failed": "failed", "stopped": "was stopped"}


def _well(job: Job, run: RunRow, *, untold: bool) -> Iterator[str]:
    yield f"Job {job.name} is well again: its run for {run.as_of} ended as {run.state} ({run.id})."
    yield _written(run.counts)
    if untold:
        yield "It was in trouble before; the message about that could not be delivered."


def _written(counts: Mapping[str, Any]) -> str:
    accounts, tasks = (counts.get(part, {}).get("applied", 0) for part in ("accounts", "tasks"))
    return f"{_counted(accounts, 'account')} and {_counted(tasks, 'task')} were written."


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _left(counts: Mapping[str, Any]) -> Mapping[str, int]:
    """Return how many records were left out, by what became of them."""
    sent = [counts.get(part, {}) for part in ("accounts", "tasks")]
    aside = sum(pulled["quarantined"] for pulled in counts.get("pulled", {}).values())
    return {
        "refused": sum(part.get("rejected", 0) for part in sent),
        "waiting": sum(part.get("waiting", 0) for part in sent),
        "set aside": max(aside, sent[0].get("quarantined", 0)),
    }
