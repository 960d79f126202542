"""Stores for the tests of the host: each test gets its own, on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool
from sqlmodel import SQLModel

from connector.store import Database, Store

MakeDatabase = Callable[[], str]
"""Makes an empty PostgreSQL database; returns its URL."""


ON_POSTGRESQL_LATER = ("test_pull", "test_record", "test_refusals", "test_trials")
"""Modules whose tests run on SQLite first, and on PostgreSQL with the long ones."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as long what `ON_POSTGRESQL_LATER` says; the tests of the store itself stay quick."""
    for item in items:
        module = item.path.stem
        spec = getattr(item, "callspec", None)
        if module in ON_POSTGRESQL_LATER and spec and spec.params.get("backend") == "postgresql":
            item.add_marker(pytest.mark.long)


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """Return the kind of database that the test's store is in."""
    return str(request.param)


@pytest.fixture(scope="session")
def make_postgres_database(postgres_url: str) -> Iterator[MakeDatabase]:
    """Return what makes a PostgreSQL database of the test's own."""
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    numbers = count(1)
    with engine.connect() as connection:
        # It holds nothing that must outlive the tests.
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(text(f"alter system set {setting} = off"))
        connection.execute(text("select pg_reload_conf()"))

    def make() -> str:
        name = f"connector_{next(numbers)}"
        with engine.connect() as connection:
            connection.execute(text(f"create database {name}"))
        return make_url(postgres_url).set(database=name).render_as_string(hide_password=False)

    yield make
    engine.dispose()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite store in which nothing is kept yet."""
    path = tmp_path_factory.mktemp("migrated") / "store.db"
    with Store(f"sqlite:///{path}").session():
        pass
    return path


@pytest.fixture(scope="session")
def migrated_postgres(make_postgres_database: MakeDatabase) -> Database:
    """Return a PostgreSQL database with a store, for one test after the other."""
    return Database(make_postgres_database())


@pytest.fixture
def empty_url(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Return the URL of a database without any table."""
    if backend == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    make: MakeDatabase = request.getfixturevalue("make_postgres_database")
    return make()


@pytest.fixture
def store_url(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Return the URL of a store in which nothing is kept yet."""
    if backend == "sqlite":
        path = tmp_path / "store.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        return f"sqlite:///{path}"
    # One database for all of them: to make and to delete one takes longer than most tests.
    database: Database = request.getfixturevalue("migrated_postgres")
    with database.engine.begin() as connection:
        tables = ", ".join(SQLModel.metadata.tables)
        # Not even a trigger keeps what the last test has left: the audit trail would.
        connection.execute(text("set local session_replication_role = replica"))
        connection.execute(text(f"truncate {tables} restart identity"))
    return database.url.render_as_string(hide_password=False)


@pytest.fixture
def store(store_url: str) -> Store:
    """Return a store in which nothing is kept yet."""
    return Store(store_url)


@pytest.fixture
def sqlite_store(tmp_path: Path, migrated_sqlite: Path) -> Store:
    """Return an empty store in SQLite, where what is tested does not depend on the database."""
    path = tmp_path / "store.db"
    shutil.copy(migrated_sqlite, path)
    return Store(f"sqlite:///{path}")
