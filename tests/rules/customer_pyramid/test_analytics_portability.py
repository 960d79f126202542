"""What is read from costs, contacts and cases compiles for PostgreSQL too."""

from collections.abc import Iterator

import ibis
import ibis.expr.types as ir

from customer_pyramid.audit import loss_makers, profit_by_layer
from customer_pyramid.budget import spending
from customer_pyramid.contact_plan import ContactPlan
from customer_pyramid.contacts import (
    contact_counts,
    contacts_due,
    last_contacts,
    layer_targets,
    own_targets,
    silences,
)
from customer_pyramid.costs import selling_costs, unallocated_costs
from customer_pyramid.curves import lorenz_points, whale_points
from customer_pyramid.information import (
    completeness,
    duplicate_counts,
    possible_duplicates,
    won_deals,
)
from customer_pyramid.organisation import owned
from customer_pyramid.performance import performance, performance_by_layer
from customer_pyramid.profit import profits
from customer_pyramid.settings import (
    FocusSettings,
    PerformanceSettings,
    ProfitSettings,
    PyramidSettings,
)
from customer_pyramid.targets import named_actuals, target_counts
from tests.rules.customer_pyramid.books import AS_OF, YEAR, table

STOOD, PROFIT, SELLING = table("standings"), table("profit"), table("selling")
ACTIVITIES, COSTS, AIMS = table("activities"), table("costs"), table("contact_targets")


def money() -> Iterator[ir.Table]:
    settings = ProfitSettings()
    yield selling_costs(ACTIVITIES, COSTS, settings, YEAR)
    yield unallocated_costs(STOOD, ACTIVITIES, COSTS, YEAR)
    yield profits(
        STOOD,
        SELLING,
        sales=table("sales"),
        lines=table("lines"),
        cases=table("cases"),
        costs=COSTS,
        settings=settings,
        period=YEAR,
    )
    yield profit_by_layer(PROFIT)
    yield loss_makers(PROFIT, STOOD, ("Top", "Big"))
    yield spending(SELLING, STOOD)
    yield lorenz_points(STOOD)
    yield whale_points(PROFIT, PyramidSettings())


def customers() -> Iterator[ir.Table]:
    yield performance(
        STOOD,
        table("accounts"),
        PROFIT,
        sales=table("sales"),
        baskets=table("baskets"),
        cases=table("cases"),
        deliveries=table("deliveries"),
        outlook=table("outlook"),
        settings=PerformanceSettings(),
        period=YEAR,
        as_of=AS_OF,
    )
    yield performance_by_layer(table("performance"))
    yield target_counts(STOOD, PROFIT, table("performance"))
    yield named_actuals(STOOD, ("A", "B"))


def focus() -> Iterator[ir.Table]:
    settings, plan = FocusSettings(), ContactPlan()
    last = last_contacts(STOOD, ACTIVITIES, AIMS, plan)
    yield last
    yield contacts_due(ibis.table(last.schema(), name="last"), plan, AS_OF)
    yield contact_counts(STOOD, ACTIVITIES, YEAR)
    yield silences(STOOD, ACTIVITIES, settings.key_layers, AS_OF, settings.contact_days)
    yield layer_targets(AIMS)
    yield own_targets(STOOD, AIMS)
    yield owned(STOOD)
    yield completeness(STOOD, table("accounts"), ACTIVITIES, settings, AS_OF)
    yield possible_duplicates(table("accounts"))
    yield duplicate_counts(table("accounts"))
    yield won_deals(table("opportunities"), YEAR)


def test_what_is_earned_and_spent_compiles_for_postgresql() -> None:
    for step in money():
        assert ibis.to_sql(step, dialect="postgres")


def test_how_customers_perform_compiles_for_postgresql() -> None:
    for step in customers():
        assert ibis.to_sql(step, dialect="postgres")


def test_what_we_focus_on_compiles_for_postgresql() -> None:
    for step in focus():
        assert ibis.to_sql(step, dialect="postgres")
