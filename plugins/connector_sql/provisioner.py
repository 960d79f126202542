"""Adds the columns and the table of tasks that a job needs, where they are missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from connector import (
    AccessError,
    AuthError,
    ConfigError,
    FieldKind,
    FieldSpec,
    ProvisionStep,
    Transient,
)
from connector_sql.database import Database
from connector_sql.tasks import tasks_table

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from connector_sql.settings import SqlSettings

_TYPES: Final[Mapping[FieldKind, Callable[[FieldSpec], sa.types.TypeEngine[Any]]]] = {
    "text": lambda field: sa.String(field.length),
    "choice": lambda field: sa.String(field.length),
    "integer": lambda field: sa.BigInteger(),
    "money": lambda field: sa.Numeric(20, field.scale),
    "decimal": lambda field: sa.Numeric(20, field.scale),
    "date": lambda field: sa.Date(),
    "time": lambda field: sa.DateTime(timezone=True),
    "flag": lambda field: sa.Boolean(),
}


class SqlProvisioner:
    """A database as a target, before its first run."""

    def __init__(self, settings: SqlSettings) -> None:
        if settings.target_table is None:
            raise ConfigError("sql: nothing to write to; name accounts_table in the target")
        self.table_name = settings.target_table
        self.tasks = tasks_table(settings.tasks_table)
        self.tasks_name = settings.tasks_table
        self.database = Database(settings)

    def provision(self, fields: Sequence[FieldSpec], *, apply: bool) -> Sequence[ProvisionStep]:
        """Return a step for each column, and one for the table of tasks."""
        with self.database.connect() as connection:
            table = self.database.table(connection, self.table_name)
            held = set(table.c.keys())
            has_tasks = self.database.has_table(connection, self.tasks_name)
            connection.rollback()
            steps = []
            for field in fields:
                what = f"column {field.name!r} of table {self.table_name!r}"
                statements = [] if field.name in held else [self._added(table, field)]
                steps.append(self._step(connection, what, statements, apply=apply))
            what = f"table {self.tasks_name!r} for tasks"
            statements = [] if has_tasks else self._created()
            steps.append(self._step(connection, what, statements, apply=apply))
            return steps

    def close(self) -> None:
        """Let go of the connection."""
        self.database.close()

    def _added(self, table: sa.Table, field: FieldSpec) -> str:
        dialect = self.database.engine.dialect
        column = sa.Column(field.name, _TYPES[field.kind](field))
        name = dialect.identifier_preparer.format_table(table)
        # Without the word COLUMN, which not every database takes here.
        return f"ALTER TABLE {name} ADD {CreateColumn(column).compile(dialect=dialect)}"

    def _created(self) -> list[str]:
        indexes = [CreateIndex(index) for index in self.tasks.indexes]
        made: list[sa.DDLElement] = [CreateTable(self.tasks), *indexes]
        return [str(one.compile(dialect=self.database.engine.dialect)).strip() for one in made]

    def _step(
        self, connection: Connection, what: str, statements: Sequence[str], *, apply: bool
    ) -> ProvisionStep:
        if not statements:
            return ProvisionStep(what, "present")
        if not apply:
            return ProvisionStep(what, "to do")
        try:
            # Each by itself: what one is refused must not undo the others.
            with connection.begin():
                for statement in statements:
                    connection.exec_driver_sql(statement)
        except exc.SQLAlchemyError as error:
            problem = self.database.error(error)
            if isinstance(problem, (AuthError, Transient)):
                raise
            if isinstance(problem, AccessError):
                sql = "".join(f"\n{statement};" for statement in statements)
                return ProvisionStep(what, "by hand", f"have a user who may run this:{sql}")
            return ProvisionStep(what, "failed", self.database.words(error))
        return ProvisionStep(what, "done")
