"""Keeps what a run computed: standings, the days each layer lasted, and the actions decided on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import duckdb
import pyarrow as pa

from connector.decide import Decided
from connector.store import Store

_BATCH: Final = 100_000
_COLUMNS: Final = {
    "account_id": "s.account_id",
    "layer": "s.layer",
    "tier": "s.tier",
    "tier_raw": "s.tier_raw",
    "tier_frozen": "s.tier_frozen",
    "previous_layer": "s.previous_state",
    "previous_tier": "s.previous_tier",
    "movement": "s.movement",
    "rank": "cast(s.rank as bigint)",
    "revenue": "cast(s.revenue as bigint)",
    "previous_revenue": "cast(s.previous_revenue as bigint)",
    "previous_rank": "cast(s.previous_rank as bigint)",
    "orders": "cast(s.orders as bigint)",
    "first_order": "s.first_order",
    "last_order": "s.last_order",
    "next_tier": "s.next_tier",
    "next_tier_gap": "cast(s.next_tier_gap as bigint)",
    "inherited_from": "s.inherited_from",
    "tier_since": "case when b.layer = s.layer then coalesce(b.tier_since, $as_of) else $as_of end",
}


def save_standings(
    store: Store, database: duckdb.DuckDBPyConnection, job_id: int, run_id: str, as_of: date
) -> int:
    """Write the standings that differ from the last run's; return how many there were."""
    columns = ", ".join(f'{sql} as "{name}"' for name, sql in _COLUMNS.items())
    values = ", ".join(f'"{name}"' for name in _COLUMNS)
    database.execute(
        f"create or replace table new_standings as select *, {job_id}::bigint as job_id,"
        f" $run_id as run_id, (hash({values}) >> 1)::bigint as digest from (select {columns}"
        " from standings s left join before b using (account_id))",
        {"as_of": as_of, "run_id": run_id},
    )
    changed = database.execute(
        "select n.* from new_standings n left join before b using (account_id)"
        " where b.digest is distinct from n.digest order by n.account_id"
    ).to_arrow_reader(_BATCH)
    count = 0
    with store.bulk() as bulk:
        for batch in changed:
            count += bulk.upsert("standing", pa.Table.from_batches([batch]))
        ended = (_ended(database, as_of), _gone(database, as_of, job_id, run_id))
        for spans in (*ended, _begun(database, as_of)):
            for batch in spans:
                bulk.upsert("tier_span", pa.Table.from_batches([batch]))
        if _any_gone(database):
            bulk.execute(
                "delete from standing where job_id = ? and not exists (select 1 from account a"
                " where a.job_id = standing.job_id and a.id = standing.account_id"
                " and not a.deleted)",
                job_id,
            )
        bulk.commit()
    return count


def _ended(database: duckdb.DuckDBPyConnection, as_of: date) -> pa.RecordBatchReader:
    return (
        database.cursor()
        .execute(
            "select n.job_id, n.account_id, b.tier_since as valid_from, $as_of::date as valid_to,"
            " b.layer, n.run_id from new_standings n join before b using (account_id)"
            " where b.layer <> n.layer and b.tier_since < $as_of::date order by n.account_id",
            {"as_of": as_of},
        )
        .to_arrow_reader(_BATCH)
    )


def _gone(
    database: duckdb.DuckDBPyConnection, as_of: date, job_id: int, run_id: str
) -> pa.RecordBatchReader:
    return (
        database.cursor()
        .execute(
            f"select {job_id}::bigint as job_id, account_id, tier_since as valid_from,"
            " $as_of::date as valid_to, layer, $run_id as run_id"
            " from before anti join standings using (account_id)"
            " where tier_since is not null order by account_id",
            {"as_of": as_of, "run_id": run_id},
        )
        .to_arrow_reader(_BATCH)
    )


def _begun(database: duckdb.DuckDBPyConnection, as_of: date) -> pa.RecordBatchReader:
    return (
        database.cursor()
        .execute(
            "select n.job_id, n.account_id, $as_of::date as valid_from, null::date as valid_to,"
            " n.layer, n.run_id from new_standings n left join before b using (account_id)"
            " where b.layer is distinct from n.layer order by n.account_id",
            {"as_of": as_of},
        )
        .to_arrow_reader(_BATCH)
    )


def _any_gone(database: duckdb.DuckDBPyConnection) -> bool:
    found = database.execute(
        "select count(*) from before anti join standings using (account_id)"
    ).fetchone()
    return bool(found and found[0])


def save_actions(
    store: Store,
    job_id: int,
    run_id: str,
    decided: Sequence[Decided],
    *,
    as_of: date,
    config_hash: str,
) -> None:
    """Replace the job's actions with those of this run, suppressed ones with their cause."""
    rows = list({one.action.key: one for one in decided}.values())
    table = pa.table(
        {
            "job_id": pa.array([job_id] * len(rows), pa.int64()),
            "goal": pa.array([one.action.goal for one in rows], pa.string()),
            "account_id": pa.array([one.action.account_id for one in rows], pa.string()),
            "item": pa.array([one.action.item for one in rows], pa.string()),
            "marker": pa.array([one.marker for one in rows], pa.string()),
            "decision": pa.array([one.decision.verdict for one in rows], pa.string()),
            "cause": pa.array([one.decision.cause for one in rows], pa.string()),
            "owner": pa.array([one.owner for one in rows], pa.string()),
            "priority": pa.array([one.decision.priority for one in rows], pa.string()),
            "due": pa.array([one.due for one in rows], pa.date32()),
            "expected_value": pa.array([one.action.expected_value for one in rows], pa.int64()),
            "subject": pa.array([one.action.title for one in rows], pa.string()),
            "reason": pa.array([one.action.reason for one in rows], pa.string()),
            "evidence": pa.array(
                [json.dumps(dict(one.action.evidence), ensure_ascii=False) for one in rows],
                pa.string(),
            ),
            "expires_on": pa.array(
                [as_of + timedelta(days=one.action.expires_days) for one in rows], pa.date32()
            ),
            "run_id": pa.array([run_id] * len(rows), pa.string()),
            "config_hash": pa.array([config_hash] * len(rows), pa.string()),
        }
    )
    with store.bulk() as bulk:
        bulk.execute("delete from action where job_id = ?", job_id)
        bulk.upsert("action", table)
        bulk.commit()
