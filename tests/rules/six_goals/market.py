"""A market of made-up customers: who bought which item when, as a company or as tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import ibis.expr.types as ir

from customer_pyramid.money import to_units
from customer_pyramid.settings import PyramidSettings
from six_goals.tables import TABLES
from tests.rules.crm import Crm, dataset, read_csv
from tests.rules.public_data import (
    maven_accounts,
    maven_opportunities,
    northwind_accounts,
    northwind_orders,
)
from tests.rules.six_goals.company import Company

AS_OF = date(2024, 12, 31)
NOW = date(2024, 6, 1)
LAST_YEAR = date(2023, 6, 1)
LONG_AGO = date(2022, 6, 1)
"""More than 24 months before `AS_OF`."""

ALL_SMALL = PyramidSettings(
    tiers=("Big", "Small"), method="thresholds", thresholds=(Decimal(1_000_000),)
)

STANDINGS = {
    "account_id": "string",
    "tier": "string",
    "industry": "string",
    "size_band": "string",
    "revenue": "int64",
    "previous_revenue": "int64",
    "next_tier_gap": "int64",
    "inherited_from": "string",
}

Row = dict[str, Any]


def bought(account: str, items: Iterable[str], day: date = NOW, amount: float = 100) -> list[Row]:
    """Return one sale for each of the *items*, a letter each or a list of names."""
    return [
        {
            "id": f"{account} {item} {day} {amount}",
            "account_id": account,
            "close_date": day,
            "amount": to_units(Decimal(str(amount))),
            "product": item,
        }
        for item in items
    ]


def market(
    *sales: Sequence[Row], accounts: Mapping[str, Row] | None = None, **more: Any
) -> Company:
    """Return a company with these sales; what is known of its *accounts* is given by name."""
    rows = [row for rows in sales for row in rows]
    known = accounts or {}
    names = dict.fromkeys([*(row["account_id"] for row in rows), *known])
    return Company(
        AS_OF,
        accounts=[
            {"id": name, "name": name, "owner_id": "rep", **known.get(name, {})} for name in names
        ],
        sales=rows,
        **{"pyramid": ALL_SMALL, **more},
    )


def northwind(**more: Any) -> Company:
    """Return Northwind on the day of its last order, with its lines."""
    folder = dataset("northwind")
    products = {row["product_id"]: row for row in read_csv(folder / "products.csv")}
    orders = {row["id"]: row for row in northwind_orders()}
    lines = [
        {
            "account_id": orders[row["order_id"]]["account_id"],
            "close_date": orders[row["order_id"]]["close_date"],
            "product": products[row["product_id"]]["name"],
            "category": products[row["product_id"]]["category"],
            "amount": to_units(Decimal(row["amount"])),
            "discontinued": products[row["product_id"]]["discontinued"] == "1",
        }
        for row in read_csv(folder / "order_lines.csv")
    ]
    sales = [_sale(row) for row in orders.values()]
    as_of = date(1998, 5, 6)
    return Company(as_of, accounts=northwind_accounts(), sales=sales, lines=lines, **more)


def maven(**more: Any) -> Company:
    """Return Maven on the last day of 2017."""
    sales = [
        _sale(row)
        for row in maven_opportunities()
        if row["status"] == "won" and row["account_id"] is not None
    ]
    return Company(date(2017, 12, 31), accounts=maven_accounts(), sales=sales, **more)


def _sale(row: Row) -> Row:
    columns = ("id", "account_id", "close_date", "amount", "product", "owner_id")
    return {column: row.get(column) for column in columns}


def customers(crm: Crm, rows: Iterable[Row]) -> ir.Table:
    """Return standings of active customers, revenue in whole currency."""
    money = ("revenue", "previous_revenue", "next_tier_gap")
    told = []
    for row in rows:
        units = {name: row[name] * 10_000 for name in money if row.get(name) is not None}
        told.append({"tier": "Small", **row, **units})
    return crm.table("standings", STANDINGS, told)


def basket(account: str, item: str, **more: Any) -> Row:
    """Return a row of the table baskets, bought once and for 100 in the period unless told."""
    days = {"first_bought": NOW, "last_bought": more.get("first_bought", NOW)}
    return {
        "account_id": account,
        "item": item,
        "revenue": 1_000_000,
        **days,
        **more,
    }


def baskets(crm: Crm, rows: Iterable[Row]) -> ir.Table:
    return crm.table("baskets", TABLES["baskets"], rows)
