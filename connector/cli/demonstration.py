"""The demonstration, with the pyramid drawn as `connector pyramid` draws it."""

from __future__ import annotations

from pathlib import Path

from connector import demo as made_up
from connector.cli.console import console
from connector.cli.pyramid import picture
from connector.demo.crm import run_on
from connector.errors import ConfigError


def demo(folder: Path | None, seed: int, accounts: int, crm: str | None) -> None:
    """Make up a company in *folder* or in a sandbox, run a job and show what came of it."""
    if crm is not None:
        if folder is not None:
            raise ConfigError("--folder does not go with --crm: a sandbox keeps nothing")
        run_on(crm, accounts=accounts, console=console(), draw=picture)
        return
    made_up.run(folder, seed=seed, accounts=accounts, console=console(), draw=picture)
