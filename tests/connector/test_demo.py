"""The demonstration: records that are the same everywhere, and a run worth showing."""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass
from datetime import date, datetime
from io import StringIO
from itertools import permutations
from pathlib import Path

import pytest
from rich.console import Console
from typer.main import get_group

from connector import demo
from connector.cli import app
from connector.config import load_job
from connector.config.models import GOALS
from connector.demo.company import Company, company
from connector.demo.costs import UNIT_COSTS
from connector.demo.deals import RATES, Deal
from connector.demo.dice import Dice
from connector.demo.files import make
from connector.demo.goods import DISCONTINUED
from connector.demo.market import DIRECTOR, LEFT
from connector.errors import ConfigError
from connector.store.tables import RunRow

TODAY = date(2026, 6, 30)
FILES = (
    "accounts.csv",
    "activities.csv",
    "cases.csv",
    "contact_plan.csv",
    "costs.csv",
    "leads.csv",
    "line_items.csv",
    "opportunities.csv",
    "rates.csv",
    "users.csv",
)


def a_console() -> Console:
    return Console(file=StringIO(), width=80, markup=False, emoji=False, highlight=False)


def said(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def world() -> Company:
    """The made-up company in its usual size."""
    return company(Dice(7), 1200, TODAY)


def orders(world: Company) -> list[Deal]:
    return [deal for deal in world.deals if deal.stage == "Closed Won"]


def revenue(world: Company) -> list[float]:
    """Return what each customer bought for in the last year, the largest first."""
    bought: Counter[str] = Counter()
    for deal in orders(world):
        if (TODAY - deal.close).days < 365:
            bought[deal.account] += int(deal.amount * RATES.get(deal.currency, 1))
    return sorted((amount for amount in bought.values() if amount > 0), reverse=True)


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
        job = demo.run(made, accounts=300, console=first, today=TODAY)
        assert job == made / "demo.toml"
        out = [path for path in (made / "out").iterdir() if path.is_file()]
        kept = {path.name: path.read_bytes() for path in out}
        demo.run(made, accounts=300, console=second, today=date(2026, 7, 15), draw=draw)
    return Shown(folder / made, said(first), said(second), kept, drawn)


def test_the_records_are_the_same_on_every_machine(tmp_path: Path) -> None:
    make(tmp_path / "a", seed=7, accounts=60, today=TODAY)
    digest = hashlib.sha256()
    for name in FILES:
        digest.update((tmp_path / "a" / name).read_bytes())
    assert digest.hexdigest()[:16] == "c813678c0b2dd726"


def test_another_seed_makes_other_records(tmp_path: Path) -> None:
    for seed in (7, 8):
        make(tmp_path / str(seed), seed=seed, accounts=60, today=TODAY)
    names = [{row["Name"] for row in rows(tmp_path / seed / "accounts.csv")} for seed in "78"]
    assert not names[0] & names[1]


@pytest.mark.long
def test_few_customers_bring_most_of_the_revenue(world: Company) -> None:
    bought = revenue(world)
    top = sum(bought[: len(bought) // 5])
    assert 0.75 < top / sum(bought) < 0.85
    assert bought[0] < 0.15 * sum(bought)


def test_the_market_is_varied(world: Company) -> None:
    assert 14_000 < len(world.deals) < 18_000
    assert len({account.industry for account in world.accounts}) >= 8
    assert len({account.region for account in world.accounts}) == 5
    assert len({account.employees for account in world.accounts}) == 4
    assert len({account.name for account in world.accounts}) == 1200
    assert 20 < sum(bool(account.parent) for account in world.accounts) < 100
    roles = Counter(account.role for account in world.accounts)
    assert min(roles.values()) >= 10
    currencies = Counter(deal.currency for deal in world.deals)
    assert 0 < currencies["GBP"] + currencies["EUR"] < 0.15 * len(world.deals)
    assert 0 < sum(deal.amount < 0 for deal in world.deals) < 150
    assert 0 < sum(account.blocked for account in world.accounts) < 50
    assert any(account.strategic and account.buys for account in world.accounts)


def test_no_order_lies_in_the_future_or_on_a_weekend(world: Company) -> None:
    ordered = [deal for deal in orders(world) if not deal.name.startswith("Credit note")]
    assert max(deal.close for deal in ordered) <= TODAY
    assert {deal.close.weekday() for deal in ordered} <= {0, 1, 2, 3, 4}


def test_nothing_has_happened_later_than_today(world: Company) -> None:
    assert max(_happened(world)) <= TODAY


def _happened(world: Company) -> Iterator[date]:
    times: list[datetime | None] = [contact.at for contact in world.contacts]
    for case in world.cases:
        times += [case.opened, case.answered, case.closed]
    times += [lead.created for lead in world.leads]
    yield from (time.date() for time in times if time)
    yield from (deal.delivered for deal in world.deals if deal.delivered)
    yield from (lead.closed for lead in world.leads if lead.closed)
    yield from (cost.day for cost in world.costs)


def test_the_lines_of_a_deal_add_up_and_their_cost_is_known(world: Company) -> None:
    sold = orders(world)
    assert all(sum(line.amount for line in deal.lines) == deal.amount for deal in sold)
    lines = [line for deal in sold for line in deal.lines]
    assert all((line.amount > 0) == (line.cost > 0) == (line.quantity > 0) for line in lines)
    margin = 1 - sum(line.cost for line in lines) / sum(line.amount for line in lines)
    assert 0.35 < margin < 0.45
    assert any(line.cost > line.amount > 0 for line in lines)


def test_some_categories_go_together(world: Company) -> None:
    baskets: dict[str, set[str]] = {}
    for deal in orders(world):
        baskets.setdefault(deal.account, set()).update(line.category for line in deal.lines)
    have = Counter(category for basket in baskets.values() for category in basket)
    both = Counter(pair for basket in baskets.values() for pair in permutations(basket, 2))
    strong = [
        pair
        for pair, count in both.items()
        if count / have[pair[0]] >= 0.3
        and count * len(baskets) / (have[pair[0]] * have[pair[1]]) > 1.3
    ]
    assert len(have) == 10
    assert len(strong) >= 5


def test_what_is_discontinued_was_sold_until_a_year_ago(world: Company) -> None:
    sold = [deal for deal in world.deals if any(x.category == DISCONTINUED for x in deal.lines)]
    days = [(TODAY - deal.close).days for deal in sold if deal.amount > 0]
    assert len(days) > 100
    assert min(days) > 365


def test_orders_are_promised_and_a_few_come_late(world: Company) -> None:
    kept = [
        deal.delivered <= deal.promised for deal in world.deals if deal.promised and deal.delivered
    ]
    assert 0.93 < sum(kept) / len(kept) < 0.99
    open_ = [deal for deal in world.deals if deal.promised and not deal.delivered]
    assert any(deal.promised and deal.promised < TODAY for deal in open_)


def test_there_is_praise_and_complaint(world: Company) -> None:
    recent = [case for case in world.cases if (TODAY - case.opened.date()).days < 90]
    assert any(case.closed is None and case.due.date() < TODAY for case in recent)
    assert {case.severity for case in recent} == {"Critical", "Normal", "Low"}
    assert any(case.csat is not None and case.csat <= 2 for case in recent)
    assert any(case.csat == 5 for case in recent)
    assert any(case.nps is not None and case.nps <= 6 for case in recent)
    assert any(case.nps is not None and case.nps >= 9 for case in recent)


def test_it_can_be_learned_from_the_leads_who_buys(world: Company) -> None:
    status = Counter(lead.status for lead in world.leads)
    assert status["Won"] >= 60
    assert status["Won"] + status["Lost"] + status["Unqualified"] >= 300
    assert status["New"] + status["Working"] + status["Qualified"] >= 50
    answered = {one.lead for one in world.contacts if one.lead and one.direction == "Inbound"}
    won, lost = (
        sum(lead.id in answered for lead in world.leads if lead.status == ending) / status[ending]
        for ending in ("Won", "Lost")
    )
    assert won > 2 * lost


def test_it_is_known_why_deals_and_customers_were_lost(world: Company) -> None:
    lost = [deal for deal in world.deals if deal.stage == "Closed Lost"]
    assert all(deal.lost_reason for deal in lost)
    gone = {account.id for account in world.accounts if account.role == "lapsed"}
    last = {deal.account: deal for deal in world.deals if deal.account in gone}
    assert sum(deal.lost_reason != "" for deal in last.values()) > len(gone) / 2


def test_campaigns_cost_money_and_each_tier_has_a_plan(world: Company) -> None:
    kinds = {cost.kind for cost in world.costs}
    assert kinds == {"Marketing", "Sales", "Service", "Overhead"}
    reached = {contact.campaign for contact in world.contacts}
    paid = {cost.campaign for cost in world.costs if cost.kind == "Marketing"}
    assert len(paid - {""} & reached) >= 8
    assert {target.layer for target in world.targets} >= {"Top", "Big", "Medium", "Small"}


@pytest.mark.long
def test_it_shows_the_pyramid_the_tasks_and_the_places(shown: Shown) -> None:
    for words in (
        "300 accounts",
        "3 rows that can't be read",
        "connector quarantine",
        "What to do",
        "What was left out, and why",
        "of revenue",
        "demo.toml",
        "Try next",
    ):
        assert words in shown.first
    assert max(len(line) for line in shown.first.splitlines()) <= 80
    assert len(shown.first.splitlines()) <= 100


@pytest.mark.parametrize(
    "title", ["Cross-sell", "Up-sell", "Retention", "Acquisition", "Win-back", "Experience"]
)
@pytest.mark.long
def test_each_goal_has_a_task_to_show(shown: Shown, title: str) -> None:
    assert re.search(
        rf"^{title}, \d+ tasks? +.+, by \d+ [A-Z][a-z]{{2}}, worth ", shown.first, re.M
    )


@pytest.mark.long
def test_the_commands_it_names_are_there(shown: Shown) -> None:
    named = set(re.findall(r"^ *connector ([\w-]+)", shown.first, re.MULTILINE))
    assert named >= {"actions", "backtest", "explain", "report", "simulate", "what-if"}
    assert named <= set(get_group(app).commands)


@pytest.mark.long
def test_a_second_time_uses_the_records_again_and_changes_nothing(shown: Shown) -> None:
    assert "runs it again on the same records" in shown.second
    assert "nothing: the files are the same as at the last run" in shown.second
    assert "nothing: 300 accounts and every task are as they should be" in shown.second
    files = (shown.folder / "out").iterdir()
    assert {path.name: path.read_bytes() for path in files if path.is_file()} == shown.first_files


@pytest.mark.long
def test_the_results_are_in_the_copy_and_the_tasks_file(shown: Shown) -> None:
    accounts = rows(shown.folder / "out" / "accounts.csv")
    assert Counter(row["Tier"] for row in accounts)["Top"] == 2
    assert {row["Layer"] for row in accounts} > {"Inactive", "Prospect", "Suspect", "Rest of world"}
    assert "Tier" not in rows(shown.folder / "accounts.csv")[0]
    assert len(rows(shown.folder / "out" / "tasks.csv")) >= 10


@pytest.mark.long
def test_the_rep_who_left_gets_no_task(shown: Shown) -> None:
    accounts = rows(shown.folder / "accounts.csv")
    assert any(row["OwnerID"] == LEFT for row in accounts)
    owners = {row["owner"] for row in rows(shown.folder / "out" / "tasks.csv")}
    assert LEFT not in owners
    assert "" not in owners


@pytest.mark.long
def test_the_job_file_is_a_good_example(shown: Shown) -> None:
    job = load_job(shown.folder / "demo.toml")
    assert job.model.schedule == "0 6 * * 1-5"
    assert job.model.rules.goals == GOALS
    costs = job.model.rules.settings.profit.unit_costs
    assert {kind.title(): cost for kind, cost in costs.items()} == UNIT_COSTS
    assert job.model.rules.as_of == TODAY
    assert job.model.target.tasks.fallback_owner == DIRECTOR
    assert job.store_url == f"sqlite:///{shown.folder / 'connector.db'}"


@pytest.mark.long
def test_the_pyramid_is_drawn_by_whoever_can(shown: Shown) -> None:
    assert shown.drawn == [("demo", "partial")]  # three rows are set aside, to be seen
    assert "The customer pyramid" in shown.first
    assert "The customer pyramid" not in shown.second


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
