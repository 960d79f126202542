"""Writes the made-up records into a folder, which from then on stands for a CRM."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from importlib import resources
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import Final

from connector.demo.deals import RATES, Deal, deals
from connector.demo.dice import Dice
from connector.demo.market import DIRECTOR, Account, Person, market, people
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
    team = people(dice)
    accounts = market(dice, count, today)
    found = deals(dice, accounts, today)
    _write(folder / "users.csv", "UserID,Name,Email,ManagerID,Active", _users(team))
    _write(
        folder / "accounts.csv",
        "AccountID,Name,ParentID,Type,Industry,Region,Employees,OwnerID,Created",
        _accounts(accounts),
    )
    _write(
        folder / "opportunities.csv",
        "OpportunityID,AccountID,Name,Stage,Amount,Currency,CloseDate,Product,OwnerID,Created",
        _opportunities(found, accounts, today),
    )
    _write(folder / "rates.csv", "currency,valid_from,rate", _rates(dice, today))
    job = Template(resources.files("connector.demo").joinpath("job.toml").read_text("utf-8"))
    text = job.substitute(as_of=today, seed=seed, fallback=DIRECTOR)
    (folder / JOB).write_text(text, encoding="utf-8")
    mark = {"seed": seed, "accounts": count, "as_of": today.isoformat()}
    (folder / _MARK).write_text(json.dumps(mark), encoding="utf-8")


def _write(path: Path, header: str, rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows(rows)


def _users(team: Sequence[Person]) -> Iterator[Sequence[object]]:
    for person in team:
        email = f"{person.name.lower().replace(' ', '.')}@example.com"
        yield person.id, person.name, email, person.manager, "yes" if person.active else "no"


def _accounts(accounts: Sequence[Account]) -> Iterator[Sequence[object]]:
    for one in accounts:
        yield (
            *(one.id, one.name, one.parent, one.kind, one.industry),
            *(one.region, one.employees, one.owner, one.created),
        )


def _opportunities(
    found: Sequence[Deal], accounts: Sequence[Account], today: date
) -> Iterator[Sequence[object]]:
    number = 0
    for number, one in enumerate(found, start=1):
        sign, cents = "-" if one.amount < 0 else "", abs(one.amount)
        amount = f"{sign}{cents // 100}.{cents % 100:02}"
        yield (
            *(f"O{number:06}", one.account, one.name, one.stage, amount),
            *(one.currency, one.close, one.product, one.owner, one.created),
        )
    customer = next(one for one in accounts if one.buys)
    day = today - timedelta(days=30)
    for amount, currency, close in (
        ("ca. 4,500", "USD", f"{day}"),
        ("2150.00", "USD", f"{day.year}-02-30"),
        ("3980.00", "CHF", f"{day}"),
    ):
        number += 1
        yield (
            *(f"O{number:06}", customer.id, "Typed in by hand", "Closed Won", amount),
            *(currency, close, "Spare Parts", customer.owner, day),
        )


def _rates(dice: Dice, today: date) -> Iterator[Sequence[object]]:
    for currency, usual in RATES.items():
        for year in range(today.year - 4, today.year + 1):
            for month in (1, 4, 7, 10):
                rate = int(usual * dice.between(0.96, 1.04) * 10_000)
                yield currency, date(year, month, 1), f"{rate // 10_000}.{rate % 10_000:04}"
