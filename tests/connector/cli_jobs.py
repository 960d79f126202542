"""A small job over CSV files for the tests of the command line, and what runs commands on it."""

import json
import re
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner, Result

from connector.cli import app

AS_OF = "2025-12-31"

ACCOUNTS = """\
id,name,parent_id
A1,Alfa [one],
A2,Bravo,
A3,Charlie,
A4,Delta,
A5,Écho,
A6,Foxtrot,
A7,Golf,
A8,Hotel,
A9,Hotel,
A10,India,
"""

DEALS = """\
id,account_id,name,status,amount,close_date,currency
D1,A1,First,won,7000,2025-02-01,EUR
D2,A1,Second,won,3000.50,2025-12-31,EUR
D3,A1,Last year,won,1000,2024-06-01,EUR
D4,A1,Too late,won,999,2026-01-01,EUR
D5,A1,Lost one,lost,500,2025-05-01,EUR
D6,A1,Open one,open,600,2026-03-01,EUR
D7,A1,No amount,won,,2025-05-02,EUR
D8,A1,Long ago,won,10,2020-05-02,EUR
D9,A2,,won,9000,2025-03-01,EUR
D10,A3,,won,8000,2025-03-01,EUR
D11,A3,,won,8000,2024-03-01,EUR
D12,A4,,won,500,2025-03-01,EUR
D13,A4,,won,9000,2024-03-01,EUR
D14,A5,,won,400,2025-03-01,EUR
D15,A6,,won,300,2025-03-01,EUR
D16,A7,,won,200,2025-03-01,EUR
D17,A8,,won,100,2025-03-01,EUR
D18,A9,,won,100,2023-03-01,EUR
"""

JOB = """\
name = "small"
[source]
adapter = "files"
[source.settings]
folder = "data"
accounts = "accounts.csv"
opportunities = "deals.csv"
[target]
adapter = "files"
[target.settings]
folder = "data"
accounts = "accounts.csv"
output = "out"
[target.fields]
tier = "pyramid_tier"
movement = "pyramid_movement"
computed_at = "pyramid_at"
[currency]
base = "EUR"
[rules]
goals = ["retention", "up_sell"]
as_of = 2025-12-31
"""


def write_job(
    folder: Path, job: str = JOB, *, accounts: str = ACCOUNTS, deals: str = DEALS
) -> Path:
    """Write a job and its files into *folder*; return the job's path."""
    data = folder / "data"
    data.mkdir(exist_ok=True)
    (data / "accounts.csv").write_text(accounts, encoding="utf-8")
    (data / "deals.csv").write_text(deals, encoding="utf-8")
    path = folder / "small.toml"
    path.write_text(job, encoding="utf-8")
    return path


def run(*arguments: str | Path) -> Result:
    """Run the command line; what it prints and its exit code are in the result."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def run_json(*arguments: str | Path, code: int = 0) -> Any:
    """Return what a command prints as JSON; there is nothing else on stdout."""
    result = run(*arguments, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def words(text: str) -> str:
    """Return *text* without line breaks and runs of blanks, as tables have them."""
    return re.sub(r"\s+", " ", text)


def command_names() -> list[str]:
    """Return the name of every command."""
    return sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]  # a group
