"""Errors that a user can act on, each with the exit code the command ends with.

Anything that is not a `ConnectorError` is a bug and keeps its traceback. Messages say what is
wrong, where it is and what to do; they never hold a secret or a whole record.
"""

from __future__ import annotations

from typing import ClassVar


class ConnectorError(Exception):
    """Something the user can act on; the message is one line they can follow."""

    exit_code: ClassVar[int] = 1


class ConfigError(ConnectorError):
    """The job is wrong: file, key, what was expected and what to do."""

    exit_code = 2


class PluginError(ConnectorError):
    """A plugin is missing or broken, or two plugins use one name."""

    exit_code = 2


class DataError(ConnectorError):
    """A row could not be understood; the row is quarantined and the run ends as partial."""

    exit_code = 5


class GuardError(ConnectorError):
    """The run would change more than the job allows; nothing was written."""

    exit_code = 4


class StoreError(ConnectorError):
    """The connector's own store can't be used: locked, full, read-only or of another version."""

    exit_code = 6


class BusyError(StoreError):
    """Another process is working on the same job."""


class AuditError(ConnectorError):
    """The audit trail is not as it was written; the first entry that is wrong is named."""

    exit_code = 7


class RemoteError(ConnectorError):
    """The CRM (or the file or database that stands for it) refused or could not be reached."""

    exit_code = 3


class AuthError(RemoteError):
    """The CRM does not accept the credentials."""


class AccessError(RemoteError):
    """The credentials are good but lack a permission, or what they ask for does not exist."""


class Refused(RemoteError):
    """The CRM understood the request and refused it as a whole; *code* and *words* are its own."""

    def __init__(self, message: str, *, code: str, words: str) -> None:
        super().__init__(message)
        self.code = code
        self.words = words


class Transient(RemoteError):
    """The same call may succeed later; the host retries it.

    *retry_after* is in seconds, None where nobody has named a time.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RateLimited(Transient):
    """The CRM asks to slow down."""


class Unavailable(Transient):
    """The CRM could not be reached or failed on its side."""
