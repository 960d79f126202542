"""Salesforce: accounts, opportunities and what hangs on them, over its REST and Bulk APIs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from connector import Adapter, ConfigError, hookimpl

if TYPE_CHECKING:
    from connector import BrowserLogin, Provisioner, Source, Writer
    from connector_salesforce.settings import SalesforceSettings


@hookimpl
def adapters() -> Sequence[Adapter[Any]]:
    """Return the adapter `salesforce`."""
    from connector_salesforce.objects import FIELDS
    from connector_salesforce.settings import SalesforceSettings  # pydantic is slow to import
    from connector_salesforce.writing import CAPABILITIES

    return [
        Adapter(
            name="salesforce",
            settings=SalesforceSettings,
            fields=FIELDS,
            source=_source,
            writer=_writer,
            provisioner=_provisioner,
            login=_login,
            capabilities=CAPABILITIES,
            about="Salesforce (Sales Cloud): accounts, opportunities and what hangs on them; tasks",
        )
    ]


# The libraries of these are slow to import, and an extra.


def _source(settings: SalesforceSettings) -> Source:
    with _installed():
        from connector_salesforce.source import SalesforceSource
    return SalesforceSource(settings)


def _writer(settings: SalesforceSettings) -> Writer:
    with _installed():
        from connector_salesforce.writer import SalesforceWriter
    return SalesforceWriter(settings, settings.writing)


def _provisioner(settings: SalesforceSettings) -> Provisioner:
    with _installed():
        from connector_salesforce.provisioner import SalesforceProvisioner
    return SalesforceProvisioner(settings, settings.writing)


def _login(settings: SalesforceSettings) -> BrowserLogin | None:
    from connector_salesforce.login import browser_login

    return browser_login(settings)


@contextmanager
def _installed() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"salesforce: {error.name} is missing; install pyramid-connector[salesforce]"
        ) from error
