"""The command `connector`: light to start, each command imports what it needs when it is run."""

import sys
from io import TextIOWrapper

from connector.cli.commands import app
from connector.cli.outcome import tell_bug

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line and leave the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal without an é must not stop a command
            stream.reconfigure(errors="replace")
    try:
        app(prog_name="connector")
    except Exception as error:  # noqa: BLE001 - a bug: its traceback, without the secrets in it
        tell_bug(error)
        sys.exit(1)
