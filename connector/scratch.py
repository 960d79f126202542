"""Room for small work in DuckDB: one instance for the process, since opening one takes 20 ms."""

from __future__ import annotations

from functools import cache

import duckdb


def open_scratch() -> duckdb.DuckDBPyConnection:
    """Return a connection to close after use; its temporary tables and settings are its own.

    Other tables would be seen by everybody in the process: create temporary ones alone.
    """
    return _shared().cursor()


@cache
def _shared() -> duckdb.DuckDBPyConnection:
    # With a thread of its own DuckDB now and then aborts a process that ends (exit code 134,
    # "terminate called without an active exception"; duckdb/duckdb#13904).
    return duckdb.connect(config={"threads": 1})
