"""Checks: eight questions every pyramid should be asked, with the answer in a sentence."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from customer_pyramid.audit import ProfitAudit
from customer_pyramid.budget import misallocation
from customer_pyramid.check import Check, Flag, Value, money, percent
from customer_pyramid.migration import Migration
from customer_pyramid.money import places, show, to_units
from customer_pyramid.settings import ProfitSettings, PyramidSettings
from customer_pyramid.statistics import FIRST_TIER_LIMIT, LARGEST_LIMIT, PeriodStatistics

UPGRADABLE_LEAST = Decimal("0.05")


def checks(
    current: PeriodStatistics,
    migration: Migration,
    *,
    spending: Mapping[str, int] | None,
    audit: ProfitAudit | None,
    upgradable: int | None,
    pyramid: PyramidSettings,
    profit: ProfitSettings,
) -> tuple[Check, ...]:
    """Return all checks of a period.

    *spending* is marketing and sales cost by layer (see `spending`), in money units; *upgradable*
    the number of customers of the last tier that could become bigger. What is None is unknown.
    Source: domain 1.5.
    """
    return (
        _eighty_twenty(current),
        _concentration(current),
        _dependency(current, pyramid),
        _ninety_ten(current),
        _budget(current, spending or {}, profit),
        _profit_audit(audit, pyramid),
        _upgradable(current, upgradable, pyramid),
        _retention(migration),
    )


def _eighty_twenty(current: PeriodStatistics) -> Check:
    if current.top20_share is None:
        return Check("eighty_twenty", "unknown", "Nobody bought in the period.")
    return Check(
        "eighty_twenty",
        "ok",
        "The first 20 % of customers bring {top20} of revenue; "
        "{customers} customers, {share} of all, bring 80 %.",
        {
            "top20": percent(current.top20_share),
            "customers": f"{current.customers_for_80pct:,}",
            "share": percent(current.share_customers_for_80pct),
        },
        {
            "top20_share": current.top20_share,
            "customers_for_80pct": current.customers_for_80pct,
            "share_customers_for_80pct": current.share_customers_for_80pct,
        },
    )


def _concentration(current: PeriodStatistics) -> Check:
    if current.gini is None:
        return Check("concentration", "unknown", "There is no revenue to be concentrated.")
    return Check(
        "concentration",
        "ok",
        "The Gini coefficient of revenue is {gini}: at 0 all customers are equal, "
        "towards 1 one of them has all.",
        {"gini": str(places(Fraction(current.gini), 2))},
        {"gini": current.gini},
    )


def _dependency(current: PeriodStatistics, pyramid: PyramidSettings) -> Check:
    if current.largest_share is None:
        return Check("dependency", "unknown", "There is no revenue to depend on.")
    exceeded = {"depends_on_largest", "depends_on_first_tier"}.intersection(current.warnings)
    return Check(
        "dependency",
        "warn" if exceeded else "ok",
        "The largest customer brings {largest} of revenue (at most {largest_limit} is safe), "
        "the tier {tier} {first} (at most {first_limit}).",
        {
            "largest": percent(current.largest_share),
            "largest_limit": percent(LARGEST_LIMIT),
            "tier": pyramid.tiers[0],
            "first": percent(current.first_tier_share),
            "first_limit": percent(FIRST_TIER_LIMIT),
        },
        {
            "largest_share": current.largest_share,
            "first_tier_share": current.first_tier_share,
        },
    )


def _ninety_ten(current: PeriodStatistics) -> Check:
    existing = current.existing_share_revenue
    if existing is None:
        return Check("ninety_ten", "unknown", "There is no revenue, from old customers or new.")
    figures = {
        "existing": percent(existing),
        "new": percent(1 - existing),
        "customers": f"{current.new_customers:,}",
    }
    values: dict[str, Value] = {
        "existing_share_revenue": existing,
        "new_customers": current.new_customers,
    }
    if "left_censored" in current.warnings:
        return Check(
            "ninety_ten",
            "warn",
            "The records begin inside the period, so that all {customers} customers look new: "
            "what existing customers bring can't be told.",
            figures,
            values,
        )
    return Check(
        "ninety_ten",
        "ok",
        "Existing customers bring {existing} of revenue, {customers} new ones {new}.",
        figures,
        values,
    )


def _budget(
    current: PeriodStatistics, spending: Mapping[str, int], settings: ProfitSettings
) -> Check:
    found = misallocation(
        spending,
        new_revenue=to_units(current.new_revenue),
        revenue=to_units(current.revenue),
        settings=settings,
    )
    if found.share is None:
        return Check("budget", "unknown", "No cost of marketing and sales is recorded.")
    existing = current.existing_share_revenue
    return Check(
        "budget",
        "alarm" if found.flagged else "ok",
        "{share} of marketing and sales cost ({cost}) goes to those who are no customers; "
        "new customers bring {new} of revenue.",
        {
            "share": percent(found.share),
            "cost": show(sum(spending.values())),
            "new": percent(None if existing is None else 1 - existing),
        },
        {"share": found.share, "index": found.index},
    )


def _profit_audit(audit: ProfitAudit | None, pyramid: PyramidSettings) -> Check:
    if audit is None or not audit.customers:
        return Check("profit_audit", "unknown", "Nobody bought in the period, so none made profit.")
    if _is_guessed(audit, pyramid):
        return Check(
            "profit_audit",
            "unknown",
            "No cost is recorded: profit is the same share of revenue for every customer.",
        )
    last = audit.layers[len(pyramid.tiers) - 1]
    key = pyramid.tiers[:-1][:2]
    losing = sum(layer.loss_making for layer in audit.layers if layer.layer in key)
    return Check(
        "profit_audit",
        _profit_flag(audit, last.layer, losing),
        "The {peak_customers} most profitable customers make {peak}, all {customers} make "
        "{profit}; the tier {last} makes {last_profit}. In the highest tiers, customers who lose "
        "money: {losing}.",
        {
            "peak_customers": f"{audit.peak_customers:,}",
            "peak": money(audit.peak),
            "customers": f"{audit.customers:,}",
            "profit": money(audit.profit),
            "last": last.layer,
            "last_profit": money(last.profit),
            "losing": f"{losing:,}",
        },
        {
            "upper_share": audit.upper_share,
            "peak_ratio": audit.peak_ratio,
            "last_profit": last.profit,
            "losing": losing,
            "loss_tiers": ", ".join(audit.loss_tiers),
        },
    )


def _is_guessed(audit: ProfitAudit, pyramid: PyramidSettings) -> bool:
    tiers = audit.layers[: len(pyramid.tiers)]
    spent = any(tier.ms_cost or tier.service_cost or tier.overhead for tier in tiers)
    return not spent and all(tier.estimated == tier.customers for tier in tiers)


def _profit_flag(audit: ProfitAudit, last: str, losing: int) -> Flag:
    if audit.profit <= 0 or set(audit.loss_tiers) - {last}:
        return "alarm"
    return "warn" if audit.loss_tiers or losing else "ok"


def _upgradable(
    current: PeriodStatistics, upgradable: int | None, pyramid: PyramidSettings
) -> Check:
    last = next(layer for layer in current.layers if layer.layer == pyramid.tiers[-1])
    if upgradable is None or not last.customers:
        return Check("upgradable_small", "unknown", "It was not found out who could become bigger.")
    share = places(Fraction(upgradable, last.customers), 6)
    return Check(
        "upgradable_small",
        "ok" if share >= UPGRADABLE_LEAST else "warn",
        "{found} of {customers} customers of the tier {tier} ({share}) could become bigger; "
        "5 to 10 % is usual.",
        {
            "found": f"{upgradable:,}",
            "customers": f"{last.customers:,}",
            "tier": last.layer,
            "share": percent(share),
        },
        {"found": upgradable, "share": share},
    )


def _retention(migration: Migration) -> Check:
    if migration.retention_rate is None:
        return Check("retention", "unknown", "Nobody bought in the period before.")
    return Check(
        "retention",
        "ok",
        "{rate} of the customers of the period before still buy; {lapsed} lapsed, "
        "{reactivated} came back and {new} are new.",
        {
            "rate": percent(migration.retention_rate),
            "lapsed": f"{migration.lapsed:,}",
            "reactivated": f"{migration.reactivated:,}",
            "new": f"{migration.new:,}",
        },
        {"retention_rate": migration.retention_rate, "lapsed": migration.lapsed},
    )
