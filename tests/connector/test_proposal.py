"""Plans that are kept: carried out just so, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

import connector.sync as syncing
from connector import approval
from connector.cli.applying import keep
from connector.contract import Change
from connector.deliver import Delivered, Delivery
from connector.errors import ConfigError
from connector.model import Stream
from connector.proposal import header_of, job_file_of, read_plan
from connector.runs import Report
from connector.store.tables import RunRow
from connector.undo import plan_undo, undo
from tests.connector.sync_world import AS_OF, JOB, World, account, assert_adds_up, crm, deal

APPROVED = JOB.replace("[target.fields]", '[target]\napproval = "required"\n[target.fields]')


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncing, "Delivery", partial(Delivery, sleep=lambda seconds: None))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, crm())


def plan(world: World, name: str = "plan.json") -> Path:
    out = world.path.parent / name
    run = world.sync()
    with run.plan() as planned:
        keep(planned, run, out, None)
    return out


def apply(world: World, path: Path) -> Report:
    report = world.sync().apply(read_plan(path))
    assert_adds_up(report)
    return report


def row_of(world: World, run_id: str) -> RunRow:
    with world.store.session() as session:
        row = session.get(RunRow, run_id)
    assert row is not None
    return row


def approve(world: World, run_id: str) -> Report:
    row = row_of(world, run_id)
    proposal = approval.planned_by(world.store, "fake", row)
    approval.approve(world.store, "fake", row)
    report = world.sync(as_of=proposal.as_of).apply(proposal)
    assert_adds_up(report)
    return report


@pytest.mark.long
def test_a_plan_that_is_carried_out_leaves_what_a_run_leaves(world: World, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = World(tmp_path / "other", crm())
    other.run()

    report = apply(world, plan(world))

    assert report.state == "done"
    assert report.plan["same"] == report.plan["planned"] == 9
    for what in ("standing", "tier_span", "task", "action", "ledger", "tasks", "fields"):
        assert world.left()[what] == other.left()[what], what
    trials = "goal, account_id, item, arm, marker, task_status"
    assert world.kept(trials, "trial") == other.kept(trials, "trial")


@pytest.mark.long
def test_two_plans_of_the_same_are_the_same_but_for_their_run(world: World) -> None:
    first, second = (plan(world, name).read_text("utf-8").splitlines() for name in ("a", "b"))

    assert first[1:] == second[1:]
    assert json.loads(first[0]).keys() == json.loads(second[0]).keys()
    assert json.loads(first[1]) == {
        "account": "A1",
        "change": "fields",
        "fields": {"rank": [None, 1], "revenue": [None, "12000.00"], "tier": [None, "Top"]},
    }


@pytest.mark.long
def test_a_plan_finds_its_job(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "plans"
    folder.mkdir()
    path = plan(world, "plans/plan.json")

    assert header_of(path).job_file == "../fake.toml"
    assert job_file_of(path, header_of(path)).resolve() == world.path.resolve()


@pytest.mark.long
def test_a_record_that_was_changed_since_is_left_out_and_named(world: World) -> None:
    path = plan(world)
    world.crm.put(Stream.ACCOUNTS, [{"id": "A1", "tier": "Gold"}])

    report = apply(world, path)

    assert report.state == "partial"
    assert world.crm.fields_of("A1")["tier"] == "Gold"
    assert world.crm.fields_of("A2")["tier"] == "Medium"
    assert report.plan | {"same": 8, "differs": 1} == report.plan
    states = world.kept("account_id, kind, state", "ledger")
    assert [row for row in states if row[2] == "conflict"] == [("A1", "fields", "conflict")]


@pytest.mark.long
def test_what_the_plan_does_not_hold_is_not_done(world: World) -> None:
    path = plan(world)
    world.crm.tick()
    world.crm.put(Stream.ACCOUNTS, [account("A8")])
    world.crm.put(Stream.OPPORTUNITIES, [deal("D8", "A8", "90000")])
    plan(world, "later")  # it reads the new account

    report = apply(world, path)

    # Everybody after the new first customer has another rank than was planned.
    assert world.crm.fields_of("A8").get("tier") is None
    assert report.plan["unplanned"] == 1
    assert report.plan["differs"] == 6
    assert report.plan["same"] == 3  # who has never bought, and the two tasks
    assert report.state == "partial"


@pytest.mark.long
def test_a_plan_that_has_been_carried_out_is_not_needed_any_more(world: World) -> None:
    path = plan(world)
    apply(world, path)
    world.crm.writes.clear()

    report = apply(world, path)

    assert world.crm.writes == []
    assert (report.state, report.plan["not_needed"]) == ("done", 9)


@pytest.mark.long
def test_a_plan_of_other_rules_is_refused(world: World) -> None:
    path = plan(world)
    world.path.write_text(JOB.replace('"1000"', '"900"'), encoding="utf-8")

    with pytest.raises(ConfigError, match="rules were changed since"):
        apply(world, path)
    assert world.crm.writes == []


@pytest.mark.long
def test_a_plan_of_another_job_is_refused(world: World) -> None:
    path = plan(world)
    world.path.write_text(JOB.replace('"fake"', '"twin"', 1), encoding="utf-8")

    with pytest.raises(ConfigError, match="of job 'fake'"):
        apply(world, path)


@pytest.mark.long
def test_carrying_out_reads_nothing_from_the_source(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = plan(world)
    monkeypatch.setattr(world.crm, "turn_page", lambda: pytest.fail("the source was read"))

    assert apply(world, path).pulled == {}


SPOILT: dict[str, tuple[Callable[[str], str], str]] = {
    "empty": (lambda text: "", "line 1 is not the head of a plan"),
    "prose": (lambda text: "hello\n" + text, "line 1 is not the head of a plan"),
    "newer": (lambda text: text.replace('"plan":1', '"plan":2', 1), "line 1 .*plan: "),
    "cut off": (lambda text: "".join(text.splitlines(True)[:-1]), "holds 8 changes instead of 9"),
    "cut in a line": (lambda text: text[:-9], "line 10 is not a change"),
    "edited": (lambda text: text.replace('"change"', '"chance"'), "line 2 is not a change"),
}


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_file_that_is_no_whole_plan_is_refused(tmp_path: Path, spoil: str) -> None:
    change, said = SPOILT[spoil]
    path = tmp_path / "plan.json"
    path.write_text(change(whole()), encoding="utf-8")

    with pytest.raises(ConfigError, match=said) as caught:
        read_plan(path)
    assert str(path) in str(caught.value)


def whole() -> str:
    head = {
        "plan": 1, "job": "fake", "job_file": "fake.toml", "rules": "r", "as_of": "2026-06-30",
        "run_id": "1", "override": "", "changes": 9,
    }  # fmt: skip
    lines = [
        {"account": f"A{n}", "change": "fields", "fields": {"tier": [None, "Top"]}}
        for n in range(9)
    ]
    return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in [head, *lines])


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read: No such file"):
        read_plan(tmp_path / "none")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_plan(tmp_path / "bytes")


def test_a_run_that_needs_approval_waits_and_writes_nothing(tmp_path: Path) -> None:
    world = World(tmp_path, crm(), APPROVED)

    report = world.run()

    assert (report.state, world.crm.writes, world.crm.tasks) == ("waiting", [], [])
    assert world.kept("state, stage", "run") == [("waiting", "approval")]
    assert {state for (state,) in world.kept("state", "ledger")} == {"planned"}
    assert world.kept("account_id", "standing") == world.kept("account_id", "trial") == []


@pytest.mark.long
def test_what_is_approved_is_carried_out(tmp_path: Path) -> None:
    world = World(tmp_path, crm(), APPROVED)
    waiting = world.run()

    report = approve(world, waiting.run_id)

    assert (report.state, report.plan["same"]) == ("done", 9)
    assert world.crm.fields_of("A1")["tier"] == "Top"
    assert len(world.crm.tasks) == 2
    assert row_of(world, waiting.run_id).state == "approved"
    assert world.run().state == "done"  # nothing left that could wait


@pytest.mark.long
def test_a_newer_plan_takes_the_place_of_one_that_waits(tmp_path: Path) -> None:
    world = World(tmp_path, crm(), APPROVED)
    first, second = world.run(), world.run()

    assert row_of(world, first.run_id).state == "replaced"
    with pytest.raises(ConfigError, match="does not wait for approval: it is replaced"):
        approve(world, first.run_id)
    assert approve(world, second.run_id).state == "done"


class Killed(BaseException):
    """The process has died."""


@pytest.mark.long
def test_an_approved_run_that_was_cut_off_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, crm(), APPROVED, batch=2)
    waiting = world.run()
    _die_approving(world, monkeypatch, waiting.run_id)

    report = approve(world, waiting.run_id)

    assert report.state == "done"
    assert world.crm.fields_of("A6")["tier"] == "Small"
    assert [task.marker for task in world.crm.tasks] == [
        f"up_sell:{key}:{AS_OF}" for key in ("A2", "A3")
    ]
    assert {state for (state,) in world.kept("state", "ledger")} == {"approved", "applied"}


@pytest.mark.long
def test_a_sync_does_not_carry_on_what_was_approved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, crm(), APPROVED, batch=2)
    waiting = world.run()
    _die_approving(world, monkeypatch, waiting.run_id)
    world.crm.writes.clear()

    report = world.run()

    assert (report.state, world.crm.writes) == ("waiting", [])
    assert ("failed", f"plan of run {waiting.run_id}; cut off") in world.kept(
        "state, message", "run"
    )


def _die_approving(world: World, monkeypatch: pytest.MonkeyPatch, run_id: str) -> None:
    """Let the process die before its third batch is sent."""
    send = Delivery.send
    left = iter(range(2))

    def sent(delivery: Delivery, changes: Sequence[Change]) -> Delivered:
        if next(left, None) is None:
            raise Killed
        return send(delivery, changes)

    with monkeypatch.context() as patch:
        patch.setattr(Delivery, "send", sent)
        with pytest.raises(Killed):
            approve(world, run_id)


@pytest.mark.long
def test_undoing_puts_back_what_still_stands_as_written(world: World) -> None:
    world.crm.put(Stream.ACCOUNTS, [{"id": "A4", "tier": "Old", "rank": 77}])
    report = world.run()
    world.crm.put(Stream.ACCOUNTS, [{"id": "A1", "tier": "Gold"}])
    sync = world.sync()

    planned = plan_undo(sync, report.run_id)
    assert world.crm.fields_of("A4")["tier"] == "Medium"
    done, undone = undo(world.sync(), report.run_id)

    assert done == planned
    assert_adds_up(undone)
    assert (undone.state, undone.accounts["applied"], undone.tasks["applied"]) == ("done", 7, 2)
    assert [world.crm.fields_of("A4")[name] for name in ("tier", "rank")] == ["Old", 77]
    assert [world.crm.fields_of("A2")[name] for name in ("tier", "rank")] == [None, None]
    assert [world.crm.fields_of("A1")[name] for name in ("tier", "rank")] == ["Gold", None]
    assert [(one.account, one.what, one.why) for one in done.left] == [
        ("A1", "tier", "changed since")
    ]
    assert {task.status for task in world.crm.tasks} == {"done"}
    assert world.kept("account_id", "trial") == []


@pytest.mark.long
def test_a_task_that_a_person_has_closed_stays(world: World) -> None:
    report = world.run()
    world.crm.finish(f"up_sell:A2:{AS_OF}", "done")

    found = plan_undo(world.sync(), report.run_id)

    assert [task.ref.id for task in found.tasks] == ["A3"]
    assert [(one.account, one.why) for one in found.left] == [("A2", "closed since")]


@pytest.mark.long
def test_only_the_run_that_made_a_task_closes_it(world: World) -> None:
    world.run()
    world.crm.tasks[0] = replace(world.crm.tasks[0], priority="Low")
    with world.store.bulk() as bulk:  # as if it had been less urgent then
        bulk.execute("update task set priority = 'Low' where account_id = 'A2'")
        bulk.commit()
    second = world.run()
    assert second.tasks["applied"] == 1

    found = plan_undo(world.sync(), second.run_id)

    assert found.tasks == []
    assert ("A2", "brought up to date") in [(one.account, one.why) for one in found.left]


@pytest.mark.long
def test_an_undoing_that_was_cut_off_is_brought_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, crm(), batch=2)
    report = world.run()
    with monkeypatch.context() as patch:
        patch.setattr(Delivery, "_remember_tasks", _die)
        with pytest.raises(Killed):
            undo(world.sync(), report.run_id)

    done, undone = undo(world.sync(), report.run_id)

    assert_adds_up(undone)
    assert done.left == []
    assert [world.crm.fields_of(key)["tier"] for key in ("A1", "A6")] == [None, None]
    assert {task.status for task in world.crm.tasks} == {"done"}
    states = world.kept("state", f"ledger where run_id = '{undone.run_id}'")
    assert {state for (state,) in states} == {"applied"}


def _die(*_: object) -> None:
    raise Killed


@pytest.mark.long
def test_an_undoing_can_be_undone(world: World) -> None:
    report = world.run()
    before = {key: dict(world.crm.fields_of(key)) for key in ("A1", "A7")}
    _, undone = undo(world.sync(), report.run_id)

    undo(world.sync(), undone.run_id)

    for key, fields in before.items():
        assert {n: world.crm.fields_of(key).get(n) for n in ("tier", "rank")} == {
            n: fields.get(n) for n in ("tier", "rank")
        }


@pytest.mark.long
def test_a_run_that_wrote_nothing_or_does_not_exist_cannot_be_undone(world: World) -> None:
    plan(world)
    (planned,) = world.kept("id", "run")

    with pytest.raises(ConfigError, match="is planned; there is nothing to undo"):
        plan_undo(world.sync(), str(planned[0]))
    with pytest.raises(ConfigError, match="no run 'x'"):
        undo(world.sync(), "x")
