"""Contacts: counted by layer, planned by layer and account, and due when they are late."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from customer_pyramid.contact_plan import ContactPlan
from customer_pyramid.contacts import (
    contact_counts,
    contacts_due,
    last_contacts,
    layer_targets,
    own_targets,
    silences,
)
from tests.rules.crm import Row
from tests.rules.customer_pyramid.books import (
    AS_OF,
    YEAR,
    Books,
    activity,
    standing,
    units,
)

PLAN = ContactPlan()
NOON = datetime(2024, 12, 31, 12, tzinfo=UTC)
LONG: dict[str, Any] = {"first_order": date(2020, 1, 1)}


def ago(days: int) -> datetime:
    return NOON - timedelta(days=days)


def due(
    standings: list[Row],
    activities: list[Row],
    targets: list[Row] | None = None,
    plan: ContactPlan = PLAN,
) -> list[tuple[str, str, int | None, int]]:
    """Return account, kind, days since and days allowed of what is due."""
    books = Books(standings=standings, activities=activities, contact_targets=targets or [])
    found = last_contacts(books["standings"], books["activities"], books["contact_targets"], plan)
    last = books.keep("last", found)
    rows = books.rows(contacts_due(last, plan, AS_OF))
    return sorted(tuple(row.values()) for row in rows)


def target(kind: str, per_year: float, **more: object) -> Row:
    return {"id": "t", "kind": kind, "per_year": units(per_year), **more}


def test_contacts_are_counted_by_layer_and_kind() -> None:
    books = Books(
        standings=[standing("A", "Top"), standing("B", "Suspect")],
        activities=[
            activity("A", direction="inbound"),
            activity("A", direction="outbound"),
            activity("A"),
            activity("B", "visit", direction="outbound"),
            activity(None, lead_id="L", direction="outbound"),
            activity("gone"),
            activity("A", happened_at=datetime(2023, 1, 1, tzinfo=UTC)),
        ],
    )
    found = books.rows(contact_counts(books["standings"], books["activities"], YEAR))
    assert {(row["layer"], row["kind"]): tuple(row.values())[2:] for row in found} == {
        ("Top", "call"): (3, 1, 1),
        ("Suspect", "visit"): (1, 0, 1),
        ("Lead", "call"): (1, 0, 1),
    }


@pytest.mark.parametrize(("days", "silent"), [(59, 0), (60, 1), (61, 1)])
def test_60_days_without_a_contact_are_silence(days: int, silent: int) -> None:
    books = Books(
        standings=[standing("A", "Top")], activities=[activity("A", happened_at=ago(days))]
    )
    found = silences(books["standings"], books["activities"], {"Top"}, AS_OF, 60)
    assert books.rows(found) == [{"layer": "Top", "customers": 1, "silent": silent}]


def test_only_key_layers_are_asked_for_silence() -> None:
    stood = [standing("A", "Top"), standing("B", "Big"), standing("C", "Small")]
    books = Books(standings=stood, activities=[activity("B", happened_at=ago(1))])
    found = silences(books["standings"], books["activities"], {"Top", "Big"}, AS_OF, 60)
    assert {row["layer"]: row["silent"] for row in books.rows(found)} == {"Top": 1, "Big": 0}


def test_targets_of_layers_and_costs_of_kinds_are_read() -> None:
    rows = [
        target("call", 6, layer="Big", unit_cost=units(25)),
        target("visit", 9, account_id="A", layer="Big", unit_cost=units(300)),
    ]
    books = Books(contact_targets=rows)
    found = books.rows(layer_targets(books["contact_targets"]))
    assert {(row["layer"], row["kind"]): row["unit_cost"] for row in found} == {
        ("Big", "call"): units(25),
        (None, "visit"): units(300),
    }


def test_targets_of_accounts_are_summed_by_their_layer() -> None:
    rows = [target("call", 6, account_id="A"), target("call", 4, account_id="B")]
    rows.append(target("call", 9, account_id="C"))
    stood = [standing("A", "Big"), standing("B", "Big"), standing("C", "Suspect")]
    books = Books(standings=stood, contact_targets=rows)
    assert books.rows(own_targets(books["standings"], books["contact_targets"])) == [
        {"layer": "Big", "kind": "call", "accounts": 2, "per_year": units(10)}
    ]


@pytest.mark.parametrize(
    ("days", "late"),
    [
        pytest.param(36, False, id="within 36.5 days"),
        pytest.param(37, True, id="after 36.5 days"),
    ],
)
def test_twelve_visits_a_year_and_a_fifth_leave_36_days(days: int, late: bool) -> None:
    found = due([standing("A", "Top", **LONG)], [activity("A", "visit", happened_at=ago(days))])
    assert found == ([("A", "visit", days, 36)] if late else [])


def test_who_was_never_contacted_so_counts_from_the_first_order() -> None:
    calls = [activity("X", happened_at=ago(1))]
    old, new = standing("A", "Top", **LONG), standing("B", "Top", first_order=AS_OF)
    assert due([old, new], calls) == [("A", "call", None, 18)]


def test_a_kind_that_nobody_records_is_never_due() -> None:
    assert due([standing("A", "Top", **LONG)], []) == []


def test_what_was_agreed_with_a_customer_goes_before_its_tier() -> None:
    calls = [activity(name, happened_at=ago(100)) for name in ("A", "B", "C")]
    stood = [standing(name, "Top", **LONG) for name in ("A", "B", "C")]
    agreed = [target("call", 4, account_id="A"), target("call", 0, account_id="B")]
    assert due(stood, calls, agreed) == [("C", "call", 100, 18)]


def test_a_tier_without_a_plan_has_nothing_due() -> None:
    plan = ContactPlan(contacts={"Top": {"visit": 12}})
    visit = [activity(name, "visit", happened_at=ago(99)) for name in ("A", "B")]
    stood = [standing("A", "Big", **LONG), standing("B", "Top", **LONG)]
    assert due(stood, visit, plan=plan) == [("B", "visit", 99, 36)]


def test_the_slack_is_a_choice() -> None:
    visit = [activity("A", "visit", happened_at=ago(37))]
    stood = [standing("A", "Top", **LONG)]
    assert due(stood, visit, plan=ContactPlan(slack=Decimal("0.5"))) == []


def test_accounts_that_are_no_customers_are_not_in_the_plan() -> None:
    calls = [activity(name, happened_at=ago(300)) for name in ("A", "B")]
    stood = [standing("A", "Prospect", **LONG), standing("B", "Top", inherited_from="A", **LONG)]
    assert due(stood, calls) == []
