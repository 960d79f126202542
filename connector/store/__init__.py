"""Keeps what has been read, computed, planned and done: SQLite by default, or PostgreSQL."""

from connector.store.bulk import Bulk
from connector.store.opening import Database, migrate
from connector.store.reading import Beside, Reader, Records, open_engine
from connector.store.store import Store

__all__ = ["Beside", "Bulk", "Database", "Reader", "Records", "Store", "migrate", "open_engine"]
