"""A company made of rows: the facts a goal asks for, over DuckDB, as a host gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from functools import cache
from typing import Any, cast

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa

from customer_pyramid.periods import Period
from customer_pyramid.settings import PyramidSettings
from customer_pyramid.standings import standings
from customer_pyramid.totals import totals
from six_goals.purchases import baskets, purchases
from six_goals.rhythm import order_days, ordering, own_rhythm
from six_goals.tables import TABLES
from six_goals.words import Words

Rows = Sequence[Mapping[str, Any]]

ARROW = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "date": pa.date32(),
    "decimal(9, 6)": pa.decimal128(9, 6),
    "timestamp('UTC')": pa.timestamp("us", "UTC"),
}


class Company:
    """The facts of a company; tables that are not given are empty, or follow from the others.

    `Company(date(2024, 12, 31), accounts=[{"id": "A"}], sales=[...])`. Money in units, as in the
    tables. Standings, rhythm, purchases, baskets and profit (a margin of 30 %) are computed unless
    given.
    """

    def __init__(
        self,
        as_of: date = date(2024, 12, 31),
        *,
        pyramid: PyramidSettings | None = None,
        margin: Fraction = Fraction(3, 10),
        limit: int = 10_000,
        language: str = "en",
        overspent: bool = False,
        **tables: Rows,
    ) -> None:
        self.as_of = as_of
        self.current = Period.trailing(as_of, 12)
        self.previous = self.current.previous()
        self.pyramid = pyramid or PyramidSettings()
        self.margin = margin
        self.limit = limit
        self.overspent = overspent
        self.words = Words(language)
        self.database = duckdb.connect(config={"threads": 1})
        self.database.execute("set timezone = 'UTC'")
        self._schemas: dict[str, Any] = {}
        self._given = tables
        for name, rows in tables.items():
            if name == "standings":
                continue
            schema = TABLES[name]
            full = [{column: row.get(column) for column in schema} for row in rows]
            unknown = {column for row in rows for column in row} - schema.keys()
            assert not unknown, f"{name} has no {unknown}"
            self.bring(name, pa.Table.from_pylist(full, schema=_arrow(name)), schema)

    def table(self, name: str) -> ir.Table:
        if name not in self._schemas:
            self._make(name)
        return ibis.table(self._schemas[name], name=name)

    def has(self, name: str) -> bool:
        stream, field = name.split(".")
        names = {"opportunities": "sales", "line_items": "lines"}
        table = names.get(stream, stream)
        if stream == "opportunities" and field.endswith("_on"):
            return bool(self._given.get("deliveries"))
        return any(row.get(field) is not None for row in self._given.get(table, ()))

    def keep(self, name: str, expression: ir.Table) -> ir.Table:
        self.database.execute(f"create or replace table {name} as {_sql(expression)}")
        self._schemas[name] = expression.schema()
        return self.table(name)

    def bring(self, name: str, rows: pa.Table, schema: Mapping[str, str] | None = None) -> ir.Table:
        self.database.register("arriving", rows)
        self.database.execute(f"create or replace table {name} as from arriving")
        self.database.unregister("arriving")
        self._schemas[name] = schema or {
            field.name: next(ours for ours, arrow in ARROW.items() if arrow == field.type)
            for field in rows.schema
        }
        return self.table(name)

    def rows(self, expression: ir.Table) -> list[Any]:
        return cast("list[Any]", self.arrow(expression).to_pylist())

    def arrow(self, expression: ir.Table) -> pa.Table:
        return self.database.execute(_sql(expression)).to_arrow_table()

    def _make(self, name: str) -> None:
        match name:
            case "standings" if "standings" in self._given:
                schema = _stood(self.pyramid, self.current, self.previous)[1].schema()
                full = [{column: row.get(column) for column in schema} for row in self._given[name]]
                fields = pa.schema([(column, ARROW[str(kind)]) for column, kind in schema.items()])
                self.bring(name, pa.Table.from_pylist(full, schema=fields), schema)
            case "standings":
                self.keep("standings", self._standings())
            case "rhythm":
                known = ordering(self.table("order_days"))
                self.keep("rhythm", own_rhythm(known, self.as_of))
            case "order_days":
                self.keep("order_days", order_days(self.table("sales")))
            case "purchases":
                lines = self.table("lines") if self._given.get("lines") else None
                self.keep("purchases", purchases(self.table("sales"), lines, "category"))
            case "baskets":
                self.keep("baskets", baskets(self.table("purchases"), self.current))
            case "profit":
                self.keep("profit", self._profit())
            case _:
                self.bring(name, _arrow(name).empty_table(), TABLES[name])

    def _standings(self) -> ir.Table:
        for name in ("accounts", "sales", "open_deals"):
            self.table(name)
        summed, stood = _stood(self.pyramid, self.current, self.previous)
        self.keep("totals", summed)
        return stood

    def _profit(self) -> ir.Table:
        rows = self.table("standings")
        revenue = rows.revenue.fill_null(0)
        gross = (revenue.cast("decimal(38, 0)") * 3 / ibis.literal(10)).round(0).cast("int64")
        nothing = ibis.literal(0, type="int64")
        return rows.select(
            "account_id",
            "layer",
            revenue=revenue,
            cost_of_goods=revenue - gross,
            gross=gross,
            estimated=ibis.literal(True),
            contact_cost=nothing,
            campaign_cost=nothing,
            ms_cost=nothing,
            service_cost=nothing,
            overhead=nothing,
            profit=gross,
        )


@cache
def _stood(
    pyramid: PyramidSettings, current: Period, previous: Period
) -> tuple[ir.Table, ir.Table]:
    """Return totals and standings, which depend on the settings alone."""
    accounts, sales, deals = (
        ibis.table(TABLES[name], name=name) for name in ("accounts", "sales", "open_deals")
    )
    summed = totals(sales, current, previous)
    kept = ibis.table(summed.schema(), name="totals")
    open_accounts = deals.select("account_id")
    return summed, standings(accounts, kept, open_accounts, pyramid, current, previous)


def _sql(expression: ir.Table) -> str:
    return _compiled(expression.op())


@cache
def _compiled(operation: Any) -> str:
    """Return the statement for *operation*; compiling takes longer than running: once will do."""
    return str(ibis.to_sql(operation.to_expr(), dialect="duckdb"))


def _arrow(table: str) -> pa.Schema:
    return pa.schema([(column, ARROW[kind]) for column, kind in TABLES[table].items()])
