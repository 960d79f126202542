"""The contact plan, against the defaults of domain 2 and their cost in domain 5.5."""

from decimal import Decimal
from typing import Any

import pytest

from customer_pyramid.contact_plan import (
    ContactPlan,
    TargetRow,
    plan_budget,
    plan_checks,
    plan_contacts,
    plan_from,
    plan_hours,
)
from tests.rules.customer_pyramid.books import units

SIZES = {"Top": 10, "Big": 40, "Medium": 150, "Small": 800}


def test_the_default_plan_costs_what_the_domain_says() -> None:
    planned = plan_contacts(SIZES, ContactPlan())
    assert {row.tier: row.cost for row in planned} == {
        "Top": 29_040,
        "Big": 58_560,
        "Medium": 49_800,
        "Small": 25_600,
    }
    assert sum(row.cost for row in planned) == 163_000


def test_one_customer_costs_what_the_domain_says() -> None:
    planned = plan_contacts(SIZES, ContactPlan())
    assert [row.cost_per_customer for row in planned] == [2_904, 1_464, 332, 32]


def test_contacts_are_those_of_all_customers() -> None:
    (medium,) = plan_contacts({"Medium": 150}, ContactPlan())
    assert medium.contacts == {"visit": 150, "call": 900, "email": 1_800}


def test_a_company_may_have_its_own_tiers_and_types() -> None:
    plan = ContactPlan(
        contacts={"A": {"letter": 3}, "B": {}}, unit_costs={"letter": Decimal("1.1")}
    )
    first, second = plan_contacts({"A": 7, "B": 9}, plan)
    assert (first.cost_per_customer, first.cost) == (Decimal("3.3"), Decimal("23.1"))
    assert (second.contacts, second.cost) == ({}, Decimal(0))


def test_an_empty_tier_costs_nothing() -> None:
    (top,) = plan_contacts({"Top": 0}, ContactPlan())
    assert (top.cost_per_customer, top.cost) == (Decimal(2_904), Decimal(0))


def test_a_tier_without_a_plan_is_refused() -> None:
    with pytest.raises(ValueError, match="'Gold'"):
        plan_contacts({"Gold": 1}, ContactPlan())


@pytest.mark.parametrize(
    ("contacts", "costs", "reason"),
    [
        pytest.param(
            {"fax": 1}, {"call": 1}, r"Top: contacts without a cost: \['fax'\]", id="cost"
        ),
        pytest.param({"call": -1}, {"call": 1}, "Top: contacts can't be negative", id="count"),
        pytest.param({"call": 1}, {"call": -1}, "the cost of a call can't be", id="negative cost"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(
    contacts: dict[str, int], costs: dict[str, int], reason: str
) -> None:
    prices = {kind: Decimal(cost) for kind, cost in costs.items()}
    with pytest.raises(ValueError, match=reason):
        ContactPlan(contacts={"Top": contacts}, unit_costs=prices)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        pytest.param({"unit_costs": {}, "contacts": {}}, "at least one kind", id="no kind"),
        pytest.param({"slack": Decimal(-1)}, "can't be negative", id="slack"),
        pytest.param({"hours": {"visit": Decimal(-1)}}, "can't be negative", id="hours"),
    ],
)
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        ContactPlan(**wrong)


def target(
    layer: str | None, kind: str, per_year: float, unit_cost: int | None = None
) -> TargetRow:
    cost = None if unit_cost is None else units(unit_cost)
    return {"layer": layer, "kind": kind, "per_year": units(per_year), "unit_cost": cost}


def test_the_targets_of_the_crm_make_the_plan() -> None:
    rows = [
        target("Top", "visit", 10, 250),
        target("Top", "letter", 0.5),
        target("Big", "call", 4),
        target(None, "fair", 1, 900),
    ]
    found = plan_from(rows, ContactPlan())
    assert found.contacts == {"Top": {"visit": 10, "letter": Decimal("0.5")}, "Big": {"call": 4}}
    assert found.unit_costs == {"visit": 250, "call": 20, "email": 1, "letter": 0, "fair": 900}


@pytest.mark.parametrize("rows", [[], [target(None, "visit", 1)]], ids=["none", "of accounts"])
def test_without_targets_of_layers_the_default_holds(rows: list[TargetRow]) -> None:
    assert plan_from(rows, ContactPlan()) == ContactPlan()


def test_a_tier_s_plan_may_cost_a_part_of_its_margin() -> None:
    plan = ContactPlan()
    gross = {"Top": Decimal(193_600), "Big": Decimal(390_399), "Medium": Decimal(-1)}
    found = plan_budget(plan_contacts(SIZES, plan), gross, plan)
    assert [(row.tier, row.share, row.within) for row in found] == [
        ("Top", Decimal("0.15"), True),
        ("Big", Decimal("0.15"), False),
        ("Medium", None, False),
        ("Small", None, None),
    ]


def test_hours_are_those_of_all_reps() -> None:
    plan = ContactPlan(
        contacts={"Top": {"visit": 12, "call": 24}},
        hours={"visit": Decimal(4), "call": Decimal("0.5")},
        rep_hours=Decimal(500),
    )
    planned = plan_contacts({"Top": 10}, plan)
    one, two = plan_hours(planned, plan, reps=1), plan_hours(planned, plan, reps=2)
    assert (one.hours, one.capacity, one.within) == (Decimal(600), Decimal(500), False)
    assert (two.capacity, two.within) == (Decimal(1_000), True)


def test_hours_that_are_not_set_are_unknown() -> None:
    plan = ContactPlan(hours={"visit": Decimal(4)}, rep_hours=Decimal(500))
    found = plan_hours(plan_contacts(SIZES, plan), plan, reps=1)
    assert (found.hours, found.within) == (None, None)
    visits = ContactPlan(contacts={"Top": {"visit": 1, "call": 0}}, hours={"visit": Decimal(4)})
    found = plan_hours(plan_contacts({"Top": 10}, visits), visits, reps=1)
    assert (found.hours, found.capacity, found.within) == (Decimal(40), None, None)


def test_a_plan_that_costs_too_much_is_warned_of() -> None:
    plan = ContactPlan(hours={kind: Decimal(1) for kind in ("visit", "call", "email")})
    planned = plan_contacts({"Top": 10, "Big": 40}, plan)
    gross = {"Top": Decimal(290_400), "Big": Decimal(100_000)}
    cost, hours = plan_checks(
        plan_budget(planned, gross, plan), plan_hours(planned, plan, reps=3), plan
    )
    assert (cost.flag, hours.flag) == ("warn", "unknown")
    assert cost.finding == "Contacts cost more than 15 % of the gross margin: Big 58.6 %."
    assert cost.values == {"Top": Decimal("0.1"), "Big": Decimal("0.5856")}


def test_a_plan_that_can_be_paid_and_done_is_fine() -> None:
    plan = ContactPlan(
        contacts={"Top": {"visit": 12}}, hours={"visit": Decimal(4)}, rep_hours=Decimal(1_000)
    )
    planned = plan_contacts({"Top": 10}, plan)
    checks = plan_checks(
        plan_budget(planned, {"Top": Decimal(240_000)}, plan),
        plan_hours(planned, plan, reps=1),
        plan,
    )
    assert [check.flag for check in checks] == ["ok", "ok"]
    assert checks[1].finding == "The plan takes 480 hours of the 1,000 that reps have in a year."


def test_a_plan_of_unknown_margin_is_unknown() -> None:
    plan = ContactPlan()
    planned = plan_contacts(SIZES, plan)
    cost, _ = plan_checks(plan_budget(planned, {}, plan), plan_hours(planned, plan, 1), plan)
    assert cost.flag == "unknown"
