"""Bulk API 2.0, writing: a job takes one CSV file, and has three of results."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Final

from connector.sandbox import Answer
from sandbox_salesforce.call import Call, Endpoint
from sandbox_salesforce.ids import make_id
from sandbox_salesforce.ingest import IngestJob, work
from sandbox_salesforce.jobs import MEDIA, form_of, no_job, wrong_state
from sandbox_salesforce.records import Records, Written
from sandbox_salesforce.refusal import ApiError, UnreadableBody

_OPERATIONS: Final = ("insert", "update", "upsert", "delete", "hardDelete")
_LARGEST: Final = 150_000_000
_WAIT: Final = 5.0


class IngestJobs:
    """The jobs of an organisation that write."""

    def __init__(self) -> None:
        self.by_id: dict[str, IngestJob] = {}

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield where they are."""
        yield Endpoint("POST", "/jobs/ingest", self._create)
        yield Endpoint("GET", "/jobs/ingest", self._all)
        yield Endpoint("GET", "/jobs/ingest/{job}", self._poll)
        yield Endpoint("PATCH", "/jobs/ingest/{job}", self._state)
        yield Endpoint("DELETE", "/jobs/ingest/{job}", self._delete)
        yield Endpoint("PUT", "/jobs/ingest/{job}/batches", self._upload)
        yield Endpoint("GET", "/jobs/ingest/{job}/successfulResults", self._successful)
        yield Endpoint("GET", "/jobs/ingest/{job}/failedResults", self._failed)
        yield Endpoint("GET", "/jobs/ingest/{job}/unprocessedrecords", self._unprocessed)

    def close(self) -> None:
        """Give up what is still being written."""
        for job in self.by_id.values():
            if job.worker is not None and job.worker.is_alive():
                job.state = "Aborted"
                job.worker.join()

    def _create(self, call: Call) -> Answer:
        body = call.record()
        operation = body.get("operation")
        if operation not in _OPERATIONS:
            raise UnreadableBody(f"unknown operation: {operation}", "INVALIDJOB")
        sobject = call.org.object(str(body.get("object")), call.user)
        key = body.get("externalIdFieldName")
        if operation == "upsert":
            if not isinstance(key, str):
                raise UnreadableBody("externalIdFieldName is required for upsert", "INVALIDJOB")
            key = Records(call.org, call.user).key_field(sobject, key).name
        name = make_id("750", call.service.next_job())
        job = IngestJob(
            name, operation, sobject, key if operation == "upsert" else None, form_of(body),
            call.version, call.user, call.org.stamp(),
        )  # fmt: skip
        self.by_id[name] = job
        return Answer(job.said())

    def _all(self, call: Call) -> Answer:
        said = [job.said() for job in self.by_id.values()]
        return Answer({"done": True, "records": said, "nextRecordsUrl": None})

    def _job(self, call: Call) -> IngestJob:
        job = self.by_id.get(call.args["job"])
        if job is None:
            raise no_job(call.args["job"])
        return job

    def _upload(self, call: Call) -> Answer:
        job = self._job(call)
        # That a job takes one file is not confirmed; the safe way to use it is one.
        if job.state != "Open" or job.data is not None:
            raise wrong_state(job.state)
        if not call.headers.get("content-type", "").startswith(MEDIA):
            raise ApiError("INVALIDCONTENTTYPE", "Content-Type must be text/csv", status=415)
        if len(call.body) * 4 / 3 > _LARGEST:
            raise ApiError("API_ERROR", "The data are larger than 150 MB after base64", status=413)
        job.data = call.body
        return Answer(status=201)

    def _state(self, call: Call) -> Answer:
        job, wanted = self._job(call), call.record().get("state")
        if wanted == "Aborted" and job.state in ("Open", "UploadComplete", "InProgress"):
            job.state = "Aborted"
        elif wanted == "UploadComplete" and job.state == "Open" and job.data is not None:
            job.state = "UploadComplete"
            job.worker = threading.Thread(target=work, args=(call.org, job), daemon=True)
            job.worker.start()
        else:
            raise wrong_state(job.state)
        return Answer(job.said())

    def _poll(self, call: Call) -> Answer:
        job = self._job(call)
        if job.state in ("UploadComplete", "InProgress") and job.worker is not None:
            job.polls += 1
            job.state = "InProgress"
            if job.polls >= call.org.settings.polls:
                # A small job is done by now, however slow the machine; a large one takes its time.
                job.worker.join(_WAIT)
                if not job.worker.is_alive():
                    job.state = "Failed" if job.problem else "JobComplete"
        return Answer(job.said())

    def _delete(self, call: Call) -> Answer:
        del self.by_id[self._finished(call).id]
        return Answer(status=204)

    def _finished(self, call: Call) -> IngestJob:
        job = self._job(call)
        if job.state not in ("JobComplete", "Failed", "Aborted"):
            raise wrong_state(job.state)
        return job

    def _successful(self, call: Call) -> Answer:
        job = self._finished(call)

        def rows() -> Iterator[Sequence[str]]:
            for row, outcome in _in_another_order(job):
                if isinstance(outcome, Written):
                    yield [outcome.id, "true" if outcome.created else "false", *row]

        return _file(job, ("sf__Id", "sf__Created"), rows())

    def _failed(self, call: Call) -> Answer:
        job = self._finished(call)

        def rows() -> Iterator[Sequence[str]]:
            for row, outcome in _in_another_order(job):
                if isinstance(outcome, ApiError):
                    error = f"{outcome.code}:{outcome.message}:{','.join(outcome.fields)} --"
                    yield [_id_in(job, row), error, *row]

        return _file(job, ("sf__Id", "sf__Error"), rows())

    def _unprocessed(self, call: Call) -> Answer:
        job = self._finished(call)
        rows = (row for row, outcome in _in_another_order(job) if outcome is None)
        return _file(job, (), rows)


def _file(job: IngestJob, columns: Sequence[str], rows: Iterator[Sequence[str]]) -> Answer:
    header = [*columns, *next(job.rows(), [])]
    return Answer(media=MEDIA, parts=job.form.file(header, rows))


def _in_another_order(job: IngestJob) -> Iterator[tuple[list[str], Written | ApiError | None]]:
    """Yield each row with its outcome, the second half first: the order is not the sender's."""
    done = len(job.outcomes)
    middle = max(1, done // 2)
    for late in (True, False):
        for place, row in enumerate(job.data_rows()):
            if (place >= middle) is late:
                yield row, job.outcomes[place] if place < done else None


def _id_in(job: IngestJob, row: Sequence[str]) -> str:
    header = next(job.rows(), [])
    return row[header.index("Id")] if "Id" in header and row else ""
