"""The figures of the scheduler's runs, as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_SECONDS: Final = (1, 5, 15, 60, 300, 900, 1800, 3600, 4 * 3600)


class Metrics:
    """Counts what runs say at their end; needs the extra `metrics` (ImportError without it)."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self.registry: CollectorRegistry = CollectorRegistry()
        of: dict[str, Any] = {"namespace": "connector", "registry": self.registry}
        self._runs = Counter("runs", "Runs that have ended", ["job", "state"], **of)
        self._rows = Counter("rows_read", "Rows read from the source", ["job", "stream"], **of)
        self._changes = Counter(
            "changes", "Changes of accounts and tasks", ["job", "kind", "outcome"], **of
        )
        self._calls = Counter("api_calls", "Requests over HTTP", ["job", "status"], **of)
        self._aside = Gauge("quarantined_rows", "Rows that are set aside", ["job"], **of)
        self._seconds = Histogram(
            "run_duration_seconds", "How long runs took", ["job"], buckets=_SECONDS, **of
        )

    def ended(self, job: str, state: str, seconds: float, figures: Mapping[str, Any]) -> None:
        """Count a run that has ended; *figures* are those of `connector.schedule.child`."""
        self._runs.labels(job, state).inc()
        self._seconds.labels(job).observe(seconds)
        for stream, read in figures.get("read", {}).items():
            self._rows.labels(job, stream).inc(read)
        for kind, outcomes in figures.get("changes", {}).items():
            for outcome, count in outcomes.items():
                self._changes.labels(job, kind, outcome).inc(count)
        for status, count in figures.get("requests", {}).items():
            self._calls.labels(job, status).inc(count)
        if (aside := figures.get("quarantined")) is not None:
            self._aside.labels(job).set(aside)

    def text(self) -> bytes:
        """Return all figures in Prometheus' text format."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry)
