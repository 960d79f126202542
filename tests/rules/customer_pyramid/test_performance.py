"""Performance: each measure of a customer, its score, and what stays unknown."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_pyramid.performance import layer_performance, performance, performance_by_layer
from customer_pyramid.periods import Period
from customer_pyramid.settings import MEASURES, PerformanceSettings, PyramidSettings
from tests.rules.crm import Row
from tests.rules.customer_pyramid.books import (
    AS_OF,
    DAY,
    SCHEMAS,
    YEAR,
    Books,
    case,
    standing,
    table,
    units,
)

SETTINGS = PerformanceSettings(min_peers=3)
LONG_AGO = {"first_order": date(2020, 6, 30), "last_order": DAY}


def performed(
    standings: list[Row],
    settings: PerformanceSettings = SETTINGS,
    period: Period = YEAR,
    as_of: date = AS_OF,
    **tables: list[Row],
) -> dict[str, Row]:
    """Return how each customer performs."""
    books = Books(standings=standings, **tables)
    found = performance(
        books["standings"],
        books["accounts"],
        books["profit"],
        sales=books["sales"],
        baskets=books["baskets"],
        cases=books["cases"],
        deliveries=books["deliveries"],
        outlook=books["outlook"] if "outlook" in tables else None,
        settings=settings,
        period=period,
        as_of=as_of,
    )
    return books.by(found)


def customer(account: str, layer: str = "Small", revenue: float = 100, **more: object) -> Row:
    return standing(account, layer, revenue, **LONG_AGO | more)


def sold(account: str, day: date, amount: float = 1) -> Row:
    return {"id": "d", "account_id": account, "close_date": day, "amount": units(amount)}


def basket(account: str, item: str, revenue: float = 1) -> Row:
    return {"account_id": account, "item": item, "revenue": units(revenue)}


def test_customers_are_measured_and_nobody_else() -> None:
    stood = [
        customer("A"),
        customer("B", "Inactive", 0),
        standing("C", "Prospect"),
        standing("D", "Rest of world"),
        customer("E", inherited_from="A"),
    ]
    assert performed(stood).keys() == {"A", "B"}


def test_what_nobody_recorded_is_unknown_and_not_0() -> None:
    found = performed([customer("A")])["A"]
    known = {"lifetime_months", "active_months", "orders_per_year", "recency_days"}
    for measure in MEASURES.keys() - known:
        assert (measure, found[measure], found[f"score_{measure}"]) == (measure, None, None)


def test_the_part_of_the_wallet_is_that_of_a_year() -> None:
    accounts = [{"id": "A", "wallet": units(400)}, {"id": "B", "wallet": units(0)}]
    whole_year = performed([customer("A"), customer("B")], accounts=accounts)
    assert whole_year["A"]["share_of_wallet"] == units("0.25")
    assert whole_year["A"]["score_share_of_wallet"] == 25
    assert whole_year["B"]["share_of_wallet"] is None
    quarter = performed([customer("A")], period=Period.trailing(AS_OF, 3), accounts=accounts)
    assert quarter["A"]["share_of_wallet"] == units(1)


def test_peers_are_those_of_the_industry() -> None:
    shops = [
        customer(f"S{n}", revenue=amount, industry="retail")
        for n, amount in enumerate((100, 200, 300, 400, 500))
    ]
    found = performed([*shops, customer("M", revenue=100, industry="mining")])
    ratios = [found[f"S{n}"]["peer_ratio"] for n in range(5)]
    assert ratios == [units(ratio) for ratio in ("0.25", "0.5", "0.75", "1", "1.25")]
    assert found["S4"]["score_peer_ratio"] == 100


def test_without_enough_of_them_peers_are_those_of_the_tier() -> None:
    few = [customer(f"A{n}", "Big", 100, industry=f"I{n}") for n in range(3)]
    found = performed([*few, customer("B", "Top", 900, industry="I0")])
    assert found["A0"]["peer_ratio"] == units(1)
    assert found["B"]["peer_ratio"] is None


def test_breadth_is_the_part_bought_of_what_peers_buy() -> None:
    names = [f"A{n}" for n in range(10)]
    stood = [customer(name, industry="retail") for name in names]
    baskets = [basket(name, "tea") for name in names[:9]]
    baskets += [basket(name, "tea pots") for name in names[:3]]
    baskets += [basket(name, "spoons") for name in names[:2]]
    baskets += [basket(names[8], "tea pots", revenue=0)]
    found = performed(stood, baskets=baskets)
    assert [found[name]["breadth"] for name in (names[0], names[4], names[8])] == [
        units(1),
        units("0.5"),
        units("0.5"),
    ]
    assert found[names[9]]["breadth"] is None


def test_lifetime_is_counted_in_full_months() -> None:
    found = performed([customer("A"), customer("B", first_order=date(2024, 12, 1), orders=6)])
    assert found["A"]["lifetime_months"] == units(54)
    assert found["B"]["lifetime_months"] == 0
    assert found["A"]["recency_days"] == units((AS_OF - DAY).days)
    assert found["B"]["orders_per_year"] == units(6)


@pytest.mark.parametrize(
    ("first", "days", "expected"),
    [
        pytest.param(date(2020, 1, 1), [date(2024, 1, 5), date(2024, 1, 9)], "0.0833", id="one"),
        pytest.param(date(2024, 7, 4), [date(2024, 7, 4), date(2024, 9, 1)], "0.3333", id="new"),
        pytest.param(date(2020, 1, 1), [date(2023, 12, 31)], "0", id="before"),
        pytest.param(
            date(2020, 1, 1), [date(2024, month, 1) for month in range(1, 13)], "1", id="all"
        ),
    ],
)
def test_active_months_are_a_part_of_those_since_the_first_order(
    first: date, days: list[date], expected: str
) -> None:
    found = performed([customer("A", first_order=first)], sales=[sold("A", day) for day in days])
    assert found["A"]["active_months"] == units(expected)


def test_a_month_with_a_credit_alone_is_not_active() -> None:
    sales = [sold("A", date(2024, 2, 1), -5)]
    assert performed([customer("A")], sales=sales)["A"]["active_months"] == 0


def test_lifetime_value_is_the_margin_of_the_coming_orders() -> None:
    stood = [customer(name, orders=4) for name in ("A", "B", "C")]
    profit = [{"account_id": name, "profit": units(50), "gross": units(80)} for name in "ABC"]
    outlook = [
        {"account_id": "A", "p_alive": 0.9, "expected_purchases": 2.0},
        {"account_id": "B", "p_alive": 0.5, "expected_purchases": None},
    ]
    plain = PerformanceSettings(years=2, discount=Decimal(0))
    found = performed(stood, plain, profit=profit, outlook=outlook)
    assert {name: row["clv"] for name, row in found.items()} == {
        "A": units(2 * 20 * 2),
        "B": units(2 * 20 * 2),
        "C": None,
    }
    assert (found["A"]["p_alive"], found["A"]["score_p_alive"]) == (units("0.9"), 90)
    later = performed(stood, PerformanceSettings(years=1), profit=profit, outlook=outlook)
    assert later["A"]["clv"] == units("36.3636")


def test_values_and_answers_come_along() -> None:
    found = performed(
        [customer("A")],
        profit=[{"account_id": "A", "profit": units(50), "gross": units(80)}],
        cases=[case("A", csat=units(5))],
        deliveries=[{"account_id": "A", "promised": DAY, "delivered": DAY}],
    )["A"]
    assert (found["profit"], found["score_profit"]) == (units(50), None)
    assert (found["csat"], found["score_csat"]) == (units(1), 100)
    assert (found["promise_kept"], found["score_promise_kept"]) == (units(1), 100)


@pytest.mark.long
@pytest.mark.parametrize(
    ("profit", "score"), [(-50, 0), (0, 0), (25, 25), (100, 100), (900, 100), (None, None)]
)
def test_scores_lie_between_the_worst_and_the_best(profit: int | None, score: int | None) -> None:
    settings = PerformanceSettings(targets={"profit": (Decimal(0), Decimal(100))})
    row = {"account_id": "A", "profit": None if profit is None else units(profit)}
    assert performed([customer("A")], settings, profit=[row])["A"]["score_profit"] == score


def test_less_may_be_better() -> None:
    settings = PerformanceSettings(targets={"recency_days": (Decimal(100), Decimal(0))})
    found = performed([customer("A", last_order=date(2024, 12, 11))], settings)
    assert found["A"]["score_recency_days"] == 80


@settings(max_examples=25, deadline=None, database=None)
@given(st.lists(st.one_of(st.none(), st.integers(-(10**9), 10**9)), min_size=1, max_size=9))
def test_means_are_of_what_is_known(profits: list[int | None]) -> None:
    rows = [
        {"account_id": f"A{n}", "layer": "Top", "profit": profit, "score_profit": None}
        for n, profit in enumerate(profits)
    ]
    (layer,) = layer_performance(summary_of(rows), PyramidSettings())
    (profit,) = (mean for mean in layer.measures if mean.measure == "profit")
    known = [profit for profit in profits if profit is not None]
    assert (layer.customers, profit.known) == (len(profits), len(known))
    assert profit.score is None
    if not known:
        assert profit.mean is None
    else:
        exact = Decimal(sum(known)) / len(known) / 10_000
        assert profit.mean is not None
        assert abs(profit.mean - exact) <= Decimal("0.00005")


def test_layers_are_summed_up_tiers_first() -> None:
    rows: list[Row] = [
        {"account_id": "A", "layer": "Inactive"},
        {"account_id": "B", "layer": "Small", "csat": units("0.5"), "score_csat": 50},
        {"account_id": "C", "layer": "Small", "csat": units(1), "score_csat": 100},
        {"account_id": "D", "layer": "Small"},
    ]
    small, inactive = layer_performance(summary_of(rows), PyramidSettings())
    (csat,) = (mean for mean in small.measures if mean.measure == "csat")
    assert (csat.known, csat.mean, csat.score) == (2, Decimal("0.75"), Decimal(75))
    assert (inactive.layer, inactive.customers) == ("Inactive", 1)


BY_LAYER = performance_by_layer(table("performance"))


def summary_of(rows: list[Row]) -> list[Row]:
    return Books(performance=rows).rows(BY_LAYER)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        pytest.param({"targets": {"mood": (0, 1)}}, "no measures \\['mood'\\]", id="measure"),
        pytest.param({"targets": {"csat": (1, 1)}}, "targets.csat", id="no way between"),
        pytest.param({"min_peers": 0}, "min_peers", id="peers"),
        pytest.param({"ownership": Decimal(0)}, "ownership", id="ownership"),
        pytest.param({"discount": Decimal(-1)}, "discount", id="discount"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PerformanceSettings(**wrong)


def test_a_company_changes_the_targets_it_names() -> None:
    chosen = PerformanceSettings(targets={"csat": (Decimal("0.5"), Decimal("0.9"))})
    assert chosen.target("csat") == (Decimal("0.5"), Decimal("0.9"))
    assert chosen.target("nps") == MEASURES["nps"]


def test_the_table_is_as_wide_as_the_measures() -> None:
    found = performance(
        table("standings"),
        table("accounts"),
        table("profit"),
        sales=table("sales"),
        baskets=table("baskets"),
        cases=table("cases"),
        deliveries=table("deliveries"),
        settings=SETTINGS,
        period=YEAR,
        as_of=AS_OF,
    )
    assert list(found.columns) == list(SCHEMAS["performance"])
