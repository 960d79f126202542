"""The expressions compile for the databases users may outgrow DuckDB to."""

from datetime import date
from decimal import Decimal

import ibis
import pytest

from customer_pyramid.audit import profit_by_layer
from customer_pyramid.migration import migration_counts
from customer_pyramid.periods import Period
from customer_pyramid.sales import issue_counts, issue_flags, recognised
from customer_pyramid.settings import PyramidSettings
from customer_pyramid.standings import standings
from customer_pyramid.summary import concentration, layer_summary
from customer_pyramid.totals import totals
from six_goals.affinity import pair_counts, rules, white_space
from six_goals.leaving import leaving
from six_goals.promises import promises
from six_goals.rhythm import order_days, ordering, own_rhythm, pooled_gaps
from six_goals.settings import AffinitySettings, RetentionSettings, UpSellSettings
from six_goals.up_sell import up_sell_candidates
from tests.rules.crm import (
    ACCOUNTS,
    BASKETS,
    CONTACTS,
    DELIVERIES,
    LAST_RUN,
    LINKS,
    OPPORTUNITIES,
    PROFITS,
    RATES,
)
from tests.rules.six_goals.company import Company

AS_OF = date(2024, 12, 31)


@pytest.mark.parametrize(
    "settings",
    [
        PyramidSettings(),
        PyramidSettings(hysteresis=Decimal("0.1"), confirm_runs=2, tie_policy="demote"),
        PyramidSettings(method="cumulative", active="any_order", index=Decimal("1.1")),
    ],
    ids=["default", "hysteresis", "cumulative"],
)
def test_every_step_compiles_for_postgresql(settings: PyramidSettings) -> None:
    current = Period.trailing(AS_OF)
    previous = current.previous()
    accounts = ibis.table(ACCOUNTS, name="accounts")
    deals, rates = ibis.table(OPPORTUNITIES, name="deals"), ibis.table(RATES, name="rates")
    sales = recognised(deals, as_of=AS_OF, base_currency="EUR", rates=rates)
    stood = standings(
        accounts,
        totals(sales, current, previous),
        deals.filter(deals.status == "open").select("account_id"),
        settings,
        current,
        previous,
        contacts=ibis.table(CONTACTS, name="contacts"),
        links=ibis.table(LINKS, name="links"),
        last_run=ibis.table(LAST_RUN, name="last_run"),
    )
    kept = ibis.table(stood.schema(), name="standings")
    days = order_days(sales)
    flags = issue_flags(deals, accounts, as_of=AS_OF, base_currency="EUR", rates=rates)
    for step in (
        stood,
        layer_summary(kept, current, previous),
        concentration(kept, settings),
        migration_counts(kept),
        issue_counts(flags),
        own_rhythm(ordering(days), AS_OF),
        pooled_gaps(days, kept.select("account_id", "tier"), Decimal("0.9")),
        up_sell_candidates(kept, UpSellSettings()),
    ):
        assert ibis.to_sql(step, dialect="postgres")


def test_the_tables_of_later_goals_compile_for_postgresql() -> None:
    baskets = ibis.table(BASKETS, name="baskets")
    pairs = pair_counts(baskets)
    for step in (
        pairs,
        rules(pairs, AffinitySettings()),
        white_space(baskets, baskets.select("account_id").distinct(), pairs.select("item")),
        promises(ibis.table(DELIVERIES, name="deliveries"), AS_OF),
        profit_by_layer(ibis.table(PROFITS, name="profits")),
    ):
        assert ibis.to_sql(step, dialect="postgres")


def test_the_signs_of_leaving_compile_for_postgresql() -> None:
    facts = Company(AS_OF, accounts=[{"id": "A"}])
    assert ibis.to_sql(leaving(facts, RetentionSettings()), dialect="postgres")
