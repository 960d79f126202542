"""Runs the rules on what the engine has loaded: the pyramid first, then goal after goal."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from connector.analytics import Analytics
from connector.config import Job
from connector.engine import Engine
from connector.facts import RECORDS, DayFacts
from connector.mapping import rates_table
from connector.ruleset import RuleSet
from customer_pyramid.periods import Period
from six_goals.action import Action
from six_goals.goal import Goal
from six_goals.suppression import OpenOpportunity
from six_goals.words import Words

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from customer_pyramid.statistics import PeriodStatistics

logger = logging.getLogger(__name__)

_RATES: Final = {"currency": "string", "valid_from": "date", "rate": "decimal(19, 10)"}


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the rules found; the standings themselves stay in the engine's table `standings`."""

    facts: DayFacts
    summary: Mapping[str, Any]
    """Statistics, checks, goals and data issues, ready for JSON: money and shares as text."""
    actions: Sequence[Action]
    open_deals: Sequence[OpenOpportunity]
    """Open opportunities of the accounts that have an action."""
    blocked: frozenset[str]
    """Accounts with an action that must not be contacted."""
    complaining: frozenset[str]
    """Accounts with an action that nobody should try to sell to just now."""


def analyse(
    engine: Engine,
    rules: RuleSet,
    as_of: date,
    words: Words,
    *,
    goals: bool = True,
    replay: bool = False,
) -> Analysis:
    """Compute standings, statistics and checks as of that day, and the actions of the *goals*.

    *replay* means a day that has passed: what is known of later days is taken away.
    """
    return _Analyst(engine, rules, as_of, words, replay=replay).run(goals=goals)


class _Analyst:
    """One analysis: expressions of the rules, kept where a later one reads them again."""

    def __init__(
        self, engine: Engine, rules: RuleSet, as_of: date, words: Words, *, replay: bool
    ) -> None:
        self._workspace = engine.workspace
        self._given_rates = engine.rates
        self._rules = rules
        model = rules.job.model
        self._settings = model.rules.settings
        self._as_of = as_of
        self._acting: ir.Table | None = None
        self._forget_earlier()
        self._facts = DayFacts(
            engine.workspace,
            as_of=as_of,
            current=period_of(rules.job, as_of),
            pyramid=self._settings.pyramid,
            profit=self._settings.profit,
            base_currency=model.currency.base,
            items=model.rules.items,
            limit=model.rules.max_actions,
            words=words,
            filled=engine.filled,
            rates=self._rates(),
            replay=replay,
        )

    def run(self, *, goals: bool) -> Analysis:
        facts = self._facts
        issues = self._issues()
        links, link_issues = self._links()
        self._stand(links)
        summary = self._summary() | {"issues": issues | link_issues}
        found: dict[str, Any] = {}
        actions: list[Action] = []
        if goals:
            for goal in self._rules.goals:
                found[goal.name] = self._propose(goal, actions)
        summary["goals"] = found
        logger.info("analysed %s: %d actions", facts.current.last_day, len(actions))
        return Analysis(
            facts,
            summary,
            actions,
            self._open_deals(actions),
            self._blocked(actions),
            self._complaining(actions),
        )

    def _forget_earlier(self) -> None:
        """Remove what an earlier analysis made of the same records."""
        made = [name for name in self._workspace.names if not name.startswith(RECORDS)]
        self._workspace.forget(*(name for name in made if name != "before"))

    def _rates(self) -> ir.Table | None:
        if not self._given_rates:
            return None
        return self._workspace.bring("rates", rates_table(self._given_rates), _RATES)

    def _issues(self) -> dict[str, int]:
        from customer_pyramid.sales import issue_counts, issue_flags

        flags = issue_flags(
            self._facts.opportunities(),
            self._facts.table("accounts"),
            as_of=self._as_of,
            base_currency=self._facts.base_currency,
            rates=self._facts.rates,
        )
        return {kind: int(n) for kind, n in self._facts.rows(issue_counts(flags))[0].items() if n}

    def _links(self) -> tuple[ir.Table | None, dict[str, int]]:
        if self._settings.pyramid.roll_up == "none":
            return None, {}
        from customer_pyramid.hierarchy import find_roots
        from customer_pyramid.standings import is_excluded

        facts = self._facts
        accounts = facts.table("accounts")
        linked = accounts.filter(accounts.parent_id.notnull())
        pairs = {
            row["id"]: row["parent_id"] for row in facts.rows(linked.select("id", "parent_id"))
        }
        ids = pa.table({"id": pa.array(sorted(set(pairs.values()) | set(pairs)), pa.string())})
        parents = facts.bring("parents", ids)
        named = accounts.semi_join(parents, accounts.id == parents.id)
        known = {row["id"] for row in facts.rows(named.select("id"))}
        excluded = {row["id"] for row in facts.rows(named.filter(is_excluded(named)).select("id"))}
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
        return facts.bring("links", table), issues

    def _stand(self, links: ir.Table | None) -> None:
        from customer_pyramid.standings import standings
        from customer_pyramid.totals import totals

        facts, pyramid = self._facts, self._settings.pyramid
        before = self._workspace.table("before")
        hysteresis = pyramid.hysteresis > 0 or pyramid.confirm_runs > 1
        facts.keep(
            "standings",
            standings(
                facts.table("accounts"),
                facts.keep("totals", totals(facts.table("sales"), facts.current, facts.previous)),
                facts.table("open_deals").select("account_id"),
                pyramid,
                facts.current,
                facts.previous,
                contacts=self._contacts(),
                links=links,
                last_run=before.select("account_id", "tier", "tier_raw") if hysteresis else None,
            ),
        )

    def _contacts(self) -> ir.Table | None:
        """Return the last live contact of each account that is no open deal."""
        found = []
        if self._facts.has("activities.direction"):
            activities = self._facts.table("activities")
            answers = activities.filter(
                activities.direction == "inbound", activities.account_id.notnull()
            )
            found.append(answers.select("account_id", last_contact=answers.happened_at.date()))
        if self._facts.has("leads.account_id"):
            leads = self._facts.table("leads")
            qualified = leads.filter(leads.status == "qualified", leads.account_id.notnull())
            found.append(qualified.select("account_id", last_contact=qualified.created_at.date()))
        if not found:
            return None
        contacts = found[0] if len(found) == 1 else found[0].union(found[1])
        return contacts.group_by("account_id").aggregate(last_contact=contacts.last_contact.max())

    def _summary(self) -> dict[str, Any]:
        from customer_pyramid.migration import migration, migration_counts
        from customer_pyramid.statistics import statistics
        from customer_pyramid.summary import concentration, layer_summary

        facts, pyramid = self._facts, self._settings.pyramid
        table = facts.table("standings")
        found = statistics(
            facts.rows(layer_summary(table, facts.current, facts.previous)),
            facts.rows(concentration(table, pyramid)),
            pyramid,
            facts.current,
            facts.previous,
        )
        moves = facts.rows(migration_counts(table))
        frozen, rank = (migration(moves, pyramid, basis) for basis in ("frozen", "rank"))
        figures = Analytics(facts, self._settings).summary(
            found.current, frozen, self._upgradable()
        )
        facts.overspent = any(
            check["name"] == "budget" and check["flag"] == "alarm" for check in figures["checks"]
        )
        return {
            "as_of": self._as_of.isoformat(),
            "currency": facts.base_currency,
            "current": _period_summary(found.current),
            "previous": _period_summary(found.previous),
            "migration": {"frozen": plain(asdict(frozen)), "rank": plain(asdict(rank))},
            **plain(figures),
        }

    def _upgradable(self) -> int | None:
        """Return how many customers of the last tier could become bigger."""
        from six_goals.upgradable import upgradable_count

        settings, tiers = self._rules.settings.get("up_sell"), self._settings.pyramid.tiers
        if settings is None or len(tiers) == 1:
            return None
        found = upgradable_count(self._facts.table("standings"), tiers[-1], settings)
        return int(self._facts.rows(found)[0]["upgradable"])

    def _propose(self, goal: Goal[Any], actions: list[Action]) -> dict[str, Any]:
        """Add what *goal* proposes to *actions*; return what is to be said of it."""
        facts = self._facts
        gaps = [need.gap for need in goal.needs if not any(map(facts.has, need.any_of))]
        if gaps:
            return {
                "title": goal.title,
                "proposed": 0,
                "candidates": 0,
                "gap": facts.words.join(*map(facts.words.say, gaps)),
            }
        proposal = goal.propose(facts, self._rules.settings[goal.name])
        actions += proposal.actions
        proposed = len(proposal.actions)
        return {
            "title": goal.title,
            "proposed": proposed,
            "candidates": proposal.candidates or proposed,
            "measures": dict(proposal.measures),
            "notes": list(proposal.notes),
        }

    def _open_deals(self, actions: Sequence[Action]) -> list[OpenOpportunity]:
        facts = self._facts
        deals = facts.table("open_deals").select("account_id", "stage", "product")
        found = self._of_accounts(deals, actions)
        if facts.has("line_items.id"):
            found += self._of_accounts(facts.open_items(), actions)
        return [OpenOpportunity(**row) for row in found]

    def _blocked(self, actions: Sequence[Action]) -> frozenset[str]:
        if not self._facts.has("accounts.blocked"):
            return frozenset()
        accounts = self._facts.table("accounts")
        blocked = accounts.filter(accounts.blocked.fill_null(False)).select(account_id="id")
        return frozenset(row["account_id"] for row in self._of_accounts(blocked, actions))

    def _complaining(self, actions: Sequence[Action]) -> frozenset[str]:
        from six_goals.complaints import complaining

        if not self._facts.has("cases.id"):
            return frozenset()
        days = self._settings.suppression.detractor_days
        found = complaining(self._facts.table("cases"), self._as_of, days)
        return frozenset(row["account_id"] for row in self._of_accounts(found, actions))

    def _of_accounts(self, rows: ir.Table, actions: Sequence[Action]) -> list[Any]:
        """Return those of *rows*, each once, whose account has an action."""
        if not actions:
            return []
        acting = self._acting
        if acting is None:
            ids = pa.array(sorted({action.account_id for action in actions}), pa.string())
            acting = self._acting = self._facts.bring("acting", pa.table({"acting_id": ids}))
        of_these = rows.semi_join(acting, rows.account_id == acting.acting_id)
        return self._facts.rows(of_these.distinct())


def period_of(job: Job, as_of: date) -> Period:
    """Return the period in which the job counts revenue on that day."""
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
