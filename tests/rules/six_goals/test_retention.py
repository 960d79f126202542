"""Retention: who is late by their own rhythm, and what that is worth."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from customer_pyramid.money import to_units
from customer_pyramid.periods import Period
from six_goals.action import Action
from six_goals.retention import (
    RetentionRow,
    retention_actions,
    retention_candidates,
    value_at_risk,
)
from six_goals.rhythm import own_rhythm
from six_goals.settings import RetentionSettings
from tests.rules.crm import World, accounts_named, analyse, won
from tests.rules.public_data import northwind_accounts, northwind_orders

AS_OF = date(2024, 12, 31)
SETTINGS = RetentionSettings()
ROW: RetentionRow = {
    "account_id": "A",
    "name": "Acme",
    "owner_id": "rep",
    "layer": "Small",
    "revenue": 100_000_000,
    "order_days": 5,
    "median_gap": 17.5,
    "days_since_last": 35,
    "level": "at_risk",
}


def candidates(world: World, as_of: date) -> list[RetentionRow]:
    rhythm = world.crm.keep("rhythm", own_rhythm(world.sales, as_of))
    found = retention_candidates(world.standings, rhythm, SETTINGS)
    return cast("list[RetentionRow]", world.crm.rows(found))


def changed(**more: object) -> RetentionRow:
    return cast("RetentionRow", {**cast("Mapping[str, Any]", ROW), **more})


def action(**more: object) -> Action:
    (found,) = retention_actions([changed(**more)], SETTINGS)
    return found


def test_northwinds_late_customers_are_those_of_the_domain() -> None:
    as_of = date(1998, 5, 6)
    world = analyse(northwind_accounts(), northwind_orders(), current=Period.trailing(as_of))
    levels = {row["account_id"]: row["level"] for row in candidates(world, as_of)}
    critical = dict.fromkeys(["MEREP", "HUNGC", "VINET", "VICTE", "SEVES"], "critical")
    assert levels == critical | dict.fromkeys(["FAMIA", "BLONP", "BERGS"], "at_risk")


@pytest.mark.parametrize(
    ("gap", "orders", "since", "level"),
    [
        pytest.param(10, 4, 20, "at_risk", id="twice the gap"),
        pytest.param(10, 4, 19, None, id="less than twice"),
        pytest.param(10, 4, 30, "critical", id="three times"),
        pytest.param(10, 3, 30, None, id="too few orders"),
        pytest.param(5, 4, 13, None, id="within two weeks"),
    ],
)
def test_a_customer_is_late_by_their_own_rhythm(
    gap: int, orders: int, since: int, level: str | None
) -> None:
    last = AS_OF - timedelta(days=since)
    sales = [won("A", 10, last - timedelta(days=gap * number)) for number in range(orders)]
    world = analyse(accounts_named("A"), sales, current=Period.trailing(AS_OF))
    assert [row["level"] for row in candidates(world, AS_OF)] == ([level] if level else [])


def test_a_lapsed_customer_is_no_retention_case() -> None:
    sales = [won("A", 10, date(2022, month, 1)) for month in range(1, 7)]
    world = analyse(accounts_named("A"), sales, current=Period.trailing(AS_OF))
    assert candidates(world, AS_OF) == []


@pytest.mark.parametrize(
    ("since", "value"),
    [
        pytest.param(35, "1000", id="a third at twice the gap"),
        pytest.param(70, "3000", id="all at four times"),
        pytest.param(700, "3000", id="never more"),
    ],
)
def test_the_value_at_risk_grows_with_the_delay(since: int, value: str) -> None:
    assert value_at_risk(changed(days_since_last=since), SETTINGS) == to_units(Decimal(value))


def test_the_reason_names_the_figures() -> None:
    found = action()
    assert found.reason == (
        "Acme usually orders every 17.5 days; the last order was 35 days ago. It bought for 10,000 "
        "in this period, so a margin of about 1,000 is at risk."
    )
    assert found.title == "Call Acme: the expected order is 18 days late"


@pytest.mark.parametrize(("layer", "days"), [("Top", 1), ("Big", 1), ("Medium", 3), ("Small", 3)])
def test_key_customers_are_called_at_once(layer: str, days: int) -> None:
    assert action(layer=layer).due_days == days
