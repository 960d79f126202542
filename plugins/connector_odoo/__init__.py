"""Odoo: partners, opportunities and what hangs on them, over its external APIs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from connector import Adapter, hookimpl

if TYPE_CHECKING:
    from connector import Provisioner, Source, Writer
    from connector_odoo.settings import OdooSettings


@hookimpl
def adapters() -> Sequence[Adapter[Any]]:
    """Return the adapter `odoo`."""
    from connector_odoo.settings import OdooSettings  # pydantic is slow to import
    from connector_odoo.streams import FIELDS
    from connector_odoo.writing import CAPABILITIES

    return [
        Adapter(
            name="odoo",
            settings=OdooSettings,
            fields=FIELDS,
            source=_source,
            writer=_writer,
            provisioner=_provisioner,
            capabilities=CAPABILITIES,
            about="Odoo 17 or newer: partners, opportunities, orders or invoices; activities",
        )
    ]


def _source(settings: OdooSettings) -> Source:
    from connector_odoo.source import OdooSource  # httpx is slow to import

    return OdooSource(settings)


def _writer(settings: OdooSettings) -> Writer:
    from connector_odoo.writer import OdooWriter  # as above

    return OdooWriter(settings)


def _provisioner(settings: OdooSettings) -> Provisioner:
    from connector_odoo.provisioner import OdooProvisioner  # as above

    return OdooProvisioner(settings)
