"""The report of the last run: a file for people who don't use the command line, or JSON."""

from __future__ import annotations

from pathlib import Path

from connector.cli.console import console, print_json
from connector.cli.opening import open_kept
from connector.cli.progress import progress_bars
from connector.errors import ConfigError
from connector.language import words_of
from connector.plugins import Plugins
from connector.report.data import as_data, gather
from connector.report.page import check_installed, html
from connector.ruleset import ruleset_of


def report(job_path: Path, output: Path | None, *, as_json: bool) -> None:
    """Write the report to *output*, or print it as JSON.

    With neither it goes into a file beside the job, and it is said where that is.
    """
    kept = open_kept(job_path)
    path = output or (None if as_json else kept.job.folder / f"{kept.job.name}-report.html")
    if path:
        check_installed()
    run = kept.last_run()
    rules = ruleset_of(kept.job, Plugins())
    words = words_of(kept.job.model.language, [goal.locale for goal in rules.goals])
    with progress_bars() as progress:
        if progress:
            progress("Computing the report", 0, None)
        found = gather(kept.store, kept.job_id, run, rules, words)
    if path:
        _write(path, html(found, words))
    if as_json:
        print_json(as_data(found))
    else:
        console().print(f"Wrote {path}", soft_wrap=True)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigError(
            f"{path}: can't be written: {error.strerror}; name another file with --html"
        ) from error
