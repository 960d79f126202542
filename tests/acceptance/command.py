"""Runs the `connector` command in this process, as a user would in a shell."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from connector.cli import app


def connector(*arguments: str | Path, expect: int = 0) -> Result:
    """Run `connector` with *arguments*; fail unless it ends with the exit code *expect*."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exit_code != expect:
        raise AssertionError(
            f"exit code {result.exit_code}, expected {expect}\n{result.output}"
        ) from result.exception
    return result


def as_json(*arguments: str | Path) -> Any:
    """Run `connector` with *arguments* and --json; return what it printed."""
    return json.loads(connector(*arguments, "--json").stdout)


def tiers(job: Path) -> dict[str, dict[str, str]]:
    """Return the rows of `connector tiers`, by account."""
    text = connector("tiers", job, "--format", "csv").stdout
    return {row["account"]: row for row in csv.DictReader(io.StringIO(text))}
