"""The command `actions`: what the last run wanted, what it left out and why, what came of it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.cli.actions import actions
from connector.config import load_job
from connector.errors import ConfigError
from connector.store import Store
from connector.store.tables import AccountRow, ActionRow, RunRow, TrialRow
from tests.connector.cli_jobs import words, write_job

DAY = date(2025, 12, 31)
MONDAY = datetime(2026, 1, 1, 6, tzinfo=UTC)


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """Return a job whose last run wanted nothing yet."""
    path = write_job(tmp_path)
    store, job_id = opened(path)
    with store.session() as session:
        session.add(
            RunRow(
                id="run-1",
                job_id=job_id,
                state="done",
                stage="end",
                as_of=DAY,
                started_at=MONDAY,
                finished_at=MONDAY,
                config_hash="abc",
                summary={"currency": "EUR"},
            )
        )
        session.add(account(job_id, "A1", "Alfa"))
    return path


def account(job_id: int, id: str, name: str) -> AccountRow:
    nothing: dict[str, Any] = dict.fromkeys(AccountRow.model_fields)
    return AccountRow(**nothing | {"job_id": job_id, "id": id, "name": name, "deleted": False})


def opened(path: Path) -> tuple[Store, int]:
    job = load_job(path)
    store = Store(job.store_url)
    return store, store.job_id(job.name)


def want(path: Path, *rows: dict[str, Any]) -> None:
    """Keep actions of the last run; what is not given is that of a new task to retain A1."""
    store, job_id = opened(path)
    with store.session() as session:
        for row in rows:
            given = {
                "goal": "retention",
                "account_id": "A1",
                "marker": "retention:A1:2025-12-31",
                "decision": "create",
                "cause": None,
                "owner": "ann",
                "priority": "High",
                "due": date(2026, 1, 5),
                "expected_value": 43_000_000,
                "subject": "Call Alfa, expected order is 12 days late",
                "reason": "Alfa is 12 days late.",
                "evidence": '{"overdue": "2.5"}',
                "expires_on": date(2026, 3, 31),
                "config_hash": "abc",
                "run_id": "run-1",
            }
            session.add(ActionRow(job_id=job_id, **(given | row)))


def left_out(account: str, cause: str, **more: Any) -> dict[str, Any]:
    return {"account_id": account, "decision": "suppress", "cause": cause, "marker": None, **more}


def ask(path: Path, *, as_json: bool = False, **options: Any) -> None:
    given = {"goal": None, "account": None, "cause": None, "limit": 10} | options
    actions(path, **given, as_json=as_json)


def shown(capsys: pytest.CaptureFixture[str], path: Path, **options: Any) -> str:
    ask(path, **options)
    return capsys.readouterr().out


def listed(capsys: pytest.CaptureFixture[str], path: Path, **options: Any) -> dict[str, Any]:
    ask(path, as_json=True, **options)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_tasks_come_first_and_what_was_left_out_has_its_cause(
    job: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    want(
        job,
        left_out("A2", "cooldown"),
        {"account_id": "A3", "decision": "update", "cause": "open_task"},
        {"account_id": "A4", "decision": "queue", "cause": "rep_cap"},
        {},
    )

    found = listed(capsys, job)

    assert list(found["counts"]) == ["create", "open_task", "rep_cap", "cooldown"]
    assert [row["account_id"] for row in found["actions"]] == ["A1", "A3", "A4", "A2"]
    text = shown(capsys, job)
    assert "small as of 2025-12-31: 4 actions" in text
    assert "1 left out: a task like it was closed lately" in text


def test_everything_fits_eighty_columns(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    want(job, {"account_id": "001Dn00000ABCDEFGHI", "expected_value": 12_345_678_900_000})
    tried(job, treated=(200, 40), held_out=(50, 5))

    lines = shown(capsys, job).splitlines()

    assert max(map(len, lines)) <= 80
    assert any("1,234,567,890  2026-01-05" in line for line in lines)


def test_work_comes_by_priority_and_then_by_value(
    job: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    want(
        job,
        {"account_id": "low", "priority": "Low", "expected_value": 9},
        {"account_id": "less", "priority": "High", "expected_value": 1},
        {"account_id": "more", "priority": "High", "expected_value": 2},
        {"account_id": "normal", "priority": "Normal", "expected_value": 0},
    )

    found = [row["account_id"] for row in listed(capsys, job)["actions"]]

    assert found == ["more", "less", "normal", "low"]


def test_an_action_is_given_whole_as_json(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    want(job, {"item": "GTK 500"})

    (row,) = listed(capsys, job)["actions"]

    assert (row["goal"], row["item"], row["expected_value"]) == ("retention", "GTK 500", "4300.00")
    assert (row["due"], row["evidence"]) == ("2026-01-05", {"overdue": "2.5"})


@pytest.mark.parametrize(
    ("option", "value", "accounts"),
    [
        ("goal", "up_sell", ["A2"]),
        ("account", "alfa", ["A1"]),
        ("cause", "create", ["A1", "A2"]),
        ("cause", "blocked", ["A3"]),
        ("cause", "covered", []),
    ],
)
def test_actions_can_be_chosen(
    job: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, accounts: list[str]
) -> None:
    want(job, {}, {"account_id": "A2", "goal": "up_sell"}, left_out("A3", "blocked"))

    found = listed(capsys, job, **{option: value})

    assert [row["account_id"] for row in found["actions"]] == accounts


@pytest.mark.parametrize("option", ["goal", "cause", "account"])
def test_what_does_not_exist_is_named_with_what_does(job: Path, option: str) -> None:
    options: dict[str, Any] = {option: "huge"}

    with pytest.raises(ConfigError, match="'huge'"):
        ask(job, **options)


def test_the_rest_is_counted(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    want(job, *({"account_id": f"A{number}"} for number in range(5)))

    assert "... and 3 more (--limit 2; 0 shows all)" in shown(capsys, job, limit=2)
    assert "more" not in shown(capsys, job, limit=0)


def test_a_job_that_wants_nothing_says_so(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, job) == "small as of 2025-12-31: 0 actions\n"


# --- what came of it


def tried(path: Path, *, treated: tuple[int, int], held_out: tuple[int, int]) -> None:
    """Keep trials that are over: of so many accounts so many successes, of 100.00 each."""
    store, job_id = opened(path)
    with store.session() as session:
        for arm, (accounts, successes) in (("treated", treated), ("holdout", held_out)):
            session.add_all(
                TrialRow(
                    job_id=job_id,
                    goal="retention",
                    account_id=f"{arm}{number}",
                    started_on=DAY - timedelta(days=200),
                    arm=arm,
                    marker=f"retention:{number}" if arm == "treated" else None,
                    ends_on=DAY - timedelta(days=20),
                    task_status="done" if arm == "treated" else None,
                    succeeded_on=DAY - timedelta(days=90) if number < successes else None,
                    value=1_000_000 if number < successes else None,
                    run_id="run-0",
                )
                for number in range(accounts)
            )


def test_success_is_told_with_what_is_due_to_the_tasks(
    job: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tried(job, treated=(200, 40), held_out=(50, 5))

    text = words(shown(capsys, job))

    assert "tasks: 200 done" in text
    assert "succeeded: 40 of 200 (20.0%) with a task, 5 of 50 (10.0%) held out" in text
    assert "due to the tasks: +10.0% (95% sure: +0.0% to +20.0%) of the accounts" in text
    assert "margin an account: +10.00 (95% sure: -0.07 to +20.07) EUR" in text
    found = listed(capsys, job)["outcomes"]["retention"]
    assert found["uplift"]["difference"] == "0.100000"
    assert found["held_out"]["ended"] == {"successes": 5, "accounts": 50}


def test_too_few_accounts_are_not_enough_data(
    job: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tried(job, treated=(200, 40), held_out=(29, 5))

    text = words(shown(capsys, job))

    assert "not enough data: 200 with a task and 29 held out have had their time" in text
    assert "so far 40 of 200 (20.0%) with a task, 5 of 29 (17.2%) held out" in text
    assert listed(capsys, job)["outcomes"]["retention"]["uplift"] is None


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, True),
        ({"goal": "retention"}, True),
        ({"goal": "up_sell"}, False),
        ({"account": "A1"}, False),
        ({"cause": "create"}, False),
    ],
)
def test_of_a_choice_of_accounts_no_outcome_is_told(
    job: Path, capsys: pytest.CaptureFixture[str], options: dict[str, str], told: bool
) -> None:
    tried(job, treated=(1, 0), held_out=(1, 0))

    assert bool(listed(capsys, job, **options)["outcomes"]) == told
