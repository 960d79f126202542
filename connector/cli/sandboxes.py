"""A CRM on this computer, until somebody has had enough of it."""

from __future__ import annotations

import threading
from pathlib import Path

from connector.cli.console import console, side_console
from connector.errors import PluginError
from connector.plugins import Plugins


def wait(event: threading.Event) -> None:
    """Return when *event* is set, which nobody does: the user interrupts it."""
    event.wait()


def serve(name: str, accounts: int, port: int, folder: Path | None, *, https: bool) -> None:
    """Run the sandbox *name* and print how to log in; return when it is interrupted."""
    installed = Plugins().sandboxes
    if name not in installed:
        known = ", ".join(sorted(installed)) or "none"
        raise PluginError(
            f"no sandbox {name!r} is installed (installed: {known}); install the package that"
            " brings it"
        )
    folder = folder or Path(f"{name}-sandbox")
    out = console()
    side_console().print(f"Making up {accounts:,} accounts ...")
    started = installed[name].serve(accounts=accounts, port=port, https=https, folder=folder)
    with started as said:
        for what, value in said.items():
            # Never wrapped: these are to be copied.
            out.print(f"{what}: {value}", soft_wrap=True)
        out.print("Serving on this computer only; press Ctrl-C to stop.")
        try:
            wait(threading.Event())
        except KeyboardInterrupt:
            out.print("Stopped.")
