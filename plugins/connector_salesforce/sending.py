"""Rows through sObject Collections: 200 a request, and each has an answer of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from connector import Applied, Retry, Transient, Unknown
from connector.http import NoAnswer
from connector_salesforce.held import key_of
from connector_salesforce.outcomes import refused

if TYPE_CHECKING:
    from connector import Rejected
    from connector_salesforce.connection import Org

_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Row:
    """One record to create or to change, for the change *marker*; *id* is None for a new one."""

    marker: str
    sobject: str
    id: str | None
    values: Mapping[str, object]

    def body(self) -> dict[str, object]:
        """Return the row as Salesforce takes it."""
        given = {"id": self.id} if self.id else {}
        return {"attributes": {"type": self.sobject}, **given, **self.values}


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a row; *errors* are those of Salesforce, where it refused it."""

    row: Row
    outcome: Applied | Rejected | Retry | Unknown
    errors: Any = None


def send(org: Org, rows: Sequence[Row], method: Literal["POST", "PATCH"]) -> Iterator[Answer]:
    """Yield an answer for each row: POST creates, PATCH changes; one row never costs another.

    Raise Refused as it comes if Salesforce refuses a whole request. What comes after a request that
    got no answer is not sent: the next one would hardly fare better.
    """
    for start in range(0, len(rows), _AT_ONCE):
        chunk = rows[start : start + _AT_ONCE]
        try:
            said = _sent(org, chunk, method)
        except Transient as error:
            yield from (_lost(row, error) for row in chunk)
            rest = rows[start + _AT_ONCE :]
            after = error.retry_after
            yield from (Answer(row, Retry(row.marker, after, "not sent")) for row in rest)
            return
        yield from _answers(chunk, said)


def _sent(org: Org, chunk: Sequence[Row], method: str) -> Sequence[Any]:
    body = {"allOrNone": False, "records": [row.body() for row in chunk]}
    answer = org.request(method, "composite/sobjects", json=body).json()
    return answer if isinstance(answer, list) else []


def _answers(chunk: Sequence[Row], said: Sequence[Any]) -> Iterator[Answer]:
    """Match answers to rows by their order, which is all there is; by id where they have one."""
    if len(said) != len(chunk):
        text = f"{len(said)} answers came for {len(chunk)} rows"
        yield from (Answer(row, Unknown(row.marker, text)) for row in chunk)
        return
    for row, one in zip(chunk, said, strict=True):
        yield _answer(row, one if isinstance(one, dict) else {})


def _answer(row: Row, said: Mapping[str, Any]) -> Answer:
    told = str(said.get("id") or "")
    if told and row.id and key_of(told) != key_of(row.id):
        return Answer(row, Unknown(row.marker, f"the answer is about {told}"))
    if said.get("success") is True and (told or row.id):
        return Answer(row, Applied(row.marker, told or str(row.id)))
    if said.get("success") is False:
        errors = said.get("errors")
        return Answer(row, refused(row.marker, errors), errors)
    return Answer(row, Unknown(row.marker, "the answer does not say what became of it"))


def _lost(row: Row, error: Transient) -> Answer:
    if isinstance(error, NoAnswer):
        return Answer(row, Unknown(row.marker, str(error)))
    return Answer(row, Retry(row.marker, error.retry_after, str(error)))
