"""EspoCRM on this computer: a server that behaves as EspoCRM does, to try and to test on.

Tests use `sandbox_espocrm.sandbox.EspoSandbox`; what it imitates is in docs/sandboxes.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from connector import PluginError, Sandbox, hookimpl


@hookimpl
def sandboxes() -> Sequence[Sandbox]:
    """Return the sandbox `espocrm`."""
    return [Sandbox("espocrm", serve, "EspoCRM's REST API")]


@contextmanager
def serve(*, accounts: int, port: int, https: bool, folder: Path) -> Iterator[Mapping[str, str]]:
    """Serve a made-up company, and give what a client needs to log in."""
    try:
        from connector.sandbox import loopback_or_problem
        from sandbox_espocrm.job_fields import JOB_FIELDS
        from sandbox_espocrm.sandbox import EspoSandbox
    except ImportError as error:
        raise PluginError(
            f"the package {error.name} is missing; install pyramid-connector[sandbox]"
        ) from error
    with loopback_or_problem(EspoSandbox(port=port, https=https), port) as sandbox:
        for name, defs in JOB_FIELDS.items():
            sandbox.add_field("Account", name, **defs)
        sandbox.make_up(accounts)
        yield {"URL": sandbox.url, **sandbox.write_keys(folder)}
