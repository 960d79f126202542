"""What holds for every pyramid, whatever the customers."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_pyramid.periods import Period
from customer_pyramid.settings import PyramidSettings
from customer_pyramid.tiers import tier_sizes
from tests.rules.crm import Row, accounts_named, analyse, won

YEAR = Period.trailing(date(2024, 12, 31))
PYRAMID = PyramidSettings()

accounts = st.integers(0, 30).map(lambda number: f"A{number:02d}")
days = st.integers(0, 900).map(lambda number: YEAR.last_day - timedelta(days=number))
sales = st.lists(
    st.builds(
        won,
        accounts,
        st.integers(-3, 9),
        days,
    ),
    max_size=80,
)
quick = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)


def stand(sold: Sequence[Row]) -> dict[str, Row]:
    names = accounts_named(*(f"A{number:02d}" for number in range(31)))
    return analyse(names, sold, current=YEAR).by_account()


@quick
@given(sales)
def test_every_active_customer_has_one_tier_and_sizes_add_up(sold: list[Row]) -> None:
    rows = stand(sold)
    active = [row for row in rows.values() if row["revenue"] > 0]
    assert len(rows) == 31
    assert {row["account_id"] for row in rows.values() if row["tier"]} == {
        row["account_id"] for row in active
    }
    assert sorted(row["rank"] for row in active) == list(range(1, len(active) + 1))
    counts = [sum(row["tier"] == tier for row in active) for tier in PYRAMID.tiers]
    assert tuple(counts) == tier_sizes(len(active), PYRAMID)


@quick
@given(sales, st.randoms(use_true_random=False))
def test_the_order_of_sales_does_not_matter(sold: list[Row], random: Random) -> None:
    shuffled = sold.copy()
    random.shuffle(shuffled)
    assert stand(shuffled) == stand(sold)


@quick
@given(sales, accounts, st.integers(1, 9))
def test_more_revenue_never_lowers_a_rank(sold: list[Row], account: str, more: int) -> None:
    before = stand(sold)[account]["rank"]
    # A late day: an earlier first order would decide ties by itself.
    after = stand([*sold, won(account, more, YEAR.last_day)])[account]["rank"]
    assert before is None or after <= before


@quick
@given(sales)
def test_higher_tiers_have_no_less_revenue(sold: list[Row]) -> None:
    ranked = sorted(
        (row for row in stand(sold).values() if row["tier"]), key=lambda row: int(row["rank"])
    )
    places = [PYRAMID.tiers.index(row["tier"]) for row in ranked]
    revenues = [row["revenue"] for row in ranked]
    assert places == sorted(places)
    assert revenues == sorted(revenues, reverse=True)
