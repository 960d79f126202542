"""A database for each test, asked in this process: most need no server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import httpx
import pytest

from connector.testing.faults import Clock
from sandbox_odoo.sandbox import OdooSandbox
from tests.plugins.sandbox_odoo.asking import Rpc, json2_of, rpc_of

Make = Callable[..., OdooSandbox]


@pytest.fixture
def clock() -> Clock:
    """Return what time it is there, with microseconds; it passes where a test lets it."""
    return Clock(datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC))


@pytest.fixture
def make(clock: Clock) -> Make:
    """Return what makes a database of a version."""

    def of(version: str = "19.0", **more: object) -> OdooSandbox:
        return OdooSandbox(version, clock=lambda: clock.now, **more)  # type: ignore[arg-type]

    return of


@pytest.fixture
def sandbox(make: Make) -> OdooSandbox:
    """Return a database of 19.0."""
    return make()


@pytest.fixture
def rpc(sandbox: OdooSandbox) -> Iterator[Rpc]:
    """Return a client of it by JSON-RPC."""
    rpc = rpc_of(sandbox)
    with rpc.http:
        yield rpc


@pytest.fixture
def json2(sandbox: OdooSandbox) -> Iterator[httpx.Client]:
    """Return a client of it by JSON-2."""
    with json2_of(sandbox) as client:
        yield client
