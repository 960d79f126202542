"""`connector sandbox` runs what a plugin brings, until it is interrupted."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from connector import Sandbox
from connector.cli import sandboxes
from tests.connector.cli_jobs import run


class Sandboxes:
    """A plugin's sandbox that notes how it was asked to serve."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}
        self.ended = False
        self.sandboxes = {"acme": Sandbox("acme", self.serve, "Acme's CRM")}

    @contextmanager
    def serve(self, **asked: Any) -> Iterator[Mapping[str, str]]:
        self.asked = asked
        yield {"URL": "http://127.0.0.1:1", "client id": "x" * 120}
        self.ended = True


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Sandboxes:
    """Return the only sandbox there is; whoever waits for it is interrupted at once."""
    found = Sandboxes()

    def interrupt(event: threading.Event) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sandboxes, "Plugins", lambda: found)
    monkeypatch.setattr(sandboxes, "wait", interrupt)
    return found


def test_it_serves_and_says_how_to_log_in(installed: Sandboxes) -> None:
    done = run("sandbox", "acme", "--accounts", "5", "--port", "8443", "--https")

    assert done.exit_code == 0
    assert installed.asked == {
        "accounts": 5, "port": 8443, "https": True, "folder": Path("acme-sandbox"),
    }  # fmt: skip
    assert f"client id: {'x' * 120}\n" in done.stdout  # in one line: it is to be copied
    assert installed.ended


def test_one_that_is_not_installed_is_named(installed: Sandboxes) -> None:
    done = run("sandbox", "nope")

    assert done.exit_code == 2
    assert "no sandbox 'nope' is installed (installed: acme)" in done.stderr
