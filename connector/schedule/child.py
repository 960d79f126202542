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

from connector.config import load_job
from connector.errors import BusyError, ConnectorError
from connector.plugins import Plugins
from connector.sync import Report, Sync

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
        report = Sync(load_job(Path(path)), Plugins()).run()
    except BusyError as error:
        _say(state="busy", message=str(error))
        return 0
    except ConnectorError as error:
        _say(state="failed", message=str(error))
        return error.exit_code
    _say(state=report.state, message=_summary(report))
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


class _Saying(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if record.exc_info:
            message = f"{message}\n{logging.Formatter().formatException(record.exc_info)}"
        _say(level=record.levelno, logger=record.name, message=message)


def _say(**said: object) -> None:
    # Whoever listened may be gone; the run is not worth less for it.
    with suppress(OSError):
        sys.stdout.write(json.dumps(said, ensure_ascii=True) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
