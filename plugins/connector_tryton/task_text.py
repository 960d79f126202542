"""The comment of a task: its text, and below it what Tryton has no fields for.

    2,100 short of Top

    Due: 2026-07-31
    Priority: High
    Owner: Jane Doe (12)
    key=up_sell:13:2026-07-01

The last line is how the task is found again. A person may change the others; they are read back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

KEY: Final = "key="
_LINE: Final = re.compile(r"(Due|Priority|Owner): (.*)")
_OWNER: Final = re.compile(r"(?:.* )?\(([^()]*)\)")


@dataclass(frozen=True, slots=True)
class TaskText:
    """What a comment says."""

    marker: str
    body: str
    due: date | None = None
    priority: str = "Normal"
    owner: str | None = None


def compose(text: TaskText, *, owner_name: str | None = None) -> str:
    """Return the comment that says *text*; the owner is shown by name where it is known."""
    below = [f"Due: {text.due.isoformat()}"] if text.due else []
    below.append(f"Priority: {text.priority}")
    if text.owner:
        below.append(
            f"Owner: {owner_name} ({text.owner})" if owner_name else f"Owner: {text.owner}"
        )
    return "\n".join([text.body, "", *below, f"{KEY}{text.marker}"]).lstrip("\n")


def parse(comment: str) -> TaskText | None:
    """Return what a *comment* says; None if it has no key, and so is none of ours."""
    *lines, last = comment.replace("\r\n", "\n").rstrip().split("\n")
    if not last.startswith(KEY):
        return None
    said: dict[str, str] = {}
    while lines and (found := _LINE.fullmatch(lines[-1])):
        said[found[1]] = found[2].strip()
        lines.pop()
    owner = said.get("Owner")
    named = _OWNER.fullmatch(owner or "")
    return TaskText(
        marker=last.removeprefix(KEY).strip(),
        body="\n".join(lines).rstrip("\n"),
        due=_day(said.get("Due")),
        priority=said.get("Priority", "Normal"),
        owner=(named[1] if named else owner) or None,
    )


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
