"""Own rhythm, against the answers computed independently for Northwind and by small examples."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

from customer_pyramid.money import places
from customer_pyramid.periods import Period
from six_goals.rhythm import order_days, ordering, own_rhythm
from tests.rules.crm import Row, World, accounts_named, analyse, dataset, read_csv, won
from tests.rules.public_data import northwind_accounts, northwind_orders

AS_OF = date(1998, 5, 6)


def rhythm_of(*sales: Row) -> list[Row]:
    world = analyse(accounts_named("A"), sales, current=Period.trailing(AS_OF))
    return rhythm_in(world)


def rhythm_in(world: World) -> list[Row]:
    days = world.crm.keep("order_days", order_days(world.sales))
    return world.crm.rows(own_rhythm(ordering(days), AS_OF))


def test_northwind_rhythm_is_as_expected() -> None:
    expected = read_csv(dataset("northwind") / "expected" / "rhythm_1998-05-06.csv")
    world = analyse(northwind_accounts(), northwind_orders(), current=Period.trailing(AS_OF))
    rows = {row["account_id"]: row for row in rhythm_in(world)}
    found = [
        {
            "account_id": account,
            "order_days": str(row["order_days"]),
            "median_gap_days": str(row["median_gap"]),
            "days_since_last": str(row["days_since_last"]),
            "overdue_ratio": str(float(four_places(row))),
        }
        for account, row in sorted(rows.items())
        if row["order_days"] >= 4
    ]
    assert found == expected


def four_places(row: Row) -> Decimal:
    return places(Fraction(row["days_since_last"]) / Fraction(row["median_gap"]), 4)


def test_two_orders_on_one_day_are_one_order_day() -> None:
    (row,) = rhythm_of(
        won("A", 1, date(1998, 1, 1)),
        won("A", 2, date(1998, 1, 1)),
        won("A", 3, date(1998, 1, 11)),
        won("A", 4, date(1998, 1, 31)),
    )
    assert (row["order_days"], row["median_gap"], row["days_since_last"]) == (3, 15.0, 95)


def test_a_credit_is_no_order() -> None:
    (row,) = rhythm_of(
        won("A", 1, date(1998, 1, 1)),
        won("A", -1, date(1998, 1, 5)),
        won("A", 3, date(1998, 1, 11)),
    )
    assert (row["order_days"], row["median_gap"]) == (2, 10.0)


def test_one_order_day_has_no_rhythm() -> None:
    assert rhythm_of(won("A", 1, date(1998, 1, 1)), won("A", 2, date(1998, 1, 1))) == []
