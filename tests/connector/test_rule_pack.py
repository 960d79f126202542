"""A goal of somebody else's: loaded like any plugin, asked like the built-in six."""

from __future__ import annotations

from datetime import date
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

from connector.errors import ConfigError
from connector.model import Stream
from connector.plugins import Plugins
from tests.connector.sync_world import World, crm, deal
from tests.rules.six_goals.company import Company

THIRD_PARTY = Path(__file__).parents[1] / "third_party"
JUBILEE = EntryPoint("jubilee", "acme_jubilee", "connector")
JOB = """\
name = "fake"
[source]
adapter = "fake"
[rules]
goals = ["jubilee"]
[rules.settings.holdout]
percent = 0
[rules.settings.jubilee]
years = 3
"""


@pytest.fixture(autouse=True)
def pack(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the pack, found as if its distribution were installed."""
    monkeypatch.syspath_prepend(THIRD_PARTY)
    return import_module("acme_jubilee")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a job with the seventh goal, and a customer who came three years ago this month."""
    made = World(tmp_path, crm(), JOB)
    made.crm.put(Stream.OPPORTUNITIES, [deal("D0", "A4", "100", "2023-06-12")])
    made.entries = (JUBILEE,)
    return made


def test_the_goal_is_found_by_its_entry_point() -> None:
    plugins = Plugins([JUBILEE])
    assert list(plugins.goals) == ["jubilee"]
    assert plugins.found[0].goals == ("jubilee",)


@pytest.mark.parametrize(
    ("as_of", "asked"),
    [
        pytest.param(date(2025, 6, 30), True, id="five years"),
        pytest.param(date(2025, 7, 31), False, id="another month"),
        pytest.param(date(2024, 6, 30), False, id="four years"),
    ],
)
def test_it_proposes_on_facts(pack: ModuleType, as_of: date, asked: bool) -> None:
    days = [date(2020, 6, 5), as_of.replace(month=1)]
    sales = [
        {"id": str(day), "account_id": "A", "close_date": day, "amount": 10_000} for day in days
    ]
    facts = Company(as_of, accounts=[{"id": "A", "name": "Acme"}], sales=sales)
    titles = [action.title for action in pack.propose(facts, pack.Settings()).actions]
    assert titles == (["Congratulate Acme on 5 years with us"] if asked else [])


@pytest.mark.long
def test_its_tasks_reach_the_target_once(world: World) -> None:
    assert world.run().tasks["applied"] == 1
    (task,) = world.crm.tasks
    assert (task.account, task.marker) == ("A4", "jubilee:A4:2026-06-30")
    assert world.run().tasks["applied"] == 0


def test_its_settings_are_checked_with_the_job(world: World) -> None:
    world.path.write_text(JOB.replace("years = 3", "yaers = 3"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"rules\.settings\.jubilee\.yaers: .*'years'"):
        world.sync()


def test_a_job_without_the_pack_says_what_is_missing(world: World) -> None:
    world.entries = ()
    with pytest.raises(ConfigError, match="no goal 'jubilee' is installed"):
        world.sync()
