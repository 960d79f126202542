"""Business days."""

from datetime import date

import pytest

from six_goals.action import add_business_days

FRIDAY, SATURDAY, MONDAY = date(2024, 6, 7), date(2024, 6, 8), date(2024, 6, 10)


@pytest.mark.parametrize(
    ("day", "days", "due"),
    [
        pytest.param(FRIDAY, 0, FRIDAY, id="today"),
        pytest.param(SATURDAY, 0, MONDAY, id="no work on Saturday"),
        pytest.param(FRIDAY, 1, MONDAY, id="over the weekend"),
        pytest.param(SATURDAY, 1, date(2024, 6, 11), id="counted from Monday"),
        pytest.param(MONDAY, 15, date(2024, 7, 1), id="three weeks"),
    ],
)
def test_weekends_do_not_count(day: date, days: int, due: date) -> None:
    assert add_business_days(day, days) == due


def test_holidays_do_not_count() -> None:
    assert add_business_days(FRIDAY, 1, frozenset({MONDAY})) == date(2024, 6, 11)
