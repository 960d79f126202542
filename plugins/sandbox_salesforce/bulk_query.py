"""Bulk API 2.0, reading: a query is a job, and its result a file in pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connector.sandbox import Answer
from sandbox_salesforce.call import Call, Endpoint
from sandbox_salesforce.ids import make_id
from sandbox_salesforce.jobs import MEDIA, Form, form_of, no_job, wrong_state
from sandbox_salesforce.query import Found, values_of
from sandbox_salesforce.refusal import ApiError, UnreadableBody
from sandbox_salesforce.soql import Query, parse
from sandbox_salesforce.translate import Statement, translate
from sandbox_salesforce.values import to_csv

_AT_ONCE: Final = 2000


@dataclass(slots=True)
class QueryJob:
    """A query that somebody waits for. It is carried out when it is said to be complete."""

    id: str
    operation: str
    query: str
    form: Form
    version: int
    user: str
    made: str
    statement: Statement
    state: str = "UploadComplete"
    polls: int = 0
    found: Found | None = None

    def said(self) -> dict[str, Any]:
        """Return what is said of the job."""
        return {
            "id": self.id,
            "operation": self.operation,
            "object": self.statement.sobject.name,
            "createdById": self.user,
            "createdDate": self.made,
            "systemModstamp": self.made,
            "state": self.state,
            "concurrencyMode": "Parallel",
            "apiVersion": float(self.version),
            "jobType": "V2Query",
            **self.form.said,
            **({"numberRecordsProcessed": len(self.found.numbers)} if self.found else {}),
        }


class QueryJobs:
    """The queries of an organisation."""

    def __init__(self) -> None:
        self.by_id: dict[str, QueryJob] = {}

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield where they are."""
        yield Endpoint("POST", "/jobs/query", self._create)
        yield Endpoint("GET", "/jobs/query", self._all)
        yield Endpoint("GET", "/jobs/query/{job}", self._poll)
        yield Endpoint("PATCH", "/jobs/query/{job}", self._abort)
        yield Endpoint("DELETE", "/jobs/query/{job}", self._delete)
        yield Endpoint("GET", "/jobs/query/{job}/results", self._results)

    def _create(self, call: Call) -> Answer:
        body = call.record()
        operation, text = body.get("operation"), body.get("query")
        if operation not in ("query", "queryAll") or not isinstance(text, str):
            raise UnreadableBody("operation must be query or queryAll, with a query", "INVALIDJOB")
        query = parse(text)
        include_deleted = operation == "queryAll"
        statement = translate(call.org, call.user, query, include_deleted=include_deleted)
        _check(query, statement)
        # The same series of ids as of jobs that write.
        name = make_id("750", call.service.next_job())
        job = QueryJob(
            name, operation, text, form_of(body), call.version, call.user, call.org.stamp(),
            statement,
        )  # fmt: skip
        self.by_id[name] = job
        return Answer(job.said())

    def _all(self, call: Call) -> Answer:
        said = [job.said() for job in self.by_id.values()]
        return Answer({"done": True, "records": said, "nextRecordsUrl": None})

    def _job(self, call: Call) -> QueryJob:
        job = self.by_id.get(call.args["job"])
        if job is None:
            raise no_job(call.args["job"])
        return job

    def _poll(self, call: Call) -> Answer:
        job = self._job(call)
        if job.state in ("UploadComplete", "InProgress"):
            job.polls += 1
            job.state = "InProgress"
            if job.polls >= call.org.settings.polls:
                job.found = call.service.queries.found(job.statement, job.user, _AT_ONCE)
                job.state = "JobComplete"
        return Answer(job.said())

    def _abort(self, call: Call) -> Answer:
        job = self._job(call)
        if call.record().get("state") != "Aborted" or job.state == "JobComplete":
            raise wrong_state(job.state)
        job.state = "Aborted"
        return Answer(job.said())

    def _delete(self, call: Call) -> Answer:
        del self.by_id[self._job(call).id]
        return Answer(status=204)

    def _results(self, call: Call) -> Answer:
        job = self._job(call)
        if job.version != call.version:
            raise ApiError(
                "API_ERROR", f"The job was made with version {job.version}.0", status=409
            )
        if job.found is None:
            raise wrong_state(job.state)
        start = _offset(call.query.get("locator", ""))
        most = min(_number(call, "maxRecords"), call.org.settings.bulk_page)
        end = min(start + most, len(job.found.numbers))
        headers = {
            "Sforce-NumberOfRecords": str(end - start),
            "Sforce-Locator": _locator(end) if end < len(job.found.numbers) else "null",
        }
        names = [".".join(column.path) for column in job.statement.columns]
        parts = job.form.file(names, _rows(call, job.found, start, end))
        return Answer(headers=headers, media=MEDIA, parts=parts)


def _check(query: Query, statement: Statement) -> None:
    compound = [column.path[-1] for column in statement.columns if column.kind == "address"]
    if statement.is_count or statement.is_grouped or query.group:
        raise ApiError("API_ERROR", "Aggregate queries are not supported in Bulk Query")
    if query.offset is not None:
        raise ApiError("API_ERROR", "OFFSET is not supported in Bulk Query")
    if compound:
        raise ApiError(
            "API_ERROR", f"Selecting compound data is not supported in Bulk Query: {compound[0]}"
        )


def _rows(call: Call, found: Found, start: int, end: int) -> Iterator[Sequence[str]]:
    for at in range(start, end, _AT_ONCE):
        numbers = found.numbers[at : min(at + _AT_ONCE, end)]
        for row in values_of(call.org, found.statement, numbers):
            yield [
                to_csv(column.kind, row[place])
                for place, column in enumerate(found.statement.columns, 1)
            ]


def _number(call: Call, name: str) -> int:
    text = call.query.get(name, "")
    if not text:
        return call.org.settings.bulk_page
    if not text.isdigit() or int(text) < 1:
        raise ApiError("API_ERROR", f"{name} must be a number above 0: {text}")
    return int(text)


def _locator(offset: int) -> str:
    return f"MTAw{offset:x}"


def _offset(locator: str) -> int:
    if not locator:
        return 0
    try:
        return int(locator.removeprefix("MTAw"), 16)
    except ValueError:
        raise ApiError("INVALID_QUERY_LOCATOR", f"invalid locator {locator}") from None
