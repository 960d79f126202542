"""The fake CRM passes both suites, in each of the ways in which a CRM can be read."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import ClassVar

import pytest

from connector import Adapter, ExchangeRate, Stream, Transient
from connector.testing import (
    NO_SUCH_FIELD,
    FakeCRM,
    FakeSettings,
    ProvisionerContract,
    SourceContract,
    WriterContract,
    records,
)
from connector.testing.suite import means

NOON = datetime(2026, 6, 30, 12, tzinfo=UTC)


class TestFakeSource(SourceContract):
    """Read by changed-since, with a feed of deletions."""

    streams = tuple(Stream)

    @pytest.fixture
    def backend(self) -> FakeCRM:
        crm = FakeCRM(page_size=2)
        crm.rates = [
            ExchangeRate("EUR", date.min, Decimal(1)),
            ExchangeRate("USD", date.min, Decimal("0.9")),
            ExchangeRate("USD", date(2026, 1, 1), Decimal("0.85")),
        ]
        return crm

    @pytest.fixture
    def adapter(self, backend: FakeCRM) -> Adapter[FakeSettings]:
        return backend.adapter()

    @pytest.fixture
    def settings(self) -> FakeSettings:
        return FakeSettings()


class TestFakeScan(TestFakeSource):
    """Read in full."""

    @pytest.fixture
    def backend(self) -> FakeCRM:
        return FakeCRM(page_size=3, scan=True)


class TestFakeWriter(WriterContract):
    detects_conflicts = True

    @pytest.fixture
    def backend(self) -> FakeCRM:
        return FakeCRM()

    @pytest.fixture
    def adapter(self, backend: FakeCRM) -> Adapter[FakeSettings]:
        return backend.adapter()

    @pytest.fixture
    def settings(self) -> FakeSettings:
        return FakeSettings()

    @pytest.fixture
    def field(self) -> str:
        return "tier"


class TestFakeProvisioner(ProvisionerContract):
    cannot: ClassVar = {"choices": "it takes any text"}

    @pytest.fixture
    def backend(self) -> FakeCRM:
        results = ("tier", "tier_since", "rank", "profit", "share", "computed_at", "run_id")
        names = [self.name(result) for result in (*results, "tier_locked")]
        return FakeCRM(lacks=(NO_SUCH_FIELD, *names))

    @pytest.fixture
    def adapter(self, backend: FakeCRM) -> Adapter[FakeSettings]:
        return backend.adapter()

    @pytest.fixture
    def settings(self) -> FakeSettings:
        return FakeSettings()


def test_a_pull_breaks_off_once_after_the_pages_that_were_agreed() -> None:
    crm = FakeCRM(accounts=[{"id": str(number)} for number in range(4)], page_size=1)
    source = crm.adapter().source
    assert source is not None
    crm.fail_after_pages(2)
    pull = source(FakeSettings()).pull(Stream.ACCOUNTS, ["id"], None)
    pages = [next(pull), next(pull)]
    with pytest.raises(Transient):
        next(pull)
    rest = source(FakeSettings()).pull(Stream.ACCOUNTS, ["id"], pages[-1].cursor)
    held = [row["id"] for page in [*pages, *rest] for row in records(page.rows)]
    assert held == ["0", "1", "2", "3"]


def test_rows_are_given_by_the_name_of_their_stream() -> None:
    crm = FakeCRM(line_items=[{"id": "L1"}])
    assert list(crm.rows[Stream.LINE_ITEMS]) == ["L1"]
    with pytest.raises(ValueError, match="'lines' is not a valid Stream"):
        FakeCRM(lines=[{"id": "L1"}])


@pytest.mark.parametrize(
    ("put", "came", "same"),
    [
        pytest.param(Decimal("12.5"), "12.50", True, id="amount"),
        pytest.param(Decimal("12.5"), 12.5, True, id="float"),
        pytest.param(4711, "4711.0", True, id="whole-number"),
        pytest.param(Decimal("12.5"), "12", False, id="cut-off"),
        pytest.param(Decimal("12.5"), None, False, id="empty"),
        pytest.param(date(2026, 6, 30), "2026-06-30T00:00:00", True, id="day"),
        pytest.param(date(2026, 6, 30), "30.06.2026", False, id="another-pattern"),
        pytest.param(NOON, "2026-06-30 12:00:00", True, id="time-without-zone"),
        pytest.param(NOON, "2026-06-30T14:00:00+02:00", True, id="time-in-another-zone"),
        pytest.param(NOON, "2026-06-30", False, id="no-time"),
        pytest.param(True, 1, True, id="flag"),
        pytest.param(True, "false", False, id="another-flag"),
        pytest.param("0042", "42", False, id="text"),
    ],
)
def test_a_value_that_arrives_means_what_was_put(put: object, came: object, same: bool) -> None:
    assert means(came, put) is same


def test_a_gap_that_the_suite_does_not_know_is_refused() -> None:
    with pytest.raises(TypeError, match="refuse_login"):
        type("Typo", (SourceContract,), {"cannot": {"refuse_login": "no such method"}})
