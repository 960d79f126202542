from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import Any, Self

import pytest

import connector.runs as runs
import connector.sync as syncing
from connector import retry
from connector.deliver import Delivery
from connector.errors import AuthError, GuardError, PluginError, Unavailable
from connector.model import Stream
from connector.refusals import forget
from connector.runs import today
from connector.store.tables import RunRow
from tests.connector.sync_world import AS_OF, JOB, World, account, crm, deal


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass before something is tried again."""
    monkeypatch.setattr(retry, "_PAUSES", lambda state: 0.0)
    monkeypatch.setattr(syncing, "Delivery", partial(Delivery, sleep=lambda seconds: None))


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a CRM that no run has seen yet."""
    return World(tmp_path, crm())


def test_a_run_writes_tiers_and_tasks(world: World) -> None:
    report = world.run()

    assert report.state == "done"
    assert report.accounts["read"] == 7
    assert [world.crm.fields_of(key)["tier"] for key in ("A1", "A2", "A4")] == [
        "Top", "Medium", "Medium",
    ]  # fmt: skip
    assert [task.marker for task in world.crm.tasks] == [
        "up_sell:A2:2026-06-30", "up_sell:A3:2026-06-30",
    ]  # fmt: skip


def test_a_second_run_changes_nothing(world: World) -> None:
    world.run()
    world.crm.writes.clear()

    report = world.run()

    assert world.crm.writes == []
    assert report.accounts["unchanged"] == report.accounts["read"] == 7
    assert report.tasks["planned"] == 0


def test_a_row_that_is_set_aside_is_counted(world: World) -> None:
    world.crm.put(Stream.ACCOUNTS, [{**account("A8"), "tier_locked": "perhaps"}])
    world.crm.put(Stream.OPPORTUNITIES, [deal("D8", "A1", "lots")])

    report = world.run()

    assert report.state == "partial"
    assert (report.accounts["read"], report.accounts["quarantined"]) == (8, 1)
    assert report.pulled["opportunities"].quarantined == 1


@pytest.mark.long
def test_a_quarantined_row_makes_the_next_run_partial_too(world: World) -> None:
    world.crm.put(Stream.OPPORTUNITIES, [deal("D8", "A1", "lots")])
    world.run()

    assert world.run().state == "partial"


@pytest.mark.parametrize("stream", ["accounts", "opportunities"])
def test_a_pull_that_fails_stops_the_run_before_anything_is_planned(
    world: World, monkeypatch: pytest.MonkeyPatch, stream: str
) -> None:
    _break_off(world, monkeypatch, 0 if stream == "accounts" else 1)

    with pytest.raises(Unavailable, match="broke"):
        world.run()

    assert world.crm.writes == []
    assert world.kept("account_id", "standing") == []
    assert world.kept("state, stage", "run") == [("failed", "pull")]


@pytest.mark.long
def test_a_pull_that_fails_leaves_the_last_results(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run()
    before = world.left()
    world.crm.tick()
    world.crm.put(Stream.OPPORTUNITIES, [deal("D9", "A6", "90000")])
    world.crm.writes.clear()
    with monkeypatch.context() as patch:
        _break_off(world, patch, 0)
        with pytest.raises(Unavailable):
            world.run()

    failed = world.left()
    assert world.crm.writes == []
    assert {**failed, "run": None} == {**before, "run": None}
    world.run()
    assert world.crm.fields_of("A6")["tier"] == "Top"


def _break_off(world: World, patch: pytest.MonkeyPatch, pages: int) -> None:
    """Let the CRM fail for good after so many pages."""
    left = iter(range(pages))

    def turn_page() -> None:
        if next(left, None) is None:
            raise Unavailable("fake: the connection broke")

    patch.setattr(world.crm, "turn_page", turn_page)


@pytest.mark.long
def test_a_connection_that_breaks_once_is_taken_up(world: World) -> None:
    world.crm.page_size = 2
    world.crm.fail_after_pages(2)

    assert world.run().accounts["read"] == 7


def test_credentials_that_are_refused_are_not_tried_again(world: World) -> None:
    world.crm.refuse_logins()

    with pytest.raises(AuthError):
        world.run()

    assert world.kept("state", "run") == [("failed",)]


@pytest.mark.long
def test_a_refused_row_costs_one_row(world: World) -> None:
    world.crm.refuse("A4")

    report = world.run()

    assert report.state == "partial"
    assert (report.accounts["applied"], report.accounts["rejected"]) == (6, 1)
    assert world.kept("account_id, message", "ledger where state = 'rejected'") == [
        ("A4", "Validation failed: locked by a rule")
    ]
    world.crm.restore()
    assert world.run().accounts["rejected"] == 1, "it is not sent again for nothing"

    forget(world.sync().store, 1)
    assert world.run().accounts["applied"] == 1
    assert world.run().state == "done"


def test_an_account_that_the_target_does_not_have_is_rejected(tmp_path: Path) -> None:
    there = crm()
    there.delete(Stream.ACCOUNTS, ["A4"])
    world = World(tmp_path, crm(), JOB.replace("[target", '[target]\nadapter = "there"\n[target'))
    world.others = (there.adapter("there"),)

    report = world.run()

    assert (report.accounts["applied"], report.accounts["rejected"]) == (6, 1)
    assert world.crm.writes == []
    assert there.fields_of("A1")["tier"] == "Top"
    assert world.kept("account_id, code", "ledger where state = 'rejected'") == [
        ("A4", "not_found")
    ]


@pytest.mark.parametrize(
    "times", [1, *(pytest.param(times, marks=pytest.mark.long) for times in (2, 9))]
)
def test_lost_answers_create_no_second_task(world: World, times: int) -> None:
    world.crm.lose_answer(times)

    world.run()
    world.crm.restore()
    world.run()

    for marker in ("up_sell:A2:2026-06-30", "up_sell:A3:2026-06-30"):
        assert world.crm.task_count(marker) == 1
    assert len(world.crm.tasks) == 2


@pytest.mark.long
def test_a_target_that_asks_to_wait_gets_everything_in_the_end(world: World) -> None:
    world.crm.delay_writes(2)

    report = world.run()

    assert report.state == "done"
    assert report.accounts["applied"] == 7


@pytest.mark.long
def test_a_target_that_never_takes_it_leaves_it_waiting(world: World) -> None:
    world.crm.delay_writes(99)

    report = world.run()

    assert report.state == "partial"
    assert (report.accounts["waiting"], report.tasks["waiting"]) == (7, 2)
    world.crm.restore()
    assert world.run().state == "done"


class Flood:
    """Four of six customers change tier, where 30 % may."""

    def __init__(self, world: World) -> None:
        world.run()
        self.world = world
        self.before = world.left()
        world.crm.tick()
        more = [deal(f"E{n}", f"A{n}", "20000") for n in (2, 3, 4, 5)]
        world.crm.put(Stream.OPPORTUNITIES, more)
        world.crm.writes.clear()


@pytest.fixture
def flood(world: World) -> Flood:
    """Return a world in which too much changes."""
    return Flood(world)


@pytest.mark.long
def test_a_guard_leaves_everything_as_it_was_until_it_is_overridden(flood: Flood) -> None:
    world = flood.world
    for _ in range(2):
        with pytest.raises(GuardError, match="4 of 6 ranked accounts would change tier"):
            world.run()

        assert world.crm.writes == []
        assert {**world.left(), "run": None} == {**flood.before, "run": None}

    report = world.run(override="a new price list")

    assert report.state == "done"
    assert world.crm.fields_of("A5")["tier"] == "Top"
    assert ("done", "override: a new price list") in world.kept("state, message", "run")
    assert [state for (state,) in world.kept("state", "run")] == [
        "done", "done", "stopped", "stopped",
    ]  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("scan", [False, True], ids=["feed", "scan"])
def test_too_many_deleted_accounts_stop_the_run_each_time(tmp_path: Path, scan: bool) -> None:
    world = World(tmp_path, crm(scan=scan))
    world.run()
    world.crm.writes.clear()
    world.crm.delete(Stream.ACCOUNTS, ["A5", "A6"])

    for _ in range(2):
        with pytest.raises(GuardError, match=r"2 of 7 accounts are gone"):
            world.run()

    assert world.crm.writes == []
    assert len(world.kept("account_id", "standing")) == 7
    assert world.run(override="merged").accounts["read"] == 5


@pytest.mark.long
def test_too_many_deals_missing_from_a_scan_stop_the_run_each_time(tmp_path: Path) -> None:
    world = World(tmp_path, crm(scan=True))
    world.run()
    world.crm.writes.clear()
    world.crm.delete(Stream.OPPORTUNITIES, ["DA5", "DA6"])

    for _ in range(2):
        with pytest.raises(GuardError, match=r"2 of 6 opportunities are gone"):
            world.run()

    assert world.crm.writes == []
    world.run(override="they were test records")
    assert world.crm.fields_of("A5")["tier"] is None


def test_an_empty_source_stops_a_first_run(tmp_path: Path) -> None:
    world = World(tmp_path, crm())
    world.crm.rows[Stream.ACCOUNTS].clear()
    world.crm.stamps[Stream.ACCOUNTS].clear()

    with pytest.raises(GuardError, match="the source sent no accounts"):
        world.run()


def test_the_day_is_the_one_in_the_time_zone_of_the_job(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls(2026, 7, 1, 5, 0, tzinfo=UTC).astimezone(tz)

    monkeypatch.setattr(runs, "datetime", Clock)
    world.path.write_text('timezone = "America/Los_Angeles"\n' + JOB, encoding="utf-8")

    assert today(world.sync().job) == date(2026, 6, 30)
    assert world.run(as_of=None).as_of == date(2026, 6, 30)


@pytest.mark.long
def test_the_day_that_is_asked_for_goes_before_that_of_the_job(world: World) -> None:
    job = JOB.replace("[rules]", "[rules]\nas_of = 2026-05-01")
    world.path.write_text(job, encoding="utf-8")

    assert world.run(as_of=None).as_of == date(2026, 5, 1)
    assert world.run(as_of=AS_OF).as_of == AS_OF


@pytest.mark.long
def test_a_locked_tier_is_kept_and_reported(world: World) -> None:
    world.crm.put(Stream.ACCOUNTS, [{"id": "A4", "tier": "Top", "tier_locked": True}])

    report = world.run()

    held = world.crm.fields_of("A4")
    assert (held["tier"], str(held["rank"])) == ("Top", "3")
    assert report.locked == 1
    assert world.run().locked == 1


@pytest.mark.long
def test_disabled_tasks_are_neither_created_nor_closed(world: World) -> None:
    world.run()
    without = JOB.replace("[rules]", "[target.tasks]\nenabled = false\n[rules]")
    world.path.write_text(without, encoding="utf-8")
    world.crm.tick()
    world.crm.put(Stream.OPPORTUNITIES, [deal("DA2", "A2", "2000")])

    report = world.run(override="a correction")

    assert report.tasks["planned"] == 0
    assert {task.status for task in world.crm.tasks} == {"open"}


@pytest.mark.long
def test_a_run_that_was_cut_off_is_given_up_when_the_job_has_changed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(syncing, "save_actions", _cut_off)
        with pytest.raises(CutOff):
            world.run()
    world.path.write_text(JOB.replace('"5000"', '"4000"'), encoding="utf-8")

    report = world.run()

    assert world.crm.fields_of("A2")["tier"] == "Big"
    assert world.kept("state, message", "run") == [
        ("done", ""), ("failed", "cut off; the job was changed since"),
    ]  # fmt: skip
    assert world.kept("id", "run where state = 'done'") == [(report.run_id,)]


def test_an_adapter_that_is_not_there_is_named_with_its_place(world: World) -> None:
    world.path.write_text(JOB.replace('"fake"\n[t', '"fale"\n[t'), encoding="utf-8")

    with pytest.raises(PluginError, match=r"source\.adapter: no adapter 'fale' is installed"):
        world.run()


class CutOff(Exception):
    """Something that nobody has thought of."""


def _cut_off(*given: Any, **named: Any) -> Any:
    raise CutOff


@pytest.mark.long
def test_a_plan_that_was_cut_off_does_not_hold_the_next_one_to_its_day(world: World) -> None:
    _left_behind(world, "planning")

    with world.sync(as_of=None).plan() as planned:
        assert planned.report.as_of != date(2020, 1, 1)


@pytest.mark.long
def test_the_reason_is_kept_when_a_run_that_was_cut_off_is_overridden(world: World) -> None:
    _left_behind(world, "running")

    world.run(as_of=None, override="checked by hand")

    assert world.kept("state, message", "run") == [("done", "override: checked by hand")]


def _left_behind(world: World, state: str) -> None:
    sync = world.sync(as_of=date(2020, 1, 1))
    row = RunRow(
        id="cut-off",
        job_id=sync.job_id,
        state=state,
        stage="pull",
        as_of=date(2020, 1, 1),
        started_at=datetime(2020, 1, 1, tzinfo=UTC),
        config_hash=sync.rules.hash,
    )
    with sync.store.session() as session:
        session.add(row)
