"""Plans that are kept: what a run would write, to be read, approved and carried out later.

A kept plan says of each change what the target held and what it shall hold; stamps (when, by which
run) are left out, so that two plans of the same changes are the same. As a file it is JSON Lines:
the plan first, then one change a line, by account.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from os.path import relpath
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from connector.contract import Change, CloseTask, PutTask, SetFields
from connector.errors import ConfigError

_TASK: Final = ("marker", "goal", "subject", "body", "owner", "due", "priority", "task_id")


class Header(BaseModel):
    """The first line of a plan's file: which job it is of, by which rules, for which day."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    plan: Literal[1] = 1
    """The format of the file."""
    job: str
    job_file: str
    """Where the job's file is, seen from that of the plan."""
    rules: str
    """The hash of the rules that it was made by."""
    as_of: date
    run_id: str
    override: str = ""
    """Why a guard was passed over, if it was."""
    changes: int
    """How many lines follow."""


@dataclass(slots=True)
class Proposal:
    """The changes of a kept plan, each known by a digest."""

    job: str
    rules: str
    as_of: date
    override: str
    run_id: str
    """The run that made the plan."""
    _open: dict[str, bytes] = field(default_factory=dict)
    _size: int = 0

    def add(self, marker: str, content: str) -> None:
        """Take up a change, as `as_text` says it."""
        self._open[marker] = _digest(content)
        self._size = len(self._open)

    def __len__(self) -> int:
        return self._size

    def take(
        self, changes: Sequence[Change], stamps: Collection[str]
    ) -> tuple[list[Change], list[Change], int]:
        """Return what the plan holds of *changes*, what it holds otherwise, how many not at all.

        Each change can be taken once.
        """
        same: list[Change] = []
        other: list[Change] = []
        for change in changes:
            planned = self._open.pop(change.marker, None)
            if planned is not None:
                as_planned = planned == _digest(as_text(change, stamps))
                (same if as_planned else other).append(change)
        return same, other, len(changes) - len(same) - len(other)

    @property
    def left(self) -> Collection[str]:
        """The markers of the changes that nobody has taken."""
        return self._open.keys()

    @classmethod
    def of(cls, header: Header) -> Self:
        """Return the plan of *header*, without changes yet."""
        return cls(header.job, header.rules, header.as_of, header.override, header.run_id)


def as_text(change: Change, stamps: Collection[str]) -> str:
    """Return *change* as one line of JSON: the same for the same change."""
    return json.dumps(as_data(change, stamps), ensure_ascii=False, default=str)


def as_data(change: Change, stamps: Collection[str]) -> dict[str, object]:
    """Return what is kept of *change*: of fields the old and the new value, stamps left out."""
    said: dict[str, object] = {"account": change.ref.id}
    match change:
        case SetFields(values=values, old=old):
            fields = {
                name: [_plain(old.get(name)), _plain(value)]
                for name, value in sorted(values.items())
                if name not in stamps
            }
            return {**said, "change": "fields", "fields": fields}
        case PutTask():
            kind = "create" if change.task_id is None else "update"
            return {**said, "change": kind, **{name: getattr(change, name) for name in _TASK}}
        case CloseTask():
            named = {name: getattr(change, name) for name in ("marker", "task_id", "reason")}
            return {**said, "change": "close", **named}


def write_plan(path: Path, header: Header, lines: Iterable[str]) -> None:
    """Write the plan's file whole, or not at all."""
    beside = path.with_name(f".{path.name}.part")
    try:
        with beside.open("w", encoding="utf-8", newline="\n") as file:
            file.write(header.model_dump_json() + "\n")
            file.writelines(f"{line}\n" for line in lines)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ConfigError(
            f"{path}: the plan can't be written: {error.strerror}; choose another --out"
        ) from error


def header_of(path: Path) -> Header:
    """Return the first line of a plan's file; raise ConfigError if it is none."""
    with _opened(path) as lines:
        return _header(path, next(lines, ""))


def read_plan(path: Path) -> Proposal:
    """Return the plan in a file; raise ConfigError, with the line, if it is not one whole plan."""
    with _opened(path) as lines:
        header = _header(path, next(lines, ""))
        found = Proposal.of(header)
        for number, line in enumerate(lines, start=2):
            if line.strip():
                found.add(*_change(path, number, line))
    if len(found) != header.changes:
        raise ConfigError(
            f"{path}: holds {len(found)} changes instead of {header.changes}; it was cut off or"
            " edited: make the plan again"
        )
    return found


def job_file_of(path: Path, header: Header) -> Path:
    """Return the job's file that the plan at *path* names."""
    return Path(relpath(path.parent / header.job_file))


def named_from(path: Path, job: Path) -> str:
    """Return how the plan at *path* names the file of its *job*."""
    try:
        return Path(relpath(job.resolve(), path.resolve().parent)).as_posix()
    except ValueError:  # on another drive
        return str(job.resolve())


def marker_of(data: Mapping[str, Any]) -> str:
    """Return the marker of a kept change."""
    return f"fields:{data['account']}" if data["change"] == "fields" else str(data["marker"])


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[str]]:
    """Yield the lines of a file; what is wrong with it is ConfigError."""
    try:
        with path.open(encoding="utf-8") as file:
            yield iter(file)
    except OSError as error:
        raise ConfigError(
            f"{path}: the plan can't be read: {error.strerror}; 'connector plan JOB --out FILE'"
            " makes one"
        ) from error
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8 text, and so no plan") from None


def _header(path: Path, line: str) -> Header:
    try:
        return Header.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigError(
            f"{path}: line 1 is not the head of a plan: {where + ': ' if where else ''}"
            f"{first['msg']}; 'connector plan JOB --out FILE' makes one"
        ) from None


def _change(path: Path, number: int, line: str) -> tuple[str, str]:
    try:
        data = json.loads(line)
        return marker_of(data), json.dumps(data, ensure_ascii=False)
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"{path}: line {number} is not a change; make the plan again") from None


def _digest(content: str) -> bytes:
    return sha256(content.encode()).digest()[:16]


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, bool | int | str) else str(value)
