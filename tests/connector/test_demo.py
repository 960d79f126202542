"""The demonstration: records that are the same everywhere, and a run worth showing."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from connector import demo
from connector.config import load_job
from connector.demo.deals import RATES, Deal, deals
from connector.demo.dice import Dice
from connector.demo.files import make
from connector.demo.market import DIRECTOR, LEFT, Account, market, people
from connector.errors import ConfigError
from connector.store.tables import RunRow

TODAY = date(2026, 6, 30)


def a_console() -> Console:
    return Console(file=StringIO(), width=100, markup=False, emoji=False, highlight=False)


def said(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True, slots=True)
class World:
    """The made-up records in their usual size."""

    accounts: Sequence[Account]
    deals: Sequence[Deal]

    def revenue(self) -> list[float]:
        """Return what each customer bought for in the last year, the largest first."""
        bought: Counter[str] = Counter()
        for deal in self.deals:
            if deal.stage == "Closed Won" and (TODAY - deal.close).days < 365:
                bought[deal.account] += int(deal.amount * RATES.get(deal.currency, 1))
        return sorted((amount for amount in bought.values() if amount > 0), reverse=True)


@pytest.fixture(scope="module")
def world() -> World:
    dice = Dice(7)
    people(dice)
    accounts = market(dice, 1200, TODAY)
    return World(accounts, deals(dice, accounts, TODAY))


@dataclass(frozen=True, slots=True)
class Shown:
    """A demonstration that has run twice, what it said each time, and what it drew the second."""

    folder: Path
    first: str
    second: str
    first_files: dict[str, bytes]
    drawn: list[tuple[str, str]]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    folder = tmp_path_factory.mktemp("demo")
    first, second = a_console(), a_console()
    drawn: list[tuple[str, str]] = []

    def draw(name: str, run: RunRow) -> None:
        drawn.append((name, run.state))

    with chdir(folder):
        made = Path("made")
        job = demo.run(made, accounts=200, console=first, today=TODAY)
        assert job == made / "demo.toml"
        out = [path for path in (made / "out").iterdir() if path.is_file()]
        kept = {path.name: path.read_bytes() for path in out}
        demo.run(made, accounts=200, console=second, today=date(2026, 7, 15), draw=draw)
    return Shown(folder / made, said(first), said(second), kept, drawn)


def test_the_records_are_the_same_on_every_machine(tmp_path: Path) -> None:
    make(tmp_path / "a", seed=7, accounts=60, today=TODAY)
    digest = hashlib.sha256()
    for name in ("accounts.csv", "opportunities.csv", "users.csv", "rates.csv"):
        digest.update((tmp_path / "a" / name).read_bytes())
    assert digest.hexdigest()[:16] == "fb964d5bea4cfe53"


def test_another_seed_makes_other_records(tmp_path: Path) -> None:
    for seed in (7, 8):
        make(tmp_path / str(seed), seed=seed, accounts=60, today=TODAY)
    names = [{row["Name"] for row in rows(tmp_path / seed / "accounts.csv")} for seed in "78"]
    assert not names[0] & names[1]


def test_few_customers_bring_most_of_the_revenue(world: World) -> None:
    revenue = world.revenue()
    top = sum(revenue[: len(revenue) // 5])
    assert 0.75 < top / sum(revenue) < 0.85
    assert revenue[0] < 0.15 * sum(revenue)


def test_the_market_is_varied(world: World) -> None:
    assert 14_000 < len(world.deals) < 18_000
    assert len({account.industry for account in world.accounts}) >= 8
    assert len({account.region for account in world.accounts}) == 5
    assert len({account.employees for account in world.accounts}) == 4
    assert len({account.name for account in world.accounts}) == 1200
    assert 20 < sum(bool(account.parent) for account in world.accounts) < 100
    assert len({deal.product for deal in world.deals}) == 8
    roles = Counter(account.role for account in world.accounts)
    assert min(roles.values()) >= 10
    currencies = Counter(deal.currency for deal in world.deals)
    assert 0 < currencies["GBP"] + currencies["EUR"] < 0.15 * len(world.deals)
    assert 0 < sum(deal.amount < 0 for deal in world.deals) < 150


def test_no_order_lies_in_the_future_or_on_a_weekend(world: World) -> None:
    ordered = [
        deal for deal in world.deals if deal.stage == "Closed Won" and not deal.name.startswith("C")
    ]
    assert max(deal.close for deal in ordered) <= TODAY
    assert {deal.close.weekday() for deal in ordered} <= {0, 1, 2, 3, 4}


def test_it_shows_the_pyramid_the_tasks_and_the_places(shown: Shown) -> None:
    for words in (
        "200 accounts",
        "3 rows that can't be read",
        "connector quarantine",
        "The 10 most valuable tasks",
        "of revenue",
        "demo.toml",
        "Try next",
    ):
        assert words in shown.first
    assert max(len(line) for line in shown.first.splitlines()) <= 100


def test_a_second_time_uses_the_records_again_and_changes_nothing(shown: Shown) -> None:
    assert "runs it again on the same records" in shown.second
    assert "nothing: the files are the same as at the last run" in shown.second
    assert "nothing: 200 accounts and every task are as they should be" in shown.second
    files = (shown.folder / "out").iterdir()
    assert {path.name: path.read_bytes() for path in files if path.is_file()} == shown.first_files


def test_the_results_are_in_the_copy_and_the_tasks_file(shown: Shown) -> None:
    accounts = rows(shown.folder / "out" / "accounts.csv")
    assert Counter(row["Tier"] for row in accounts)["Top"] == 1
    assert {row["Layer"] for row in accounts} > {"Inactive", "Prospect", "Suspect", "Rest of world"}
    assert "Tier" not in rows(shown.folder / "accounts.csv")[0]
    assert len(rows(shown.folder / "out" / "tasks.csv")) >= 10


def test_the_rep_who_left_gets_no_task(shown: Shown) -> None:
    accounts = rows(shown.folder / "accounts.csv")
    assert any(row["OwnerID"] == LEFT for row in accounts)
    owners = {row["owner"] for row in rows(shown.folder / "out" / "tasks.csv")}
    assert LEFT not in owners
    assert "" not in owners


def test_the_job_file_is_a_good_example(shown: Shown) -> None:
    job = load_job(shown.folder / "demo.toml")
    assert job.model.schedule == "0 6 * * 1-5"
    assert job.model.rules.as_of == TODAY
    assert job.model.target.tasks.fallback_owner == DIRECTOR
    assert job.store_url == f"sqlite:///{shown.folder / 'connector.db'}"


def test_the_pyramid_is_drawn_by_whoever_can(shown: Shown) -> None:
    assert shown.drawn == [("demo", "partial")]  # three rows are set aside, to be seen
    assert "Customers" in shown.first
    assert "Customers" not in shown.second


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    assert make(tmp_path, seed=7, accounts=20, today=TODAY)
    assert (tmp_path / "demo.toml").exists()
    assert not make(tmp_path, seed=7, accounts=20, today=TODAY)


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty, and not a demo"):
        make(tmp_path, seed=7, accounts=20, today=TODAY)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_demo_of_another_size_is_left_alone(tmp_path: Path) -> None:
    make(tmp_path / "a", seed=7, accounts=20, today=TODAY)
    with pytest.raises(ConfigError, match="holds the demo of seed 7 with 20 accounts"):
        make(tmp_path / "a", seed=7, accounts=30, today=TODAY)


def test_a_file_in_the_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="can't be used for the demo"):
        make(tmp_path / "file", seed=7, accounts=20, today=TODAY)


def test_too_few_accounts_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="use 20 or more"):
        make(tmp_path / "a", seed=7, accounts=3, today=TODAY)
    assert list(tmp_path.iterdir()) == []


def test_chance_is_exact_arithmetic() -> None:
    dice = Dice(1)
    assert [dice.whole(1, 6) for _ in range(8)] == [1, 6, 5, 2, 3, 3, 4, 5]
    assert dice.spread(1.8) == 0.3571697713303976
