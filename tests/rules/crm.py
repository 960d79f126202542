"""A CRM in memory: tables in DuckDB, and the rules run over them as a host would."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, cast

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest

from customer_pyramid.hierarchy import roll_up
from customer_pyramid.migration import Basis, Migration, MigrationRow, migration, migration_counts
from customer_pyramid.money import to_units
from customer_pyramid.periods import Period
from customer_pyramid.sales import recognised
from customer_pyramid.settings import PyramidSettings
from customer_pyramid.standings import standings
from customer_pyramid.statistics import Statistics, statistics
from customer_pyramid.summary import (
    ConcentrationRow,
    LayerRow,
    concentration,
    layer_summary,
)
from customer_pyramid.totals import totals
from six_goals.tables import TABLES

Row = dict[str, Any]

ARROW: dict[str, pa.DataType] = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "date": pa.date32(),
    "timestamp('UTC')": pa.timestamp("us", "UTC"),
    "decimal(18, 8)": pa.decimal128(18, 8),
}
ACCOUNTS = {
    "id": "string",
    "name": "string",
    "parent_id": "string",
    "kind": "string",
    "excluded": "boolean",
    "owner_id": "string",
    "industry": "string",
    "region": "string",
    "size_band": "string",
}
OPPORTUNITIES = {
    "id": "string",
    "account_id": "string",
    "name": "string",
    "status": "string",
    "stage": "string",
    "amount": "int64",
    "currency": "string",
    "close_date": "date",
    "product": "string",
    "owner_id": "string",
}
RATES = {"currency": "string", "valid_from": "date", "rate": "decimal(18, 8)"}
LINKS = {"account_id": "string", "root_id": "string"}
CONTACTS = {"account_id": "string", "last_contact": "date"}
BASKETS = {"account_id": "string", "item": "string"}
DELIVERIES = {"account_id": "string", "promised": "date", "delivered": "date"}
PROFITS = TABLES["profit"]
LAST_RUN = {"account_id": "string", "tier": "string", "tier_raw": "string"}


@dataclass
class Crm:
    """Tables by name, and what the rules make of them."""

    connection: duckdb.DuckDBPyConnection = field(
        default_factory=lambda: duckdb.connect(config={"threads": 1})
    )

    def table(
        self, name: str, schema: Mapping[str, str], rows: Iterable[Mapping[str, object]]
    ) -> ir.Table:
        """Create a table from *rows*; columns they leave out are null."""
        fields = [pa.field(column, ARROW[kind]) for column, kind in schema.items()]
        full = [{column: row.get(column) for column in schema} for row in rows]
        self.connection.register("incoming", pa.Table.from_pylist(full, schema=pa.schema(fields)))
        self.connection.execute(f'CREATE OR REPLACE TABLE "{name}" AS FROM incoming')
        self.connection.unregister("incoming")
        return ibis.table(schema, name=name)

    def keep(self, name: str, rows: ir.Table) -> ir.Table:
        """Materialise *rows*."""
        self.connection.execute(f'CREATE OR REPLACE TABLE "{name}" AS {sql(rows)}')
        return ibis.table(rows.schema(), name=name)

    def rows(self, table: ir.Table) -> list[Row]:
        """Return the rows of *table*."""
        rows: list[Row] = self.connection.sql(sql(table)).to_arrow_table().to_pylist()
        return rows

    def row(self, table: ir.Table) -> Row:
        """Return the only row of *table*."""
        (row,) = self.rows(table)
        return row


@dataclass
class World:
    """A CRM after analysis."""

    crm: Crm
    settings: PyramidSettings
    current: Period
    steps: "Steps"
    standings: ir.Table

    @property
    def sales(self) -> ir.Table:
        return self.steps.sales

    def by_account(self) -> dict[str, Row]:
        return {row["account_id"]: row for row in self.crm.rows(self.standings)}

    def statistics(self) -> Statistics:
        return statistics(
            cast("list[LayerRow]", self.crm.rows(self.steps.layers)),
            cast("list[ConcentrationRow]", self.crm.rows(self.steps.concentration)),
            self.settings,
            self.current,
            self.current.previous(),
        )

    def migration(self, basis: Basis) -> Migration:
        rows = self.crm.rows(self.steps.migration)
        return migration(cast("list[MigrationRow]", rows), self.settings, basis)


@cache
def sql(table: ir.Table) -> str:
    """Return the statement for *table*; compiling takes longer than running, so once will do."""
    return str(ibis.to_sql(table, dialect="duckdb"))


@dataclass(frozen=True)
class Steps:
    """The tables of an analysis, before there is any data."""

    sales: ir.Table
    totals: ir.Table
    standings: ir.Table
    layers: ir.Table
    concentration: ir.Table
    migration: ir.Table


@cache
def steps(
    settings: PyramidSettings,
    current: Period,
    base_currency: str,
    *,
    rolled_up: bool,
    contacted: bool,
    held: bool,
) -> Steps:
    """Return the steps of an analysis, which depend on the settings alone."""
    previous = current.previous()
    deals = ibis.table(OPPORTUNITIES, name="opportunities")
    sales = recognised(deals, as_of=current.last_day, base_currency=base_currency)
    links = ibis.table(LINKS, name="links") if rolled_up else None
    if links is not None:
        sales = roll_up(sales, links)
    summed = totals(sales, current, previous)
    stood = standings(
        ibis.table(ACCOUNTS, name="accounts"),
        ibis.table(summed.schema(), name="totals"),
        deals.filter(deals.status == "open").select("account_id"),
        settings,
        current,
        previous,
        contacts=ibis.table(CONTACTS, name="contacts") if contacted else None,
        links=links,
        last_run=ibis.table(LAST_RUN, name="last_run") if held else None,
    )
    kept = ibis.table(stood.schema(), name="standings")
    return Steps(
        sales=sales,
        totals=summed,
        standings=stood,
        layers=layer_summary(kept, current, previous),
        concentration=concentration(kept, settings),
        migration=migration_counts(kept),
    )


def analyse(
    accounts: Sequence[Mapping[str, object]],
    opportunities: Sequence[Mapping[str, object]],
    *,
    current: Period,
    settings: PyramidSettings | None = None,
    base_currency: str = "USD",
    roots: Mapping[str, str] | None = None,
    contacts: Sequence[Mapping[str, object]] | None = None,
    last_run: Sequence[Mapping[str, object]] | None = None,
) -> World:
    """Run the rules over *accounts* and *opportunities*, as a host does."""
    crm, settings = Crm(), settings or PyramidSettings()
    crm.table("accounts", ACCOUNTS, accounts)
    crm.table("opportunities", OPPORTUNITIES, opportunities)
    pairs = (roots or {}).items()
    crm.table("links", LINKS, [{"account_id": child, "root_id": root} for child, root in pairs])
    crm.table("contacts", CONTACTS, contacts or ())
    crm.table("last_run", LAST_RUN, last_run or ())
    todo = steps(
        settings,
        current,
        base_currency,
        rolled_up=roots is not None,
        contacted=contacts is not None,
        held=last_run is not None,
    )
    crm.keep("totals", todo.totals)
    kept = crm.keep("standings", todo.standings)
    return World(crm, settings, current, todo, kept)


def won(account: str, amount: float | Decimal | str, day: date, **more: object) -> Row:
    """Return a won opportunity."""
    units = to_units(Decimal(str(amount)))
    deal = f"{account}-{day}-{amount}"
    return {
        "id": deal,
        "account_id": account,
        "status": "won",
        "amount": units,
        "close_date": day,
        **more,
    }


def accounts_named(*names: str) -> list[Row]:
    return [{"id": name, "name": name} for name in names]


def dataset(name: str) -> Path:
    """Return the folder of a public data set; skip the test where it isn't there."""
    here = Path(__file__).resolve()
    shared = Path(os.environ.get("PYRAMID_SHARED") or here.parents[3] / "shared")
    folder = shared / "datasets" / name
    if not folder.is_dir():
        pytest.skip(f"data set {name} is not at {folder}; set PYRAMID_SHARED")
    return folder


def read_csv(path: Path) -> list[Row]:
    """Return the rows of a CSV file, all text, empty fields null."""
    relation = duckdb.connect().read_csv(str(path), header=True, all_varchar=True)
    rows: list[Row] = relation.to_arrow_table().to_pylist()
    return rows
