"""Sends a message to one target, through Apprise or to a web hook; says why it did not arrive.

A target's URL is a secret and so is whatever names a part of it: reasons are put in our own words,
and what libraries log of their requests is not passed on.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, time
from typing import Any, Final

from connector.config import Job, NotifyTarget
from connector.config.models import NOTIFY_WORDS, PLACE
from connector.config.secrets import revealed
from connector.errors import ConfigError
from connector.notify.message import Message

_TIMEOUT: Final = 10.0
_BODY: Final = {name: f"{{{name}}}" for name in NOTIFY_WORDS}
_LOUD: Final = ("apprise", "httpx", "httpcore", "urllib3", "requests")
_STATUS: Final = re.compile(r"\berror=(\d{3})\b")


def send(job: Job, name: str, message: Message) -> str | None:
    """Return None if *message* was delivered to the target *name*, else why it was not."""
    target, key = job.model.notify.to[name], f"notify.to.{name}"
    try:
        with _unheard() as said:
            if target.apprise is None:
                return _to_webhook(job, target, key, message)
            url = revealed(target.apprise, job.path, f"{key}.apprise")
            return _by_apprise(url, message, said)
    except ConfigError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - what a service's library raises may hold its URL
        return f"it failed with {type(error).__name__}"


def _by_apprise(url: str, message: Message, said: list[str]) -> str | None:
    try:
        import apprise
    except ImportError:
        return "the apprise package is missing; install pyramid-connector[notify]"
    service = apprise.Apprise()
    if not service.add(url):
        return "Apprise does not understand the URL; see its documentation for the form of each"
    sent = service.notify(
        title=message.title,
        body=message.text,
        notify_type=apprise.NotifyType(message.level),
        body_format=apprise.NotifyFormat.TEXT,
    )
    if sent:
        return None
    status = _STATUS.search(" ".join(said))
    return f"the service answered {status[1]}" if status else "the service can't be reached"


def _to_webhook(job: Job, target: NotifyTarget, key: str, message: Message) -> str | None:
    import httpx

    assert target.webhook is not None  # noqa: S101 - the job's model saw to it
    url = revealed(target.webhook, job.path, f"{key}.webhook")
    headers = {
        header: revealed(value, job.path, f"{key}.headers.{header}")
        for header, value in target.headers.items()
    }
    body = filled(_BODY if target.body is None else target.body, message.words)
    try:
        answer = httpx.post(url, json=body, headers=headers, timeout=_TIMEOUT)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"the service can't be reached ({type(error).__name__})"
    return None if answer.is_success else f"the service answered {answer.status_code}"


def filled(part: Any, words: Mapping[str, str]) -> Any:
    """Return a part of a body with *words* in their places; days and times as text."""
    match part:
        case str():
            return PLACE.sub(lambda place: words[place[1]], part)
        case dict():
            return {key: filled(value, words) for key, value in part.items()}
        case list():
            return [filled(value, words) for value in part]
        case date() | time():
            return part.isoformat()
    return part


@contextmanager
def _unheard() -> Iterator[list[str]]:
    """Keep what libraries log and warn of to ourselves; yield what they log."""
    said: list[str] = []
    handler = _Listening(said)
    loggers = [logging.getLogger(name) for name in _LOUD]
    before = [(logger.propagate, logger.level) for logger in loggers]
    for logger in loggers:
        logger.propagate = False
        logger.setLevel(logging.WARNING)
        logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Apprise loads a hundred services, some of them old
            yield said
    finally:
        for logger, (propagate, level) in zip(loggers, before, strict=True):
            logger.propagate = propagate
            logger.setLevel(level)
            logger.removeHandler(handler)


class _Listening(logging.Handler):
    def __init__(self, said: list[str]) -> None:
        super().__init__()
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(record.getMessage())
