"""Acquisition: whom to qualify, by likeness, heat and the chance of a lead."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from customer_pyramid.money import to_units
from customer_pyramid.settings import PyramidSettings
from six_goals.acquisition import propose
from six_goals.settings import AcquisitionSettings
from tests.rules.six_goals.company import Company

AS_OF = date(2024, 12, 31)
SETTINGS = AcquisitionSettings(min_customers=4)
# Two tiers: of ten customers the first four are Big.
PYRAMID = PyramidSettings(tiers=("Big", "Small"), cuts=(4000, 10_000))


def company(*asked: dict[str, Any], field: str = "industry", **tables: Any) -> Company:
    """Return ten customers, four of them Big, all four and none other in retail, and *asked*."""
    customers = [
        {"id": f"C{n}", "industry": "retail" if n < 4 else "food", "name": f"Customer {n}"}
        for n in range(10)
    ]
    sales = [
        {
            "id": f"S{n}",
            "account_id": f"C{n}",
            "close_date": date(2024, 6, 1),
            "amount": to_units(Decimal(1000 if n < 4 else 100)),
        }
        for n in range(10)
    ]
    accounts = [
        {field if name == "industry" else name: value for name, value in row.items()}
        for row in (*customers, *asked)
    ]
    return Company(AS_OF, pyramid=PYRAMID, accounts=accounts, sales=sales, **tables)


ALIKE = {"id": "P1", "name": "Peak", "industry": "retail"}
UNLIKE = {"id": "P2", "name": "Quiet", "industry": "food"}


def test_who_looks_like_the_best_customers_is_proposed() -> None:
    (action,) = propose(company(ALIKE, UNLIKE), SETTINGS).actions
    assert action.title == "Qualify Peak (looks like Big customers in retail)"
    assert action.reason == (
        "Peak has never bought, but looks like your best customers: of 4 customers in retail, 4"
        " are above the lowest tier. Nobody is in touch with it; at a chance of 2 % and about"
        " 1,000 a year from such a customer, a margin of 6 is to be expected: make the first"
        " contact."
    )
    assert action.expected_value == to_units(Decimal(6))  # 1,000 x 30 % x 2 %


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("size_band", "of 4 customers of its size (retail), 4 are"),
        ("region", "of 4 customers in its region (retail), 4 are"),
        ("source", "of 4 customers from the same source (retail), 4 are"),
    ],
)
def test_a_likeness_is_told_by_what_it_lies_in(field: str, said: str) -> None:
    (action,) = propose(company(ALIKE, field=field), SETTINGS).actions
    assert action.title == "Qualify Peak (looks like Big customers)"
    assert said in action.reason


def test_a_live_contact_counts_more_than_likeness() -> None:
    deal = {"id": "D", "account_id": "P2", "created_on": AS_OF}
    found = propose(company(ALIKE, UNLIKE, open_deals=[deal]), SETTINGS).actions
    # Food customers bring 100 on average: 100 x 30 % x 20 % = 6, as much as Peak by likeness.
    assert [(one.account_id, one.evidence["heat"]) for one in found] == [
        ("P1", "none"),
        ("P2", "hot"),
    ]
    assert found[1].title == "Qualify Quiet"
    assert "There is a live contact; at a chance of 20 % and about 100 a year" in found[1].reason


def test_customers_and_the_rest_of_the_world_are_not_qualified() -> None:
    partner = {"id": "X", "industry": "retail", "kind": "partner"}
    assert propose(company(partner), SETTINGS).actions == []


def test_too_few_customers_say_nothing() -> None:
    proposal = propose(company(ALIKE), AcquisitionSettings(min_customers=11))
    assert proposal.actions == []
    assert "fewer than 11" in proposal.notes[0]


def test_while_the_budget_goes_to_others_only_live_contacts_are_proposed() -> None:
    deal = {"id": "D", "account_id": "P2", "created_on": AS_OF}
    facts = company(ALIKE, UNLIKE, open_deals=[deal])
    assert len(propose(facts, SETTINGS).actions) == 2
    facts.overspent = True
    proposal = propose(facts, SETTINGS)
    assert [action.account_id for action in proposal.actions] == ["P2"]
    assert any("no customers" in note for note in proposal.notes)


def test_of_too_many_the_most_promising_are_proposed_and_all_are_counted() -> None:
    asked = [{**ALIKE, "id": f"P{n}"} for n in range(4)]
    facts = company(*asked)
    facts.limit = 3
    proposal = propose(facts, SETTINGS)
    assert [action.account_id for action in proposal.actions] == ["P0", "P1", "P2"]
    assert proposal.candidates == 4


def leads() -> list[dict[str, Any]]:
    """Return 480 decided leads of which those from fairs are won, and an open one from a fair."""
    decided = [
        {
            "id": f"L{n:03}",
            "source": "fair" if n % 3 == 0 else "list",
            "status": "won" if n % 3 == 0 else "lost",
            "created_at": datetime(2024, 1, 1 + n % 28, tzinfo=UTC),
            "closed_on": date(2024, 6, 1),
        }
        for n in range(480)
    ]
    opened = datetime(2024, 11, 1, tzinfo=UTC)
    fresh = {"id": "L999", "account_id": "P2", "source": "fair", "status": "open"}
    return [*decided, {**fresh, "created_at": opened}]


def test_the_chance_of_a_lead_is_learned_from_those_decided() -> None:
    proposal = propose(company(ALIKE, UNLIKE, leads=leads()), SETTINGS)
    by_account = {action.account_id: action for action in proposal.actions}
    assert by_account["P2"].evidence["lead_id"] == "L999"
    assert float(by_account["P2"].evidence["chance"]) > 0.9
    assert "By its lead the chance of an order is" in by_account["P2"].reason
    assert Decimal(proposal.measures["auc_30"]) > Decimal("0.99")


@pytest.mark.parametrize("missing", ["hot", "none"])
def test_a_chance_must_be_set_for_every_heat(missing: str) -> None:
    chances = {name: Decimal("0.1") for name in ("hot", "warm", "cold", "none") if name != missing}
    with pytest.raises(ValueError, match="conversion must name"):
        AcquisitionSettings(conversion=chances)
