"""What a run computed is kept: what differs, and the days for which it was so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import duckdb
import pytest

from connector.decide import Decided
from connector.record import save_actions, save_standings
from connector.store import Store
from six_goals.action import Action
from six_goals.suppression import Decision

DAY = date(2017, 12, 31)

JANUARY, MARCH, MAY = date(2017, 1, 1), date(2017, 3, 1), date(2017, 5, 1)
STANDINGS = (
    "account_id varchar, layer varchar, tier varchar, tier_raw varchar, tier_frozen varchar,"
    " previous_state varchar, previous_tier varchar, movement varchar, rank bigint,"
    " revenue hugeint, previous_revenue hugeint, previous_rank bigint, orders bigint,"
    " first_order date, last_order date, next_tier varchar, next_tier_gap hugeint,"
    " inherited_from varchar"
)


@pytest.fixture
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def record(
    store: Store,
    engine: duckdb.DuckDBPyConnection,
    as_of: date,
    layers: dict[str, str],
    revenue: int = 100,
) -> int:
    """Keep the standings of a run that found these *layers*; return how many differed."""
    with store.bulk() as bulk:
        bulk.execute("delete from account where job_id = ?", 1)
        for account in layers:
            bulk.execute("insert into account (job_id, id, deleted) values (1, ?, false)", account)
        bulk.commit()
    for table in ("standings", "before"):
        engine.execute(f"drop table if exists {table}")
    columns = {
        "account_id": "varchar",
        "layer": "varchar",
        "tier_since": "date",
        "digest": "bigint",
    }
    with store.reader(engine) as reader:
        reader.load(
            "before", f"select {', '.join(columns)} from standing where job_id = 1", columns
        )
    engine.execute(f"create table standings ({STANDINGS})")
    for account, layer in layers.items():
        engine.execute(
            "insert into standings (account_id, layer, tier, rank, revenue, first_order)"
            " values (?, ?, ?, 1, ?, ?)",
            [account, layer, layer, revenue, JANUARY],
        )
    return save_standings(store, engine, 1, f"run of {as_of}", as_of)


def spans(store: Store, account: str = "A") -> list[tuple[str, str, str | None]]:
    with store.bulk() as bulk:
        rows = bulk.fetch(
            "select layer, valid_from, valid_to from tier_span where account_id = ?"
            " order by valid_from",
            account,
        ).to_pylist()
    return [(r["layer"], str(r["valid_from"]), r["valid_to"] and str(r["valid_to"])) for r in rows]


def standings(store: Store) -> dict[str, tuple[str, str]]:
    with store.bulk() as bulk:
        rows = bulk.fetch("select account_id, layer, run_id from standing").to_pylist()
    return {row["account_id"]: (row["layer"], row["run_id"]) for row in rows}


def test_the_first_run_keeps_every_standing(
    store: Store, engine: duckdb.DuckDBPyConnection
) -> None:
    assert record(store, engine, JANUARY, {"A": "Top", "B": "Big"}) == 2

    assert standings(store)["A"] == ("Top", "run of 2017-01-01")
    assert spans(store) == [("Top", "2017-01-01", None)]


def test_the_same_standings_are_not_written_again(
    store: Store, engine: duckdb.DuckDBPyConnection
) -> None:
    record(store, engine, JANUARY, {"A": "Top", "B": "Big"})

    assert record(store, engine, MARCH, {"A": "Top", "B": "Big"}) == 0
    assert standings(store)["A"] == ("Top", "run of 2017-01-01")


def test_only_those_that_differ_are(store: Store, engine: duckdb.DuckDBPyConnection) -> None:
    record(store, engine, JANUARY, {"A": "Top", "B": "Big"})

    assert record(store, engine, MARCH, {"A": "Top", "B": "Top"}) == 1


def test_another_revenue_differs_too_but_begins_no_span(
    sqlite_store: Store, engine: duckdb.DuckDBPyConnection
) -> None:
    record(sqlite_store, engine, JANUARY, {"A": "Top"})

    assert record(sqlite_store, engine, MARCH, {"A": "Top"}, revenue=200) == 1
    assert spans(sqlite_store) == [("Top", "2017-01-01", None)]


def test_spans_follow_one_another_without_a_gap(
    store: Store, engine: duckdb.DuckDBPyConnection
) -> None:
    for day, layer in ((JANUARY, "Top"), (MARCH, "Big"), (MAY, "Top")):
        record(store, engine, day, {"A": layer})

    assert spans(store) == [
        ("Top", "2017-01-01", "2017-03-01"),
        ("Big", "2017-03-01", "2017-05-01"),
        ("Top", "2017-05-01", None),
    ]


def test_of_two_runs_of_a_day_the_last_counts(
    sqlite_store: Store, engine: duckdb.DuckDBPyConnection
) -> None:
    record(sqlite_store, engine, JANUARY, {"A": "Small"})
    for layer in ("Big", "Top"):
        record(sqlite_store, engine, MARCH, {"A": layer})

    assert spans(sqlite_store) == [
        ("Small", "2017-01-01", "2017-03-01"),
        ("Top", "2017-03-01", None),
    ]


def test_an_account_that_is_gone_has_no_standing_and_its_span_ends(
    store: Store, engine: duckdb.DuckDBPyConnection
) -> None:
    record(store, engine, JANUARY, {"A": "Top", "B": "Big"})

    record(store, engine, MARCH, {"B": "Big"})

    assert list(standings(store)) == ["B"]
    assert spans(store) == [("Top", "2017-01-01", "2017-03-01")]


def test_one_that_comes_back_begins_a_new_span(
    sqlite_store: Store, engine: duckdb.DuckDBPyConnection
) -> None:
    record(sqlite_store, engine, JANUARY, {"A": "Top", "B": "Big"})
    record(sqlite_store, engine, MARCH, {"B": "Big"})

    record(sqlite_store, engine, MAY, {"A": "Top", "B": "Big"})

    assert spans(sqlite_store) == [("Top", "2017-01-01", "2017-03-01"), ("Top", "2017-05-01", None)]


# --- actions

CARE = Action(
    "retention", "A", None, "Top", "Call Ä", "Late.", 3, 5_000, evidence={"overdue": "2.5"}
)


def decided(action: Action) -> Decided:
    return Decided(action, Decision(action, "High", "create"), "ann", MARCH, "retention:A:x")


def actions(store: Store) -> list[dict[str, object]]:
    with store.bulk() as bulk:
        return list(bulk.fetch("select * from action order by account_id").to_pylist())


def test_actions_are_kept_with_their_evidence(store: Store) -> None:
    save_actions(store, 1, "run", [decided(CARE)], as_of=DAY, config_hash="abc")

    (row,) = actions(store)
    assert (row["subject"], row["evidence"]) == ("Call Ä", '{"overdue": "2.5"}')
    expires = str(DAY + timedelta(days=90))
    assert (str(row["expires_on"]), row["config_hash"]) == (expires, "abc")
    assert (row["decision"], row["priority"], row["expected_value"]) == ("create", "High", 5_000)


def test_those_of_the_last_run_are_replaced(store: Store) -> None:
    save_actions(
        store,
        1,
        "run 1",
        [decided(CARE), decided(replace(CARE, account_id="B"))],
        as_of=DAY,
        config_hash="abc",
    )
    save_actions(store, 2, "other job", [decided(CARE)], as_of=DAY, config_hash="abc")

    save_actions(
        store, 1, "run 2", [decided(replace(CARE, account_id="C"))], as_of=DAY, config_hash="abc"
    )

    assert [(row["job_id"], row["account_id"]) for row in actions(store)] == [(2, "A"), (1, "C")]


def test_no_actions_empty_the_table(sqlite_store: Store) -> None:
    save_actions(sqlite_store, 1, "run 1", [decided(CARE)], as_of=DAY, config_hash="abc")

    save_actions(sqlite_store, 1, "run 2", [], as_of=DAY, config_hash="abc")

    assert actions(sqlite_store) == []
