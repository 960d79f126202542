"""Whole runs under each fault of the contract: the same target in the end, or an honest state."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import connector.sync as syncing
from connector import pull, retry
from connector.contract import CloseTask, PutTask
from connector.deliver import Delivery
from connector.errors import AuthError, ConnectorError, RateLimited, Unavailable
from connector.http import NoAnswer
from connector.model import Stream
from connector.sync import Sync
from connector.testing.fake import FakeCRM
from connector.testing.faults import (
    Backwards,
    BreaksOff,
    Call,
    CallFault,
    Clock,
    Fails,
    Meanwhile,
    Missing,
    Overtaken,
    Play,
    Script,
    Strike,
    Twice,
    faulty_adapter,
    since,
)
from tests.connector.sync_world import AS_OF, JOB, World, assert_adds_up, crm, plugins_with

BATCH = 3

Strikes = Callable[[FakeCRM], Strike[Call, CallFault]]

down = partial(Unavailable, "down")
lost = partial(NoAnswer, "no answer")
expired = partial(AuthError, "the token has expired")
slow_down = partial(RateLimited, "slow down", retry_after=7.0)


def pages(call: Call) -> bool:
    return call.name == "page"


def questions(call: Call) -> bool:
    return call.name == "current"


def writes(call: Call) -> bool:
    return call.name == "write"


def of_tasks(call: Call) -> bool:
    return any(isinstance(change, PutTask | CloseTask) for change in call.changes)


def strike(fault: CallFault, where: Callable[[Call], bool], *calls: int) -> Strikes:
    return lambda crm: Strike(fault, where=where, calls=calls or None)


HARMLESS: dict[str, Strikes] = {
    "a page is not to be had at once": strike(Fails(down), pages, 1, 2, 4),
    "a page got lost": strike(Fails(lost, "after"), pages, 2),
    "a page comes twice": strike(Twice(), pages),
    "rows come backwards": strike(Backwards(), lambda call: not call.changes),
    "reading is too fast": strike(Fails(slow_down), questions, 1),
    "the target is not to be seen at once": strike(Fails(down), questions, 1, 3),
    "writing is too fast": strike(Fails(slow_down), writes, 1, 3),
    "writing is not possible at once": strike(Fails(down), writes, 1, 2),
    "no answer, nothing done": strike(Fails(lost), writes, 1, 4),
    "no answer, all done": strike(Fails(lost, "after"), writes, 1, 4),
    "no answer to a task, all done": strike(Fails(lost, "after"), of_tasks, 1),
    "no answer, and none to the question": lambda crm: Strike(
        Fails(lost, "after"), where=lambda call: writes(call) or questions(call), calls=(4, 5)
    ),
    "it breaks off, all done": strike(BreaksOff(1, lost), writes, 1, 3),
    "it breaks off, a part done": strike(BreaksOff(1, lost, all_sent=False), writes, 1, 3),
    "outcomes come twice": strike(Twice(), writes),
    "outcomes come backwards": strike(Backwards(), writes),
    "outcomes are missing": strike(Missing(1), writes, 1, 3),
    "outcomes are missing, of tasks": strike(Missing(2), of_tasks, 1),
    "a change arrives late": strike(Overtaken(by=2), writes, 1),
    "a task arrives late": strike(Overtaken(by=2), of_tasks, 1),
    "the target's clock goes back": lambda crm: Strike(
        Meanwhile(lambda: crm.tick(-7200)), where=writes, times=1
    ),
}
"""After any of these one run is enough."""

HARMFUL: dict[str, tuple[Strikes, str]] = {
    "reading is refused midway": (strike(Fails(expired), pages, 4), "failed"),
    "the target refuses its questions": (strike(Fails(expired), questions, 2), "failed"),
    "writing is refused midway": (strike(Fails(expired), writes, 2), "failed"),
    "writing is refused, all done": (strike(Fails(expired, "after"), writes, 2), "failed"),
    "writing breaks off, refused": (strike(BreaksOff(2, expired), writes, 1), "failed"),
    "the source is down": (lambda crm: Strike(Fails(down), pages, since(2)), "failed"),
    "the target is down": (lambda crm: Strike(Fails(down), questions, since(2)), "failed"),
    "writing is down": (lambda crm: Strike(Fails(down), writes), "partial"),
    "answers get lost, all done": (lambda crm: Strike(Fails(lost, "after"), writes), "done"),
    "one outcome never comes": (lambda crm: Strike(Missing(1), writes), "done"),
    "answers get lost, and the target is not to be seen": (
        lambda crm: Strike(
            Fails(lost, "after"),
            where=lambda call: writes(call) or (questions(call) and bool(crm.writes)),
        ),
        "partial",
    ),
    "a person edits midway": (
        lambda crm: Strike(
            Meanwhile(lambda: crm.put(Stream.ACCOUNTS, [{"id": "A4", "tier": "Mine"}])),
            where=lambda call: any(change.ref.id == "A4" for change in call.changes),
            times=1,
        ),
        "partial",
    ),
}
"""After these the run says what it came to, and the next one repairs it."""

QUICK = {"no answer to a task, all done", "writing is refused midway"}


OVERWRITE = JOB.replace("[target.fields]", '[target]\noverrides = "overwrite"\n[target.fields]')
"""So that what a person edits is put right too."""


class FaultyWorld(World):
    """A job on a CRM with the faults of a script, until `heal`."""

    def __init__(self, folder: Path, strikes: Strikes) -> None:
        super().__init__(folder, crm(page_size=BATCH), OVERWRITE, batch=BATCH)
        self.play = Play(Script(strikes(self.crm)))

    def sync(self, *, as_of: object = AS_OF, override: str | None = None) -> Sync:
        job = super().sync(as_of=AS_OF, override=override)
        own = faulty_adapter(self.crm.adapter(capabilities=self.capabilities), self.play)
        return Sync(job.job, plugins_with(own), as_of=AS_OF)

    def heal(self) -> None:
        self.play = Play(Script())

    def state(self) -> object:
        ((state, message),) = self.kept("state, message", "run")
        assert (state == "failed") == bool(message)
        return state

    def target(self) -> dict[str, object]:
        left = self.left()
        return {name: left[name] for name in ("tasks", "fields", "standing", "task")}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock by which the host waits."""
    clock = Clock()
    call = partial(retry.retrying_call, sleep=clock.sleep)
    monkeypatch.setattr(syncing, "retrying_call", call)
    monkeypatch.setattr(syncing, "Delivery", partial(Delivery, sleep=clock.sleep))
    monkeypatch.setattr(pull, "retrying", partial(retry.retrying, sleep=clock.sleep))
    return clock


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Return what the target holds after a run that nothing has happened to."""
    world = FaultyWorld(tmp_path_factory.mktemp("undisturbed"), strike(Backwards(), pages, 9999))
    world.run()
    return world.target()


def marked(names: object) -> list[object]:
    return [
        pytest.param(name, marks=[] if name in QUICK else [pytest.mark.long])
        for name in names  # type: ignore[attr-defined]  # a dict
    ]


@pytest.mark.long
@pytest.mark.parametrize("name", marked(HARMLESS))
def test_a_passing_fault_leaves_no_trace(
    tmp_path: Path, undisturbed: dict[str, object], name: str
) -> None:
    world = FaultyWorld(tmp_path, HARMLESS[name])

    report = world.run()

    assert world.play.struck
    assert (report.state, world.state()) == ("done", "done")
    assert world.target() == undisturbed


@pytest.mark.long
@pytest.mark.parametrize("name", marked(HARMFUL))
def test_a_run_that_fails_says_so_and_the_next_one_repairs_it(
    tmp_path: Path, undisturbed: dict[str, object], name: str
) -> None:
    strikes, state = HARMFUL[name]
    world = FaultyWorld(tmp_path, strikes)
    if state == "failed":
        with pytest.raises(ConnectorError):
            world.run()
    else:
        assert world.run().state == state
    assert (bool(world.play.struck), world.state()) == (True, state)

    world.heal()
    report = world.run()

    assert report.state == "done"
    assert_adds_up(report)
    assert world.target() == undisturbed
    markers = [task.marker for task in world.crm.tasks]
    assert len(markers) == len(set(markers))


@pytest.mark.long
def test_a_host_waits_as_long_as_it_is_asked_to(tmp_path: Path, clock: Clock) -> None:
    world = FaultyWorld(tmp_path, HARMLESS["writing is too fast"])
    world.run()
    assert clock.seconds == 14.0
