"""Periods, as in domain 1.2."""

from datetime import date

import pytest

from customer_pyramid.periods import Period


@pytest.mark.parametrize(
    ("as_of", "start", "end"),
    [
        (date(2017, 12, 31), date(2017, 1, 1), date(2018, 1, 1)),
        (date(2024, 2, 29), date(2023, 3, 1), date(2024, 3, 1)),
        (date(2024, 2, 28), date(2023, 2, 28), date(2024, 2, 29)),
        (date(1998, 5, 6), date(1997, 5, 7), date(1998, 5, 7)),
    ],
)
def test_trailing_twelve_months_end_with_the_day(as_of: date, start: date, end: date) -> None:
    assert Period.trailing(as_of) == Period(start, end)


def test_a_month_is_cut_to_its_last_day() -> None:
    assert Period.trailing(date(2023, 3, 30), months=1).start == date(2023, 2, 28)


@pytest.mark.parametrize(
    ("as_of", "start"),
    [(date(2024, 3, 31), date(2023, 4, 1)), (date(2024, 4, 1), date(2024, 4, 1))],
)
def test_a_fiscal_year_holds_the_day(as_of: date, start: date) -> None:
    year = Period.fiscal_year(as_of, start_month=4)
    assert year == Period(start, start.replace(year=start.year + 1))


def test_a_quarter_follows_a_quarter() -> None:
    quarter = Period.explicit(date(2017, 10, 1), date(2018, 1, 1))
    assert quarter.previous() == Period(date(2017, 7, 1), date(2017, 10, 1))


def test_ten_days_follow_ten_days() -> None:
    days = Period.explicit(date(2024, 3, 5), date(2024, 3, 15))
    assert days.previous() == Period(date(2024, 2, 24), date(2024, 3, 5))


def test_the_year_before_a_trailing_year_ends_where_it_starts() -> None:
    before = Period.trailing(date(1998, 5, 6)).previous()
    assert before == Period(date(1996, 5, 7), date(1997, 5, 7))


def test_a_period_without_days_is_refused() -> None:
    with pytest.raises(ValueError, match="must end after it starts"):
        Period(date(2024, 1, 1), date(2024, 1, 1))
