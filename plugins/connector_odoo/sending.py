"""Calls that write: each does all of its changes or none, and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from connector import AccessError, Applied, Change, Refused, Retry, Transient, WriteOutcome
from connector.http import outcome_of


class Sending:
    """The calls of one batch of changes.

    A call that is refused costs the others nothing: it is raised at the end, and the host finds out
    which change it is about. After one without an answer nothing more is sent.
    """

    def __init__(self) -> None:
        self._refusal: Refused | None = None
        self._lost: Transient | None = None

    def outcomes(
        self, changes: Sequence[Change], call: Callable[[], Sequence[Any] | None]
    ) -> Iterator[WriteOutcome]:
        """Yield what became of *changes* by *call*, which returns their ids, or None for their own.

        None at all where Odoo refused them.
        """
        if self._lost is not None:
            yield from (
                Retry(change.marker, self._lost.retry_after, "not sent after a call that failed")
                for change in changes
            )
            return
        try:
            ids = call()
        except Refused as error:
            self._refused(error)
        except AccessError as error:
            # It may be about one record: a rule of Odoo hides records, not models alone.
            self._refused(Refused(str(error), code="AccessError", words=str(error)))
        except Transient as error:
            self._lost = error
            yield from (outcome_of(change.marker, error) for change in changes)
        else:
            named = [change.ref.id for change in changes] if ids is None else ids
            for change, id_ in zip(changes, named, strict=True):
                yield Applied(change.marker, str(id_))

    def end(self) -> None:
        """Raise the refusal, if there was one."""
        if self._refusal is not None:
            raise self._refusal

    def _refused(self, error: Refused) -> None:
        self._refusal = self._refusal or error
