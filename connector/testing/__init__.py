"""Conformance suites for adapter authors, and a CRM in memory.

Subclass `SourceContract`, `WriterContract` or `ProvisionerContract` in a test module and give its
fixtures; pytest collects the checks. Only this package needs pytest (`pyramid-connector[testing]`).

    class TestSource(SourceContract):
        cannot: ClassVar = {"cut_network": "a file has no network"}

        @pytest.fixture
        def backend(self) -> Backend: ...     # changes what the CRM holds: see `SourceBackend`

        @pytest.fixture
        def settings(self, backend: Backend) -> Settings: ...

        @pytest.fixture
        def adapter(self) -> Adapter[Settings]: ...
"""

import pytest

pytest.register_assert_rewrite(
    *(f"connector.testing.{suite}" for suite in ("source", "writer", "provisioner"))
)

from connector.testing.fake import FakeCRM, FakeSettings  # noqa: E402 - asserts are rewritten first
from connector.testing.provisioner import (  # noqa: E402 - as above
    ProvisionerBackend,
    ProvisionerContract,
)
from connector.testing.source import SourceBackend, SourceContract  # noqa: E402 - as above
from connector.testing.suite import NO_SUCH_FIELD, records, same  # noqa: E402 - as above
from connector.testing.writer import WriterBackend, WriterContract  # noqa: E402 - as above

__all__ = [
    "NO_SUCH_FIELD",
    "FakeCRM",
    "FakeSettings",
    "ProvisionerBackend",
    "ProvisionerContract",
    "SourceBackend",
    "SourceContract",
    "WriterBackend",
    "WriterContract",
    "records",
    "same",
]
