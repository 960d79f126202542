"""The arguments that several commands take."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from connector.cli.outcome import LogFormat, log_to_stderr


def _day(text: str | date) -> date:
    try:
        return text if isinstance(text, date) else datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day such as 2026-01-31") from None


def _loudness(ctx: typer.Context, verbose: bool) -> None:
    if verbose:
        log_to_stderr(verbose=True)


def _form(form: LogFormat) -> LogFormat:
    # Before `--verbose` is looked at, wherever that stands.
    log_to_stderr(verbose=False, form=form)
    return form


Verbose = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="Say on stderr what each stage does.", callback=_loudness),
]
LogForm = Annotated[
    LogFormat,
    typer.Option(
        "--log-format",
        help="How log lines look: text, or json for machines.",
        envvar="CONNECTOR_LOG_FORMAT",
        callback=_form,
        is_eager=True,
    ),
]
JobFile = Annotated[Path, typer.Argument(metavar="JOB", help="The job file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
AsOf = Annotated[
    date | None,
    typer.Option(
        parser=_day, metavar="DATE", help="The day it is computed for; else the job's, or today."
    ),
]
Override = Annotated[
    str | None,
    typer.Option(metavar="REASON", help="Go on although a guard would stop the run, and why."),
]


def print_version(wanted: bool) -> None:
    """Print the version and leave, if that is what is asked for."""
    if wanted:
        from importlib.metadata import version

        typer.echo(f"connector {version('pyramid-connector')}")
        raise typer.Exit
