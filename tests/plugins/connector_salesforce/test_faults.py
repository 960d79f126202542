"""Whatever the network does, every record arrives, and none is taken for deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from connector import Page, Stream
from connector.retry import retrying
from connector.testing.faults import (
    USUAL,
    FaultyTransport,
    RequestFault,
    Script,
    Status,
    Strike,
)
from connector.testing.suite import records
from connector_salesforce.source import SalesforceSource
from sandbox_salesforce.sandbox import SalesforceSandbox
from tests.plugins.connector_salesforce.answers import EXPIRED
from tests.plugins.connector_salesforce.sandbox import Clock, settings_for

COUNT = 23
FAULTS: tuple[RequestFault, ...] = (
    *USUAL,
    Status(401, json.dumps(EXPIRED)),
    Status(400, json.dumps([{"errorCode": "QUERY_TIMEOUT", "message": "too long"}])),
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SalesforceSandbox]:
    with SalesforceSandbox(clock=Clock()) as sandbox:
        for number in range(COUNT):
            sandbox.insert("Account", Name=f"Account {number}")
        yield sandbox


@pytest.mark.long
@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(
    "given",
    [{"page_size": 3}, {"bulk_from": 0, "bulk_page": 4}],
    ids=["queries", "jobs"],
)
def test_every_record_arrives(sandbox: SalesforceSandbox, given: dict[str, Any], seed: int) -> None:
    def asks_for_data(request: httpx.Request) -> bool:
        return "/services/data/v" in request.url.path

    strikes = [Strike(fault, where=asks_for_data, chance=0.04) for fault in FAULTS]
    wire = FaultyTransport(httpx.HTTPTransport(), Script(*strikes, seed=seed))
    source = SalesforceSource(
        settings_for(sandbox, **given), transport=wire, sleep=lambda pause: None
    )
    pages: list[Page] = []

    def following() -> Iterator[Page]:
        cursor = pages[-1].cursor if pages else None
        return source.pull(Stream.ACCOUNTS, ["Id", "Name"], cursor)

    for page in retrying(following, attempts=50, sleep=lambda pause: None):
        pages.append(page)
    source.close()
    assert wire.play.struck
    last = [page for page in pages if page.scan == pages[-1].scan]
    names = [str(row["Name"]) for page in last for row in records(page.rows)]
    assert sorted(names) == sorted(f"Account {number}" for number in range(COUNT))
    assert not any(page.deleted for page in pages)
