"""The contact plan, against the defaults of domain 2 and their cost in domain 5.5."""

from decimal import Decimal

import pytest

from customer_pyramid.contact_plan import ContactPlan, plan_contacts

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
    assert medium.contacts == {"visit": 150, "call": 900, "e-mail": 1_800}


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
