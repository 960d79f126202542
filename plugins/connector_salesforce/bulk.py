"""Queries of the Bulk API 2.0: a job, its results page by page, from bytes into columns."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import pyarrow as pa
import pyarrow.csv as pa_csv

from connector import AccessError, Refused, Unavailable
from connector.http import NoAnswer, NotFound

if TYPE_CHECKING:
    import httpx

    from connector_salesforce.connection import Org

logger = logging.getLogger(__name__)

_BLOCK: Final = 4 << 20  # bytes; no record is longer
_LONGEST_PAUSE: Final = 30.0
_PATIENCE: Final = 1_800.0  # seconds of pauses; then the host decides


class Gone(Exception):
    """The job is no longer there, has failed, or belongs to another version of the API."""


@dataclass(frozen=True, slots=True)
class Results:
    """Some rows of a job, and where the next ones are; None after the last."""

    rows: pa.Table
    locator: str | None


class QueryJobs:
    """The query jobs of an org; *sleep* passes the time until one is done."""

    def __init__(self, org: Org, sleep: Callable[[float], None]) -> None:
        self._org = org
        self._sleep = sleep

    def start(self, soql: str, *, deleted: bool = False) -> str:
        """Return the id of a new job; with *deleted* what is in the bin or archived comes too."""
        operation = "queryAll" if deleted else "query"
        asked = {"operation": operation, "query": soql, "contentType": "CSV"}
        form = {"columnDelimiter": "COMMA", "lineEnding": "LF"}
        job = str(self._org.request("POST", "jobs/query", json={**asked, **form}).json()["id"])
        logger.info("%s: query job %s", self._org.host, job)
        return job

    def wait(self, job: str) -> None:
        """Return once *job* is complete; raise Gone if it will never be.

        Raise Unavailable after half an hour: it can be waited for again.
        """
        pause, waited = 1.0, 0.0
        while (state := self._state(job)) != "JobComplete":
            if state in ("Failed", "Aborted"):
                raise Gone(f"query job {job}: {state}")
            if waited >= _PATIENCE:
                raise Unavailable(
                    f"{self._org.host}: query job {job} has not ended in {waited / 60:.0f} minutes;"
                    " see Setup > Bulk Data Load Jobs"
                )
            self._sleep(pause)
            waited += pause
            pause = min(2 * pause, _LONGEST_PAUSE)

    def results(self, job: str, locator: str | None, size: int, names: Sequence[str]) -> Results:
        """Return at most *size* rows from *locator* on; raise Gone if they are not kept."""
        where = {"locator": locator} if locator else {}
        try:
            with self._org.stream(f"jobs/query/{job}/results", maxRecords=size, **where) as answer:
                rows = _table(answer, names)
        except (NotFound, Refused) as error:
            raise Gone(str(error)) from error
        return Results(rows, _next(answer, rows.num_rows, size))

    def _state(self, job: str) -> str:
        try:
            return str(self._org.get(f"jobs/query/{job}")["state"])
        except (NotFound, Refused) as error:
            raise Gone(str(error)) from error


def _next(answer: httpx.Response, count: int, size: int) -> str | None:
    host = answer.request.url.host
    told = answer.headers.get("sforce-numberofrecords")
    if told is not None and told.isdigit() and int(told) != count:
        raise NoAnswer(f"{host}: {count} rows came of {told}: the answer broke off")
    locator = answer.headers.get("sforce-locator")
    if locator is None and count >= size:
        raise AccessError(
            f"{host}: the answer does not say whether there is more: something on the way removes"
            " its Sforce-Locator header; let it pass, or set bulk_from so high that it is not used"
        )
    return None if locator in (None, "", "null") else str(locator)


def _table(answer: httpx.Response, names: Sequence[str]) -> pa.Table:
    """Return the body, read as it comes, as columns of text under *names*."""
    raw = cast("io.RawIOBase", _Body(answer.iter_bytes()))
    body = io.BufferedReader(raw, _BLOCK)
    if not body.peek(1):
        return pa.table({name: pa.nulls(0, pa.string()) for name in names})
    count = len(names)
    # By place: what is not named as we expect would be taken for a number if it looks like one.
    texts = pa_csv.ConvertOptions(
        column_types={f"f{n}": pa.string() for n in range(count)},
        null_values=[""],
        strings_can_be_null=True,
    )
    try:
        reader = pa_csv.open_csv(
            body,
            read_options=pa_csv.ReadOptions(autogenerate_column_names=True, block_size=_BLOCK),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True),
            convert_options=texts,
        )
        found = reader.read_all()
    except pa.ArrowInvalid as error:
        host = answer.request.url.host
        # The message would show the row.
        raise NoAnswer(f"{host}: the results are no CSV: the answer broke off") from error
    return _named(found, names, answer.request.url.host)


def _named(found: pa.Table, names: Sequence[str], host: str) -> pa.Table:
    """Return *found*, whose first row is its head, under our *names* in our order."""
    head = [str(column[0]).lower() for column in found.columns]
    if sorted(head) != sorted(name.lower() for name in names):
        raise NoAnswer(f"{host}: the results have other columns than were asked for")
    places = [head.index(name.lower()) for name in names]
    return found.slice(1).select(places).rename_columns(list(names)).combine_chunks()


class _Body(io.RawIOBase):
    """The bytes of an answer as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override] # any buffer will do
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._left = chunk
        taken, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)
