"""Messages: every text that people read in their own language, taken from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, TypeAlias

from customer_pyramid.settings import INACTIVE, PROSPECT, REST_OF_WORLD, SUSPECT, PyramidSettings
from six_goals.pack import goals

Message: TypeAlias = str | tuple[str, str]
"""An English text; of one that counts, that for one and that for many."""

ROOT: Final = Path(__file__).parents[3]
CATALOGUE: Final = ROOT / "rules" / "six_goals" / "locale" / "zh_Hans.po"
SOURCES: Final = (
    "rules",
    "connector/decide.py",
    "connector/undo.py",
    "connector/specs.py",
    "connector/report",
)

_PLACES: Final = {"say": (0,), "count": (0, 1), "Check": (2,), "Need": (1,)}
"""Which arguments of a call are its message."""


def all_messages() -> set[Message]:
    """Return what is said in `SOURCES`, and the names that `Words.title` translates."""
    return {*said_in(source_files()), *names()}


def source_files() -> list[Path]:
    """Return the Python files whose messages the catalogue of the built-in pack has."""
    paths = [ROOT / source for source in SOURCES]
    return [
        file for path in paths for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])
    ]


def names() -> list[str]:
    """Return the names of goals, tiers and layers, unless a job chooses others."""
    tiers = PyramidSettings().tiers
    layers = [*tiers, INACTIVE, PROSPECT, SUSPECT, REST_OF_WORLD]
    return [*(goal.title for goal in goals()), *layers]


def said_in(files: Iterable[Path]) -> list[Message]:
    """Return the messages of *files*; raise `ValueError` for one that is not written out."""
    found: dict[Message, None] = {}
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
            try:
                found |= dict.fromkeys(_said(call))
            except ValueError as error:
                raise ValueError(f"{file}:{call.lineno}: {error}") from None
    return list(found)


def _said(call: ast.Call) -> Iterator[Message]:
    function = getattr(call.func, "attr", None) or getattr(call.func, "id", "")
    places = _PLACES.get(str(function), ())
    if not places or len(call.args) <= max(places):
        return  # `count` is a method of many things
    texts = [_text(call.args[place]) for place in places]
    yield texts[0] if len(texts) == 1 else (texts[0], texts[1])


def _text(argument: ast.expr) -> str:
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        return argument.value
    raise ValueError("a message can be found only where it is written out")
