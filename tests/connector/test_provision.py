"""Which fields a job asks the target for, and how they are made by the command."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from connector import audit
from connector.config import load_job
from connector.contract import Adapter, FieldSpec, ProvisionStep, Writer
from connector.errors import BusyError, ConfigError
from connector.language import words_of
from connector.lease import lease
from connector.model import LOCK_FIELD, OUTPUTS
from connector.plugins import Plugins
from connector.provision import provision
from connector.specs import field_specs, label_of
from connector.sync import Sync
from connector.testing import FakeCRM, FakeSettings
from six_goals.words import Words
from tests.connector.cli_jobs import run, run_json, words
from tests.connector.sync_world import JOB, World, plugins_with

SQL_JOB = """\
name = "shop"
[source]
adapter = "sql"
[source.settings]
url = "sqlite:///crm.db"
accounts = "accounts"
opportunities = "deals"
[target.fields]
tier = "pyramid_tier"
revenue_period = "pyramid_revenue"
"""


def specs(folder: Path, fields: str, rules: str = "") -> dict[str, FieldSpec]:
    """Return the specs by our results of a job with *fields* and *rules*."""
    path = folder / "job.toml"
    path.write_text(f'[source]\nadapter = "fake"\n[target.fields]\n{fields}\n{rules}')
    return {spec.result: spec for spec in field_specs(load_job(path), Words())}


def test_a_field_is_described_under_the_name_that_the_job_gives_it(tmp_path: Path) -> None:
    asked = 'revenue_period = "Rev__c"\nshare = "Share__c"\ncurrency = "Cur__c"\ntier_locked = "L"'

    found = specs(tmp_path, asked)

    assert list(found) == ["revenue_period", "share", "currency", "tier_locked"]
    revenue, share, currency, lock = found.values()
    assert (revenue.name, revenue.kind, revenue.scale) == ("Rev__c", "money", 2)
    assert (share.kind, share.scale) == ("decimal", 6)
    assert (currency.kind, currency.length) == ("text", 3)
    assert (lock.kind, lock.label) == ("flag", "Customer tier locked")


def test_the_choices_are_those_of_the_job(tmp_path: Path) -> None:
    shape = 'tiers = ["Gold", "Silver"]\ncuts = [2000, 10000]\n'

    found = specs(
        tmp_path,
        'tier = "t"\nlayer = "l"\nmovement = "m"\nrank = "r"',
        f"[rules.settings.pyramid]\n{shape}",
    )

    assert {spec.kind for spec in found.values()} == {"choice", "integer"}
    assert found["tier"].choices == ("Gold", "Silver")
    assert found["layer"].choices[:3] == ("Gold", "Silver", "Inactive")
    assert "still_inactive" in found["movement"].choices


def test_every_result_has_a_label_that_fits_a_form() -> None:
    for language in ("en", "zh-Hans"):
        said = words_of(language)
        labels = [label_of(name, said) for name in (*OUTPUTS, LOCK_FIELD)]
        assert len(set(labels)) == len(labels)
        assert max(map(len, labels)) <= 40


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a CRM without two of the fields of its job."""
    return World(tmp_path, FakeCRM(lacks=("tier", "rank")), JOB)


def states(steps: Sequence[ProvisionStep]) -> list[str]:
    return [step.state for step in steps]


def test_a_plan_is_only_looked_at_and_leaves_no_entry(world: World) -> None:
    sync = world.sync()

    assert states(provision(sync, apply=False)) == ["to do", "to do", "present", "present"]
    assert world.crm.lacks == {"tier", "rank"}
    assert audit.entries(sync.store, sync.job.name, None)[1:] == []


def test_what_is_made_stands_in_the_trail_once(world: World) -> None:
    for _ in range(2):
        steps = provision(world.sync(), apply=True)

    assert states(steps) == ["present"] * 4
    entries = audit.entries(world.store, "fake", None)[1:]
    assert [entry.verb for entry in entries] == ["provision", "end"]
    assert json.loads(entries[1].details) == {"of": "provision", "done": 2, "present": 2}
    audit.verify(world.store)


def test_nothing_is_made_while_a_run_is_under_way(world: World) -> None:
    sync = world.sync()
    with lease(sync.store, sync.job.name, sync.job_id), pytest.raises(BusyError):
        provision(world.sync(), apply=True)
    assert world.crm.lacks == {"tier", "rank"}


def test_an_adapter_that_makes_no_fields_says_who_does(world: World) -> None:
    without: Adapter[FakeSettings] = replace(world.crm.adapter(), provisioner=None)
    sync = Sync(load_job(world.path), plugins_with(without))

    with pytest.raises(ConfigError, match=r"fake\.toml: target\.adapter: 'fake' makes no fields"):
        provision(sync, apply=False)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return a job on a database without its columns."""
    with closing(sqlite3.connect(tmp_path / "crm.db")) as database:
        database.execute("create table accounts (id text primary key, name text)")
        database.execute("create table deals (id text primary key)")
    path = tmp_path / "shop.toml"
    path.write_text(SQL_JOB, encoding="utf-8")
    return path


def columns(shop: Path) -> list[str]:
    with closing(sqlite3.connect(shop.parent / "crm.db")) as database:
        return [row[1] for row in database.execute("pragma table_info(accounts)")]


def test_the_command_shows_and_then_makes(shop: Path) -> None:
    shown = run("provision", shop)
    assert shown.exit_code == 0, shown.output
    assert "column 'pyramid_tier' of table 'accounts' to do" in words(shown.stdout)
    assert "3 things to make: connector provision" in words(shown.stdout)
    assert columns(shop) == ["id", "name"]

    made = run("provision", shop, "--apply")
    assert made.exit_code == 0, made.output
    assert "Made 3 things; the target has all that the job needs." in words(made.stdout)
    assert columns(shop) == ["id", "name", "pyramid_tier", "pyramid_revenue"]

    again = run_json("provision", shop, "--apply")
    assert {step["state"] for step in again["steps"]} == {"present"}


def test_what_is_left_to_a_person_is_told_and_ends_as_partial(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from connector.cli import provisioning

    def plugins() -> Plugins:
        return plugins_with(world.crm.adapter())

    monkeypatch.setattr(provisioning, "Plugins", plugins)
    world.crm.refuse_provisioning()

    left = run("provision", world.path, "--apply")

    assert left.exit_code == 5
    assert "Setup > Accounts > Fields > New: 'tier'" in words(left.stdout)
    assert "2 things left to do by hand, as said above." in words(left.stdout)
    assert run("provision", world.path).exit_code == 0


def test_a_writer_that_knows_its_lists_is_asked_for_the_values_of_the_job(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, FakeCRM(), JOB)
    whole = world.crm.adapter()

    def check_choices(fields: Sequence[FieldSpec]) -> None:
        lists = {field.name: field.choices for field in fields if field.choices}
        raise ConfigError(f"fake: {lists}")

    def choosy(settings: FakeSettings) -> Writer:
        assert whole.writer is not None
        writer = whole.writer(settings)
        writer.check_choices = check_choices  # type: ignore[attr-defined] # as a subclass had it
        return writer

    sync = Sync(load_job(world.path), plugins_with(replace(whole, writer=choosy)))

    with pytest.raises(ConfigError, match=r"fake: {'tier': \('Top', 'Big', 'Medium', 'Small'\)}"):
        sync.check()
