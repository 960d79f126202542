"""Hit rate: how often the next item that a customer took up was among the first three offered."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from fractions import Fraction

from customer_pyramid.money import places
from six_goals.cross_sell import propose
from six_goals.settings import AffinitySettings, CrossSellSettings
from tests.rules.six_goals.market import LAST_YEAR, NOW, Row, bought, market, northwind

SETTINGS = CrossSellSettings(
    affinity=AffinitySettings(min_support=Decimal("0.1"), min_lift=Decimal(2))
)


def pattern(*days: date) -> list[list[Row]]:
    """Return ten customers who bought P and Q, and twenty who bought R, S and T."""
    return [
        *(bought(f"pair {number}", "PQ", day) for number in range(10) for day in days),
        *(bought(f"common {number}", "RST", day) for number in range(20) for day in days),
    ]


def learners(items: str) -> list[list[Row]]:
    """Return five who had bought P, and then took up *items*."""
    return [
        bought(f"new {number}", item, day)
        for number in range(5)
        for item, day in [("P", LAST_YEAR), (items, NOW)]
    ]


def test_a_rule_finds_what_popularity_does_not() -> None:
    company = market(*pattern(LAST_YEAR, NOW), *learners("Q"))
    assert propose(company, SETTINGS).measures == {
        "hit_rate_at_3": "1.000",
        "hit_rate_at_3_of_popular_items": "0.000",
        "customers_tested": "5",
    }


def test_popularity_finds_what_a_rule_does_not() -> None:
    company = market(*pattern(LAST_YEAR, NOW), *learners("T"))
    measures = propose(company, SETTINGS).measures
    # Of the four items that were missing, Q by the rule and R and S by popularity came first.
    assert measures["hit_rate_at_3"] == "0.000"
    assert measures["hit_rate_at_3_of_popular_items"] == "1.000"


def test_the_last_new_item_is_the_one_to_find() -> None:
    later = [bought(f"new {number}", "Q", date(2024, 9, 1)) for number in range(5)]
    company = market(*pattern(LAST_YEAR, NOW), *learners("T"), *later)
    assert propose(company, SETTINGS).measures["hit_rate_at_3"] == "1.000"


def test_an_item_bought_again_is_not_a_new_one() -> None:
    company = market(*pattern(LAST_YEAR, NOW))
    assert propose(company, SETTINGS).measures == {}


def test_without_a_history_nobody_can_be_tested() -> None:
    company = market(*pattern(NOW))
    assert propose(company, SETTINGS).measures == {}


def test_peers_are_measured_where_no_rule_is_used() -> None:
    # In their industry Q is what others have.
    known = {
        f"{kind} {number}": {"industry": "Retail"}
        for kind in ("pair", "new")
        for number in range(10 if kind == "pair" else 5)
    }
    company = market(*pattern(LAST_YEAR, NOW), *learners("Q"), accounts=known)
    measures = propose(company, CrossSellSettings(method="peers")).measures
    assert measures["hit_rate_at_3"] == "1.000"
    assert measures["hit_rate_at_3_of_popular_items"] == "0.000"


def test_the_popular_items_of_northwind_are_as_counted_by_hand() -> None:
    company = northwind()
    start = company.current.start
    first: dict[tuple[str, str], date] = {}
    for row in company.rows(company.table("lines")):
        key = (row["account_id"], row["category"])
        first[key] = min(row["close_date"], first.get(key, date.max))
    before = {key for key, day in first.items() if day < start}
    popular = Counter(item for _, item in before)
    hits = []
    for account in {account for account, _ in before}:
        new = [(day, item) for (who, item), day in first.items() if who == account and day >= start]
        if new:
            last = min(item for day, item in new if day == max(new)[0])
            missing = [item for item in popular if (account, item) not in before]
            missing.sort(key=lambda item: (-popular[item], item))
            hits.append(last in missing[:3])
    expected = str(places(Fraction(sum(hits), len(hits)), 3))
    measures = propose(company, CrossSellSettings()).measures
    assert measures["hit_rate_at_3_of_popular_items"] == expected == "0.828"
    assert measures["customers_tested"] == str(len(hits)) == "64"
