"""The conformance suite for sources, against the sandbox: by queries, by jobs, over https."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from connector import Adapter, Field, Stream
from connector.testing import SourceContract
from connector_salesforce.settings import SalesforceSettings
from sandbox_salesforce.ids import make_id
from sandbox_salesforce.objects import Edition
from sandbox_salesforce.sandbox import SalesforceSandbox
from tests.plugins.connector_salesforce.sandbox import (
    Backend,
    Clock,
    Wire,
    adapter_over,
    settings_for,
)


@pytest.fixture(scope="module")
def http() -> Iterator[SalesforceSandbox]:
    with SalesforceSandbox(clock=Clock()) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def https() -> Iterator[SalesforceSandbox]:
    several = Edition(multi_currency=True, dated_rates=True)
    with SalesforceSandbox(clock=Clock(), https=True, edition=several) as sandbox:
        sandbox.insert("CurrencyType", IsoCode="USD", ConversionRate=1.25)
        sandbox.insert(
            "DatedConversionRate", IsoCode="USD", ConversionRate=1.2, StartDate="2026-01-01"
        )
        yield sandbox


class Salesforce(SourceContract):
    https: ClassVar[bool] = False
    given: ClassVar[dict[str, Any]] = {"page_size": 2}

    def make_id(self, number: int) -> str:
        return make_id("001", 1_000 + number)

    def example(self, field: Field) -> object:
        if field.name == "lead_id":
            return make_id("00Q", 1)
        return super().example(field)

    @pytest.fixture
    def backend(self, request: pytest.FixtureRequest) -> Iterator[Backend]:
        org: SalesforceSandbox = request.getfixturevalue("https" if self.https else "http")
        trusted: Any = ssl.create_default_context(cadata=org.authority) if self.https else True
        with Wire(verify=trusted) as wire:
            yield (backend := Backend(org, wire))
        backend.renew()

    @pytest.fixture
    def adapter(self, backend: Backend) -> Adapter[SalesforceSettings]:
        return adapter_over(backend.wire)

    @pytest.fixture
    def settings(self, backend: Backend) -> SalesforceSettings:
        return settings_for(backend.sandbox, **self.given)


# Activities are read from two objects; the others are read as accounts are (test_source.py).


@pytest.mark.long
class TestByQueries(Salesforce):
    streams = (Stream.ACCOUNTS, Stream.OPPORTUNITIES, Stream.ACTIVITIES)


@pytest.mark.long
class TestByJobs(Salesforce):
    streams = (Stream.ACCOUNTS, Stream.ACTIVITIES)
    given: ClassVar[dict[str, Any]] = {"page_size": 2, "bulk_from": 0, "bulk_page": 2}


@pytest.mark.long
class TestOverHttps(Salesforce):
    streams = (Stream.ACCOUNTS,)
    https = True
