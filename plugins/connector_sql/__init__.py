"""Any database that SQLAlchemy reaches, as a CRM: tables or queries in, columns and tasks out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from connector import FIELDS, Adapter, Capabilities, hookimpl

if TYPE_CHECKING:
    from connector import Provisioner, Source, Writer
    from connector_sql.settings import SqlSettings


@hookimpl
def adapters() -> Sequence[Adapter[Any]]:
    """Return the adapter `sql`."""
    from connector_sql.settings import SqlSettings  # pydantic is slow to import

    return [
        Adapter(
            name="sql",
            settings=SqlSettings,
            fields={stream: {name: name for name in fields} for stream, fields in FIELDS.items()},
            source=_source,
            writer=_writer,
            provisioner=_provisioner,
            capabilities=Capabilities(read_batch=5_000, write_batch=5_000),
            about="tables of a database: SQLite, PostgreSQL or another that SQLAlchemy knows",
        )
    ]


def _source(settings: SqlSettings) -> Source:
    from connector_sql.source import SqlSource  # SQLAlchemy is slow to import

    return SqlSource(settings)


def _writer(settings: SqlSettings) -> Writer:
    from connector_sql.writer import SqlWriter  # as above

    return SqlWriter(settings)


def _provisioner(settings: SqlSettings) -> Provisioner:
    from connector_sql.provisioner import SqlProvisioner  # as above

    return SqlProvisioner(settings)
