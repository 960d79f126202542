"""`connector what-if`: the same records under other rules, and only the differences."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from connector.config import load_job
from connector.config.changes import Change, read_changes
from connector.errors import ConfigError
from connector.store import Store
from connector.store.tables import TaskRow, TrialRow
from connector.what_if import open_tasks
from tests.connector import watching
from tests.connector.cli_jobs import JOB, run, run_json, words, write_job

STRICT = "rules.settings.pyramid.min_top=0"
"""Of eight customers 1 % is nobody: the one in Top falls to Medium."""

OWN = JOB.replace('goals = ["retention", "up_sell"]', watching.GOALS)


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a job that has run once, with the goal `watch`; its source is gone."""
    folder = tmp_path_factory.mktemp("what_if")
    path = write_job(folder, OWN)
    with pytest.MonkeyPatch.context() as patch:
        watching.install(patch)
        assert run("sync", path).exit_code == 0
    shutil.rmtree(folder / "data")
    return path


@pytest.fixture
def job(synced: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the job, for commands that find the goal."""
    watching.install(monkeypatch)
    return synced


@pytest.fixture(scope="module")
def strict(synced: Path) -> Any:
    """Return what the strict rule would change."""
    with pytest.MonkeyPatch.context() as patch:
        watching.install(patch)
        return tried(synced, STRICT)


def tried(job: Path, *changes: str, options: tuple[str, ...] = ()) -> Any:
    given = [part for change in changes for part in ("--set", change)]
    return run_json("what-if", job, *given, *options)


def customers(found: Any, side: str) -> dict[str, int]:
    return {one["layer"]: one[side]["customers"] for one in found["layers"]}


class TestChanges:
    @pytest.mark.parametrize(
        ("text", "path", "value"),
        [
            ("rules.a=1", ("rules", "a"), 1),
            ("rules.a = 0.5 ", ("rules", "a"), 0.5),
            ("rules.a.b=true", ("rules", "a", "b"), True),
            ("rules.a=peers", ("rules", "a"), "peers"),
            ("rules.a='peers'", ("rules", "a"), "peers"),
            ("rules.a=", ("rules", "a"), ""),
            ("rules.a=x=y", ("rules", "a"), "x=y"),
            ("rules.a=[100, 10000]", ("rules", "a"), [100, 10000]),
            ("rules.a=2025-01-31", ("rules", "a"), date(2025, 1, 31)),
            ('rules.a."15"=0.2', ("rules", "a", "15"), 0.2),
            ("rules.a=1\nb = 2", ("rules", "a"), "1\nb = 2"),
        ],
    )
    def test_a_value_is_toml_or_else_text(
        self, text: str, path: tuple[str, ...], value: object
    ) -> None:
        assert read_changes([text]) == (Change(text.partition("=")[0].strip(), path, value),)

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            (["rules.a"], "--set 'rules.a': expected KEY=VALUE"),
            (["=1"], "--set '=1': expected KEY=VALUE"),
            (["a b=1"], "--set 'a b=1': expected KEY=VALUE"),
            (["source.adapter=sql"], "--set 'source.adapter': only the rules can be tried"),
            (["rules=1"], "--set 'rules': only the rules can be tried"),
            (["rules.as_of=2025-01-01"], "give it with --as-of"),
            (["rules.a=1", "rules.a=2"], "--set 'rules.a': given twice"),
        ],
    )
    def test_what_is_no_change_of_a_rule_is_an_error(self, given: list[str], said: str) -> None:
        with pytest.raises(ConfigError) as raised:
            read_changes(given)

        assert said in str(raised.value)

    def test_a_change_is_as_if_it_stood_in_the_file(self, tmp_path: Path) -> None:
        path = write_job(tmp_path)
        written = path.with_name("written.toml")
        written.write_text(f"{JOB}period.months = 3\nsettings.pyramid.min_top = 0\n")

        job = load_job(path, read_changes(["rules.period.months=3", STRICT]))

        assert job.model == load_job(written).model
        assert job.path == path

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            pytest.param(
                ["rules.period.months=x"],
                " --set rules.period.months: rules.period.months: expected a whole number",
                id="value",
            ),
            pytest.param(
                ["rules.preiod.months=3"],
                " --set rules.preiod.months: rules.preiod: unknown; did you mean 'period'?",
                id="key",
            ),
            pytest.param(
                ["rules.settings.pyramid.min_top=-1"],
                " --set rules.settings.pyramid.min_top: rules.settings.pyramid: min_top can't be",
                id="rule",
            ),
            pytest.param(
                ["rules.settings.pyramid.min_tpo=0"],
                " --set rules.settings.pyramid.min_tpo: rules.settings.pyramid.min_tpo: unknown;",
                id="setting",
            ),
            pytest.param(
                ["rules.goals.x=1"],
                " --set rules.goals.x: rules.goals: expected a list",
                id="inside-a-list",
            ),
        ],
    )
    def test_what_is_wrong_names_the_change(
        self, changes: list[str], said: str, tmp_path: Path
    ) -> None:
        path = write_job(tmp_path)

        with pytest.raises(ConfigError) as raised:
            load_job(path, read_changes(changes))

        assert str(raised.value).startswith(f"{path}{said}")

    def test_each_line_names_its_own_change(self, tmp_path: Path) -> None:
        changes = read_changes(["rules.period.months=0", "rules.max_actions=0"])

        with pytest.raises(ConfigError) as raised:
            load_job(write_job(tmp_path), changes)

        lines = str(raised.value).splitlines()
        assert ["--set rules.period.months:" in line for line in lines] == [True, False]

    def test_what_is_wrong_in_the_file_is_not_blamed_on_the_change(self, tmp_path: Path) -> None:
        path = write_job(tmp_path, JOB.replace('base = "EUR"', 'base = "EURO"'))

        with pytest.raises(ConfigError) as raised:
            load_job(path, read_changes([STRICT]))

        assert str(raised.value).startswith(f"{path}: currency.base:")


@pytest.mark.long
class TestLayers:
    def test_both_sides_are_told_with_their_boundaries(self, strict: Any) -> None:
        assert customers(strict, "before")["Top"] == 1
        assert customers(strict, "after")["Top"] == 0
        boundaries = {one["layer"]: one["after"]["boundary"] for one in strict["layers"]}
        assert boundaries["Top"] is None
        assert boundaries["Medium"] == "9000.00"

    def test_who_would_move_is_named_and_counted(self, strict: Any) -> None:
        move = {"account": "A1", "name": "Alfa [one]", "revenue": "10000.50"}
        assert strict["moves"] == [{**move, "from": "Top", "to": "Medium"}]
        assert strict["moved"] == 1
        assert strict["steps"] == [{"from": "Top", "to": "Medium", "accounts": 1}]

    def test_the_hash_before_is_that_of_the_run(self, job: Path, strict: Any) -> None:
        assert strict["rules"]["before"] == run_json("runs", job)[0]["config_hash"]
        assert strict["rules"]["after"] != strict["rules"]["before"]

    def test_all_are_counted_though_few_are_shown(self, job: Path) -> None:
        names = '["A", "B", "C", "D"]'

        found = tried(job, f"rules.settings.pyramid.tiers={names}", options=("--limit", "2"))

        assert found["moved"] == 8
        assert [move["account"] for move in found["moves"]] == ["A1", "A2"]
        assert sum(step["accounts"] for step in found["steps"]) == 8
        assert [one["layer"] for one in found["layers"]][3:5] == ["Small", "A"]

    def test_rules_with_groups_leave_nothing_behind_for_rules_without(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        watching.install(monkeypatch)
        accounts = "id,name,parent_id\nA1,Alfa,\nA2,Bravo,A1\nA3,Charlie,\n"
        grouped = '[rules.settings.pyramid]\nroll_up = "ultimate_parent"\n'
        path = write_job(tmp_path, OWN + grouped, accounts=accounts)
        assert run("sync", path).exit_code == 0

        found = tried(path, "rules.settings.pyramid.roll_up=none")

        assert sum(customers(found, "before").values()) == 2
        assert sum(customers(found, "after").values()) == 3

    def test_another_day_can_be_given(self, job: Path, strict: Any) -> None:
        found = tried(job, STRICT, options=("--as-of", "2024-12-31"))

        assert (strict["as_of"], found["as_of"]) == ("2025-12-31", "2024-12-31")
        sizes = customers(found, "before")
        assert (sizes["Inactive"], sizes["Suspect"]) == (1, 6)


@pytest.mark.long
class TestTasks:
    def test_a_task_comes_where_other_rules_ask_for_one(self, job: Path) -> None:
        found = tried(job, "rules.settings.watch.below=3500000")

        assert [(one["goal"], one["account"]) for one in found["come"]] == [("watch", "A6")]
        assert found["goals"] == {"watch": {"before": 4, "after": 5, "come": 1, "go": 0}}

    def test_another_item_is_another_task(self, job: Path) -> None:
        found = tried(job, "rules.settings.watch.item=X")

        assert {one["item"] for one in found["come"]} == {"X"}
        assert {one["item"] for one in found["go"]} == {""}

    def test_a_goal_that_is_left_out_takes_its_tasks_along(self, job: Path) -> None:
        found = tried(job, "rules.goals=[]", options=("--limit", "2"))

        assert found["goals"]["watch"] == {"before": 4, "after": 0, "come": 0, "go": 4}
        assert [one["account"] for one in found["go"]] == ["A7", "A8"]

    def test_without_tasks_in_the_target_none_come_or_go(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        watching.install(monkeypatch)
        target = '[target]\nadapter = "files"\n'
        path = write_job(tmp_path, OWN.replace(target, f"{target}tasks.enabled = false\n"))
        assert run("sync", path).exit_code == 0

        assert tried(path, "rules.settings.watch.below=0")["go"] == []

    def test_a_stage_that_the_job_does_not_name_can_be_tried(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        watching.install(monkeypatch)
        deals = (
            "id,account_id,status,stage,amount,close_date\n"
            "D1,A1,won,,100,2025-03-01\nD2,A1,open,Proposal,100,2026-03-01\n"
        )
        path = write_job(tmp_path, OWN, accounts="id,name\nA1,Alfa\n", deals=deals)
        assert run("sync", path).exit_code == 0
        with Store(f"sqlite:///{tmp_path / 'connector.db'}").session() as session:
            session.delete(session.exec(select(TaskRow)).one())  # an open task would be kept

        found = tried(path, "rules.settings.suppression.proposal_stages=['Proposal']")

        assert [one["account"] for one in found["go"]] == ["A1"]

    def test_a_task_that_somebody_has_done_is_not_open(self, job: Path, tmp_path: Path) -> None:
        shutil.copy(job.parent / "connector.db", tmp_path / "copy.db")
        store = Store(f"sqlite:///{tmp_path / 'copy.db'}")
        with store.session() as session:
            trial = session.exec(select(TrialRow).where(TrialRow.account_id == "A7")).one()
            trial.task_status = "done"
            session.add(trial)

        found = open_tasks(store, store.job_id("small"))

        assert sorted(task.account for task in found) == ["A10", "A8", "A9"]


@pytest.mark.long
class TestCommand:
    def test_nothing_is_written(self, job: Path) -> None:
        before = content(job)

        tried(job, STRICT)

        assert content(job) == before

    def test_the_text_fits_eighty_columns_and_says_what_it_leaves_out(self, job: Path) -> None:
        changes = ("--set", STRICT, "--set", "rules.goals=[]", "--limit", "2")

        result = run("what-if", job, *changes)

        assert max(map(len, result.stdout.splitlines())) <= 80
        said = words(result.stdout)
        assert "nothing was written" in said
        assert "1 account in another layer" in said
        assert "A1 Alfa [one] Top Medium 10,000.50" in said
        assert "4 tasks would go" in said
        assert "... and 2 more (--limit 2; 0 shows all)" in said

    def test_rules_as_they_are_are_said_to_be(self, job: Path) -> None:
        result = run("what-if", job, "--set", "rules.period.months=12")

        assert "nothing would change" in result.stdout

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ("target.adapter=x", "only the rules can be tried"),
            ("rules.settings.watch.below=x", "--set rules.settings.watch.below: rules.settings"),
            ("rules.settings.watch.below=-1", "below can't be negative: -1"),
            ("rules.goals=['nope']", "--set rules.goals: rules.goals: no goal 'nope' is installed"),
        ],
    )
    def test_a_change_that_cannot_be_is_an_error(self, change: str, said: str, job: Path) -> None:
        result = run("what-if", job, "--set", change)

        assert result.exit_code == 2
        assert said in result.stderr

    def test_a_change_must_be_given(self, job: Path) -> None:
        assert run("what-if", job).exit_code == 2

    def test_a_job_that_never_ran_is_to_be_run_first(self, tmp_path: Path) -> None:
        result = run("what-if", write_job(tmp_path), "--set", STRICT)

        assert result.exit_code == 2
        assert "run 'connector sync small.toml' first" in result.stderr

    def test_a_store_without_accounts_is_said(self, tmp_path: Path) -> None:
        path = write_job(tmp_path)
        Store(f"sqlite:///{tmp_path / 'connector.db'}").job_id("small")

        result = run("what-if", path, "--set", STRICT)

        assert result.exit_code == 2
        assert "holds no account of this job" in result.stderr


def content(job: Path) -> dict[str, list[dict[str, object]]]:
    """Return all that the store holds of a job."""
    tables = ("run", "account", "standing", "tier_span", "action", "task", "ledger", "trial")
    with Store(f"sqlite:///{job.parent / 'connector.db'}").bulk() as bulk:
        return {name: bulk.fetch(f"select * from {name}").to_pylist() for name in tables}
