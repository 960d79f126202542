import csv
import io
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.connector.cli_jobs import DEALS, JOB, run, run_json, words, write_job

FIRST = ["account", "name", "layer", "tier", "rank", "revenue", "previous_tier", "movement"]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a job that has been run once."""
    path = write_job(tmp_path_factory.mktemp("small"))
    assert run("sync", path).exit_code == 0
    return path


def rows(job: Path, *options: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(run("tiers", job, "--format", "csv", *options).stdout)))


def test_csv_begins_with_the_agreed_columns(job: Path) -> None:
    assert list(rows(job)[0])[:8] == FIRST


def test_accounts_come_by_rank_and_then_by_id(job: Path) -> None:
    assert [row["account"] for row in rows(job)] == [
        "A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A10", "A9",
    ]  # fmt: skip


def test_revenue_is_text_with_two_decimals_and_empty_cells_are_empty(job: Path) -> None:
    first, inactive = rows(job)[0], rows(job)[-1]

    assert first["revenue"] == "10000.50"
    assert (inactive["layer"], inactive["tier"], inactive["rank"]) == ("Inactive", "", "")


def test_json_has_the_same_rows_with_exact_revenue(job: Path) -> None:
    listed = json.loads(run("tiers", job, "--format", "json").stdout)

    assert [row["revenue"] for row in listed[:2]] == ["10000.50", "9000.00"]
    assert listed[-1]["tier"] is None
    assert [row["account"] for row in listed] == [row["account"] for row in rows(job)]


def test_parquet_is_written_to_a_file_with_decimals(job: Path, tmp_path: Path) -> None:
    output = tmp_path / "tiers.parquet"

    result = run("tiers", job, "--format", "parquet", "--output", output)

    table = pq.read_table(output)
    assert result.exit_code == 0
    assert table.column("revenue")[0].as_py() == Decimal("10000.50")
    assert table.num_rows == 10
    assert list(tmp_path.iterdir()) == [output]


def test_a_file_that_cannot_be_written_is_said(job: Path, tmp_path: Path) -> None:
    result = run("tiers", job, "--format", "csv", "--output", tmp_path / "none" / "tiers.csv")

    assert result.exit_code == 2
    assert "--output" in result.stderr


def test_tiers_can_be_filtered_in_any_case(job: Path) -> None:
    assert [row["account"] for row in rows(job, "--tier", "TOP", "--tier", "big")] == ["A1"]
    assert [row["account"] for row in rows(job, "--layer", "inactive")] == ["A9"]


def test_a_layer_that_does_not_exist_is_named_with_those_that_do(job: Path) -> None:
    result = run("tiers", job, "--layer", "Huge")

    assert result.exit_code == 2
    assert "'Huge'" in result.stderr
    assert "Inactive" in result.stderr


def test_the_table_shows_the_first_rows_and_how_to_get_all(job: Path) -> None:
    result = run("tiers", job, "--limit", "2")

    assert "2 of 10 accounts" in result.stdout
    assert "Alfa [one]" in result.stdout
    assert "Charlie" not in result.stdout


def test_the_pyramid_as_json_is_the_summary_of_the_run(job: Path) -> None:
    shown = run_json("pyramid", job)

    assert shown["state"] == "done"
    assert shown["run_id"] == run_json("runs", job)[0]["run_id"]
    assert shown["current"]["active"] == 8
    assert shown["current"]["revenue"] == "28500.50"
    assert set(shown["migration"]) == {"frozen", "rank"}


def test_the_pyramid_fits_eighty_columns(job: Path) -> None:
    lines = run("pyramid", job).stdout.splitlines()

    assert max(map(len, lines)) <= 80


def test_the_pyramid_grows_downwards(job: Path) -> None:
    lines = run("pyramid", job).stdout.splitlines()

    widths = [len(line[:32].strip()) for line in lines if line[:32].strip(" █▓▒░") == ""]
    slabs = [width for width in widths if width]
    assert len(slabs) == 8
    assert slabs == sorted(slabs)


@pytest.mark.parametrize(
    "said",
    [
        "8 active customers",
        "28,500.50 EUR",
        "Top 1 10,000.50 35.1%",
        "Inactive 1",
        "Gini 0.",
        "upward migration",
        "fewer than 100 active customers",
        "more than 20% of revenue hangs on the largest customer",
        "1 won opportunities without an amount",
        "frozen basis",
    ],
)
def test_the_pyramid_says(job: Path, said: str) -> None:
    assert said in words(run("pyramid", job).stdout)


@pytest.mark.long
def test_nobody_bought_is_an_empty_pyramid_and_no_error(tmp_path: Path) -> None:
    job = write_job(tmp_path, deals=DEALS.splitlines()[0] + "\n")
    run("sync", job)

    result = run("pyramid", job)

    assert result.exit_code == 0, result.output
    assert "nobody bought anything in this period" in result.stdout


def test_explain_counts_what_makes_the_revenue(job: Path) -> None:
    shown = run_json("explain", job, "A1")

    assert shown["revenue"] == shown["counted_total"] == "10000.50"
    assert [deal["id"] for deal in shown["counted"]] == ["D2", "D1"]


@pytest.mark.parametrize(
    ("deal", "reason"),
    [
        pytest.param("D3", "in the period before", id="previous"),
        pytest.param("D4", "dated after 2025-12-31", id="future"),
        pytest.param("D5", "lost", id="lost"),
        pytest.param("D6", "open", id="open"),
        pytest.param("D7", "won without an amount", id="no-amount"),
        pytest.param("D8", "older", id="older"),
    ],
)
def test_explain_says_why_a_deal_does_not_count(job: Path, deal: str, reason: str) -> None:
    reasons = {one["id"]: one["reason"] for one in run_json("explain", job, "A1")["not_counted"]}

    assert reasons[deal] == reason


def test_every_revenue_is_explained(job: Path) -> None:
    for row in rows(job):
        shown = run_json("explain", job, row["account"])

        assert shown["counted_total"] == (row["revenue"] or "0.00")


def test_explain_says_how_far_the_tiers_are(job: Path) -> None:
    shown = run_json("explain", job, "A4")

    assert shown["boundaries"][0] == {"tier": "Top", "from": "10000.50", "above": "-9500.50"}
    assert shown["movement"] == "downgrade"
    assert "was Top with 9,000.00" in shown["movement_reason"]
    assert shown["history"] == [{"layer": "Small", "from": "2025-12-31", "to": None}]


def test_explain_shows_what_was_written(job: Path) -> None:
    changes = run_json("explain", job, "A2")["changes"]

    assert {change["state"] for change in changes} == {"applied"}
    assert "pyramid_tier" in changes[0]["content"]


@pytest.mark.parametrize("named", ["bravo", "BRAVO", "A2"])
def test_an_account_is_found_by_name_or_id(job: Path, named: str) -> None:
    assert run_json("explain", job, named)["account"] == "A2"


def test_names_are_compared_without_case_in_any_alphabet(job: Path) -> None:
    assert run_json("explain", job, "éCHO")["account"] == "A5"


@pytest.mark.parametrize(
    ("named", "said"),
    [
        pytest.param("hotel", "2 accounts are called 'hotel'; give the id: A8 (Hotel)", id="two"),
        pytest.param("fox", "did you mean A6 (Foxtrot)?", id="part"),
        pytest.param("Zulu", "no account has the id or name 'Zulu'", id="none"),
    ],
)
def test_an_account_that_is_not_clear_is_asked_for(job: Path, named: str, said: str) -> None:
    result = run("explain", job, named)

    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize(
    "said",
    [
        "Top, rank 1 of 8, was Small",
        "Together 10,000.50 EUR: the revenue that was ranked.",
        "Not counted: 6 opportunities",
        "won without an amount",
        "pyramid_tier: - → Top",
    ],
)
def test_an_explanation_says(job: Path, said: str) -> None:
    assert said in words(run("explain", job, "A1").stdout)


@pytest.mark.long
def test_an_inherited_tier_names_the_parent(tmp_path: Path) -> None:
    rolled = JOB.replace(
        "[rules]", '[rules.settings.pyramid]\nroll_up = "ultimate_parent"\n[rules]'
    )
    job = write_job(tmp_path, rolled, accounts="id,name,parent_id\nA1,Alfa,\nA2,Bravo,A1\n")
    run("sync", job)

    child, parent = run("explain", job, "A2"), run_json("explain", job, "A1")

    assert "taken over from Alfa (A1)" in child.stdout
    assert parent["revenue"] == parent["counted_total"] == "19000.50"
    assert {deal["account"] for deal in parent["counted"]} == {"A1", "A2"}
    inheriting = next(row for row in rows(job) if row["account"] == "A2")
    assert (inheriting["tier"], inheriting["revenue"]) == ("Top", "")


@pytest.mark.long
def test_other_currencies_are_converted_by_the_rate_of_the_day(tmp_path: Path) -> None:
    rates = (
        '[[currency.rates]]\ncurrency = "USD"\nvalid_from = 2025-01-01\nrate = "0.5"\n'
        '[[currency.rates]]\ncurrency = "USD"\nvalid_from = 2025-06-01\nrate = "0.333"\n'
    )
    deals = (
        DEALS.splitlines()[0] + "\nX1,A1,,won,100.05,2025-05-31,USD\nX2,A1,,won,10,2025-06-01,USD\n"
    )
    job = write_job(tmp_path, JOB + rates, deals=deals)
    run("sync", job)

    shown = run_json("explain", job, "A1")

    assert [deal["counted"] for deal in shown["counted"]] == ["3.3300", "50.0250"]
    assert shown["revenue"] == "53.36"
    assert "In EUR" in run("explain", job, "A1").stdout


@pytest.mark.long
def test_a_terminal_that_lacks_a_letter_shows_another(job: Path) -> None:
    code = "from connector.cli import main; main()"

    found = subprocess.run(
        [sys.executable, "-c", code, "explain", str(job), "A5"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        check=True,
    )

    assert found.stdout.startswith(b"?cho  A5")
