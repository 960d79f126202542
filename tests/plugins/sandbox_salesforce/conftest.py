"""An organisation for each test, asked in this process: most need no server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import httpx
import pytest

from connector.testing.faults import Clock
from sandbox_salesforce.credentials import Credentials
from sandbox_salesforce.fields import text
from sandbox_salesforce.objects import Edition
from sandbox_salesforce.sandbox import SalesforceSandbox
from tests.plugins.sandbox_salesforce.asking import client_of

CREDENTIALS = Credentials()
"""Shared: to make its key takes as long as some tests."""


@pytest.fixture
def clock() -> Clock:
    """Return what time it is there; it passes where a test lets it."""
    return Clock(datetime(2026, 3, 1, 12, tzinfo=UTC))


@pytest.fixture
def make(clock: Clock) -> Iterator[Callable[..., SalesforceSandbox]]:
    """Return what makes an organisation of an edition."""
    made: list[SalesforceSandbox] = []

    def of(**edition: bool) -> SalesforceSandbox:
        made.append(
            SalesforceSandbox(
                edition=Edition(**edition), clock=lambda: clock.now, credentials=CREDENTIALS
            )
        )
        return made[-1]

    yield of
    for sandbox in made:
        sandbox.close()


@pytest.fixture
def sandbox(make: Callable[..., SalesforceSandbox]) -> SalesforceSandbox:
    """Return an organisation with a key of ours on accounts."""
    sandbox = make()
    sandbox.add_field("Account", text("Ext__c", 40, external_id=True, unique=True))
    return sandbox


@pytest.fixture
def client(sandbox: SalesforceSandbox) -> Iterator[httpx.Client]:
    """Return a client that has logged in."""
    with client_of(sandbox) as client:
        yield client
