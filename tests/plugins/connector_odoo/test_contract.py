"""The conformance suites, against the sandbox: over both transports, with least rights too."""

from __future__ import annotations

from typing import Any, ClassVar, Final, Literal

import pytest

from connector import Adapter, Stream
from connector.testing import ProvisionerContract, SourceContract, WriterContract
from connector.testing.provisioner import Provisioned
from connector.testing.writer import Written
from connector_odoo.held import PARTNER
from connector_odoo.settings import OdooSettings
from connector_odoo.tasks import ACTIVITY
from tests.plugins.connector_odoo.odoo import MARKER, MEMORY, Backend, adapter_over

pytestmark = pytest.mark.long


class Fixtures:
    version: ClassVar[Literal["17.0", "19.0"]] = "19.0"
    given: ClassVar[dict[str, Any]] = {}

    def make_id(self, number: int) -> str:
        return str(5_000 + number)

    @pytest.fixture
    def backend(self) -> Backend:
        return Backend(self.version)

    @pytest.fixture
    def adapter(self, backend: Backend) -> Adapter[OdooSettings]:
        return adapter_over(backend.wire)

    @pytest.fixture
    def settings(self, backend: Backend) -> OdooSettings:
        return backend.settings(**self.given)


class Source(Fixtures, SourceContract):
    given: ClassVar[dict[str, Any]] = {"page_size": 3, "filters": {"accounts": [["id", ">", 5000]]}}
    streams = (Stream.ACCOUNTS, Stream.OPPORTUNITIES)

    cannot: ClassVar[dict[str, str]] = {"null": "an opportunity must have a name"}


class TestSourceOverJson2(Source):
    pass


class TestSourceOverJsonRpc(Source):
    version = "17.0"


class WritingBackend(Backend):
    marked: ClassVar[bool] = True

    def __init__(self, version: Literal["17.0", "19.0"], **given: Any) -> None:
        super().__init__(version, **given)
        self.add_field(PARTNER, "x_tier", "char")
        self.add_field(PARTNER, MEMORY, "text")
        if self.marked:
            self.add_field(ACTIVITY, MARKER, "char")


class Writer(Fixtures, WriterContract):
    detects_conflicts = True

    @pytest.fixture
    def backend(self) -> Backend:
        return WritingBackend(self.version)

    @pytest.fixture
    def field(self) -> str:
        return "x_tier"

    @pytest.fixture
    def crm(self, adapter: Adapter[Any], settings: OdooSettings, field: str) -> Written:
        return Written(adapter, settings, field)


class TestWriterOverJson2(Writer):
    pass


DELETES: Final = {"rejected": "Odoo 17 deletes what is done, and what a rep has said with it"}


class TestWriterOverJsonRpc(Writer):
    version = "17.0"
    cannot: ClassVar[dict[str, str]] = DELETES


class Unmarked(WritingBackend):
    marked = False


class TestWriterOfLeastRights(Writer):
    """Nobody has made the marker field, and what a row of an activity needs can't be looked up."""

    @pytest.fixture
    def backend(self) -> Backend:
        made = Unmarked(self.version)
        made.sandbox.revoke()
        return made


class TestWriterOfLeastRightsOverJsonRpc(TestWriterOfLeastRights):
    version = "17.0"
    cannot: ClassVar[dict[str, str]] = DELETES


class Provisioner(Fixtures, ProvisionerContract):
    def name(self, result: str) -> str:
        return f"x_pyramid_{result}"

    def account(self, adapter: Adapter[Any]) -> dict[str, object]:
        return {"id": "5001", "name": "Account 1"}

    @pytest.fixture
    def crm(self, adapter: Adapter[Any], settings: OdooSettings) -> Provisioned:
        return Provisioned(adapter, settings)

    @pytest.fixture
    def backend(self) -> Backend:
        return ProvisionedBackend(self.version)


class ProvisionedBackend(Backend):
    def schema(self) -> object:
        return [
            [{**record, "write_date": None} for record in self.sandbox.records(model)]
            for model in ("ir.model.fields", "ir.ui.view")
        ]

    def refuse_provisioning(self) -> None:
        self.sandbox.revoke()


class TestProvisionerOverJson2(Provisioner):
    pass


class TestProvisionerOverJsonRpc(Provisioner):
    version = "17.0"
