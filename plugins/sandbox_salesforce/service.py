"""The service around an organisation: its logins, queries and jobs, and the endpoints of all."""

from __future__ import annotations

import itertools
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from connector.sandbox import Answer, Asked
from sandbox_salesforce import composite, limits, many, oauth, query, rows, soap, tooling
from sandbox_salesforce.bulk_ingest import IngestJobs
from sandbox_salesforce.bulk_query import QueryJobs
from sandbox_salesforce.call import Call, Endpoint, Paths, make_call, refused
from sandbox_salesforce.components import Components
from sandbox_salesforce.credentials import Credentials
from sandbox_salesforce.org import Org
from sandbox_salesforce.query import Queries
from sandbox_salesforce.refusal import ApiError
from sandbox_salesforce.sessions import Sessions

logger = logging.getLogger(__name__)
_VERSIONED: Final = re.compile(r"/services/data/v(\d+)\.0(/.*)?", re.IGNORECASE)
_LONGEST_URI: Final = 16_384


@dataclass(frozen=True, slots=True)
class Request:
    """A request that came in, as tests look at it; *counted* against the limit of a day."""

    method: str
    path: str
    query: Mapping[str, str]
    status: int
    counted: bool


class Service:
    """Answers requests on one organisation."""

    def __init__(self, org: Org, credentials: Credentials) -> None:
        self.org = org
        self.credentials = credentials
        self.url = "https://sandbox.invalid"
        self.requests: list[Request] = []
        self.sessions = Sessions(org)
        self.queries = Queries(org)
        self.components = Components(org)
        self._jobs = itertools.count(1)
        self.query_jobs = QueryJobs()
        self.ingest_jobs = IngestJobs()
        self._open = Paths(
            [
                Endpoint("GET", "/services/data", _versions),
                *oauth.endpoints(),
                *soap.endpoints(),
            ]
        )
        self._versioned = Paths(
            [
                Endpoint("GET", "", _resources),
                *limits.endpoints(),
                *query.endpoints(),
                *composite.endpoints(),
                *tooling.endpoints(),
                *many.endpoints(),
                *self.query_jobs.endpoints(),
                *self.ingest_jobs.endpoints(),
                *rows.endpoints(),
            ]
        )

    def answer(self, asked: Asked) -> Answer:
        """Return the answer to a request, whatever it is, and note that it came."""
        call = make_call(self, asked)
        try:
            answer = self._answered(call)
        except ApiError as error:
            answer = refused(error)
        except Exception:
            # The client sees 500, and may go on; whoever reads the log sees that it is our bug.
            logger.exception("the sandbox can't answer %s %s", call.method, call.path)
            raise
        if _VERSIONED.fullmatch(call.path):
            info = {"Sforce-Limit-Info": limits.info(self.org.settings)}
            answer = replace(answer, headers={**info, **answer.headers})
        self.requests.append(
            Request(call.method, call.path, call.query, answer.status, call.noted.counted)
        )
        return answer

    def _answered(self, call: Call) -> Answer:
        found = _VERSIONED.fullmatch(call.path)
        if found is None:
            handler, args = self._open.find(call.method, call.path)
            return handler(replace(call, args=args))
        if len(call.path) + len(urlencode(call.query)) >= _LONGEST_URI:
            raise ApiError("URI_TOO_LONG", "The request URI is too long")
        version = int(found[1])
        if version <= self.org.settings.retired:
            # The status is the sheet's; how the body names it is from memory.
            raise ApiError("GONE", f"API version v{version}.0 is no longer available")
        if version not in self.org.settings.versions:
            raise ApiError("NOT_FOUND", "The requested resource does not exist")
        user = self.sessions.user_of(call.session)
        limits.count(call)
        base = f"/services/data/v{version}.0"
        return self.dispatch(replace(call, base=base, version=version, user=user), found[2] or "")

    def now(self) -> datetime:
        """Return what time it is there."""
        return self.org.clock()

    def close(self) -> None:
        """Stop what is under way, and let go of the records."""
        self.ingest_jobs.close()
        self.org.store.close()

    def next_job(self) -> int:
        """Return the number of a new job."""
        return next(self._jobs)

    def dispatch(self, call: Call, path: str) -> Answer:
        """Return the answer to a request that is allowed, to *path* below its version."""
        handler, args = self._versioned.find(call.method, path)
        return handler(replace(call, args=args))


_RELEASES: Final = ("Winter", "Spring", "Summer")


def _versions(call: Call) -> Answer:
    # 59.0 is Winter '24, and there are three a year.
    said: list[dict[str, Any]] = []
    for version in call.org.settings.versions:
        years, season = divmod(version - 59, 3)
        label = f"{_RELEASES[season]} '{(24 + years) % 100:02d}"
        said.append(
            {"label": label, "url": f"/services/data/v{version}.0", "version": f"{version}.0"}
        )
    return Answer(said)


def _resources(call: Call) -> Answer:
    names = ("sobjects", "query", "queryAll", "composite", "limits", "jobs", "tooling")
    identity = f"{call.service.url}/id/{call.org.id}/{call.user}"
    return Answer({"identity": identity} | {name: f"{call.base}/{name}" for name in names})
