"""Many rows through Bulk API 2.0: one job, whose three results say what became of each row."""

from __future__ import annotations

import csv
import io
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from connector import Applied, AuthError, RateLimited, RemoteError, Retry, Transient, Unknown
from connector.http import NoAnswer
from connector_salesforce.held import key_of
from connector_salesforce.outcomes import judged
from connector_salesforce.written import as_cell

if TYPE_CHECKING:
    from connector import Rejected, SetFields
    from connector_salesforce.connection import Org

    Outcome = Applied | Rejected | Retry | Unknown

logger = logging.getLogger(__name__)

_ENDED: Final = ("JobComplete", "Failed", "Aborted")
_FIRST_PAUSE: Final = 2.0
_LONGEST_PAUSE: Final = 30.0
_LOOKS: Final = 130
"""How often a job is looked at: an hour in all."""
_LOST_LOOKS: Final = 5


def update(
    org: Org,
    sobject: str,
    changes: Sequence[SetFields],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Outcome]:
    """Yield one outcome a change, matched by id: the order of results is not ours."""
    job = ""
    try:
        job = _opened(org, sobject)
        _uploaded(org, job, changes)
    except Transient as error:
        # Rows are taken up only once the job is closed, so none of them has been.
        if job:
            _abort(org, job)
        after = error.retry_after if isinstance(error, RateLimited) else None
        yield from (Retry(change.marker, after, str(error)) for change in changes)
        return
    except RemoteError:
        if job:
            _abort(org, job)
        raise
    try:
        org.request("PATCH", f"jobs/ingest/{job}", json={"state": "UploadComplete"})
    except NoAnswer as error:
        yield from (Unknown(change.marker, str(error)) for change in changes)
        return
    except Transient as error:
        _abort(org, job)
        yield from (Retry(change.marker, None, str(error)) for change in changes)
        return
    yield from _became(org, job, changes, _ended(org, job, sleep))


def _opened(org: Org, sobject: str) -> str:
    wanted = {
        "object": sobject,
        "operation": "update",
        "contentType": "CSV",
        "lineEnding": "LF",
        "columnDelimiter": "COMMA",
    }
    answer = org.request("POST", "jobs/ingest", json=wanted).json()
    try:
        return str(answer["id"])
    except (TypeError, LookupError):
        raise NoAnswer(f"{org.host}: a bulk job was begun and its id not told") from None


def _uploaded(org: Org, job: str, changes: Sequence[SetFields]) -> None:
    org.request(
        "PUT",
        f"jobs/ingest/{job}/batches",
        content=_csv(changes),
        headers={"Content-Type": "text/csv; charset=UTF-8"},
    )


def _csv(changes: Sequence[SetFields]) -> bytes:
    """Return the rows by account, for parallel batches lock what they share; empty is untouched."""
    names = list(dict.fromkeys(name for change in changes for name in change.values))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["Id", *names])
    for change in sorted(changes, key=lambda change: change.ref.id):
        cells = [as_cell(change.values[n]) if n in change.values else "" for n in names]
        writer.writerow([change.ref.id, *cells])
    return text.getvalue().encode()


def _ended(org: Org, job: str, sleep: Callable[[float], None]) -> str:
    """Return the state in which the job has ended, or the last that was seen of it."""
    pause, state, lost = _FIRST_PAUSE, "", 0
    for _ in range(_LOOKS):
        try:
            told = org.get(f"jobs/ingest/{job}")
            state, lost = str(told.get("state")), 0
        except AuthError:
            raise
        except RemoteError as error:
            # Looking changes nothing, and the next look comes anyway.
            lost += 1
            if lost > _LOST_LOOKS:
                return f"not to be seen: {error}"
        if state in _ENDED:
            logger.info("bulk job %s: %s %s", job, state, told.get("errorMessage") or "")
            return state
        sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
    return state


def _became(org: Org, job: str, changes: Sequence[SetFields], state: str) -> Iterator[Outcome]:
    """Yield the outcomes; also a job that failed has done a part, which only its results tell."""
    left = {key_of(change.ref.id): change for change in changes}
    why = f"bulk job {job}: {state}"
    if state in _ENDED:
        try:
            for kind, outcome in _RESULTS.items():
                if not left:
                    break  # each further result would be a call for nothing
                for row in _rows(org, job, kind):
                    if change := left.pop(key_of(row.get("Id") or row.get("sf__Id") or ""), None):
                        yield outcome(change.marker, row)
        except AuthError:
            raise
        except RemoteError as error:  # of any kind: what was sent stays sent
            why = str(error)
    yield from (Unknown(change.marker, f"{why}; no result tells of it") for change in left.values())


def _rows(org: Org, job: str, kind: str) -> Iterator[Mapping[str, str]]:
    """Yield the rows of a result; without any it may be empty, with no line of names either."""
    answer = org.request("GET", f"jobs/ingest/{job}/{kind}", headers={"Accept": "text/csv"})
    # It is UTF-8, also where the answer does not say so.
    text = io.StringIO(answer.content.decode("utf-8-sig"), newline="")
    yield from csv.DictReader(text)


def _applied(marker: str, row: Mapping[str, str]) -> Outcome:
    return Applied(marker, row.get("sf__Id") or row.get("Id") or "")


def _failed(marker: str, row: Mapping[str, str]) -> Outcome:
    """Return the outcome for an error such as `CODE:message:fields --`."""
    code, _, rest = (row.get("sf__Error") or "UNKNOWN").partition(":")
    words, _, fields = rest.rpartition(":")
    return judged(marker, code, words or fields or code)


def _unprocessed(marker: str, row: Mapping[str, str]) -> Outcome:
    return Retry(marker, None, "the bulk job ended before it came to this row")


_RESULTS: Final[Mapping[str, Callable[[str, Mapping[str, str]], Outcome]]] = {
    "successfulResults": _applied,
    "failedResults": _failed,
    "unprocessedrecords": _unprocessed,
}


def _abort(org: Org, job: str) -> None:
    """Throw an open job away, if that can be done: it would only stay in a list."""
    with suppress(RemoteError):
        org.request("PATCH", f"jobs/ingest/{job}", json={"state": "Aborted"})
