"""Information: what is filled in, fresh, told apart and complete."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast

import pytest

from customer_pyramid.information import (
    Filled,
    Information,
    WonRow,
    completeness,
    duplicate_counts,
    information,
    possible_duplicates,
    won_deals,
)
from customer_pyramid.settings import FocusSettings, PyramidSettings
from tests.rules.crm import Row
from tests.rules.customer_pyramid.books import AS_OF, DAY, YEAR, Books, activity, standing, table

SETTINGS = FocusSettings(key_fields=("industry", "wallet", "decision_maker"))
FILLED = completeness(table("standings"), table("accounts"), table("activities"), SETTINGS, AS_OF)
NOTHING_WON = WonRow(deals=0, with_amount=0, with_date=0, with_product=0, complete=0)


def informed(
    accounts: list[Row], activities: list[Row] | None = None, *, recorded: bool = True
) -> Information:
    """Return what is known of accounts that are Small unless they say otherwise."""
    stood = [standing(row["id"], row.pop("layer", "Small")) for row in accounts]
    books = Books(standings=stood, accounts=accounts, activities=activities or [])
    rows = cast("Any", books.rows(FILLED))
    return information(rows, NOTHING_WON, 0, SETTINGS, PyramidSettings(), recorded=recorded)


def duplicates(*names: str | None, **more: object) -> list[list[str]]:
    """Return the names that are taken for one, together."""
    accounts = [{"id": f"A{n}", "name": name, **more} for n, name in enumerate(names)]
    groups: dict[str, list[str]] = {}
    for row in Books(accounts=accounts).rows(possible_duplicates(table("accounts"))):
        groups.setdefault(row["name_key"], []).append(row["name"])
    return sorted(sorted(group) for group in groups.values())


def test_fields_are_complete_by_layer() -> None:
    found = informed(
        [
            {"id": "A", "industry": "retail", "wallet": 1},
            {"id": "B", "industry": "", "wallet": None},
            {"id": "C", "industry": "mining", "layer": "Top"},
        ]
    )
    top, small = found.layers
    assert small.fields == (
        Filled("industry", 1, Decimal("0.5")),
        Filled("wallet", 1, Decimal("0.5")),
        Filled("decision_maker", None, None),
    )
    assert (top.layer, top.completeness, small.completeness) == (
        "Top",
        Decimal("0.5"),
        Decimal("0.5"),
    )


def test_a_field_that_nobody_fills_in_is_unknown() -> None:
    (small,) = informed([{"id": "A"}, {"id": "B"}]).layers
    assert {(field.filled, field.share) for field in small.fields} == {(None, None)}
    assert small.completeness is None


@pytest.mark.parametrize(
    ("created", "contacted", "stale"),
    [
        pytest.param(None, None, 1, id="never"),
        pytest.param(date(2024, 2, 1), None, 0, id="new"),
        pytest.param(date(2020, 1, 1), datetime(2023, 12, 31, tzinfo=UTC), 0, id="a year ago"),
        pytest.param(date(2020, 1, 1), datetime(2023, 12, 30, tzinfo=UTC), 1, id="a day longer"),
    ],
)
def test_a_year_without_a_sign_of_life_is_stale(
    created: date | None, contacted: datetime | None, stale: int
) -> None:
    contacts = [activity("A", happened_at=contacted)] if contacted else []
    (small,) = informed([{"id": "A", "created_on": created}], contacts).layers
    assert (small.stale, small.share_stale) == (stale, Decimal(stale))


def test_without_activities_nobody_knows_what_is_stale() -> None:
    (small,) = informed([{"id": "A"}], recorded=False).layers
    assert (small.stale, small.share_stale) == (None, None)


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(("Acme", "ACME"), id="case"),
        pytest.param(("Acme Trading", "Acme-Trading."), id="punctuation"),
        pytest.param(("Acme", "Acme, Inc.", "Acme Ltd", "Acme Co. Ltd."), id="legal forms"),
        pytest.param(("Acme", "Acme B.V."), id="dotted form"),
        pytest.param(("华为技术", "华为技术有限公司"), id="Chinese"),
    ],
)
def test_names_that_mean_the_same_are_possible_duplicates(names: tuple[str, ...]) -> None:
    assert duplicates(*names, "Somebody else") == [sorted(names)]


def test_shared_names_are_counted_with_their_accounts() -> None:
    names = ("Acme", "ACME", "Acme Inc", "Birch", "Birch Ltd", "Cedar")
    books = Books(accounts=[{"id": f"A{n}", "name": name} for n, name in enumerate(names)])
    assert books.rows(duplicate_counts(table("accounts"))) == [{"names": 2, "accounts": 5}]
    assert Books(accounts=[]).rows(duplicate_counts(table("accounts"))) == [
        {"names": 0, "accounts": 0}
    ]


def test_different_names_are_no_duplicates() -> None:
    assert duplicates("Acme", "Acme Foods", "Tinco", "Inc", "...", "-", None, "华为", "华夏") == []


def test_excluded_accounts_are_no_duplicates() -> None:
    assert duplicates("Acme", "Acme", excluded=True) == []


def test_won_deals_are_complete_with_amount_date_and_product() -> None:
    deals = [
        {"status": "won", "amount": 1, "close_date": DAY, "product": "P"},
        {"status": "won", "amount": 1, "close_date": DAY},
        {"status": "won", "close_date": DAY, "product": "P"},
        {"status": "won", "amount": 1, "product": "P"},
        {"status": "won", "amount": 1, "close_date": date(2023, 1, 1), "product": "P"},
        {"status": "open", "amount": 1, "close_date": DAY, "product": "P"},
    ]
    (row,) = Books(opportunities=deals).rows(won_deals(table("opportunities"), YEAR))
    found = information([], cast("WonRow", row), 7, SETTINGS, PyramidSettings(), recorded=True)
    assert (found.won_deals, found.possible_duplicates) == (4, 7)
    assert found.won_complete == Decimal("0.25")
    assert (found.won_with_amount, found.won_with_date) == (Decimal("0.75"), Decimal("0.75"))
    assert found.won_with_product == Decimal("0.75")


def test_without_won_deals_their_completeness_is_unknown() -> None:
    found = information([], NOTHING_WON, 0, SETTINGS, PyramidSettings(), recorded=True)
    assert (found.won_complete, found.won_with_amount) == (None, None)


def test_a_focus_on_no_days_is_refused() -> None:
    with pytest.raises(ValueError, match="contact_days"):
        FocusSettings(contact_days=0)
