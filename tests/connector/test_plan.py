"""Only what differs becomes a change, and too much of it stops the run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

import duckdb
import pyarrow as pa
import pytest

from connector import (
    OUTPUTS,
    Capabilities,
    CloseTask,
    Current,
    GuardError,
    HeldTask,
    PutTask,
    Ref,
    SetFields,
)
from connector.decide import Decided
from connector.plan import Held, Plan, Stamps, compare, guard_changes, plan_tasks
from connector.store.tables import TaskRow
from six_goals.action import Action
from six_goals.suppression import Decision, Verdict
from six_goals.words import Words

DAY = date(2017, 12, 31)
STAMPS = Stamps(
    as_of=DAY,
    currency="EUR",
    period_start=date(2017, 1, 1),
    period_end=DAY,
    computed_at=datetime(2018, 1, 1, 6, tzinfo=UTC),
    run_id="run-2",
    config_hash="abc",
)
ROW = {
    "account_id": "A",
    "layer": "Top",
    "tier": "Top",
    "tier_raw": "Top",
    "previous_tier": "Big",
    "movement": "upgrade",
    "rank": 1,
    "revenue": 1_234_500,
    "share": Decimal("0.250000"),
    "next_tier_gap": None,
    "tier_locked": None,
}
STANDINGS = (
    "account_id varchar, layer varchar, tier varchar, tier_raw varchar, previous_tier varchar,"
    " movement varchar, rank bigint, revenue hugeint, share decimal(18, 6), next_tier_gap bigint,"
    " tier_locked boolean"
)


@pytest.fixture
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(f"create table standings ({STANDINGS})")
        connection.execute(
            "create table before (account_id varchar, layer varchar, tier varchar,"
            " tier_raw varchar, tier_since date, digest bigint)"
        )
        yield connection


def stand(engine: duckdb.DuckDBPyConnection, **values: object) -> None:
    row = ROW | values
    engine.execute(
        f"insert into standings values ({', '.join('?' * len(row))})", list(row.values())
    )


def stood(engine: duckdb.DuckDBPyConnection, account: str, tier: str | None) -> None:
    values = [account, tier or "Inactive", tier, tier, date(2017, 6, 1)]
    engine.execute("insert into before values (?, ?, ?, ?, ?, 0)", values)


def planned(
    engine: duckdb.DuckDBPyConnection, fields: dict[str, str], *rows: dict[str, object]
) -> Plan:
    held = Held(engine, fields)
    held.add(Current(list(rows)))
    return compare(engine, fields, STAMPS)


def changes(plan: Plan) -> list[SetFields]:
    return [change for batch in plan.set_fields(2) for change in batch]


# --- what is the same


@pytest.mark.parametrize(
    ("field", "new", "old", "same"),
    [
        pytest.param("tier", "Top", "Top", True, id="text"),
        pytest.param("tier", "Top", "top", False, id="text in another case"),
        pytest.param("tier", None, "", True, id="nothing and empty"),
        pytest.param("tier", None, None, True, id="nothing and nothing"),
        pytest.param("tier", None, "Top", False, id="nothing and text"),
        pytest.param("tier", "Top", None, False, id="text and nothing"),
        pytest.param("rank", 5, "5.0", True, id="number with a point"),
        pytest.param("rank", 5, 5, True, id="number"),
        pytest.param("rank", 5, " 5 ", True, id="number with blanks"),
        pytest.param("rank", 5, "6", False, id="another number"),
        pytest.param("rank", None, "", True, id="no number"),
        pytest.param("rank", None, "five", False, id="no number and text"),
        pytest.param("rank", 5, "five", False, id="number and text"),
        pytest.param("revenue", 1_234_500, "123.45", True, id="money"),
        pytest.param("revenue", 1_234_500, "123.450000", True, id="money with more places"),
        pytest.param("revenue", 1_234_549, "123.45", True, id="money is written with two places"),
        pytest.param("revenue", 1_234_550, "123.46", True, id="money half up"),
        pytest.param("revenue", 1_234_500, "123.46", False, id="other money"),
        pytest.param("revenue", 0, None, False, id="zero is not nothing"),
        pytest.param("revenue", -50, "-0.01", True, id="negative money half away from zero"),
        pytest.param("share", Decimal("0.25"), "2.5e-1", True, id="share with an exponent"),
        pytest.param("share", Decimal("0.25"), "0.2500001", True, id="share beyond six places"),
    ],
)
def test_a_value_is_compared_as_what_it_is(
    engine: duckdb.DuckDBPyConnection, field: str, new: object, old: object, same: bool
) -> None:
    output = "revenue_period" if field == "revenue" else field
    stand(engine, **{field: new})

    plan = planned(engine, {output: "Theirs"}, {"id": "A", "Theirs": old})

    assert plan.empty is same
    assert plan.unchanged == same


@pytest.mark.parametrize(
    ("old", "same"),
    [
        pytest.param("2017-06-01", True, id="ISO"),
        pytest.param(date(2017, 6, 1), True, id="date"),
        pytest.param("2017-06-01T00:00:00.000Z", True, id="with a time"),
        pytest.param("2017-06-02", False, id="another"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_a_day_may_come_with_a_time(
    engine: duckdb.DuckDBPyConnection, old: object, same: bool
) -> None:
    stand(engine)
    stood(engine, "A", "Top")

    plan = planned(engine, {"tier_since": "Since"}, {"id": "A", "Since": old})

    assert plan.empty is same


@pytest.mark.parametrize(
    ("wanted", "held", "empty_numbers", "same"),
    [
        pytest.param(None, "0", False, True, id="empty-is-zero"),
        pytest.param(0, None, False, True, id="zero-is-empty"),
        pytest.param(None, "0.0", False, True, id="empty-is-zero-however-written"),
        pytest.param(None, "7", False, False, id="to-be-cleared"),
        pytest.param(7, None, False, False, id="to-be-set"),
        pytest.param(0, "by hand", False, False, id="not-a-number"),
        pytest.param(None, "0", True, False, id="zero-is-a-value"),
        pytest.param(0, None, True, False, id="empty-is-not-zero"),
    ],
)
def test_where_a_number_can_not_be_empty_zero_is(
    engine: duckdb.DuckDBPyConnection,
    wanted: int | None,
    held: str | None,
    empty_numbers: bool,
    same: bool,
) -> None:
    stand(engine, rank=wanted)
    there = Held(engine, {"rank": "Rank"})
    there.add(Current([{"id": "A", "Rank": held}]))

    plan = compare(engine, {"rank": "Rank"}, STAMPS, empty_numbers=empty_numbers)

    assert plan.empty is same


def test_what_the_target_holds_may_be_an_arrow_table(engine: duckdb.DuckDBPyConnection) -> None:
    stand(engine, account_id="7")
    held = Held(engine, {"rank": "Rank", "tier": "Tier"})
    held.add(Current(pa.table({"id": [7], "Rank": [1.0]})))

    (change,) = changes(compare(engine, {"rank": "Rank", "tier": "Tier"}, STAMPS))

    assert change.values == {"Tier": "Top"}


# --- changes


def test_a_change_holds_what_differs_and_what_was_there(engine: duckdb.DuckDBPyConnection) -> None:
    stand(engine)
    fields = {"tier": "Tier", "rank": "Rank", "revenue_period": "Revenue"}

    plan = planned(engine, fields, {"id": "A", "Tier": "Big", "Rank": "1", "Revenue": None})

    assert changes(plan) == [
        SetFields(
            Ref("A"),
            {"Tier": "Top", "Revenue": Decimal("123.45")},
            {"Tier": "Big", "Revenue": None},
        )
    ]
    assert plan.by_field == {"tier": 1, "revenue_period": 1}


def test_changes_come_in_batches_by_account(engine: duckdb.DuckDBPyConnection) -> None:
    for account in ("C", "A", "B"):
        stand(engine, account_id=account)

    plan = planned(engine, {"tier": "Tier"}, {"id": "A"}, {"id": "B"}, {"id": "C"})

    batches = [[change.ref.id for change in batch] for batch in plan.set_fields(2)]
    assert batches == [["A", "B"], ["C"]]
    assert plan.markers() == {"fields:A", "fields:B", "fields:C"}


STAMPED = {name: f"Their {name}" for name, output in OUTPUTS.items() if output.stamp}


def test_stamps_alone_change_nothing(engine: duckdb.DuckDBPyConnection) -> None:
    stand(engine)

    plan = planned(engine, {"tier": "Tier", **STAMPED}, {"id": "A", "Tier": "Top"})

    assert (plan.empty, plan.unchanged) == (True, 1)


def test_stamps_go_along_with_a_change(engine: duckdb.DuckDBPyConnection) -> None:
    stand(engine)

    (change,) = changes(planned(engine, {"tier": "Tier", **STAMPED}, {"id": "A"}))

    assert change.values["Their run_id"] == "run-2"
    assert change.values["Their period_end"] == DAY
    assert set(change.values) == {"Tier", *STAMPED.values()}


def test_an_account_that_the_target_has_not_is_missing(engine: duckdb.DuckDBPyConnection) -> None:
    stand(engine)
    stand(engine, account_id="B")

    plan = planned(engine, {"tier": "Tier"}, {"id": "A", "Tier": "Top"})

    assert list(plan.missing_accounts()) == ["B"]
    assert (plan.accounts, plan.unchanged, plan.changed, plan.missing) == (2, 1, 0, 1)


@pytest.mark.parametrize("name", ['Ti"er', "it's", "Tier (EUR)", "select", "等级", "account id"])
def test_a_field_of_theirs_may_have_any_name(engine: duckdb.DuckDBPyConnection, name: str) -> None:
    stand(engine)

    assert changes(planned(engine, {"tier": name}, {"id": "A", name: "Big"}))[0].old == {
        name: "Big"
    }


# --- tiers that a person has locked


@pytest.mark.parametrize(
    ("in_source", "in_target", "locked"),
    [
        pytest.param(True, None, True, id="in the source"),
        pytest.param(None, "true", True, id="in the target"),
        pytest.param(None, "1", True, id="as a number"),
        pytest.param(None, "Yes", True, id="as a word"),
        pytest.param(None, True, True, id="as a flag"),
        pytest.param(False, "false", False, id="not"),
        pytest.param(None, "", False, id="nothing said"),
    ],
)
def test_a_locked_tier_stays_and_is_told_of(
    engine: duckdb.DuckDBPyConnection, in_source: bool | None, in_target: object, locked: bool
) -> None:
    stand(engine, tier_locked=in_source)
    fields = {"tier": "Tier", "rank": "Rank", "tier_locked": "Locked"}

    plan = planned(engine, fields, {"id": "A", "Tier": "Big", "Rank": "9", "Locked": in_target})

    (change,) = changes(plan)
    assert set(change.values) == ({"Rank"} if locked else {"Tier", "Rank"})
    assert plan.locked == locked


def test_a_locked_tier_that_is_right_is_not_told_of(engine: duckdb.DuckDBPyConnection) -> None:
    stand(engine, tier_locked=True)

    plan = planned(engine, {"tier": "Tier"}, {"id": "A", "Tier": "Top"})

    assert (plan.locked, plan.unchanged) == (0, 1)


# --- tasks

CARE = Action("retention", "A", None, "Top", "Call A", "A is late.", 3, 5_000)
TASK = HeldTask("retention:A:2017-12-01", "A", "open", "T1", "Call A", "A is late.")
KNOWN = TaskRow(
    job_id=1,
    marker=TASK.marker,
    account_id="A",
    goal="retention",
    target_id="T1",
    subject="Call A",
    priority="Normal",
)


def decided(verdict: Verdict, priority: Literal["High", "Normal", "Low"] = "Normal") -> Decided:
    marker = {"create": "retention:A:2017-12-31", "update": TASK.marker}.get(verdict)
    return Decided(CARE, Decision(CARE, priority, verdict), None, DAY, marker)


def tasks(
    *decisions: Decided, held: list[HeldTask], known: bool = True
) -> list[PutTask | CloseTask]:
    rows = {TASK.marker: KNOWN} if known else {}
    return plan_tasks(
        decisions,
        held,
        rows,
        ["retention"],
        DAY,
        words=Words(),
        capabilities=Capabilities(),
    )


def test_a_new_task_is_put() -> None:
    (task,) = tasks(decided("create"), held=[])

    assert isinstance(task, PutTask)
    assert (task.marker, task.task_id) == ("retention:A:2017-12-31", None)


def test_one_that_this_run_made_before_it_was_cut_off_is_not_put_again() -> None:
    assert tasks(decided("create"), held=[replace(TASK, marker="retention:A:2017-12-31")]) == []


def test_a_task_without_news_stays() -> None:
    assert tasks(decided("update"), held=[TASK]) == []


def test_a_task_with_news_is_brought_up_to_date() -> None:
    (task,) = tasks(decided("update", "High"), held=[TASK])

    assert isinstance(task, PutTask)
    assert (task.marker, task.task_id, task.priority) == (TASK.marker, "T1", "High")


@pytest.mark.parametrize(
    "edited",
    [
        pytest.param(replace(TASK, subject="Call A, ask for Ann"), id="subject"),
        pytest.param(replace(TASK, priority="Low"), id="priority"),
    ],
)
def test_a_task_that_a_person_edited_is_theirs(edited: HeldTask) -> None:
    assert tasks(decided("update", "High"), held=[edited]) == []


def test_a_task_that_we_do_not_remember_is_left() -> None:
    assert tasks(decided("update", "High"), held=[TASK], known=False) == []


def test_a_task_whose_reason_has_gone_is_closed() -> None:
    (task,) = tasks(held=[TASK])

    assert isinstance(task, CloseTask)
    assert (task.marker, task.task_id, task.closed_on) == (TASK.marker, "T1", DAY)


@pytest.mark.parametrize("verdict", ["suppress", "queue"])
def test_a_task_whose_action_only_waits_stays(verdict: Verdict) -> None:
    assert tasks(decided(verdict), held=[TASK]) == []


@pytest.mark.parametrize(
    "task",
    [
        pytest.param(replace(TASK, status="done"), id="done"),
        pytest.param(replace(TASK, status="rejected"), id="rejected"),
        pytest.param(replace(TASK, marker="up_sell:A:2017-12-01"), id="goal that does not run"),
    ],
)
def test_other_tasks_are_not_closed(task: HeldTask) -> None:
    assert tasks(held=[task]) == []


def test_a_task_that_a_person_copied_is_closed_one_at_a_time() -> None:
    # Its copy has the same marker; two changes of one marker can't be told apart.
    assert len(tasks(held=[TASK, replace(TASK, id="T2")])) == 1


# --- guard


def guard(engine: duckdb.DuckDBPyConnection, tiers: float = 1.0, deleted: float = 1.0) -> None:
    guard_changes(engine, tiers, deleted, "job.toml")


def move(engine: duckdb.DuckDBPyConnection, moved: int, of: int) -> None:
    for number in range(of):
        stand(engine, account_id=f"{number:03}", tier="Big" if number < moved else "Top")
        stood(engine, f"{number:03}", "Top")


@pytest.mark.parametrize(("moved", "of", "limit"), [(3, 10, 0.3), (29, 100, 0.29), (0, 5, 0.0)])
def test_as_many_may_change_tier_as_allowed(
    engine: duckdb.DuckDBPyConnection, moved: int, of: int, limit: float
) -> None:
    move(engine, moved, of)

    guard(engine, tiers=limit)


@pytest.mark.parametrize(("moved", "of", "limit"), [(4, 10, 0.3), (30, 100, 0.29), (1, 5, 0.0)])
def test_one_more_stops_the_run(
    engine: duckdb.DuckDBPyConnection, moved: int, of: int, limit: float
) -> None:
    move(engine, moved, of)

    with pytest.raises(GuardError, match=rf"{moved} of {of} ranked accounts would change tier"):
        guard(engine, tiers=limit)


@pytest.mark.parametrize(("gone", "stops"), [(29, False), (30, True)])
def test_as_many_may_vanish_as_allowed(
    engine: duckdb.DuckDBPyConnection, gone: int, stops: bool
) -> None:
    move(engine, 0, 100)
    engine.execute("delete from standings where account_id < ?", [f"{gone:03}"])

    if not stops:
        guard(engine, deleted=0.29)
        return
    with pytest.raises(GuardError, match="30 of 100 accounts are gone from the source"):
        guard(engine, deleted=0.29)


def test_the_first_run_may_rank_everybody(engine: duckdb.DuckDBPyConnection) -> None:
    stand(engine)

    guard(engine, tiers=0.0, deleted=0.0)


def test_new_and_unranked_accounts_do_not_count(engine: duckdb.DuckDBPyConnection) -> None:
    move(engine, 0, 10)
    stand(engine, account_id="new")
    stand(engine, account_id="idle", tier=None)
    stood(engine, "idle", None)

    guard(engine, tiers=0.0)
