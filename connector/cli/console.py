"""Where output goes: tables and text to one console, JSON as it is, progress to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text


@cache
def console() -> Console:
    """Return the console that everything meant for a reader goes through."""
    from rich.console import Console

    # No markup and no emoji: names of customers may hold [brackets] and :colons:.
    return Console(markup=False, emoji=False, highlight=False)


@cache
def side_console() -> Console:
    """Return the console of what is not the result: progress, on stderr."""
    from rich.console import Console

    return Console(markup=False, emoji=False, highlight=False, stderr=True)


def print_json(value: object) -> None:
    """Print *value* as JSON and nothing else; dates and decimals as text."""
    unicode = sys.stdout.encoding.lower().replace("-", "") == "utf8"
    json.dump(value, sys.stdout, ensure_ascii=not unicode, indent=2, default=_as_text)
    sys.stdout.write("\n")


def _as_text(value: object) -> str:
    if isinstance(value, date | Decimal):
        return value.isoformat() if isinstance(value, date) else str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def table(*columns: str, right: Sequence[str] = (), fold: Sequence[str] = ()) -> Table:
    """Return an empty table in the house style; numbers in *right*, long text in *fold*."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    made.header_style = "bold"
    made.padding = (0, 1, 0, 0)  # eighty columns are few
    for name in columns:
        made.add_column(
            name,
            justify="right" if name in right else "left",
            no_wrap=name in right,
            overflow="fold",
            min_width=12 if name in fold else None,
        )
    return made


def facts(rows: Mapping[str, object]) -> Table:
    """Return a borderless table of names and what they are; rows without a value are left out."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows.items():
        if value not in (None, ""):
            grid.add_row(name, value if isinstance(value, Text) else str(value))
    return grid


def heading(text: str) -> Text:
    """Return a heading with a line of space above it."""
    from rich.text import Text

    return Text(f"\n{text}", style="bold")
