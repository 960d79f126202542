"""What is told of a run to those who watch: its name on every log line, and spans.

Spans (run, stage, request) cost nothing unless the environment says where they go. They hold the
names of jobs, stages and hosts; never a path, a query or a record.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from connector.errors import ConfigError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer


@dataclass(slots=True)
class _Run:
    job: str
    id: str
    stages: ExitStack = field(default_factory=ExitStack)


_current: Final[ContextVar[_Run | None]] = ContextVar("run", default=None)
_tracer: Tracer | None = None
_requests: Final[Counter[str]] = Counter()
_counting: Final = threading.Lock()


@contextmanager
def run(job: str, run_id: str) -> Iterator[None]:
    """Tell of what happens in the block that it belongs to this run."""
    export_spans()
    current = _Run(job, run_id)
    before = _current.set(current)
    try:
        with span("run", {"connector.job": job, "connector.run": run_id}), current.stages:
            yield
    finally:
        _current.reset(before)


def stage(name: str) -> None:
    """End the stage of the run under way that came before, and begin *name*."""
    current = _current.get()
    if current is not None:
        current.stages.close()
        current.stages.enter_context(span(name))


def about() -> Mapping[str, str]:
    """Return job and run of what is done just now; nothing outside a run."""
    current = _current.get()
    return {} if current is None else {"job": current.job, "run": current.id}


@contextmanager
def request(method: str, host: str) -> Iterator[dict[str, Any]]:
    """Record one request over HTTP; what is learnt of it goes into what is yielded."""
    said: dict[str, Any] = {}
    with span(method, {"http.request.method": method, "server.address": host}, said):
        yield said


def count(status: int | None) -> None:
    """Count an answer over HTTP by its status, or that there was none."""
    with _counting:
        _requests[f"{status // 100}xx" if status else "no answer"] += 1


def requests() -> Mapping[str, int]:
    """Return how many requests this process has sent, by the class of their answer."""
    with _counting:
        return dict(_requests)


@contextmanager
def span(
    name: str, attributes: Mapping[str, str] | None = None, later: Mapping[str, Any] | None = None
) -> Iterator[None]:
    """Record the block as a span; *later* are attributes that are known when it ends."""
    if _tracer is None:
        yield
        return
    from opentelemetry.trace import Status, StatusCode

    # Of an error its class alone: a message may quote the CRM, and so a person's data.
    with _tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as begun:
        try:
            yield
        except BaseException as error:
            begun.set_attribute("error.type", type(error).__name__)
            begun.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            begun.set_attributes(dict(later or {}))


def export_spans(exporter: SpanExporter | None = None) -> None:
    """Send spans where the variables of OpenTelemetry say, or to *exporter*; else nowhere.

    Raise ConfigError if they name a place and the extra `traces` is not installed.
    """
    global _tracer  # one a process, as OpenTelemetry's own is
    if exporter is None and (_tracer is not None or not _wanted()):
        return
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
    except ImportError as error:
        raise ConfigError(
            "OTEL_...: spans are asked for, but OpenTelemetry is missing; install"
            " pyramid-connector[traces], or unset the variable"
        ) from error
    named = {} if "OTEL_SERVICE_NAME" in os.environ else {"service.name": "pyramid-connector"}
    provider = TracerProvider(resource=Resource.create(named))
    if exporter is None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    else:
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    _tracer = provider.get_tracer("connector")


def _wanted() -> bool:
    given = os.environ.get
    if given("OTEL_SDK_DISABLED", "").lower() == "true" or given("OTEL_TRACES_EXPORTER") == "none":
        return False
    places = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return given("OTEL_TRACES_EXPORTER") == "otlp" or any(map(given, places))
