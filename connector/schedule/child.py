"""One run in a process of its own: `python -m connector.schedule.child JOB LEVEL`.

It says on standard output what happens, one JSON object a line: what is logged, and at the end the
state of the run.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

from connector import telemetry
from connector.audit import acting_as
from connector.config import load_job
from connector.errors import BusyError, ConnectorError
from connector.plugins import Plugins
from connector.redaction import traceback_of, without_secrets
from connector.runs import Report
from connector.schedule.history import set_aside
from connector.sync import Sync

_TALKATIVE: Final = ("alembic", "httpx", "httpcore")
"""Libraries that log at INFO what only their authors want to know."""


def main(path: str, level: str) -> int:
    """Run the job in the file *path*; return the exit code."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    root = logging.getLogger()
    root.addHandler(_Saying())
    root.setLevel(int(level))
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        with acting_as("schedule"):
            sync = Sync(load_job(Path(path)), Plugins())
            report = sync.run()
    except BusyError as error:
        _say(state="busy", message=str(error))
        return 0
    except ConnectorError as error:
        _say(state="failed", message=str(error), figures={"requests": telemetry.requests()})
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - a bug: as on the command line, without secrets
        sys.stderr.write(traceback_of(error))
        return 1
    aside = set_aside(sync.store, sync.job_id)
    _say(state=report.state, message=_summary(report), figures=_figures(report, aside))
    return 0


def _leave(_number: int, _frame: object) -> NoReturn:
    # Like a kill, which a run survives anywhere, but locks and temporary files are let go of.
    raise SystemExit(0)


def _summary(report: Report) -> str:
    aside = sum(pulled.quarantined for pulled in report.pulled.values())
    rejected = report.accounts["rejected"] + report.tasks["rejected"]
    return (
        f"{report.accounts['applied']} accounts and {report.tasks['applied']} tasks written,"
        f" {rejected} rejected, {aside} rows set aside (run {report.run_id})"
    )


def _figures(report: Report, aside: int) -> dict[str, object]:
    """Return what is counted of a run: see `connector.schedule.metrics`."""
    parts = ("applied", "unchanged", "rejected", "waiting")
    changes = {"accounts": report.accounts, "tasks": report.tasks}
    return {
        "read": {stream: pulled.read for stream, pulled in report.pulled.items()},
        "changes": {
            kind: {part: counts[part] for part in parts} for kind, counts in changes.items()
        },
        "quarantined": aside,
        "requests": telemetry.requests(),
    }


class _Saying(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if record.exc_info:
            message = f"{message}\n{logging.Formatter().formatException(record.exc_info)}"
        _say(level=record.levelno, logger=record.name, message=message, about=telemetry.about())


def _say(**said: object) -> None:
    # Whoever listened may be gone; the run is not worth less for it.
    with suppress(OSError):
        shown = {n: without_secrets(v) if isinstance(v, str) else v for n, v in said.items()}
        sys.stdout.write(json.dumps(shown, ensure_ascii=True) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
