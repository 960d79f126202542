"""A person lets a job into its CRMs, in a browser."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from connector import audit
from connector.config import load_job
from connector.errors import ConfigError
from connector.login import log_in
from connector.plugins import Plugins
from connector.sync import Sync


def login(
    job_path: Path, side: Literal["source", "target"] | None, *, browser: bool, timeout: float
) -> None:
    """Have a person log in at each side of the job that wants it, or at *side*; keep the tokens."""
    sync = Sync(load_job(job_path), Plugins())
    logins = {one: found for one in _sides(side) if (found := sync.sides.browser_login(one))}
    if not logins:
        raise ConfigError(
            f"{job_path}: {f'{side} does not log' if side else 'neither source nor target logs'} in"
            " by a browser; if its adapter can, its page says what to write under settings"
        )
    for one, asked in logins.items():
        # Says what is wrong with the key before a person logs in.
        grant = sync.sides.grant(one, asked)
        host = urlsplit(asked.authorize).netloc
        print(f"{one}: log in at {host} within {timeout:g} s")
        token = log_in(asked, browse=_open if browser else _no_browser, show=_show, timeout=timeout)
        grant.keep(token)
        audit.record(sync.store, "login", job=sync.job.name, details={"side": one, "at": host})
        print(f"{one}: logged in; the token is kept, encrypted, in {sync.store.database.shown}")


def _sides(side: Literal["source", "target"] | None) -> tuple[Literal["source", "target"], ...]:
    return (side,) if side else ("source", "target")


def _open(url: str) -> bool:
    """Open *url* in a browser; say whether there is one that a person can see."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False  # what would be found is a browser of the terminal, which waits to be ended
    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False


def _no_browser(url: str) -> bool:
    return False


def _show(url: str) -> None:
    # As it is, whole: a console would break it into lines.
    print(f"open this in a browser on this computer:\n\n{url}\n", flush=True)
