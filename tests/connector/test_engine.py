"""What the engine loads of the store, and what it leaves out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from connector.config import load_job
from connector.contract import Applied, CloseTask, PutTask, Ref
from connector.engine import Engine
from connector.facts import RECORDS
from connector.ledger import Ledger
from connector.store import Store
from connector.store.tables import ActivityRow

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
EMPTY: dict[str, Any] = dict.fromkeys(ActivityRow.model_fields) | {
    "account_id": "A",
    "happened_at": NOON,
    "deleted": False,
}


def test_a_task_that_we_closed_is_no_contact(store: Store, tmp_path: Path) -> None:
    (tmp_path / "job.toml").write_text('name = "job"\n[source]\nadapter = "files"\n')
    job = store.job_id("job")
    with store.session() as session:
        for key in ("T1", "T2", "T3"):
            session.add(ActivityRow(**EMPTY | {"job_id": job, "id": key}))
        session.commit()
    put = PutTask(
        Ref("A"), "m1", "retention", "Call", "", None, date(2026, 6, 2), "High", NOON.date()
    )
    closed = CloseTask(Ref("A"), "m2", "T2", "no reason", NOON.date())
    with store.bulk() as bulk:
        outcomes = {"m1": Applied("m1", "T1"), "m2": Applied("m2", "T2")}
        Ledger(job, "run").note(bulk, {"m1": put, "m2": closed}, outcomes)
        bulk.commit()

    with Engine(store, load_job(tmp_path / "job.toml")) as engine:
        engine.load(job)
        rows = engine.database.execute(f"select id from {RECORDS}activities order by 1").fetchall()

    # A person has done T1, though we made it; T3 never was ours.
    assert rows == [("T1",), ("T3",)]
