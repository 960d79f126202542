"""The conformance suites, against a true server: parties, opportunities, fields, categories."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from connector import Adapter, FieldSpec, Stream
from connector.testing import ProvisionerContract, SourceContract, WriterContract
from connector_tryton.settings import TrytonSettings
from tests.plugins.connector_tryton.backend import Backend, adapter_over, settings_for
from tests.plugins.connector_tryton.trytond import REJECTED, Trytond

TIERS = ("Top", "Big", "Medium")
NO_LINES = "names have no tabs and line breaks; the others are in test_server.py"


class OnServer:
    given: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    def backend(self, trytond: Trytond) -> Iterator[Backend]:
        backend = Backend(trytond)
        yield backend
        backend.renew()

    @pytest.fixture
    def adapter(self, backend: Backend) -> Adapter[TrytonSettings]:
        return adapter_over(backend)

    @pytest.fixture
    def settings(self, backend: Backend) -> TrytonSettings:
        return settings_for(backend.server, backend, **self.given)


@pytest.mark.long
class TestFullReadings(OnServer, SourceContract):
    streams = (Stream.ACCOUNTS,)
    given: ClassVar[dict[str, Any]] = {"page_size": 3, "full_every": 0}
    cannot: ClassVar[dict[str, str]] = {"text": NO_LINES}


@pytest.mark.long
class TestIncrements(OnServer, SourceContract):
    streams = (Stream.OPPORTUNITIES,)
    given: ClassVar[dict[str, Any]] = {"page_size": 3}
    cannot: ClassVar[dict[str, str]] = {
        "delete": "Tryton leaves no trace of what was deleted: a full reading shows it",
        "text": NO_LINES,
    }


@pytest.mark.long
class TestFields(OnServer, WriterContract):
    """Fields of parties that a module has added."""

    detects_conflicts = True
    given: ClassVar[dict[str, Any]] = {"rejected_statuses": [REJECTED]}

    @pytest.fixture
    def field(self) -> str:
        return "pyramid_tier"


@pytest.mark.long
class TestCategories(OnServer, WriterContract):
    """A result that is kept as one of a few categories."""

    detects_conflicts = True
    cannot: ClassVar[dict[str, str]] = {
        "text": "a category is one of a few",
        "tasks": "they are the same, whatever the fields are",
    }
    given: ClassVar[dict[str, Any]] = {"categories": {"customer_tier": "Customer tier"}}

    @pytest.fixture
    def field(self, trytond: Trytond) -> str:
        if not trytond.call("party.category", "search", [["name", "=", "Customer tier"]]):
            children = [{"name": name} for name in (*TIERS, "Chosen by hand")]
            tier = {"name": "Customer tier", "childs": [["create", children]]}
            trytond.call("party.category", "create", [tier])
        return "customer_tier"


@pytest.mark.long
class TestProvisioner(OnServer, ProvisionerContract):
    """Two results as categories, one of them below a category that is not there either."""

    @pytest.fixture
    def settings(self, backend: Backend) -> TrytonSettings:
        count = backend.server.newest("party.category")
        paths = {"pyramid_tier_now": f"Tier {count}", "pyramid_tier_was": f"Past {count} / Tier"}
        return settings_for(backend.server, categories=paths)

    @pytest.fixture
    def fields(self) -> list[FieldSpec]:
        names = ("pyramid_tier_now", "pyramid_tier_was")
        return [FieldSpec(one, "tier", "Customer tier", "choice", choices=TIERS) for one in names]
