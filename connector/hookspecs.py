"""The hooks by which plugins join in; each returns frozen descriptions and does nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import pluggy

if TYPE_CHECKING:
    from connector.contract import Adapter, Sandbox, Secrets
    from six_goals.goal import Goal

PROJECT: Final = "connector"
hookspec: Final = pluggy.HookspecMarker(PROJECT)
hookimpl: Final = pluggy.HookimplMarker(PROJECT)


@hookspec
def adapters() -> Sequence[Adapter[Any]]:
    """Return the adapters that this plugin brings."""
    raise NotImplementedError  # a specification; pluggy never calls it


@hookspec
def secrets() -> Sequence[Secrets]:
    """Return the places of secrets that this plugin knows, beside those of the host."""
    raise NotImplementedError  # a specification; pluggy never calls it


@hookspec
def sandboxes() -> Sequence[Sandbox]:
    """Return the CRMs that this plugin can run on this computer, to try jobs on."""
    raise NotImplementedError  # a specification; pluggy never calls it


@hookspec
def goals() -> Sequence[Goal[Any]]:
    """Return the goals that this plugin brings: rules that propose actions."""
    raise NotImplementedError  # a specification; pluggy never calls it
