"""Keeps what has been read, computed, planned and done: SQLite by default, or PostgreSQL."""

from connector.store.bulk import Bulk
from connector.store.opening import Database, migrate
from connector.store.reading import Reader, Records
from connector.store.store import Store

__all__ = ["Bulk", "Database", "Reader", "Records", "Store", "migrate"]
