"""An installation for each test, asked in this process: most need no server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from connector.testing.faults import Clock
from sandbox_espocrm.sandbox import EspoSandbox
from tests.plugins.sandbox_espocrm.asking import client_of


@pytest.fixture
def clock() -> Clock:
    """Return what time it is there; it passes where a test lets it."""
    return Clock(datetime(2026, 3, 1, 12, tzinfo=UTC))


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[EspoSandbox]:
    """Return an installation without accounts."""
    sandbox = EspoSandbox(clock=lambda: clock.now)
    yield sandbox
    sandbox.close()


@pytest.fixture
def client(sandbox: EspoSandbox) -> Iterator[httpx.Client]:
    """Return a client with the API key."""
    with client_of(sandbox, {"X-Api-Key": sandbox.credentials.api_key}) as client:
        yield client


@pytest.fixture
def admin(sandbox: EspoSandbox) -> Iterator[httpx.Client]:
    """Return a client of the administrator."""
    known = sandbox.credentials
    with client_of(sandbox, auth=(known.admin, known.admin_password)) as client:
        yield client
