"""A run that is cut off anywhere and run again ends as if nothing had happened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import connector.runs as runs
import connector.sync as syncing
from connector import pull, retry, trials
from connector.deliver import Delivery
from connector.engine import Engine
from connector.ledger import Ledger
from connector.testing import fake
from tests.connector.sync_world import AS_OF, World, crm

pytestmark = pytest.mark.long

if TYPE_CHECKING:
    from _pytest.mark.structures import ParameterSet

BATCH = 3


class CutOff(Exception):
    """Something that nobody has thought of."""


PLACES = {
    "reading a page": (fake._FakeSource, "_shown", (1, 3)),
    "saving a page": (pull.Pull, "_save_state", (1, 3)),
    "loading": (Engine, "load", (1,)),
    "analysing": (syncing, "analyse", (1,)),
    "settling trials": (trials, "settle", (1,)),
    "beginning trials": (trials, "begin", (1,)),
    "asking the target": (fake._FakeWriter, "current", (1, 3)),
    "comparing": (syncing, "compare", (1,)),
    "deciding": (syncing, "decide", (1,)),
    "writing": (fake._FakeWriter, "write", (1, 2, 4)),
    "noting what was sent": (Ledger, "sending", (1, 4)),
    "noting what arrived": (Delivery, "_remember_tasks", (1, 4)),
    "saving standings": (syncing, "save_standings", (1,)),
    "saving actions": (syncing, "save_actions", (1,)),
    "noting the end": (runs.Runs, "_end", (1,)),
}

QUICK = {
    ("saving a page", 1, "after"),
    ("asking the target", 1, "before"),
    ("writing", 1, "before"),
    ("writing", 2, "after"),
    ("writing", 4, "after"),
    ("noting what arrived", 1, "before"),
    ("noting what arrived", 4, "after"),
    ("saving standings", 1, "after"),
    ("noting the end", 1, "before"),
}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass before something is tried again."""
    monkeypatch.setattr(retry, "_PAUSES", lambda state: 0.0)
    monkeypatch.setattr(syncing, "Delivery", partial(Delivery, sleep=lambda seconds: None))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Return what a run leaves that nothing has happened to."""
    world = World(tmp_path_factory.mktemp("undisturbed"), crm(page_size=BATCH), batch=BATCH)
    world.run()
    return world.left()


def _cuts() -> Iterator[ParameterSet]:
    for place, (_, _, calls) in PLACES.items():
        for call in calls:
            for when in ("before", "after"):
                marks = [] if (place, call, when) in QUICK else [pytest.mark.long]
                yield pytest.param(place, call, when, id=f"{when} {place} {call}", marks=marks)


@pytest.mark.parametrize(("place", "call", "when"), list(_cuts()))
def test_a_run_cut_off_anywhere_is_taken_up(
    tmp_path: Path,
    undisturbed: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    call: int,
    when: str,
) -> None:
    world = World(tmp_path, crm(page_size=BATCH), batch=BATCH)
    with monkeypatch.context() as patch:
        cut = _Cut(call, after=when == "after")
        owner, name, _ = PLACES[place]
        patch.setattr(owner, name, cut.around(getattr(owner, name)))
        with pytest.raises(CutOff):
            world.run()

    if not (place == "noting the end" and when == "after"):
        world.run()

    assert world.left() == undisturbed
    markers = [task.marker for task in world.crm.tasks]
    assert len(markers) == len(set(markers))


class _Cut:
    """Raises at one call of a function, before or after it has done its work."""

    def __init__(self, call: int, *, after: bool) -> None:
        self.left = call
        self.after = after

    def around(self, function: Any) -> Any:
        def called(*given: Any, **named: Any) -> Any:
            self.left -= 1
            if self.left == 0 and not self.after:
                raise CutOff
            found = function(*given, **named)
            if self.left == 0:
                if hasattr(found, "__next__"):
                    list(found)  # a generator does its work only when it is asked
                raise CutOff
            return found

        return called


@pytest.mark.long
def test_a_task_that_was_just_brought_up_to_date_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, crm())
    world.run()
    with world.store.bulk() as bulk:  # as if it had been less urgent then
        bulk.execute("update task set priority = 'Low' where account_id = 'A2'")
        bulk.commit()
    world.crm.tasks = [replace(task, priority="Low") for task in world.crm.tasks]
    later = AS_OF + timedelta(days=1)
    with monkeypatch.context() as patch:
        patch.setattr(Delivery, "end", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            world.run(as_of=later)

    world.run(as_of=later)

    assert [task.marker for task in world.crm.tasks] == [
        f"up_sell:A2:{AS_OF}", f"up_sell:A3:{AS_OF}",
    ]  # fmt: skip


def _interrupted(delivery: Delivery) -> None:
    raise KeyboardInterrupt
