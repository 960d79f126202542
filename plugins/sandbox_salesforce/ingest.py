"""The work of a job that writes: its file, row by row, each with an outcome of its own."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sandbox_salesforce.jobs import Form
from sandbox_salesforce.many import row_error
from sandbox_salesforce.org import Org
from sandbox_salesforce.records import ManyFound, Records, Written
from sandbox_salesforce.refusal import ApiError
from sandbox_salesforce.schema import SObject
from sandbox_salesforce.values import from_csv

_CHUNK: Final = 200
"""So many rows are worked on together, as far as that can be seen from outside."""


@dataclass(slots=True)
class IngestJob:
    """A file that is written. *outcomes* has an entry for each row that was worked on."""

    id: str
    operation: str
    sobject: SObject
    key: str | None
    form: Form
    version: int
    user: str
    made: str
    state: str = "Open"
    data: bytes | None = None
    polls: int = 0
    problem: str = ""
    outcomes: list[Written | ApiError] = field(default_factory=list)
    worker: threading.Thread | None = None

    def said(self) -> dict[str, Any]:
        """Return what is said of the job."""
        said: dict[str, Any] = {
            "id": self.id,
            "operation": self.operation,
            "object": self.sobject.name,
            "createdById": self.user,
            "createdDate": self.made,
            "systemModstamp": self.made,
            "state": self.state,
            "concurrencyMode": "Parallel",
            "apiVersion": float(self.version),
            "jobType": "V2Ingest",
            **self.form.said,
        }
        if self.key:
            said["externalIdFieldName"] = self.key
        if self.state == "Open":
            return said | {
                "contentUrl": f"services/data/v{self.version}.0/jobs/ingest/{self.id}/batches"
            }
        failed = sum(isinstance(one, ApiError) for one in self.outcomes)
        said |= {
            "numberRecordsProcessed": len(self.outcomes),
            "numberRecordsFailed": failed,
            "retries": 0,
            "totalProcessingTime": 0,
            "apiActiveProcessingTime": 0,
            "apexProcessingTime": 0,
        }
        return said | ({"errorMessage": self.problem} if self.problem else {})

    def rows(self) -> Iterator[list[str]]:
        """Yield the lines of the file, the header first."""
        data = io.BytesIO(self.data or b"")
        # One that is not UTF-8 is refused before; its rows come back as well as they can.
        text = io.TextIOWrapper(data, encoding="utf-8-sig", errors="replace", newline="")
        yield from csv.reader(text, delimiter=self.form.comma)

    def data_rows(self) -> Iterator[list[str]]:
        """Return the lines of the file without the header."""
        rows = self.rows()
        next(rows, None)
        return rows


def work(org: Org, job: IngestJob) -> None:
    """Write the rows of a job, each by itself."""
    try:
        job.problem = _problem(org, job)
        if not job.problem:
            _write_rows(org, job)
    except BaseException:
        job.problem = "InternalServerError : a bug of the sandbox"
        raise


def _write_rows(org: Org, job: IngestJob) -> None:
    header = next(job.rows(), [])
    visible = org.permissions.visible(job.user, job.sobject)
    # A name in other letters is a column that is not looked at.
    known = {one.name for one in visible.values()} | {name for name in header if "." in name}
    chunk: list[Mapping[str, str]] = []
    for row in job.data_rows():
        given = zip(header, row, strict=False)
        chunk.append({name: cell for name, cell in given if name in known and cell != ""})
        if len(chunk) == _CHUNK:
            _write(org, job, chunk)
            chunk.clear()
        if job.problem or job.state == "Aborted":
            return
    _write(org, job, chunk)


def _problem(org: Org, job: IngestJob) -> str:
    """Return why a file can't be worked on as a whole; empty if it can.

    The texts are from memory.
    """
    data = job.data or b""
    if (b"\r\n" in data.split(b"\n", 1)[0] + b"\n") is not (job.form.ending == "CRLF"):
        return (
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is"
            f" {job.form.ending}"
        )
    try:
        data.decode("utf-8-sig")
        header = next(job.rows(), [])
    except (UnicodeDecodeError, csv.Error) as error:
        return f"ClientInputError : {error}"
    if job.operation in ("delete", "hardDelete") and header != ["Id"]:
        return "InvalidBatch : The 'delete' batch must contain only ids"
    visible = org.permissions.visible(job.user, job.sobject)
    for name in header:
        if "." not in name and name.lower() not in visible:
            return f"InvalidBatch : Field name not found : {name}"
    return ""


def _write(org: Org, job: IngestJob, chunk: Sequence[Mapping[str, str]]) -> None:
    writer = Records(org, job.user, from_csv)
    keys = [row.get(job.key or "", "") for row in chunk]
    twice = {key for key in keys if key and keys.count(key) > 1}
    for row in chunk:
        limit = org.settings.bulk_fails_after
        if limit is not None and len(job.outcomes) >= limit:
            job.problem = "InternalServerError : the batch was given up"
            return
        job.outcomes.append(_written(writer, job, row, twice))


def _written(
    writer: Records, job: IngestJob, row: Mapping[str, str], twice: set[str]
) -> Written | ApiError:
    try:
        match job.operation:
            case "insert":
                return writer.create(job.sobject, row)
            case "update":
                return writer.update(job.sobject, row.get("Id"), row)
            case "upsert":
                return _upserted(writer, job, row, twice)
            case "hardDelete":
                written = writer.delete(job.sobject, row.get("Id"))
                writer.org.store.run(
                    f'DELETE FROM "{job.sobject.name}" WHERE "Id" = ?', [written.id]
                )
                return written
        return writer.delete(job.sobject, row.get("Id"))
    except ApiError as error:
        return row_error(error)


def _upserted(writer: Records, job: IngestJob, row: Mapping[str, str], twice: set[str]) -> Written:
    key = str(job.key)
    value = row.get(key)
    if value in twice and writer.org.settings.twice_fails:
        raise ApiError("DUPLICATE_VALUE", f"Duplicate external id specified: {value}", key)
    rest = {name: cell for name, cell in row.items() if name != key}
    try:
        return writer.upsert(job.sobject, key, value, rest)
    except ManyFound as many:
        raise ApiError(
            "DUPLICATE_EXTERNAL_ID",
            f"{key}: more than one record found for external id field: {many.ids}",
            key,
        ) from None
