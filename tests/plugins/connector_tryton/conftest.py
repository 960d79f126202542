"""One server for all tests of a process, on a database of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.plugins.connector_tryton.trytond import Trytond, running


@pytest.fixture(scope="session")
def trytond(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trytond]:
    """Return a server with a company in it, and no customers."""
    with running(tmp_path_factory.mktemp("tryton")) as server:
        yield server
