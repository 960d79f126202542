"""Values as adapters compare them, and URLs to which a key may go."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from connector.values import as_text, exact, is_empty, server_url, to_the_second

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_nothing_is_none_or_the_empty_text() -> None:
    assert [is_empty(value) for value in (None, "", " ", 0, False)] == [True, True] + [False] * 3


@pytest.mark.parametrize(
    ("value", "read"),
    [("1.50", Decimal("1.5")), (70100.0, Decimal(70100)), (3, Decimal(3)), ("many", "many")],
)
def test_numbers_are_compared_as_such(value: object, read: object) -> None:
    assert exact(value) == read


@pytest.mark.parametrize(
    "value",
    [
        NOON.replace(microsecond=900_000), datetime(2026, 3, 1, 12), "2026-03-01T12:00:00.5Z",  # noqa: DTZ001 - what has no zone is meant
        "2026-03-01 12:00:00", datetime(2026, 3, 1, 13, tzinfo=timezone(timedelta(hours=1))),
    ],
)  # fmt: skip
def test_times_are_compared_to_the_second(value: object) -> None:
    assert to_the_second(value) == NOON


def test_what_is_no_time_stays_as_it_is() -> None:
    assert to_the_second("yesterday") == "yesterday"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (Decimal("1E+3"), "1000"),
        (date(2026, 3, 1), "2026-03-01"),
        (NOON, "2026-03-01T12:00:00+00:00"),
        (None, "None"),
        (7, "7"),
    ],
)
def test_texts_say_values_plainly(value: object, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("given", "url"),
    [
        (" https://crm.acme.com/ ", "https://crm.acme.com"),
        ("https://crm.acme.com/espo/#Account", "https://crm.acme.com/espo"),
        ("http://127.0.0.1:8069", "http://127.0.0.1:8069"),
    ],
)
def test_a_server_is_where_its_url_says(given: str, url: str) -> None:
    assert server_url(given, "https://crm.acme.com") == url


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("http://crm.acme.com", "only https"),
        ("crm.acme.com", "this is not a URL like https://crm.acme.com"),
        ("https://user:word@crm.acme.com", "this is not a URL like"),
        ("https://crm.acme.com?key=1", "this is not a URL like"),
    ],
)
def test_a_key_goes_nowhere_in_the_clear(given: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        server_url(given, "https://crm.acme.com")
