"""Files as a CRM: reads CSV, Parquet and Excel files, and writes fields and tasks into files.

Reading is a full scan whenever a file has changed, or only the changed rows where a column says
when a row last changed (see `connector_files.source`). Writing rewrites a file whole and puts it in
place at once (see `connector_files.writer`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from connector import FIELDS, Adapter, Capabilities, hookimpl
from connector_files.settings import Settings

if TYPE_CHECKING:
    from connector import Source, Writer

BATCH: Final = 200_000


def open_source(settings: Settings) -> Source:
    """Return a source over the files of *settings*; nothing is read yet."""
    from connector_files.source import FileSource

    return FileSource(settings)


def open_writer(settings: Settings) -> Writer:
    """Return a writer into the accounts and tasks files of *settings*; nothing is read yet."""
    from connector_files.writer import FileWriter

    return FileWriter(settings)


@hookimpl
def adapters() -> Sequence[Adapter[Any]]:
    """Return the adapter `files`."""
    return [
        Adapter(
            name="files",
            settings=Settings,
            fields={stream: {name: name for name in fields} for stream, fields in FIELDS.items()},
            source=open_source,
            writer=open_writer,
            capabilities=Capabilities(read_batch=BATCH, write_batch=BATCH),
            about="CSV, TSV, Parquet and Excel files in a folder",
        )
    ]
