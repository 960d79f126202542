"""Odoo on this computer: a server that behaves as Odoo does, to try and to test on.

Tests use `sandbox_odoo.sandbox.OdooSandbox`; what it imitates is in docs/sandboxes.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from connector import PluginError, Sandbox, hookimpl


@hookimpl
def sandboxes() -> Sequence[Sandbox]:
    """Return the sandbox `odoo`."""
    return [Sandbox("odoo", serve, "Odoo 19's JSON-2, JSON-RPC and XML-RPC, with CRM and sales")]


@contextmanager
def serve(*, accounts: int, port: int, https: bool, folder: Path) -> Iterator[Mapping[str, str]]:
    """Serve a made-up company, and give what a client needs to log in."""
    try:
        from connector.sandbox import loopback_or_problem
        from sandbox_odoo.sandbox import OdooSandbox
    except ImportError as error:
        raise PluginError(
            f"the package {error.name} is missing; install pyramid-connector[sandbox]"
        ) from error
    with loopback_or_problem(OdooSandbox(port=port, https=https), port) as sandbox:
        sandbox.make_up(accounts)
        yield {"URL": sandbox.url, **sandbox.write_keys(folder)}
