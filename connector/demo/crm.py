"""The demonstration on a CRM's sandbox: fields are made, a job runs, and a person looks at it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Final

from connector.config import load_job
from connector.deliver import accounts_of
from connector.demo import show
from connector.demo.progress import progress_bar
from connector.demo.results import Results
from connector.errors import PluginError
from connector.plugins import Plugins
from connector.provision import provision
from connector.sync import Sync

if TYPE_CHECKING:
    from rich.console import Console

    from connector.contract import HeldTask
    from connector.store.tables import RunRow

_STATES: Final = ("done", "by hand", "failed")


def run_on(
    crm: str,
    *,
    accounts: int,
    console: Console,
    draw: Callable[[str, RunRow], None] | None = None,
) -> None:
    """Start the sandbox *crm*, make the fields, run a job on it and show what a rep then sees.

    All of it is gone afterwards. Raise PluginError if there is no such sandbox.
    """
    plugins = Plugins()
    if crm not in plugins.sandboxes:
        known = ", ".join(sorted(plugins.sandboxes)) or "none"
        raise PluginError(f"no sandbox {crm!r} is installed (installed: {known})")
    began = perf_counter()
    show.opening_on(console, crm)
    with TemporaryDirectory(prefix="connector-demo-") as place:
        folder = Path(place)
        serving = plugins.sandboxes[crm].serve(
            accounts=accounts, port=0, https=False, folder=folder
        )
        with serving as said:
            path = Path(said["job"])
            job = load_job(path)
            steps = Counter(step.state for step in provision(Sync(job, plugins), apply=True))
            show.made(console, {state: steps[state] for state in _STATES if steps[state]})
            with progress_bar(console) as progress:
                sync = Sync(job, plugins, progress=progress)
                report = sync.run()
            results = Results(sync.store, sync.job_id, report, folder, job)
            show.work(console, results, perf_counter() - began)
            show.pyramid(console, results, draw)
            show.tasks(console, results)
            show.left_out(console, results)
            account = _with_a_task(results)
            if account is not None:
                fields, tasks = _seen(sync, account)
                show.record(console, crm, account, fields, tasks)
            show.next_steps_on(console, crm)


def _with_a_task(results: Results) -> str | None:
    """Return the account of the most valuable task."""
    found = map(results.best_action, results.report.summary["goals"])
    best = max(filter(None, found), key=lambda action: action.expected_value, default=None)
    return best.account_id if best else None


def _seen(sync: Sync, account: str) -> tuple[Mapping[str, object], list[HeldTask]]:
    """Return the fields and tasks of an account, as the CRM holds them."""
    names = list(sync.job.model.target.fields.values())
    with sync.sides.writer() as writer:
        held = writer.current([account], names)
    row = accounts_of(held)[account]
    return {name: row.get(name) for name in names}, list(held.tasks)
