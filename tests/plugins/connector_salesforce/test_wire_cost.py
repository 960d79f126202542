"""What whole runs cost in calls of the API, counted where they arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.config import load_job
from connector.plugins import Plugins
from connector.provision import provision
from connector.runs import Report
from connector.sync import Sync
from sandbox_salesforce.sandbox import SalesforceSandbox

ACCOUNTS = 10_000
DEALS = 5
"""For each account."""


class Day:
    """The time in the org."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def later(self, **passed: float) -> None:
        self.now += timedelta(**passed)


@pytest.fixture(scope="module")
def day() -> Day:
    return Day()


@pytest.fixture(scope="module")
def sandbox(day: Day) -> Iterator[SalesforceSandbox]:
    with SalesforceSandbox(clock=day) as served:
        served.make_up(ACCOUNTS, DEALS)
        yield served


@pytest.mark.long
def test_runs_stay_within_their_calls(
    sandbox: SalesforceSandbox,
    day: Day,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    job = Path(sandbox.write_keys(tmp_path)["job"])
    provision(Sync(load_job(job), Plugins()), apply=True)

    first, calls = run(sandbox, job)
    assert first.accounts["applied"] == ACCOUNTS
    assert first.tasks["applied"] > 0
    assert len(calls) <= 40

    day.later(hours=1)
    run(sandbox, job)  # our own writes come back as changes
    quiet = []
    for passed in ({"hours": 1}, {"hours": 25}):  # once a day more is asked for
        day.later(**passed)
        last, calls_of_it = run(sandbox, job)
        assert (last.accounts["unchanged"], last.tasks["planned"]) == (ACCOUNTS, 0)
        assert {c for c in calls_of_it if not c.startswith("GET ")} == {"POST composite"}
        quiet.append(len(calls_of_it))
    assert max(quiet) <= 12
    record_property(
        "figure",
        f"Salesforce, {ACCOUNTS:,} accounts, {DEALS * ACCOUNTS:,} opportunities: {len(calls)} calls"
        f" for the first run, {quiet[0]} for one without a change, {quiet[1]} for that of a new"
        " day",
    )

    touched = str(sandbox.records("Account")[ACCOUNTS // 2]["Id"])
    held = sandbox.record("Account", touched)["Pyramid_Rank__c"]
    # Not even a stamp tells of it.
    sandbox.sql('UPDATE "Account" SET "Pyramid_Rank__c" = 1234567 WHERE "Id" = ?', [touched])
    mended, _ = run(sandbox, job)
    assert mended.accounts["applied"] == 1
    assert sandbox.record("Account", touched)["Pyramid_Rank__c"] == held


def run(sandbox: SalesforceSandbox, job: Path) -> tuple[Report, list[str]]:
    """Return the report of a run, and method and path of the calls that counted."""
    sandbox.requests.clear()
    report = Sync(load_job(job), Plugins()).run()
    counted = [one for one in sandbox.requests if one.counted]
    return report, [f"{one.method} {one.path.split('.0/', 1)[-1]}" for one in counted]
