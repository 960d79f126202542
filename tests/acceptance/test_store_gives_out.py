"""A store that fills up, or that may suddenly not be written, costs nothing but time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pytest

from connector.errors import StoreError
from connector.store import bulk, opening
from tests.connector.sync_world import World, crm

Pragmas = Callable[[], Sequence[str]]

PAGE: Final = 4096
STEPS: Final = 4


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    world = World(tmp_path_factory.mktemp("undisturbed"), crm())
    world.run()
    return world.left()


def pages(world: World) -> int:
    with world.store.bulk() as rows:
        return int(rows.fetch("pragma page_count").column(0)[0].as_py())


def assert_recovers(world: World, undisturbed: dict[str, object]) -> None:
    report = world.run()

    assert report.state == "done"
    left = world.left()
    # Of the run that gave out nothing could be noted any more; it is taken up, or failed.
    assert {**left, "run": None} == {**undisturbed, "run": None}
    assert world.crm.task_count(next(task.marker for task in world.crm.tasks)) == 1


@pytest.mark.long
def test_a_disk_that_fills_up_at_any_time_leaves_a_run_that_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, object]
) -> None:
    whole = World(tmp_path, crm())
    empty = pages(whole)
    whole.run()
    needed = pages(whole) - empty
    real: Pragmas = opening.sqlite_pragmas
    for step in range(STEPS):
        folder = tmp_path / str(step)
        folder.mkdir()
        world = World(folder, crm())
        room = pages(world) + needed * step // STEPS
        with monkeypatch.context() as patch:
            for module in (opening, bulk):
                full = (*real(), f"pragma max_page_count = {room}")
                patch.setattr(module, "sqlite_pragmas", lambda full=full: full)
            with pytest.raises(StoreError, match="the disk is full"):
                world.run()

        assert_recovers(world, undisturbed)


@pytest.mark.long
def test_a_store_that_may_not_be_written_any_more_leaves_a_run_that_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, object]
) -> None:
    real: Pragmas = opening.sqlite_pragmas
    opened = 0
    last: int | None = None

    def pragmas() -> Sequence[str]:
        nonlocal opened
        opened += 1
        locked = last is not None and opened > last
        return (*real(), "pragma query_only = on") if locked else real()

    whole = World(tmp_path, crm())
    whole.store.job_id("fake")
    with monkeypatch.context() as patch:
        for module in (opening, bulk):
            patch.setattr(module, "sqlite_pragmas", pragmas)
        whole.run()
    connections = opened
    assert connections > 20

    for step in range(STEPS):
        folder = tmp_path / str(step)
        folder.mkdir()
        world = World(folder, crm())
        world.store.job_id("fake")
        opened, last = 0, connections * step // STEPS
        with monkeypatch.context() as patch:
            for module in (opening, bulk):
                patch.setattr(module, "sqlite_pragmas", pragmas)
            with pytest.raises(StoreError, match="can't be written"):
                world.run()

        assert_recovers(world, undisturbed)
