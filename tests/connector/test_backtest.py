"""`connector backtest`: days that have passed, as they were, and what followed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.backtest import Day, Followed, Outcome, Outcomes, Step, days
from connector.cli.backtested_text import show
from connector.cli.backtesting import Replayed
from connector.config import load_job
from connector.ruleset import ruleset_of
from six_goals.goal import Need
from six_goals.uplift import Group
from tests.acceptance.jobs import maven, northwind
from tests.connector import watching
from tests.connector.cli_jobs import JOB, run, run_json, write_job

pytestmark = pytest.mark.long

ACCOUNTS = "id,name\nC1,One\nC2,Two\nC3,Three\nP1,Later\nP2,Never\nI1,Before\n"
DEALS = """\
id,account_id,status,amount,close_date
D1,C1,won,1000,2025-01-10
D2,C1,won,2000,2025-04-10
D3,C1,won,1000,2025-09-30
D4,C2,won,100,2025-03-31
D5,C2,won,50,2025-07-01
D6,C3,won,100,2025-02-10
D7,C3,won,50,2025-06-30
D8,C3,won,-20,2025-08-10
D9,P1,won,500,2025-04-01
D10,I1,won,200,2024-05-10
D11,C1,won,9999,2025-10-01
D12,C1,lost,9999,2025-04-10
"""
"""Two quarters of which it is known what followed; D11 is of a day that has not come."""

QUARTERS = JOB.replace(
    '[rules]\ngoals = ["retention", "up_sell"]\nas_of = 2025-12-31\n',
    f"[rules]\nas_of = 2025-09-30\n{watching.GOALS}\n"
    "period.months = 3\nsettings.watch.below = 2000000\n",
)
SPAN = ("--from", "2025-03-31", "--to", "2025-09-30")


def synced(folder: Path, job: str = QUARTERS, deals: str = DEALS) -> Path:
    path = write_job(folder, job, accounts=ACCOUNTS, deals=deals)
    with pytest.MonkeyPatch.context() as patch:
        watching.install(patch)
        assert run("sync", path).exit_code == 0
    return path


@pytest.fixture(scope="module")
def quarters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a job that has run once, at the end of its data."""
    return synced(tmp_path_factory.mktemp("quarters"))


@pytest.fixture
def job(quarters: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the job, for commands that find the goal."""
    watching.install(monkeypatch)
    return quarters


@pytest.fixture(scope="module")
def replayed(quarters: Path) -> Any:
    """Return the three quarters replayed."""
    with pytest.MonkeyPatch.context() as patch:
        watching.install(patch)
        return run_json("backtest", quarters, *SPAN)


def sizes(day: Mapping[str, Any]) -> dict[str, int]:
    return {layer["layer"]: layer["customers"] for layer in day["layers"] if layer["customers"]}


def counts(followed: Mapping[str, Any]) -> tuple[str, str]:
    """Return successes and accounts of those flagged and of the others."""
    flagged, others = (followed[part] for part in ("flagged", "others"))
    return tuple(f"{one['successes']}/{one['accounts']}" for one in (flagged, others))  # type: ignore[return-value]  # of two


class TestDays:
    @pytest.mark.parametrize(
        ("first", "step", "expected"),
        [
            ("2017-03-31", "3mo", ["2017-03-31", "2017-06-30", "2017-09-30", "2017-12-31"]),
            ("2017-06-30", "6mo", ["2017-06-30", "2017-12-31"]),
            ("2016-02-29", "1y", ["2016-02-29", "2017-02-28"]),
            ("2017-12-10", "2w", ["2017-12-10", "2017-12-24"]),
            ("2017-12-01", "30d", ["2017-12-01", "2017-12-31"]),
        ],
    )
    def test_days_are_counted_from_the_first(
        self, first: str, step: str, expected: list[str]
    ) -> None:
        found = days(date.fromisoformat(first), date(2017, 12, 31), Step.read(step))

        assert [str(day) for day in found] == expected

    @given(st.dates(date(1990, 1, 1), date(2030, 12, 31)), st.integers(1, 30), st.integers(-1, 40))
    def test_from_the_last_day_of_a_month_it_is_always_a_last_day(
        self, any_day: date, months: int, times: int
    ) -> None:
        last_day = any_day.replace(day=1) - timedelta(days=1)

        assert (Step(months=months).day(last_day, times) + timedelta(days=1)).day == 1

    @pytest.mark.parametrize("text", ["", "3", "mo", "0d", "3m", "-1d", "1.5y", "1000d", "3 mo"])
    def test_what_is_no_step_is_an_error(self, text: str) -> None:
        with pytest.raises(ValueError, match="no step"):
            Step.read(text)


class TestPyramid:
    def test_each_day_is_as_it_was(self, replayed: Any) -> None:
        first, second, third = replayed["days"]

        assert [day["as_of"] for day in replayed["days"]] == [
            "2025-03-31",
            "2025-06-30",
            "2025-09-30",
        ]
        assert (first["active"], first["revenue"]) == (3, "1200.00")
        assert sizes(first) == {"Top": 1, "Small": 2, "Inactive": 1, "Suspect": 2}
        assert (second["active"], second["revenue"]) == (3, "2550.00")
        assert (third["active"], third["revenue"]) == (2, "1050.00")

    def test_customers_move_by_the_limits_of_the_period_before(self, replayed: Any) -> None:
        moves = replayed["days"][1]["migration"]

        assert moves["basis"] == "frozen"
        assert (moves["stable"], moves["lapsed"], moves["new"]) == (2, 1, 1)

    def test_a_day_remembers_the_tiers_of_the_day_before(self, tmp_path: Path) -> None:
        path = synced(
            tmp_path,
            QUARTERS.replace("period.months = 3\n", "period.months = 3\n")
            + "[rules.settings.pyramid]\n"
            'tiers = ["A", "B"]\nmethod = "thresholds"\nthresholds = ["100"]\nhysteresis = "0.1"\n',
            "id,account_id,status,amount,close_date\n"
            "D1,C1,won,120,2025-01-10\nD2,C1,won,95,2025-04-10\nD3,C1,won,95,2025-07-10\n",
        )
        with pytest.MonkeyPatch.context() as patch:
            watching.install(patch)
            from_above = run_json("backtest", path, "--from", "2025-03-31", "--to", "2025-06-30")
            at_once = run_json("backtest", path, "--from", "2025-06-30", "--to", "2025-06-30")

        assert [sizes(day).get("A", 0) for day in from_above["days"]] == [1, 1]
        assert [sizes(day).get("A", 0) for day in at_once["days"]] == [0]


class TestFollowed:
    def test_of_active_customers_some_lapse_and_some_grow(self, replayed: Any) -> None:
        first = replayed["days"][0]["followed"]["watch"]

        assert counts(first["lapsed"]) == ("1/2", "0/1")
        assert counts(first["grew"]) == ("0/2", "1/1")

    def test_a_credit_is_no_order(self, replayed: Any) -> None:
        second = replayed["days"][1]["followed"]["watch"]

        assert counts(second["lapsed"]) == ("1/1", "1/2")

    def test_inactive_customers_come_back_and_others_become_customers(self, replayed: Any) -> None:
        first, second = (day["followed"]["watch"] for day in replayed["days"][:2])

        assert counts(first["first_order"]) == ("1/2", "0/0")
        assert counts(first["came_back"]) == ("0/1", "0/0")
        assert counts(second["came_back"]) == ("1/2", "0/0")

    def test_what_ends_after_the_last_sale_is_not_known_yet(self, replayed: Any) -> None:
        third = replayed["days"][2]

        assert replayed["last_sale"] == "2025-09-30"
        assert third["until"] == "2025-12-31"
        assert third["followed"] is None

    def test_days_are_added_up_by_goal(self, replayed: Any) -> None:
        together = replayed["together"]["watch"]

        assert counts(together["lapsed"]) == ("2/3", "1/3")
        assert counts(together["came_back"]) == ("1/3", "0/0")

    def test_few_accounts_are_not_enough_for_a_difference(self, replayed: Any) -> None:
        assert replayed["together"]["watch"]["lapsed"]["difference"] is None

    def test_many_accounts_tell_a_difference(self) -> None:
        difference = Followed(Group(40, 200), Group(5, 50)).difference

        assert difference is not None
        assert str(difference.difference) == "0.100000"

    def test_the_actions_of_each_goal_are_counted(self, replayed: Any) -> None:
        goals = [day["goals"]["watch"] for day in replayed["days"]]

        assert [goal["proposed"] for goal in goals] == [5, 4, 5]
        assert [goal["accounts"] for goal in goals] == [5, 4, 5]


class TestCommand:
    def test_the_text_fits_eighty_columns(self, job: Path) -> None:
        result = run("backtest", job, *SPAN)

        assert result.exit_code == 0
        assert max(map(len, result.stdout.splitlines())) <= 80
        assert "3 days, 2025-03-31 to 2025-09-30" in result.stdout
        assert "not yet known: the last sale is of 2025-09-30" in result.stdout
        assert "not enough data" in result.stdout

    def test_the_figures_of_a_million_accounts_fit_eighty_columns(
        self, job: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        many = Group(123_456, 987_654)
        outcomes: Outcomes = {"watch": dict.fromkeys(get_args(Outcome), Followed(many, many))}
        layers = [
            {"layer": layer, "customers": 987_654}
            for layer in ("Top", "Big", "Medium", "Small", "Inactive")
        ]
        moves = dict.fromkeys(("upgrade", "downgrade", "stable", "lapsed", "reactivated"), 987_654)
        summary = {
            "currency": "EUR",
            "current": {"active": 987_654, "revenue": "98765432109.00", "layers": layers},
            "migration": {"frozen": {**moves, "new": 987_654, "net_upward_retained": "-0.123456"}},
            "goals": {"watch": {"title": "Watch", "proposed": 987_654}},
        }
        day = date(2025, 3, 31)
        rules = ruleset_of(load_job(job), watching.plugins())
        known = Day(day, date(2025, 6, 30), summary, {"watch": 987_654}, outcomes)

        show(Replayed("small", rules, "3mo", day, [known]))

        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= 80
        assert [line for line in lines if line.startswith("Watch")] == [
            "Watch  lapsed     12.5% of 987,654  12.5% of 987,654  +0.0 (-0.1 to 0.1)"
        ] * 2

    def test_a_goal_without_its_data_says_what_is_missing(
        self, quarters: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        watching.install(monkeypatch, Need(("cases.id",), "There are no cases."))
        span = ("--from", "2025-03-31", "--to", "2025-03-31")

        result = run("backtest", quarters, *span)

        assert "There are no cases." in result.stdout
        assert "nothing was proposed" in result.stdout

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            pytest.param(
                ("--from", "2025-09-30", "--to", "2025-03-31"), "give the earlier", id="reversed"
            ),
            pytest.param((*SPAN, "--every", "3m"), "--every '3m': expected a number", id="step"),
            pytest.param(
                ("--from", "2024-05-09", "--to", "2025-03-31"),
                "--from 2024-05-09: the first sale is of 2024-05-10",
                id="too-early",
            ),
            pytest.param(
                ("--from", "2025-03-31", "--to", "9999-12-31"),
                "--to 9999-12-31 is after 2025-09-30",
                id="ahead",
            ),
            pytest.param(("--from", "2025", "--to", "2025-03-31"), "--from", id="no-day"),
        ],
    )
    def test_days_that_cannot_be_are_an_error(
        self, options: tuple[str, ...], said: str, job: Path
    ) -> None:
        result = run("backtest", job, *options)

        assert result.exit_code == 2
        assert said in result.stderr

    def test_a_period_that_stands_still_cannot_be_replayed(self, tmp_path: Path) -> None:
        fixed = "period.start = 2025-01-01\nperiod.end = 2025-03-31\n"
        path = synced(tmp_path, QUARTERS.replace("period.months = 3\n", fixed))

        with pytest.MonkeyPatch.context() as patch:
            watching.install(patch)
            result = run("backtest", path, *SPAN)

        assert result.exit_code == 2
        assert "rules.period.start: a backtest needs a period that moves" in result.stderr

    def test_without_sales_there_is_nothing_to_replay(self, tmp_path: Path) -> None:
        path = synced(tmp_path, deals="id,account_id,status,amount,close_date\n")

        with pytest.MonkeyPatch.context() as patch:
            watching.install(patch)
            result = run("backtest", path, *SPAN)

        assert result.exit_code == 2
        assert "holds no sale of this job" in result.stderr

    def test_a_job_that_never_ran_is_to_be_run_first(self, tmp_path: Path) -> None:
        result = run("backtest", write_job(tmp_path), *SPAN)

        assert result.exit_code == 2
        assert "run 'connector sync small.toml' first" in result.stderr


@pytest.fixture(scope="module")
def maven_quarters(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return three quarters of Maven replayed."""
    path = maven(tmp_path_factory.mktemp("maven"), "[rules.period]\nmonths = 3")
    assert run("sync", path).exit_code == 0
    return run_json("backtest", path, "--from", "2017-06-30", "--to", "2017-12-31")


class TestPublicData:
    """Against the figures of domain 5.3 and 5.4."""

    def test_the_quarters_of_maven_are_as_expected(self, maven_quarters: Any) -> None:
        third, fourth = maven_quarters["days"][1:]

        assert (third["revenue"], fourth["revenue"]) == ("2982255.00", "2802496.00")
        assert sizes(fourth) == {"Top": 1, "Big": 3, "Medium": 13, "Small": 68}
        moves = fourth["migration"]
        assert (moves["upgrade"], moves["downgrade"], moves["stable"]) == (8, 11, 66)
        assert moves["net_upward_retained"] == "-0.035294"

    def test_every_customer_is_either_flagged_or_not(self, maven_quarters: Any) -> None:
        for day in maven_quarters["days"][:2]:
            for outcomes in day["followed"].values():
                lapsed = outcomes["lapsed"]
                both = lapsed["flagged"]["accounts"] + lapsed["others"]["accounts"]
                assert both == day["active"] == 85

    def test_two_years_of_northwind_are_as_expected(self, tmp_path: Path) -> None:
        path = northwind(tmp_path)
        assert run("sync", path).exit_code == 0

        found = run_json(
            "backtest", path, "--from", "1997-05-06", "--to", "1998-05-06", "--every", "1y"
        )

        before, now = found["days"]
        assert (before["active"], before["revenue"]) == (80, "408907.85")
        assert (now["active"], now["revenue"]) == (88, "856885.44")
        assert sizes(now)["Medium"] == 14
        moves = now["migration"]
        assert (moves["upgrade"], moves["downgrade"], moves["lapsed"], moves["new"]) == (
            20,
            3,
            1,
            9,
        )
        assert moves["net_upward_retained"] == "0.212500"
        lapsed = before["followed"]["retention"]["lapsed"]
        flagged, others = lapsed["flagged"], lapsed["others"]
        assert flagged["accounts"] + others["accounts"] == 80
        assert flagged["successes"] + others["successes"] == moves["lapsed"]
