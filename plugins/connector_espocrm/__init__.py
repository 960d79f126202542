"""EspoCRM: accounts, opportunities and what hangs on them, over its REST API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from connector import Adapter, hookimpl

if TYPE_CHECKING:
    from connector import Provisioner, Source, Writer
    from connector_espocrm.settings import EspoSettings


@hookimpl
def adapters() -> Sequence[Adapter[Any]]:
    """Return the adapter `espocrm`."""
    from connector_espocrm.objects import FIELDS
    from connector_espocrm.settings import EspoSettings  # pydantic is slow to import
    from connector_espocrm.writing import CAPABILITIES

    return [
        Adapter(
            name="espocrm",
            settings=EspoSettings,
            fields=FIELDS,
            source=_source,
            writer=_writer,
            provisioner=_provisioner,
            capabilities=CAPABILITIES,
            about="EspoCRM 7, 8 and 9: accounts, opportunities and what hangs on them; tasks",
        )
    ]


# httpx is slow to import.


def _source(settings: EspoSettings) -> Source:
    from connector_espocrm.source import EspoSource

    return EspoSource(settings)


def _writer(settings: EspoSettings) -> Writer:
    from connector_espocrm.writer import EspoWriter

    return EspoWriter(settings)


def _provisioner(settings: EspoSettings) -> Provisioner:
    from connector_espocrm.provisioner import EspoProvisioner

    return EspoProvisioner(settings)
