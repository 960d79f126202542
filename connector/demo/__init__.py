"""A demonstration on made-up records: the main job, run from end to end, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final

from connector.config import load_job
from connector.demo import show
from connector.demo.files import JOB, make
from connector.demo.progress import progress_bar
from connector.demo.results import Results
from connector.plugins import Plugins
from connector.sync import Sync

if TYPE_CHECKING:
    from rich.console import Console

    from connector.store.tables import RunRow

FOLDER: Final = Path("pyramid-demo")


def run(
    folder: Path | None,
    *,
    seed: int = 7,
    accounts: int = 1200,
    console: Console,
    today: date | None = None,
    draw: Callable[[str, RunRow], None] | None = None,
) -> Path:
    """Make records and a job in *folder* (default ./pyramid-demo), run the job, show the results.

    Return the job file. A folder that an earlier call has made is used again, and its run then
    changes nothing. *draw* shows the pyramid of a run, given the job's name; without it there is a
    plain table. Raise ConfigError if the folder holds anything else.
    """
    began = perf_counter()
    folder = folder or FOLDER
    # Local time on purpose: today is what the reader's calendar says.
    day = today or datetime.now().astimezone().date()
    fresh = make(folder, seed=seed, accounts=accounts, today=day)
    show.opening(console, folder, fresh=fresh)
    job = load_job(folder / JOB)
    with progress_bar(console) as progress:
        sync = Sync(job, Plugins(), progress=progress)
        report = sync.run()
    results = Results(sync.store, sync.job_id, report, folder, job)
    show.work(console, results, perf_counter() - began)
    show.pyramid(console, results, draw)
    show.warnings(console, results)
    show.tasks(console, results)
    show.left_out(console, results)
    show.places(console, results)
    show.next_steps(console, results)
    return folder / JOB
