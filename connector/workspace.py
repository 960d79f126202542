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
            self._schemas.pop(name, None)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all tables and views."""
        return tuple(self._schemas)

    def _create(self, what: str, name: str, expression: ir.Table) -> ir.Table:
        sql = _sql(expression)
        self._drop(name, but=what)
        self.database.execute(f"create or replace {what} {name} as {sql}")
        self._schemas[name] = expression.schema()
        return self.table(name)

    def _drop(self, name: str, but: str = "") -> None:
        found = self.database.execute(
            "select table_type from information_schema.tables where table_name = $name",
            {"name": name},
        ).fetchone()
        kind = {"VIEW": "view"}.get(found[0], "table") if found else ""
        if kind and kind != but:
            self.database.execute(f"drop {kind} {name}")


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
