"""The fake CRM passes both suites, in each of the ways in which a CRM can be read."""

from __future__ import annotations

import pytest

from connector import Adapter, Stream, Transient
from connector.testing import FakeCRM, FakeSettings, SourceContract, WriterContract, records


class TestFakeSource(SourceContract):
    """Read by changed-since, with a feed of deletions."""

    streams = tuple(Stream)

    @pytest.fixture
    def backend(self) -> FakeCRM:
        return FakeCRM(page_size=2)

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


def test_a_gap_that_the_suite_does_not_know_is_refused() -> None:
    with pytest.raises(TypeError, match="refuse_login"):
        type("Typo", (SourceContract,), {"cannot": {"refuse_login": "no such method"}})
