"""Whatever the network does, every record arrives, and each task is there once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

import httpx
import pytest

from connector import Applied, Change, Page, PutTask, Ref, SetFields, Stream, Unchanged
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
from connector.testing.writer import task
from connector_espocrm.source import EspoSource
from connector_espocrm.writer import EspoWriter
from tests.plugins.connector_espocrm.crm import MARKER, REP, WRITES, Backend, settings_of

COUNT = 23
FAULTS: tuple[RequestFault, ...] = (
    *USUAL,
    Status(500),
    Status(500, carried_out=True),
)


def struck(backend: Backend, seed: int, chance: float, *methods: str) -> FaultyTransport:
    """Return a wire on which requests by *methods* fail."""

    def where(request: httpx.Request) -> bool:
        return request.method in methods

    strikes = [Strike(fault, where=where, chance=chance) for fault in FAULTS]
    return FaultyTransport(backend.sandbox.transport(), Script(*strikes, seed=seed))


@pytest.fixture
def backend() -> Backend:
    made = Backend()
    made.sandbox.add_field("Account", "cTier", "varchar")
    made.sandbox.add_field("Task", MARKER, "varchar")
    for number in range(COUNT):
        made.sandbox.insert("Account", id=f"a{number:02d}", name=f"Account {number}")
    return made


@pytest.mark.parametrize("seed", range(4))
def test_every_record_arrives(backend: Backend, seed: int) -> None:
    wire = struck(backend, seed, 0.05, "GET")
    source = EspoSource(settings_of(backend, page_size=3), transport=wire)
    pages: list[Page] = []

    def following() -> Iterator[Page]:
        cursor = pages[-1].cursor if pages else None
        return source.pull(Stream.ACCOUNTS, ["id", "name"], cursor)

    for page in retrying(following, attempts=50, sleep=lambda pause: None):
        pages.append(page)
    source.close()
    assert wire.play.struck
    assert len({page.scan for page in pages}) == 1
    names = [str(row["name"]) for page in pages for row in records(page.rows)]
    assert sorted(names) == sorted(f"Account {number}" for number in range(COUNT))


@pytest.mark.parametrize("marked", [True, False], ids=["by-field", "by-description"])
@pytest.mark.parametrize("seed", range(4))
def test_each_change_is_made_once(backend: Backend, seed: int, marked: bool) -> None:
    accounts = [f"a{number:02d}" for number in range(COUNT)]
    wire = struck(backend, seed, 0.04, *WRITES)
    changes: list[Change] = [SetFields(Ref(one), {"cTier": "Top"}, {}) for one in accounts]
    tasks: list[PutTask] = [task(one) for one in accounts]
    changes += tasks
    writing = {} if marked else {"marker_field": "cNone"}
    settings = settings_of(backend, writing={"fallback_owner": REP, **writing})
    left: Sequence[Change] = changes
    with closing(EspoWriter(settings, transport=wire)) as writer:
        for _ in range(30):
            # As the host does: what has no answer is looked for before it is sent again.
            held = {one.marker for one in writer.current(accounts, ["cTier"]).tasks}
            left = [one for one in left if not isinstance(one, PutTask) or one.marker not in held]
            settled = {
                outcome.marker
                for outcome in writer.write(left)
                if isinstance(outcome, Applied | Unchanged)
            }
            left = [one for one in left if one.marker not in settled]
            if not left:
                break
    assert left == []
    assert wire.play.struck
    assert [backend.task_count(one.marker) for one in tasks] == [1] * COUNT
    assert {row["cTier"] for row in backend.sandbox.records("Account")} == {"Top"}
