"""What the target holds, beside what was written there."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.model import Stream
from connector.reconcile import Difference, reconcile
from tests.connector.sync_world import AS_OF, World, crm, deal

pytestmark = pytest.mark.long


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a CRM in which a run has written everything."""
    made = World(tmp_path, crm())
    made.run()
    return made


def test_differences_are_named_and_nothing_is_written(world: World) -> None:
    untouched = reconcile(world.sync())
    assert (untouched.accounts, untouched.known, untouched.tasks) == (7, 7, 2)
    assert untouched.differences == []

    world.crm.put(Stream.ACCOUNTS, [{"id": "A1", "tier": "Gold", "rank": "1.0", "computed_at": ""}])
    world.crm.put(Stream.ACCOUNTS, [{"id": "A2", "revenue": "4500"}, {"id": "A4", "rank": None}])
    world.crm.delete(Stream.ACCOUNTS, ["A3"])
    world.crm.tasks = [task for task in world.crm.tasks if task.account != "A2"]
    world.crm.writes.clear()

    found = reconcile(world.sync())

    assert found.differences == [
        Difference("A3", "no account"),
        Difference("A1", "changed", "tier", "Top", "Gold"),
        Difference("A4", "changed", "rank", "3", None),
        Difference("A2", "no task", f"up_sell:A2:{AS_OF}"),
    ]
    assert world.crm.writes == []


@pytest.mark.long
def test_what_was_written_last_counts(world: World) -> None:
    world.crm.tick()
    world.crm.put(Stream.OPPORTUNITIES, [deal("D9", "A5", "90000")])
    world.run(override="a large deal")
    assert world.crm.fields_of("A5")["tier"] == "Top"

    assert reconcile(world.sync()).differences == []


@pytest.mark.long
def test_a_sample_is_the_same_for_the_same_seed(world: World) -> None:
    for key in world.crm.rows[Stream.ACCOUNTS]:
        world.crm.put(Stream.ACCOUNTS, [{"id": key, "rank": 99}])

    def chosen(seed: str) -> list[str]:
        found = reconcile(world.sync(), 3, seed)
        assert (found.accounts, found.known) == (3, 7)
        return [one.account for one in found.differences if one.kind == "changed"]

    assert chosen("monday") == chosen("monday")
    assert len({tuple(chosen(day)) for day in ("monday", "tuesday", "friday")}) > 1


@pytest.mark.long
def test_a_job_that_has_written_nothing_has_nothing_to_compare(tmp_path: Path) -> None:
    world = World(tmp_path, crm())
    with world.sync().plan():
        pass

    found = reconcile(world.sync())

    assert (found.known, found.accounts, found.fields, found.differences) == (0, 0, 0, [])
