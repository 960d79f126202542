"""The demonstration, with the pyramid drawn as `connector pyramid` draws it."""

from __future__ import annotations

from pathlib import Path

from connector import demo as made_up
from connector.cli.console import console
from connector.cli.pyramid import picture


def demo(folder: Path | None, seed: int, accounts: int) -> None:
    """Make up a company in *folder*, run a job on it and show what came of it."""
    made_up.run(folder, seed=seed, accounts=accounts, console=console(), draw=picture)
