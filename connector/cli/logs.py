"""How a log line looks: for people, or as JSON for a machine; never with a secret or an address."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any, Final

from connector.redaction import BLOT, without_secrets
from connector.telemetry import about

_ADDRESS: Final = re.compile(r"[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")


def discreet(text: str) -> str:
    """Return *text* without secrets, and without e-mail addresses: a CRM may quote a record."""
    return _ADDRESS.sub(BLOT, without_secrets(text))


class Plain(logging.Formatter):
    """A line for people: where it comes from, or how bad it is."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        quiet = record.levelno < logging.WARNING
        record.about = record.name if quiet else record.levelname.lower()
        return discreet(super().format(record))


class JsonLines(logging.Formatter):
    """An object a line: time, level, logger, message; of a run also job and run."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": discreet(record.getMessage()),
            **about(),
        }
        # What a run says in a process of its own is logged by the scheduler.
        said |= {key: getattr(record, key) for key in ("job", "run") if hasattr(record, key)}
        if record.exc_info:
            said["traceback"] = discreet(self.formatException(record.exc_info))
        return json.dumps(said)
