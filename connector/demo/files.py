"""Writes the made-up records into a folder, which from then on stands for a CRM."""

from __future__ import annotations

import csv
import json
from datetime import date
from importlib import resources
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import Final

from connector.demo.company import company
from connector.demo.dice import Dice
from connector.demo.market import DIRECTOR
from connector.demo.sheets import Sheet, rates, sheets
from connector.errors import ConfigError

JOB: Final = "demo.toml"
LEAST: Final = 20
_MARK: Final = ".connector-demo.json"


def make(folder: Path, *, seed: int, accounts: int, today: date) -> bool:
    """Fill *folder* with records and a job; return False if an earlier call has done so.

    Raise ConfigError if the folder holds anything else, or a demo of another seed or size.
    """
    if accounts < LEAST:
        raise ConfigError(f"accounts: {accounts} are too few for a pyramid; use {LEAST} or more")
    try:
        if folder.exists() and any(folder.iterdir()):
            _check_ours(folder, seed, accounts)
            return False
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: a demo that was cut short would look like somebody's own files.
        with TemporaryDirectory(prefix=".connector-", dir=folder.parent) as beside:
            part = Path(beside) / folder.name
            part.mkdir()
            _fill(part, seed, accounts, today)
            if folder.exists():
                folder.rmdir()
            part.rename(folder)
    except OSError as error:
        raise ConfigError(f"{folder}: can't be used for the demo: {error.strerror}") from error
    return True


def _check_ours(folder: Path, seed: int, accounts: int) -> None:
    try:
        made = json.loads((folder / _MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ConfigError(
            f"{folder}: is not empty, and not a demo; name a folder that is new or empty"
        ) from None
    if (made["seed"], made["accounts"]) != (seed, accounts):
        raise ConfigError(
            f"{folder}: holds the demo of seed {made['seed']} with {made['accounts']} accounts;"
            " name another folder, or delete this one"
        )


def _fill(folder: Path, seed: int, count: int, today: date) -> None:
    dice = Dice(seed)
    for sheet in (*sheets(company(dice, count, today)), rates(dice, today)):
        _write(folder / sheet.name, sheet)
    job = Template(resources.files("connector.demo").joinpath("job.toml").read_text("utf-8"))
    text = job.substitute(as_of=today, seed=seed, fallback=DIRECTOR)
    (folder / JOB).write_text(text, encoding="utf-8")
    mark = {"seed": seed, "accounts": count, "as_of": today.isoformat()}
    (folder / _MARK).write_text(json.dumps(mark), encoding="utf-8")


def _write(path: Path, sheet: Sheet) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(sheet.columns.split(","))
        writer.writerows(sheet.rows)
