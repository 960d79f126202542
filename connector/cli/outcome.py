"""How a command ends: what went wrong in one line on stderr, and the exit code that says what."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, Final, Literal, TextIO, TypeAlias

from typer import Exit
from typer.core import TyperGroup

from connector.cli.logs import JsonLines, Plain
from connector.errors import ConnectorError
from connector.redaction import traceback_of, without_secrets

if TYPE_CHECKING:
    from typer import Context

PARTIAL: Final = 5
"""Everything was done except for some records: quarantined, rejected or waiting."""

WAITING: Final = 8
"""Planned, and nothing written: the job wants approval."""

INTERRUPTED: Final = 130

LogFormat: TypeAlias = Literal["text", "json"]

_LOUD: Final = ("alembic", "apscheduler", "httpx", "httpcore", "tzlocal")


class Commands(TyperGroup):
    """The group of all commands: turns what a user can act on into a line and an exit code.

    Anything else is a bug and keeps its traceback.
    """

    def invoke(self, ctx: Context) -> Any:  # type: ignore[override]  # Typer's own copy of Click
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except ConnectorError as error:
            tell(error)
            raise Exit(error.exit_code) from None
        except KeyboardInterrupt:
            print(
                "interrupted; run the same command again, it goes on where it was",
                file=sys.stderr,
            )
            raise Exit(INTERRUPTED) from None


def tell(error: ConnectorError) -> None:
    """Print *error* to stderr, each of its lines by itself."""
    for line in without_secrets(str(error)).splitlines() or [type(error).__name__]:
        if _logs_json():
            logging.getLogger("connector").error("%s", line)
        else:
            print(f"error: {line}", file=sys.stderr)


def tell_bug(error: Exception) -> None:
    """Show *error* with its traceback on stderr; what was raised may name a plugin's secret."""
    if _logs_json():
        logging.getLogger("connector").critical("a bug; please report it", exc_info=error)
    else:
        sys.stderr.write(traceback_of(error))


def log_to_stderr(*, verbose: bool, dated: bool = False, form: LogFormat | None = None) -> None:
    """Send warnings to stderr, with *verbose* also what each stage did, *dated* for a log file.

    Without a *form* it stays the one that was chosen before.
    """
    handler = _Stderr()
    plain = Plain(f"{'%(asctime)s ' if dated else ''}%(about)s: %(message)s")
    as_json = form == "json" or (form is None and _logs_json())
    handler.setFormatter(JsonLines() if as_json else plain)
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, handlers=[handler], force=True
    )
    for name in _LOUD:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to whatever stderr is at the moment: progress bars put themselves in its place."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, stream: TextIO) -> None:
        raise AttributeError("this handler always writes to sys.stderr")


def _logs_json() -> bool:
    return any(isinstance(one.formatter, JsonLines) for one in logging.getLogger().handlers)
