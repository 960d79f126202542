"""Tryton: parties, opportunities and sales, over JSON-RPC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from connector import Adapter, Capabilities, hookimpl

if TYPE_CHECKING:
    from connector import Provisioner, Source, Writer
    from connector_tryton.settings import TrytonSettings


@hookimpl
def adapters() -> Sequence[Adapter[Any]]:
    """Return the adapter `tryton`."""
    from connector_tryton.models import FIELDS
    from connector_tryton.settings import TrytonSettings  # pydantic is slow to import

    return [
        Adapter(
            name="tryton",
            settings=TrytonSettings,
            fields=FIELDS,
            source=_source,
            writer=_writer,
            provisioner=_provisioner,
            capabilities=Capabilities(read_batch=1_000, write_batch=200),
            about="Tryton 8: parties, opportunities or sales; tiers as categories, tasks",
        )
    ]


# httpx is slow to import.


def _source(settings: TrytonSettings) -> Source:
    from connector_tryton.source import TrytonSource

    return TrytonSource(settings)


def _writer(settings: TrytonSettings) -> Writer:
    from connector_tryton.writer import TrytonWriter

    return TrytonWriter(settings)


def _provisioner(settings: TrytonSettings) -> Provisioner:
    from connector_tryton.provisioner import TrytonProvisioner

    return TrytonProvisioner(settings)
