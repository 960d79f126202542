"""Tables in DuckDB, queried by expressions of the rules and kept where a later step reads on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

import duckdb
import pyarrow as pa

if TYPE_CHECKING:
    import ibis.expr.types as ir

_KINDS: Final = {
    pa.string(): "string",
    pa.bool_(): "boolean",
    pa.int32(): "int32",
    pa.int64(): "int64",
    pa.float64(): "float64",
    pa.date32(): "date",
}


class Workspace:
    """Named tables of one DuckDB connection, with the schemas that Ibis has to know."""

    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        self.database = database
        self._schemas: dict[str, Any] = {}
        self._views: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._schemas

    def table(self, name: str) -> ir.Table:
        """Return the table *name* to build expressions on; raise KeyError if there is none."""
        import ibis

        return ibis.table(self._schemas[name], name=name)

    def declare(self, name: str, schema: Mapping[str, str]) -> None:
        """Say that there is a table *name*, loaded by somebody else, and its columns."""
        self._schemas[name] = schema

    def keep(self, name: str, expression: ir.Table) -> ir.Table:
        """Run *expression* once, into a table that the next steps read."""
        return self._create("table", name, expression)

    def view(self, name: str, expression: ir.Table) -> ir.Table:
        """Give *expression* a name; it runs whenever it is read."""
        return self._create("view", name, expression)

    def show(self, name: str, sql: str, schema: Mapping[str, str]) -> None:
        """Give a query in SQL a name; *schema* are its columns."""
        self._drop(name)
        self.database.execute(f"create view {name} as {sql}")
        self._schemas[name] = schema
        self._views.add(name)

    def bring(self, name: str, rows: pa.Table, schema: Mapping[str, str] | None = None) -> ir.Table:
        """Make *rows* a table; *schema* names the types that Arrow does not tell."""
        self._drop(name)
        self.database.register("arriving", rows)
        try:
            self.database.execute(f"create table {name} as from arriving")
        finally:
            self.database.unregister("arriving")
        self._schemas[name] = schema or {field.name: _kind(field.type) for field in rows.schema}
        return self.table(name)

    def rows(self, expression: ir.Table) -> list[Any]:
        """Return the rows of *expression* as mappings by column."""
        return cast("list[Any]", self.arrow(expression).to_pylist())

    def arrow(self, expression: ir.Table) -> pa.Table:
        """Return the rows of *expression*."""
        # Not Ibis' own to_pyarrow, which needs pandas for nothing we use.
        return self.database.execute(_sql(expression)).to_arrow_table()

    def forget(self, *names: str) -> None:
        """Free the memory of tables that no later step reads."""
        for name in names:
            self._drop(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all tables and views."""
        return tuple(self._schemas)

    def _create(self, what: str, name: str, expression: ir.Table) -> ir.Table:
        sql = _sql(expression)
        if (name in self._views) != (what == "view"):
            self._drop(name)  # nothing is replaced by something of another kind
        self.database.execute(f"create or replace {what} {name} as {sql}")
        self._schemas[name] = expression.schema()
        if what == "view":
            self._views.add(name)
        return self.table(name)

    def _drop(self, name: str) -> None:
        if self._schemas.pop(name, None) is not None:
            kind = "view" if name in self._views else "table"
            self.database.execute(f"drop {kind} {name}")
            self._views.discard(name)


def _sql(expression: ir.Table) -> str:
    import ibis

    return str(ibis.to_sql(expression, dialect="duckdb", pretty=False))


def _kind(arrow: pa.DataType) -> str:
    if pa.types.is_timestamp(arrow):
        return "timestamp('UTC')" if arrow.tz else "timestamp"
    if pa.types.is_decimal(arrow):
        return f"decimal({arrow.precision}, {arrow.scale})"
    if pa.types.is_dictionary(arrow) or pa.types.is_large_string(arrow):
        return "string"
    return _KINDS[arrow]
