"""Days: periods that are under way, and times that are on another day elsewhere."""

from datetime import UTC, date, datetime
from fractions import Fraction

import pytest

from customer_pyramid.days import days_since, elapsed, months_since, timed_in, years
from customer_pyramid.periods import Period
from tests.rules.customer_pyramid.books import YEAR, Books, activity, table

LATE = datetime(2024, 12, 31, 20, tzinfo=UTC)


def test_a_time_is_on_the_day_it_has_where_the_company_is() -> None:
    books = Books(activities=[activity("A", happened_at=LATE)])
    found = table("activities")
    inside = found.filter(timed_in(found.happened_at, YEAR))
    assert len(books.rows(inside)) == 1
    books.move_to("Asia/Shanghai")
    assert books.rows(inside) == []


def test_a_period_does_not_hold_the_day_it_ends_on() -> None:
    times = [datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)]
    books = Books(activities=[activity("A", happened_at=time) for time in times])
    found = table("activities")
    (row,) = books.rows(found.filter(timed_in(found.happened_at, YEAR)))
    assert row["happened_at"] == times[0]


def test_days_and_months_are_counted_from_a_day() -> None:
    books = Books(standings=[{"account_id": "A", "first_order": date(2024, 3, 14)}])
    first = table("standings").first_order
    found = table("standings").select(
        days=days_since(first, date(2024, 3, 20)),
        of_15th=months_since(first, date(2024, 1, 15)),
        of_14th=months_since(first, date(2024, 1, 14)),
    )
    assert books.rows(found) == [{"days": 6, "of_15th": 1, "of_14th": 2}]


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        pytest.param(date(2024, 4, 30), Fraction(4, 12), id="whole months"),
        pytest.param(date(2024, 1, 10), Fraction(10, 365), id="days"),
        pytest.param(date(2025, 6, 1), Fraction(1), id="over"),
    ],
)
def test_of_a_year_under_way_only_the_part_that_has_passed_counts(
    as_of: date, expected: Fraction
) -> None:
    assert years(elapsed(Period.fiscal_year(date(2024, 6, 1)), as_of)) == expected


def test_a_period_that_has_not_begun_has_no_part_that_passed() -> None:
    with pytest.raises(ValueError, match="must end after"):
        elapsed(YEAR, date(2023, 12, 31))
