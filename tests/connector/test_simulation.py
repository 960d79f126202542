"""`connector simulate`, on runs whose summaries are written here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.store import Store
from connector.store.tables import RunRow
from tests.connector.cli_jobs import run, run_json, words, write_job

TIERS = {"Top": 10, "Big": 40, "Medium": 150, "Small": 800}
AVERAGES = ("250000.00", "62500.00", "20000.00", "2500.00")
"""Revenue of 10,000,000, of which the tiers have 25, 25, 30 and 20 %."""

COSTS = [{"revenue": "100.00", "gross": "40.00", "estimated": 3}]
"""A gross margin of 40 %, partly a guess."""


def summary(
    sizes: Mapping[str, int] = TIERS, *, profit: str | None = "500000.00"
) -> dict[str, object]:
    averages = dict(zip(TIERS, AVERAGES, strict=True))
    layers = [
        {"layer": tier, "customers": size, "average_revenue": averages[tier] if size else None}
        for tier, size in sizes.items()
    ]
    outside = {"Inactive": 30, "Prospect": 5, "Suspect": 7}
    layers += [
        {"layer": layer, "customers": size, "average_revenue": None}
        for layer, size in outside.items()
    ]
    revenue = sum(size * Decimal(averages[tier]) for tier, size in sizes.items())
    known = {} if profit is None else {"profit": {"profit": profit, "layers": COSTS}}
    return {"currency": "EUR", "current": {"revenue": str(revenue), "layers": layers}, **known}


def job_with(folder: Path, content: dict[str, object]) -> Path:
    """Return a job whose last run has *content* as its summary."""
    path = write_job(folder)
    store = Store(f"sqlite:///{folder / 'connector.db'}")
    job_id = store.job_id("small")
    with store.session() as session:
        session.add(
            RunRow(
                id="20260101T000000-000000",
                job_id=job_id,
                state="done",
                stage="record",
                as_of=date(2025, 12, 31),
                started_at=datetime(2026, 1, 1, tzinfo=UTC),
                config_hash="0",
                summary=content,
            )
        )
    return path


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a job with the customers of domain 5.6, whose profit is 5 % of revenue."""
    return job_with(tmp_path_factory.mktemp("simulate"), summary())


def simulated(job: Path, *options: str) -> Any:
    return run_json("simulate", job, *options)


@pytest.mark.parametrize(
    ("migration", "movers", "expected"),
    [
        pytest.param(
            "0.02", [1, 4, 15], ["0.02", "620000", "0.0620", "186000", "0.372"], id="2-percent"
        ),
        pytest.param(
            "3%", [2, 6, 22], ["0.03", "1015000", "0.1015", "304500", "0.609"], id="3-percent"
        ),
    ],
)
def test_the_answers_of_the_domain_are_reached(
    job: Path, migration: str, movers: list[int], expected: list[str]
) -> None:
    found = simulated(job, "--migration", migration, "--margin", "0.40", "--selling-rate", "0.10")

    keys = ("net_migration", "extra_revenue", "revenue_growth", "extra_profit", "profit_growth")
    assert [Decimal(found[key]) for key in keys] == [Decimal(value) for value in expected]
    assert [move["customers"] for move in found["moves"]] == movers


def test_three_percent_of_all_customers_move_up_unless_asked_otherwise(job: Path) -> None:
    moves = simulated(job)["moves"]

    assert [(move["from"], move["to"], move["customers"]) for move in moves] == [
        ("Big", "Top", 2),
        ("Medium", "Big", 6),
        ("Small", "Medium", 22),
    ]


def test_the_margin_is_what_the_run_has_found_and_selling_costs_a_tenth(job: Path) -> None:
    found = simulated(job)

    assert (found["margin"], found["selling_rate"]) == ("0.4000", "0.10")


def test_how_much_of_the_profit_is_a_guess_is_said(job: Path) -> None:
    assert simulated(job)["profit_estimated"] == 3
    assert "the cost of goods of 3 customers" in run("simulate", job).stdout


def test_named_moves_take_the_place_of_the_usual_ones(job: Path) -> None:
    found = simulated(job, "--move", "small > MEDIUM=10", "--move", "Small>Medium=12")

    assert found["moves"] == [
        {"from": "Small", "to": "Medium", "customers": 22, "extra_revenue": "385000.00"}
    ]


def test_who_buys_nothing_yet_brings_the_whole_average(job: Path) -> None:
    found = simulated(job, "--move", "Inactive>Small=4", "--move", "Prospect>Medium=1")

    assert [move["extra_revenue"] for move in found["moves"]] == ["10000.00", "20000.00"]
    assert found["net_migration"] == "0.005000"


def test_a_step_down_costs_revenue_and_counts_against_those_up(job: Path) -> None:
    found = simulated(job, "--move", "Top>Big=1", "--move", "Small>Medium=1")

    assert found["extra_revenue"] == "-170000.00"
    assert found["net_migration"] == "0.000000"
    assert "revenue would fall by 170,000.00 EUR" in found["sentence"]


def test_a_programme_may_cost_as_much_as_the_moves_bring(job: Path) -> None:
    found = simulated(job, "--programme-cost", "304500")

    assert (found["extra_profit"], found["break_even"]) == ("0.00", "304500.00")


def test_without_a_known_profit_its_growth_is_unknown(tmp_path: Path) -> None:
    job = job_with(tmp_path, summary(profit=None))

    found = simulated(job)

    assert (found["profit"], found["profit_growth"]) == (None, None)
    assert found["margin"] == "0.30"
    assert "unknown to the last run" in run("simulate", job).stdout


def test_of_a_loss_no_growth_is_told(tmp_path: Path) -> None:
    job = job_with(tmp_path, summary(profit="-100.00"))

    assert simulated(job)["profit_growth"] is None
    assert "-100.00 now" in run("simulate", job).stdout


def test_the_text_ends_with_one_plain_sentence(job: Path) -> None:
    result = run("simulate", job)

    assert words(result.stdout).endswith(
        "If 30 customers moved like this, revenue would grow by 1,015,000.00 EUR (+10.2%)"
        " and profit would grow by 304,500.00 EUR (+60.9%). "
    )
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_a_rate_of_less_than_a_customer_moves_nobody(job: Path) -> None:
    result = run("simulate", job, "--migration", "0.0001")

    assert result.exit_code == 0
    assert "nobody moves" in result.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(
            ["--move", "Smal>Medium=2"],
            "--move 'Smal>Medium=2': no layer 'Smal'; did you mean 'Small'?",
            id="misspelt",
        ),
        pytest.param(
            ["--move", "X>Medium=2"], "there are Top, Big, Medium, Small, Inactive", id="unknown"
        ),
        pytest.param(
            ["--move", "Small>Medium"], "expected FROM>TO=CUSTOMERS, such as", id="no-number"
        ),
        pytest.param(["--move", "Small>Medium=-1"], "expected FROM>TO=CUSTOMERS", id="negative"),
        pytest.param(["--move", "Small>Medium=0"], "expected FROM>TO=CUSTOMERS", id="nobody"),
        pytest.param(["--move", "Small=2"], "expected FROM>TO=CUSTOMERS", id="no-arrow"),
        pytest.param(
            ["--move", "Top>Inactive=1"], "'Inactive' is no tier; customers can", id="no-tier"
        ),
        pytest.param(["--move", "Top>Top=1"], "from 'Top' to itself", id="nowhere"),
        pytest.param(
            ["--move", "Small>Medium=800", "--move", "Small>Big=3"],
            "--move: 803 can't leave 'Small', which has 800; let fewer move",
            id="more-than-there-are",
        ),
        pytest.param(
            ["--move", "Prospect>Small=6"], "6 can't leave 'Prospect', which has 5", id="prospects"
        ),
        pytest.param(
            ["--migration", "1"], "--migration 1: 50 can't leave 'Big'", id="too-high-a-rate"
        ),
        pytest.param(
            ["--migration", "0.1", "--move", "Small>Big=1"], "give one of the two", id="both"
        ),
        pytest.param(
            ["--migration", "3"], "--migration '3': expected a share from 0", id="no-share"
        ),
        pytest.param(["--margin", "nan"], "--margin 'nan': expected a share", id="not-a-number"),
        pytest.param(["--selling-rate", "x%"], "--selling-rate 'x%': expected", id="text"),
        pytest.param(
            ["--programme-cost", "5%"], "--programme-cost '5%': expected an amount", id="no-amount"
        ),
    ],
)
def test_what_cannot_be_is_said_in_one_line(job: Path, options: list[str], said: str) -> None:
    result = run("simulate", job, *options)

    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_into_an_empty_tier_it_is_unknown_what_a_customer_brings(tmp_path: Path) -> None:
    job = job_with(tmp_path, summary({"Top": 0, "Big": 1, "Medium": 4, "Small": 20}))

    result = run("simulate", job, "--move", "Big>Top=1")

    assert result.exit_code == 2
    assert "nobody is in 'Top'" in result.stderr


def test_without_customers_there_is_nothing_to_simulate(tmp_path: Path) -> None:
    job = job_with(tmp_path, summary(dict.fromkeys(TIERS, 0)))

    result = run("simulate", job)

    assert result.exit_code == 2
    assert "no active customer" in result.stderr


def test_a_job_that_never_ran_is_to_be_run_first(tmp_path: Path) -> None:
    result = run("simulate", write_job(tmp_path))

    assert result.exit_code == 2
    assert "run 'connector sync small.toml' first" in result.stderr
    assert not (tmp_path / "connector.db").exists()
