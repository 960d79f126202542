"""Runs the rules on what the store holds: a DuckDB in memory that spills to disk when it must."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, cast

import duckdb
import pyarrow as pa

from connector.config import Job, load_rates
from connector.mapping import rates_table
from connector.store import Store
from customer_pyramid.periods import Period
from six_goals.action import Action

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from customer_pyramid.statistics import PeriodStatistics

logger = logging.getLogger(__name__)

_ACCOUNTS: Final = {
    "id": "string",
    "name": "string",
    "parent_id": "string",
    "kind": "string",
    "excluded": "boolean",
    "tier_locked": "boolean",
    "owner_id": "string",
    "industry": "string",
    "region": "string",
    "size_band": "string",
}
_OPPORTUNITIES: Final = {
    "account_id": "string",
    "status": "enum('won', 'lost', 'open')",
    "amount": "int64",
    "currency": "string",
    "close_date": "date",
    "stage": "string",
}
_BEFORE: Final = {
    "account_id": "string",
    "layer": "string",
    "tier": "string",
    "tier_raw": "string",
    "tier_since": "date",
    "digest": "int64",
}

_USERS: Final = {"id": "string", "manager_id": "string", "active": "boolean"}
_RATES: Final = {"currency": "string", "valid_from": "date", "rate": "decimal(19, 10)"}
_LINKS: Final = {"account_id": "string", "root_id": "string"}


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the rules found; the standings themselves stay in the engine's table `standings`."""

    period: Period
    previous: Period
    summary: Mapping[str, Any]
    """Statistics, migration and data issues, ready for JSON: money and shares as text."""
    actions: Sequence[Action]
    open_stages: Sequence[tuple[str, str | None]]
    """Account and stage of each open opportunity at one of the settings' proposal stages."""


class Engine:
    """DuckDB with the job's records loaded; use it as a context manager."""

    def __init__(self, store: Store, job: Job, *, memory: str = "800MB") -> None:
        self._store = store
        self._job = job
        self._spill = TemporaryDirectory(prefix="connector-")
        config = {"memory_limit": memory, "temp_directory": self._spill.name, "threads": "2"}
        self.database = duckdb.connect(config=cast("dict[str, Any]", config))
        self.database.execute("set preserve_insertion_order = false")

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

    def load(self, job_id: int) -> None:
        """Copy what the rules read from the store, each table in one pass."""
        job, base = int(job_id), self._job.model.currency.base
        records = f"where job_id = {job} and not deleted"
        with self._store.reader(self.database) as reader:
            names = ", ".join(_ACCOUNTS)
            reader.load("accounts", f"select {names} from account {records}", _ACCOUNTS)
            # Lost deals count nowhere. Only foreign amounts need their currency, and only named
            # stages of open deals are looked at.
            named = self._job.model.rules.settings.suppression.proposal_stages
            stage = "case when status = 'open' then stage end" if named else "null"
            reader.load(
                "opportunities",
                f"select account_id, status, amount, nullif(currency, '{base}') as currency,"
                f" close_date, {stage} as stage from opportunity {records} and status <> 'lost'",
                _OPPORTUNITIES,
            )
            reader.load(
                "before", f"select {', '.join(_BEFORE)} from standing where job_id = {job}", _BEFORE
            )
            reader.load("users", f"select id, manager_id, active from crm_user {records}", _USERS)

    def count(self, table: str) -> int:
        """Return the number of rows of one of the engine's tables."""
        found = self.database.table(table).count("*").fetchone()
        return int(found[0]) if found else 0

    def make_room(self) -> None:
        """Leave memory to the writer: what comes after the plan only streams from here."""
        self.database.execute("set memory_limit = '300MB'")

    def analyse(self, as_of: date) -> Analysis:
        """Compute standings, statistics, migration and the actions of the goals as of that day."""
        return _Analyst(self.database, self._job, as_of).run()


class _Analyst:
    """One analysis: expressions of the rules, materialised where a later one reads them again."""

    def __init__(self, database: duckdb.DuckDBPyConnection, job: Job, as_of: date) -> None:
        self._database = database
        self._schemas: dict[str, Any] = {
            "accounts": _ACCOUNTS,
            "opportunities": _OPPORTUNITIES | {"status": "string"},
            "before": _BEFORE,
        }
        self._job = job
        self._rules = job.model.rules
        self._settings = job.model.rules.settings
        self._as_of = as_of
        self._period = period_of(job, as_of)
        self._previous = self._period.previous()

    def run(self) -> Analysis:
        issues = self._issues()
        sales, links, link_issues = self._sales()
        self._stand(sales, links)
        summary = self._summary() | {"issues": issues | link_issues}
        actions = self._actions(sales)
        self._forget("accounts", "totals", "parents", "links", "rates")
        stages = self._database.execute(
            "select account_id, stage from opportunities where status = 'open'"
            " and account_id is not null and list_contains($named, stage)",
            {"named": sorted(self._settings.suppression.proposal_stages)},
        ).fetchall()
        self._forget("opportunities")
        logger.info("analysed %s: %d actions", self._period.last_day, len(actions))
        return Analysis(self._period, self._previous, summary, actions, stages)

    def _table(self, name: str) -> ir.Table:
        import ibis

        return ibis.table(self._schemas[name], name=name)

    def _sql(self, expression: ir.Table) -> str:
        import ibis

        return str(ibis.to_sql(expression, dialect="duckdb"))

    def _keep(self, name: str, expression: ir.Table) -> ir.Table:
        """Run *expression* once, into a table that the next steps read."""
        self._database.execute(f"create or replace table {name} as {self._sql(expression)}")
        self._schemas[name] = expression.schema()
        return self._table(name)

    def _bring(self, name: str, rows: pa.Table, schema: Mapping[str, str]) -> ir.Table:
        """Make *rows* a table of the engine."""
        self._database.register("arriving", rows)
        try:
            self._database.execute(f"create or replace table {name} as from arriving")
        finally:
            self._database.unregister("arriving")
        self._schemas[name] = schema
        return self._table(name)

    def _rows(self, expression: ir.Table) -> list[Any]:
        # Not Ibis' own to_pyarrow, which needs numpy for nothing we use.
        found = self._database.execute(self._sql(expression))
        return cast("list[Any]", found.to_arrow_table().to_pylist())

    def _forget(self, *names: str) -> None:
        """Free the memory of tables that no later step reads."""
        for name in names:
            self._database.execute(f"drop table if exists {name}")

    def _opportunities(self) -> ir.Table:
        import ibis

        # Columns that the rules pass on but this engine does not need; they are not stored.
        nothing = ibis.null("string")
        return self._table("opportunities").mutate(id=nothing, product=nothing, owner_id=nothing)

    def _rates(self) -> ir.Table | None:
        rates = load_rates(self._job)
        if not rates:
            return None
        return self._bring("rates", rates_table(rates), _RATES)

    def _issues(self) -> dict[str, int]:
        from customer_pyramid.sales import issue_counts, issue_flags

        flags = issue_flags(
            self._opportunities(),
            self._table("accounts"),
            as_of=self._as_of,
            base_currency=self._job.model.currency.base,
            rates=self._rates(),
        )
        return {kind: int(n) for kind, n in self._rows(issue_counts(flags))[0].items() if n}

    def _sales(self) -> tuple[ir.Table, ir.Table | None, dict[str, int]]:
        from customer_pyramid.hierarchy import roll_up
        from customer_pyramid.sales import recognised

        sales = recognised(
            self._opportunities(),
            as_of=self._as_of,
            base_currency=self._job.model.currency.base,
            rates=self._rates(),
        )
        if self._settings.pyramid.roll_up == "none":
            return sales, None, {}
        links, issues = self._links()
        return roll_up(sales, links), links, issues

    def _links(self) -> tuple[ir.Table, dict[str, int]]:
        from customer_pyramid.hierarchy import find_roots
        from customer_pyramid.standings import is_excluded

        accounts = self._table("accounts")
        linked = accounts.filter(accounts.parent_id.notnull())
        pairs = {
            row["id"]: row["parent_id"] for row in self._rows(linked.select("id", "parent_id"))
        }
        ids = pa.table({"id": pa.array(sorted(set(pairs.values()) | set(pairs)), pa.string())})
        parents = self._bring("parents", ids, {"id": "string"})
        named = accounts.semi_join(parents, accounts.id == parents.id)
        known = {row["id"] for row in self._rows(named.select("id"))}
        excluded = {row["id"] for row in self._rows(named.filter(is_excluded(named)).select("id"))}
        found = find_roots(pairs, known, excluded)
        table = pa.table(
            {
                "account_id": pa.array(list(found.roots), pa.string()),
                "root_id": pa.array(list(found.roots.values()), pa.string()),
            }
        )
        issues: dict[str, int] = {}
        for issue in found.issues:
            key = f"parent_{issue.kind}" if issue.kind == "cycle" else issue.kind
            issues[key] = issues.get(key, 0) + 1
        return self._bring("links", table, _LINKS), issues

    def _stand(self, sales: ir.Table, links: ir.Table | None) -> None:
        from customer_pyramid.standings import standings
        from customer_pyramid.totals import totals

        opportunities, before = self._table("opportunities"), self._table("before")
        hysteresis = (
            self._settings.pyramid.hysteresis > 0 or self._settings.pyramid.confirm_runs > 1
        )
        self._keep(
            "standings",
            standings(
                self._table("accounts"),
                self._keep("totals", totals(sales, self._period, self._previous)),
                opportunities.filter(opportunities.status == "open").select("account_id"),
                self._settings.pyramid,
                self._period,
                self._previous,
                links=links,
                last_run=before.select("account_id", "tier", "tier_raw") if hysteresis else None,
            ),
        )

    def _summary(self) -> dict[str, Any]:
        from customer_pyramid.migration import migration, migration_counts
        from customer_pyramid.statistics import statistics
        from customer_pyramid.summary import concentration, layer_summary

        table, pyramid = self._table("standings"), self._settings.pyramid
        found = statistics(
            self._rows(layer_summary(table, self._period, self._previous)),
            self._rows(concentration(table, pyramid)),
            pyramid,
            self._period,
            self._previous,
        )
        moves = self._rows(migration_counts(table))
        return {
            "as_of": self._as_of.isoformat(),
            "currency": self._job.model.currency.base,
            "current": _period_summary(found.current),
            "previous": _period_summary(found.previous),
            "migration": {
                basis: plain(asdict(migration(moves, pyramid, basis)))
                for basis in ("frozen", "rank")
            },
        }

    def _actions(self, sales: ir.Table) -> list[Action]:
        actions: list[Action] = []
        if not self._job.model.target.tasks.enabled:
            return actions
        table = self._table("standings")
        if "retention" in self._rules.goals:
            from six_goals.retention import retention_actions, retention_candidates
            from six_goals.rhythm import own_rhythm

            rhythm = self._keep("rhythm", own_rhythm(sales, self._as_of))
            late = self._rows(retention_candidates(table, rhythm, self._settings.retention))
            actions += retention_actions(late, self._settings.retention)
        if "up_sell" in self._rules.goals:
            from six_goals.up_sell import up_sell_actions, up_sell_candidates

            near = self._rows(up_sell_candidates(table, self._settings.up_sell))
            actions += up_sell_actions(near, self._settings.up_sell)
        return actions


def period_of(job: Job, as_of: date) -> Period:
    """Return the period in which the job counts revenue on that day."""
    from datetime import timedelta

    given = job.model.rules.period
    if given.start and given.end:
        return Period.explicit(given.start, given.end + timedelta(days=1))
    if given.fiscal_start_month:
        return Period.fiscal_year(as_of, given.fiscal_start_month)
    return Period.trailing(as_of, given.months)


def _period_summary(found: PeriodStatistics) -> dict[str, Any]:
    last_day = found.period.last_day.isoformat()
    summary: dict[str, Any] = plain(asdict(found))
    return summary | {"period": summary["period"] | {"last_day": last_day}}


def plain(value: Any) -> Any:
    """Return *value* as JSON can hold it: money, shares and dates as text."""
    match value:
        case Decimal():
            return str(value)
        case date():
            return value.isoformat()
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
    return value
