"""What the figures say of the business: profit, checks, curves, performance, focus and targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from connector.config.models import RuleSettings
from connector.facts import DayFacts
from customer_pyramid.migration import Migration
from customer_pyramid.money import cents

if TYPE_CHECKING:
    from customer_pyramid.audit import ProfitAudit
    from customer_pyramid.check import Check
    from customer_pyramid.contact_plan import TierPlan
    from customer_pyramid.statistics import PeriodStatistics


class Analytics:
    """The figures of one day; every answer is small, whatever the number of accounts."""

    def __init__(self, facts: DayFacts, settings: RuleSettings) -> None:
        self._facts = facts
        self._settings = settings

    def summary(
        self, current: PeriodStatistics, migration: Migration, upgradable: int | None
    ) -> dict[str, Any]:
        """Return what every run keeps; *migration* is on the frozen basis."""
        audit = self._audit()
        checks = self._checks(current, migration, audit, upgradable)
        return {
            "profit": {**asdict(audit), "unallocated": self._unallocated()},
            "loss_makers": self._loss_makers(),
            "checks": [self._check(check) for check in checks],
            "curves": self._curves(),
        }

    def review(self) -> dict[str, Any]:
        """Return customer performance and focus, plans and targets: for a report."""
        planned, checks, contact_plan = self._contact_plan(self._audit())
        return {
            "performance": self._performance(),
            "organisation": self._organisation(),
            "communication": self._communication(planned),
            "information": self._information(),
            "contact_plan": {**contact_plan, "checks": [self._check(check) for check in checks]},
            "targets": self._targets(),
        }

    def _audit(self) -> ProfitAudit:
        from customer_pyramid.audit import profit_audit, profit_by_layer

        rows = self._facts.rows(profit_by_layer(self._facts.table("profit")))
        return profit_audit(rows, self._settings.pyramid)

    def _checks(
        self,
        current: PeriodStatistics,
        migration: Migration,
        audit: ProfitAudit,
        upgradable: int | None,
    ) -> tuple[Check, ...]:
        from customer_pyramid.budget import spending
        from customer_pyramid.checks import checks

        facts = self._facts
        known = facts.has("activities.id") or facts.has("costs.id")
        spent = spending(facts.table("selling"), facts.table("standings"))
        return checks(
            current,
            migration,
            spending={row["layer"]: row["ms_cost"] for row in facts.rows(spent)} if known else None,
            audit=audit,
            upgradable=upgradable,
            pyramid=self._settings.pyramid,
            profit=self._settings.profit,
        )

    def _check(self, check: Check) -> dict[str, Any]:
        """Return a check with its finding in the language of the job."""
        words = self._facts.words
        figures = {name: words.title(figure) for name, figure in check.figures.items()}
        said = words.say(check.message, **figures)
        return {"name": check.name, "flag": check.flag, "finding": said, "values": check.values}

    def _unallocated(self) -> list[Any]:
        from customer_pyramid.costs import unallocated_costs

        facts = self._facts
        if not facts.has("costs.id"):
            return []
        found = unallocated_costs(
            facts.table("standings"), facts.table("activities"), facts.table("costs"), facts.so_far
        )
        rows = facts.rows(found.order_by("kind"))
        return [row | {"amount": cents(row["amount"])} for row in rows]

    def _loss_makers(self) -> list[Any]:
        from customer_pyramid.audit import loss_makers

        facts = self._facts
        found = loss_makers(
            facts.table("profit"),
            facts.table("standings"),
            self._settings.focus.key_layers,
        )
        money = ("revenue", "profit")
        return [row | {name: cents(row[name]) for name in money} for row in facts.rows(found)]

    def _curves(self) -> dict[str, Any]:
        from customer_pyramid.curves import curve, lorenz_points, whale_points

        facts = self._facts
        lorenz = facts.rows(lorenz_points(facts.table("standings")))
        whale = facts.rows(whale_points(facts.table("profit"), self._settings.pyramid))
        return {
            "lorenz": [asdict(point) for point in curve(lorenz)],
            "whale": [asdict(point) for point in curve(whale)],
        }

    def _performance(self) -> list[dict[str, Any]]:
        from customer_pyramid.performance import layer_performance, performance_by_layer

        facts = self._facts
        table = facts.keep("performance", performance_of(facts, self._settings))
        rows = facts.rows(performance_by_layer(table))
        return [asdict(layer) for layer in layer_performance(rows, self._settings.pyramid)]

    def _organisation(self) -> dict[str, Any]:
        from customer_pyramid.organisation import organisation, owned

        facts, settings = self._facts, self._settings
        rows = facts.rows(owned(facts.table("standings")))
        return asdict(organisation(rows, settings.pyramid, settings.focus.key_layers))

    def _contact_plan(
        self, audit: ProfitAudit
    ) -> tuple[list[TierPlan], tuple[Check, ...], dict[str, Any]]:
        """Return the plan of the tiers that have one, its checks, and what it costs."""
        from customer_pyramid.contact_plan import (
            plan_budget,
            plan_checks,
            plan_contacts,
            plan_from,
            plan_hours,
        )
        from customer_pyramid.contacts import layer_targets

        facts = self._facts
        agreed = facts.rows(layer_targets(facts.table("contact_targets")))
        self._plan = plan_from(agreed, self._settings.contact_plan)
        tiers = {
            layer.layer: layer.customers
            for layer in audit.layers
            if layer.layer in self._settings.pyramid.tiers and layer.layer in self._plan.contacts
        }
        planned = plan_contacts(tiers, self._plan)
        gross = {layer.layer: layer.gross for layer in audit.layers}
        budgets = plan_budget(planned, gross, self._plan)
        hours = plan_hours(planned, self._plan, self._reps())
        checks = plan_checks(budgets, hours, self._plan)
        shown = {
            "tiers": [asdict(tier) for tier in planned],
            "budgets": [asdict(budget) for budget in budgets],
            "hours": asdict(hours),
        }
        return planned, checks, shown

    def _reps(self) -> int:
        standings = self._facts.table("standings")
        found = standings.filter(standings.tier.notnull()).aggregate(
            reps=standings.owner_id.nunique()
        )
        return int(self._facts.rows(found)[0]["reps"])

    def _communication(self, planned: list[TierPlan]) -> dict[str, Any]:
        from customer_pyramid.communication import communication, planned_contacts
        from customer_pyramid.contacts import (
            contact_counts,
            contacts_due,
            last_contacts,
            own_targets,
            silences,
        )
        from customer_pyramid.days import years

        facts, focus = self._facts, self._settings.focus
        recorded = facts.has("activities.id")
        standings, activities = facts.table("standings"), facts.table("activities")
        plans = planned_contacts(
            {tier.tier: tier.customers for tier in planned},
            self._plan,
            facts.rows(own_targets(standings, facts.table("contact_targets"))),
            years(facts.so_far),
        )
        found = communication(
            facts.rows(contact_counts(standings, activities, facts.so_far)),
            facts.rows(
                silences(standings, activities, focus.key_layers, facts.as_of, focus.contact_days)
            ),
            plans,
            self._plan.unit_costs,
            recorded=recorded,
        )
        due: Mapping[str, int] = {}
        if recorded:
            targets = facts.table("contact_targets")
            last = facts.keep(
                "last_contacts", last_contacts(standings, activities, targets, self._plan)
            )
            rows = contacts_due(last, self._plan, facts.as_of)
            counts = rows.group_by("kind").aggregate(accounts=rows.count()).order_by("kind")
            due = {row["kind"]: row["accounts"] for row in facts.rows(counts)}
        return {**asdict(found), "due": due}

    def _information(self) -> dict[str, Any]:
        from customer_pyramid.information import (
            completeness,
            duplicate_counts,
            information,
            won_deals,
        )

        facts, focus = self._facts, self._settings.focus
        accounts = facts.table("accounts")
        layers = completeness(
            facts.table("standings"), accounts, facts.table("activities"), focus, facts.as_of
        )
        found = information(
            facts.rows(layers),
            facts.rows(won_deals(facts.opportunities(), facts.current))[0],
            facts.rows(duplicate_counts(accounts))[0]["accounts"],
            focus,
            self._settings.pyramid,
            recorded=facts.has("activities.id"),
        )
        return asdict(found)

    def _targets(self) -> list[dict[str, Any]]:
        from customer_pyramid.targets import named_actuals, progress, target_counts

        facts, targets = self._facts, self._settings.targets
        if not targets.tiers and not targets.named:
            return []
        standings = facts.table("standings")
        counts = target_counts(standings, facts.table("profit"), facts.table("performance"))
        named = named_actuals(standings, targets.named)
        found = progress(facts.rows(counts), facts.rows(named), targets, self._settings.pyramid)
        return [asdict(one) for one in found]


def performance_of(facts: DayFacts, settings: RuleSettings) -> Any:
    """Return how each customer performs, as an expression; see `customer_pyramid.performance`."""
    from customer_pyramid.performance import performance

    alive = facts.table("alive")
    outlook = alive.rename(expected_purchases="expected_orders")
    return performance(
        facts.table("standings"),
        facts.table("accounts"),
        facts.table("profit"),
        sales=facts.table("sales"),
        baskets=facts.table("baskets"),
        cases=facts.table("cases"),
        deliveries=facts.table("deliveries"),
        outlook=outlook,
        settings=settings.performance,
        period=facts.so_far,
        as_of=facts.as_of,
    )
