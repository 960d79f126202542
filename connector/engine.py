"""Loads what the rules read from the store into a DuckDB in memory that spills to disk."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Final, Self

from connector.config import Job, Rate
from connector.facts import RECORDS
from connector.rates import rates_of
from connector.store import Beside, Bulk, Reader, Records, Store, open_engine
from connector.workspace import Workspace
from six_goals.tables import TABLES

logger = logging.getLogger(__name__)

_TYPES: Final = {
    "string": "varchar",
    "boolean": "boolean",
    "int64": "bigint",
    "date": "date",
    "timestamp('UTC')": "timestamptz",
}
_TIME: Final = "timestamp('UTC')"
_FIRST: Final = 1_000
_STATUS: Final = "enum('won', 'lost', 'open')"


@dataclass(frozen=True, slots=True)
class _Records:
    """The records of a stream: their table in the store, their columns, and which are needed.

    *sql* says how a column is read where it is not by its own name. Without the field *given* there
    are no such records.
    """

    table: str
    stream: str
    columns: Mapping[str, str]
    needed: tuple[str, ...] = ("id",)
    where: str = ""
    given: str = ""
    sql: Mapping[str, str] = field(default_factory=dict)

    def of(self, job: int, noted: frozenset[str] | None) -> Records:
        """Return the records of *job*, of whose fields only *noted* ones hold a value."""
        nothing = bool(self.given) and noted is not None and self.given not in noted
        return Records(self.table, job, "1 = 0" if nothing else self.where)

    def may_hold(self, column: str, noted: frozenset[str] | None) -> bool:
        """Say whether *column*, besides the id, can hold a value."""
        known = noted is None or column in noted or self.sql.get(column) in noted
        return column != "id" and known


def _without(table: str, *columns: str) -> dict[str, str]:
    """Return the columns of a table of the rules that records have under the same name."""
    return {name: kind for name, kind in TABLES[table].items() if name not in columns}


_OF_DEAL: Final = "deal_id"

_DEAL: Final = {
    "id": "string",
    "account_id": "string",
    "status": "string",
    "amount": "int64",
    "currency": "string",
    "close_date": "date",
    "stage": "string",
    "product": "string",
    "owner_id": "string",
    "promised_on": "date",
    "delivered_on": "date",
    "created_at": _TIME,
}
_RECORDS: Final = {
    "accounts": _Records(
        "account", "accounts", _without("accounts", "created_on") | {"created_at": _TIME}
    ),
    "cases": _Records("service_case", "cases", TABLES["cases"]),
    "leads": _Records("lead", "leads", TABLES["leads"]),
    "activities": _Records("activity", "activities", TABLES["activities"]),
    "costs": _Records("cost", "costs", {**TABLES["costs"], "currency": "string"}),
    # Lost deals count nowhere in the pyramid; they are kept apart.
    "opportunities": _Records(
        "opportunity",
        "opportunities",
        _DEAL,
        needed=("account_id", "status", "amount", "close_date"),
        where="status <> 'lost'",
        sql={
            "stage": "case when status = 'open' then stage end",
            "created_at": "case when status = 'open' then created_at end",
        },
    ),
    "lost": _Records(
        "opportunity",
        "opportunities",
        {
            "id": "string",
            "account_id": "string",
            "close_date": "date",
            "lost_reason": "string",
            "product": "string",
        },
        where="status = 'lost' and lost_reason is not null",
        given="lost_reason",
    ),
    "contact_targets": _Records("contact_target", "contact_targets", TABLES["contact_targets"]),
    "users": _Records("crm_user", "users", TABLES["users"]),
    # With what counts of their deal beside them, millions of them need no join later on.
    "line_items": _Records(
        "line_item",
        "line_items",
        {_OF_DEAL: "string"} | _without("lines", "account_id", "close_date"),
        needed=(_OF_DEAL,),
        sql={_OF_DEAL: "opportunity_id"},
    ),
}
"""What is loaded; line items after the deals."""

_DEAL_OF_ITEM: Final = {
    "account_id": "account_id",
    "status": "status",
    "close_date": "close_date",
    "currency": "currency",
    "created_at": "created_at",
    "stage": "stage",
    "deal_amount": "amount",
}
"""What a line item gets of its deal: its name there, and the deal's."""

_ITEM: Final = _without("lines", "account_id", "close_date") | {
    name: _DEAL[column] for name, column in _DEAL_OF_ITEM.items()
}
_SHOWN: Final = {name: kept.columns for name, kept in _RECORDS.items()} | {"line_items": _ITEM}
"""What the rules see of the records."""

_BEFORE: Final = {
    "account_id": "string",
    "layer": "string",
    "tier": "string",
    "tier_raw": "string",
    "tier_since": "date",
    "digest": "int64",
}
_KEPT: Final = (
    "standings",
    "before",
    "rhythm",
    "profit",
    "alive",
    RECORDS + "users",
)
"""What the plan and the record of a run still read once the rules are done."""


class Engine:
    """DuckDB with the job's records loaded; use it as a context manager."""

    def __init__(self, store: Store, job: Job, *, memory: str = "1200MB") -> None:
        self._store = store
        self._job = job
        self._replay = False
        self._spill = TemporaryDirectory(prefix="connector-")
        # Where two processors share a core, a second thread takes a quarter more CPU in all, and
        # saves a tenth of the time.
        config = {"memory_limit": memory, "temp_directory": self._spill.name, "threads": "1"}
        self.database = open_engine(config)
        self.database.execute("set preserve_insertion_order = false")
        self.database.execute(f"set timezone = '{job.model.timezone}'")
        self.workspace = Workspace(self.database)
        self.filled: frozenset[str] = frozenset()
        """The fields ("line_items.category") that hold a value in some record."""
        self.rates: Sequence[Rate] = ()
        """The rates into the job's base currency."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.database.close()
        self._spill.cleanup()

    def load(self, job_id: int, *, replay: bool = False) -> None:
        """Copy what the rules read from the store, each table in one pass.

        *replay* also reads what only an earlier day needs to know: when deals were made.
        """
        job, self._replay = int(job_id), replay
        self.rates = rates_of(self._job, self._store, job)
        noted = self._store.filled(job)
        records = {name: kept.of(job, noted.get(kept.stream)) for name, kept in _RECORDS.items()}
        with self._store.bulk() as bulk:
            found = {
                name: self._filled(bulk, kept, records[name], noted.get(kept.stream))
                for name, kept in _RECORDS.items()
            }
        filled = {f"{_RECORDS[n].stream}.{c}" for n, columns in found.items() for c in columns}
        held = [name for name, columns in found.items() if columns]
        found["opportunities"] -= self._unneeded_of_deals(filled)
        with self._store.reader(self.database) as reader:
            loaded = {
                name: self._load(reader, name, records[name], found[name])
                for name in held
                if name != "line_items"
            }
            if "line_items" in held and "opportunities" in held:
                loaded["line_items"] = self._load_items(
                    reader, records["line_items"], found["line_items"], loaded["opportunities"]
                )
            if "activities" in held:
                self._leave_out_what_we_closed(reader, job)
            for name in _RECORDS.keys() - loaded.keys():
                self._show(name, ())
            reader.load(
                "before", f"select {', '.join(_BEFORE)} from standing where job_id = {job}", _BEFORE
            )
        self.workspace.declare("before", _BEFORE)
        self.filled = frozenset(filled)

    def count(self, table: str) -> int:
        """Return the number of rows of one of the engine's tables."""
        found = self.database.table(table).count("*").fetchone()
        return int(found[0]) if found else 0

    def release(self) -> None:
        """Free the memory of all that only the rules read."""
        self.workspace.forget(*(name for name in self.workspace.names if name not in _KEPT))
        for name in _RECORDS:
            if name != "users":
                self.database.execute(f"drop table if exists stored_{name}")

    def make_room(self) -> None:
        """Leave memory to the writer: what comes after the plan only streams from here."""
        self.database.execute("set memory_limit = '300MB'")

    def _filled(
        self, bulk: Bulk, kept: _Records, records: Records, noted: frozenset[str] | None
    ) -> frozenset[str]:
        """Return the columns that hold a value in at least one record.

        Only those can whose field was *noted* when it was read, if that is known. Most show it
        among the first records; only for the others are all looked through, once.
        """
        asked = ["id", *(name for name in kept.columns if kept.may_hold(name, noted))]
        picked = ", ".join(f'{self._sql(kept, name)} as "{name}"' for name in asked)
        first = f"(select {picked} from {records.source} limit {_FIRST}) as first_ones"
        found = _holding(bulk, {name: f'"{name}"' for name in asked}, first)
        rest = {name: self._sql(kept, name) for name in asked if name not in found}
        if "id" not in found or not rest:
            return found
        return found | _holding(bulk, rest, records.source)

    def _sql(self, records: _Records, name: str) -> str:
        """Return how a column is read: of five million deals, only what the rules look at."""
        if name == "currency":
            return f"nullif(currency, '{self._job.model.currency.base}')"
        if name == "created_at" and self._replay:
            return name
        return records.sql.get(name, f'"{name}"')

    def _unneeded_of_deals(self, filled: set[str]) -> frozenset[str]:
        """Return the columns of deals that no rule of this job reads."""
        unneeded = set()
        if not (
            self._replay or filled & {"line_items.id", "opportunities.promised_on", "activities.id"}
        ):
            unneeded.add("id")
        if not self._job.model.rules.settings.suppression.proposal_stages:
            unneeded.add("stage")
        return frozenset(unneeded)

    def _load(
        self, reader: Reader, name: str, records: Records, read: frozenset[str]
    ) -> Collection[str]:
        """Load the columns that hold anything, and show the others as empty; return the former."""
        columns = self._columns(name, read)
        reader.copy(f"stored_{name}", records, columns)
        self._show(name, columns)
        return columns

    def _load_items(
        self, reader: Reader, records: Records, read: frozenset[str], of_deals: Collection[str]
    ) -> Collection[str]:
        """Load the line items of the deals that are loaded, with what these have beside them."""
        columns = self._columns("line_items", read)
        theirs = {name: column for name, column in _DEAL_OF_ITEM.items() if column in of_deals}
        beside = Beside("stored_opportunities", _OF_DEAL, "id", theirs)
        reader.copy("stored_line_items", records, columns, beside)
        self._show("line_items", [*columns, *theirs])
        return columns

    def _leave_out_what_we_closed(self, reader: Reader, job: int) -> None:
        """Forget the activities that are tasks of ours, closed by us: nobody was contacted."""
        reader.load(
            "closed_by_us",
            f"select distinct target_id from ledger where job_id = {job} and kind = 'close_task'"
            " and state = 'applied' and target_id is not null",
            {"target_id": "varchar"},
        )
        self.database.execute(
            "delete from stored_activities where id in (select target_id from closed_by_us)"
        )
        self.database.execute("drop table closed_by_us")

    def _columns(self, name: str, read: frozenset[str]) -> dict[str, tuple[str, str]]:
        """Return the columns to load: how each is read, and its type."""
        kept = _RECORDS[name]
        loaded = {c: t for c, t in kept.columns.items() if c in read or c in kept.needed}
        types = {
            c: _STATUS if c == "status" and name == "opportunities" else _TYPES[t]
            for c, t in loaded.items()
        }
        return {c: (self._sql(kept, c), kind) for c, kind in types.items()}

    def _show(self, name: str, loaded: Collection[str]) -> None:
        """Make a view in which the columns that were not loaded are empty."""
        columns = _SHOWN[name]
        shown = ", ".join(
            f'"{c}"' if c in loaded else f'cast(null as {_TYPES[t]}) as "{c}"'
            for c, t in columns.items()
        )
        source = f"from stored_{name}" if loaded else "where false"
        self.workspace.show(RECORDS + name, f"select {shown} {source}", columns)


def _holding(bulk: Bulk, columns: Mapping[str, str], source: str) -> frozenset[str]:
    """Return the names of *columns* (name: SQL) that hold a value in *source*."""
    tests = ", ".join(
        f'max(case when {sql} is not null then 1 else 0 end) as "{name}"'
        for name, sql in columns.items()
    )
    found = bulk.fetch(f"select {tests} from {source}").to_pylist()[0]
    return frozenset(name for name in columns if found[name])
