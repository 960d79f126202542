"""The conformance suites, against the sandbox: source, writer, provisioner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from connector import Adapter, Stream
from connector.testing import ProvisionerContract, SourceContract, WriterContract
from connector_espocrm.settings import EspoSettings
from tests.plugins.connector_espocrm.crm import (
    MARKER,
    Backend,
    adapter_of,
    settings_of,
    with_admin,
)

pytestmark = pytest.mark.long


class Fixtures:
    given: ClassVar[dict[str, Any]] = {"page_size": 2}

    @pytest.fixture
    def backend(self) -> Backend:
        return Backend()

    @pytest.fixture
    def adapter(self, backend: Backend) -> Adapter[EspoSettings]:
        return adapter_of(backend)

    @pytest.fixture
    def settings(self, backend: Backend) -> EspoSettings:
        return settings_of(backend, **self.given)


class TestSource(Fixtures, SourceContract):
    """Accounts, deals and cases; a deletion is seen by the full reading of the next day."""

    streams = (Stream.ACCOUNTS, Stream.OPPORTUNITIES, Stream.CASES)
    cannot: ClassVar = {"values": "what a case is made of is checked in test_source.py"}


class TestActivities(Fixtures, SourceContract):
    """From three entities, by turns."""

    streams = (Stream.ACTIVITIES,)
    cannot: ClassVar = {
        "values": "of a task, what happened when is derived: see test_source.py",
        "text": "an outcome is one of the statuses",
    }


class TestSignedSource(Fixtures, SourceContract):
    """Logged in by HMAC."""

    streams = (Stream.ACCOUNTS,)

    @pytest.fixture
    def settings(self, backend: Backend) -> EspoSettings:
        return settings_of(backend, secret_key=backend.known.secret_key, page_size=2)


class TestWriter(Fixtures, WriterContract):
    """Tasks that a field marks."""

    detects_conflicts = True
    given: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    def backend(self) -> Backend:
        backend = Backend()
        backend.sandbox.add_field("Account", "cTier", "varchar")
        backend.sandbox.add_field("Task", MARKER, "varchar")
        return backend

    @pytest.fixture
    def field(self) -> str:
        return "cTier"


class TestWriterOfVersion7(Fixtures, WriterContract):
    """No field for markers: they stand in the description."""

    detects_conflicts = True
    given: ClassVar[dict[str, Any]] = {}
    cannot: ClassVar = {"text": "as in the suite above"}

    @pytest.fixture
    def backend(self) -> Backend:
        backend = Backend("7.5.6")
        backend.sandbox.add_field("Account", "customerTier", "varchar")
        return backend

    @pytest.fixture
    def field(self) -> str:
        return "customerTier"


class TestProvisioner(Fixtures, ProvisionerContract):
    """As an administrator; names get their prefix from EspoCRM."""

    def name(self, result: str) -> str:
        return "cPyramid" + "".join(part.capitalize() for part in result.split("_"))

    def account(self, adapter: Adapter[Any]) -> dict[str, object]:
        return {"id": "0001", "name": "Account 1"}

    @pytest.fixture
    def settings(self, backend: Backend) -> EspoSettings:
        return with_admin(backend)


class TestProvisionerOfVersion7(TestProvisioner):
    """Which puts nothing before the names of new fields."""

    def name(self, result: str) -> str:
        return super().name(result).replace("cPyramid", "pyramid")

    @pytest.fixture
    def backend(self) -> Backend:
        return Backend("7.5.6")

    @pytest.fixture
    def settings(self, backend: Backend) -> EspoSettings:
        writing: Mapping[str, object] = {"marker_field": "pyramidMarker"}
        return with_admin(backend, field_prefix="", writing=writing)
