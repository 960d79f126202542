"""Plays a page of the documentation: writes its files, runs its commands, compares what it shows.

The convention, by what stands after the fence:

* ``csv accounts.csv``, ``toml shop.toml``, ``python x.py``: a file of that name is written.
* ``sh``: each line is run; a line that ends in ``# exit 5`` must end with that code, others with 0.
* ``sh setup ...``: for the reader alone (it installs something); `.ci/run` runs what it needs.
* ``text``: what the commands before it print. Every line must be in their output, in this order;
  ``...`` stands for anything, spaces at the ends and the number of spaces don't count.
* Anything else, such as ``text pyramid`` or ``toml`` without a name, is shown and not played.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
_FENCE: Final = re.compile(r"^```(\S*)[ ]*(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXIT: Final = re.compile(r"#\s*exit (\d+)\s*$")
_PLAIN: Final = {"CONNECTOR_STORE", "FORCE_COLOR", "COLUMNS", "PYTEST_ADDOPTS"}


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, the words after it, its text, and where it is."""

    language: str
    words: Sequence[str]
    text: str
    where: str


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            found[1],
            found[2].split(),
            found[3],
            f"{page.name} line {text.count(chr(10), 0, found.start()) + 1}",
        )
        for found in _FENCE.finditer(text)
    ]


def play(page: Path, folder: Path, **variables: str) -> None:
    """Do in *folder* what *page* says; fail where it shows what is not so."""
    said = ""
    for block in blocks(page):
        if block.language in ("csv", "toml", "python") and block.words:
            file = folder / block.words[0]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        elif block.language == "sh" and not block.words:
            said = "".join(run(line, folder, variables) for line in _lines(block.text))
        elif block.language == "text" and not block.words:
            expect(block, said)


def run(line: str, folder: Path, variables: Mapping[str, str] | None = None) -> str:
    """Return what a command line prints; fail if its exit code is not the one it names."""
    kept = {name: value for name, value in os.environ.items() if name not in _PLAIN}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env={**kept, "PATH": path, "COLUMNS": "80", **(variables or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        stdin=subprocess.DEVNULL,
    )
    named = _EXIT.search(line)
    wanted = int(named[1]) if named else 0
    printed = done.stdout + done.stderr
    assert done.returncode == wanted, f"{line}: exit {done.returncode}\n{printed}"
    return printed


def expect(block: Block, said: str) -> None:
    """Fail unless every line of *block* is in what was *said*, in order."""
    printed = iter([_squeezed(line) for line in said.splitlines()])
    for line in block.text.splitlines():
        wanted = _squeezed(line)
        if not wanted or wanted == "...":
            continue
        pattern = re.compile(re.escape(wanted).replace(r"\.\.\.", ".*"))
        found = any(pattern.fullmatch(candidate) for candidate in printed)
        assert found, f"{block.where}: {line!r} is not (or not there) in:\n{said}"


def _lines(text: str) -> Sequence[str]:
    joined = text.replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def _squeezed(line: str) -> str:
    return " ".join(line.split())
