"""Whatever the network does, every record arrives, and each task is made once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from typing import Any

import httpx
import pytest

from connector import (
    Applied,
    Change,
    Page,
    Ref,
    Retry,
    SetFields,
    Stream,
    Transient,
    Unchanged,
    Unknown,
)
from connector.poison import apart
from connector.retry import retrying
from connector.testing.faults import (
    USUAL,
    FaultyTransport,
    Overtaken,
    RequestFault,
    Script,
    Status,
    Strike,
    Twice,
)
from connector.testing.suite import records
from connector.testing.writer import task
from connector_odoo.source import OdooSource
from connector_odoo.writer import OdooWriter
from tests.plugins.connector_odoo.odoo import MARKER, MEMORY, VERSIONS, Backend

COUNT = 23
BUSY = {"name": "psycopg2.errors.SerializationFailure", "message": "could not serialize access"}
FAULTS: Sequence[RequestFault] = (
    *USUAL,
    Status(500, json.dumps(BUSY)),
)
LATE: Sequence[RequestFault] = (*FAULTS, Twice(), Overtaken(2))
"""Also what is carried out again, or when nobody waits for it any more."""

pytestmark = pytest.mark.long


def filled(version: Any) -> Backend:
    backend = Backend(version)
    backend.add_field("res.partner", "x_tier", "char")
    backend.add_field("res.partner", MEMORY, "text")
    rows = [{"id": str(5_000 + n), "name": f"Account {n}"} for n in range(COUNT)]
    backend.put(Stream.ACCOUNTS, rows)
    return backend


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("version", VERSIONS)
def test_every_record_arrives(version: Any, seed: int) -> None:
    backend = filled(version)
    strikes = [Strike[httpx.Request, RequestFault](fault, chance=0.05) for fault in FAULTS]
    wire = FaultyTransport(backend.wire, Script(*strikes, seed=seed))
    given = {"page_size": 3, "filters": {"accounts": [["id", ">=", 5000]]}}
    source = OdooSource(backend.settings(**given), transport=wire)
    pages: list[Page] = []

    def following() -> Iterator[Page]:
        cursor = pages[-1].cursor if pages else None
        return source.pull(Stream.ACCOUNTS, ["id", "name"], cursor)

    for page in retrying(following, attempts=50, sleep=lambda pause: None):
        pages.append(page)
    source.close()
    assert wire.play.struck
    names = [str(row["name"]) for page in pages for row in records(page.rows)]
    assert sorted(names) == sorted(f"Account {number}" for number in range(COUNT))
    assert len({page.scan for page in pages}) == 1
    assert not any(page.deleted for page in pages)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("version", VERSIONS)
def test_each_task_is_made_once_and_each_tier_written(version: Any, seed: int) -> None:
    """As the host does it: what is there is read, and what is missing sent again."""
    backend = filled(version)
    backend.add_field("mail.activity", MARKER, "char")
    wire = FaultyTransport(
        backend.wire, Script(*(Strike(f, chance=0.012) for f in LATE), seed=seed)
    )
    accounts = [str(5_000 + n) for n in range(COUNT)]
    changes: list[Change] = [
        *(SetFields(Ref(one), {"x_tier": "Top"}, {"x_tier": None}) for one in accounts),
        *(task(one) for one in accounts),
    ]
    settings = backend.settings()
    for _ in range(200):
        writer = OdooWriter(settings, transport=wire)
        with closing(writer), suppress(Transient):
            current = writer.current(accounts, ["x_tier"])
            written = {f"fields:{row['id']}" for row in records(current.accounts) if row["x_tier"]}
            there = written | {one.marker for one in current.tasks}
            left = [change for change in changes if change.marker not in there]
            for outcome in apart(writer.write, left[:5]):
                assert isinstance(outcome, Applied | Unchanged | Retry | Unknown)
            if not left:
                break
    wire.close()
    assert wire.play.struck
    assert [len(backend.tasks(task(one).marker)) for one in accounts] == [1] * COUNT
    tiers = {backend.sandbox.record("res.partner", int(one))["x_tier"] for one in accounts}
    assert tiers == {"Top"}
