"""A company's books: all tables that the rules read, empty unless a test fills them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import ibis
import ibis.expr.types as ir

from customer_pyramid.money import to_units
from customer_pyramid.periods import Period
from customer_pyramid.settings import MEASURES, PyramidSettings
from six_goals.tables import TABLES
from tests.rules.crm import Crm, Row

TIERS: Final = PyramidSettings().tiers
YEAR: Final = Period.trailing(date(2024, 12, 31))
AS_OF: Final = YEAR.last_day
NOON: Final = datetime(2024, 6, 1, 12, tzinfo=UTC)
DAY: Final = NOON.date()

SCHEMAS: Final[Mapping[str, Mapping[str, str]]] = {
    **TABLES,
    "standings": {
        "account_id": "string",
        "name": "string",
        "owner_id": "string",
        "industry": "string",
        "layer": "string",
        "tier": "string",
        "tier_raw": "string",
        "tier_frozen": "string",
        "rank": "int64",
        "revenue": "int64",
        "orders": "int64",
        "previous_state": "string",
        "first_order": "date",
        "last_order": "date",
        "inherited_from": "string",
    },
    "selling": {
        "account_id": "string",
        "aim": "string",
        "contact_cost": "int64",
        "campaign_cost": "int64",
        "ms_cost": "int64",
    },
    "performance": {
        "account_id": "string",
        "layer": "string",
        **dict.fromkeys(MEASURES, "int64"),
        **{f"score_{measure}": "int64" for measure in MEASURES},
    },
    "outlook": {"account_id": "string", "p_alive": "float64", "expected_purchases": "float64"},
    "opportunities": {
        "status": "string",
        "amount": "int64",
        "close_date": "date",
        "product": "string",
    },
}


class Books:
    """Tables of one company in DuckDB; `Books(costs=[...])["costs"]` is an Ibis table."""

    def __init__(self, **tables: Iterable[Row]) -> None:
        self._crm = Crm()
        self._crm.connection.execute("set timezone = 'UTC'")
        for name, rows in tables.items():
            self._crm.table(name, SCHEMAS[name], rows)
        self._given = tables.keys()

    def __getitem__(self, name: str) -> ir.Table:
        if name not in self._given:
            self._crm.table(name, SCHEMAS[name], ())
        return table(name)

    def move_to(self, zone: str) -> None:
        """Let days begin as they do in *zone*."""
        self._crm.connection.execute(f"set timezone = '{zone}'")

    def rows(self, found: ir.Table) -> list[Row]:
        """Return the rows of *found*."""
        return self._crm.rows(found)

    def by(self, found: ir.Table, key: str = "account_id") -> dict[str, Row]:
        """Return the rows of *found* by one of their columns."""
        return {row[key]: row for row in self.rows(found)}

    def keep(self, name: str, found: ir.Table) -> ir.Table:
        """Materialise *found*."""
        return self._crm.keep(name, found)


def table(name: str) -> ir.Table:
    """Return one of the tables, before there is any data."""
    return ibis.table(SCHEMAS[name], name=name)


def units(amount: float | str) -> int:
    """Return an amount, or another number, in units of 1/10,000."""
    return to_units(Decimal(str(amount)))


def standing(account: str, layer: str = "Small", revenue: float = 0, **more: Any) -> Row:
    """Return where an account stands, in the period and by frozen boundaries alike."""
    tier = layer if layer in TIERS else None
    figures = {"revenue": units(revenue), "orders": 1 if tier else 0}
    tiers = {"layer": layer, "tier": tier, "tier_raw": tier, "tier_frozen": tier}
    return {"account_id": account, "name": account, **tiers, **figures, **more}


def activity(account: str | None, kind: str = "call", **more: Any) -> Row:
    """Return a contact, in the middle of the period."""
    return {"id": "x", "account_id": account, "kind": kind, "happened_at": NOON, **more}


def cost(kind: str, amount: float, account: str | None = None, **more: Any) -> Row:
    """Return money spent in the middle of the period."""
    spent = {"kind": kind, "amount": units(amount), "spent_on": DAY}
    return {"id": "x", "account_id": account, **spent, **more}


def line(account: str, amount: float, cost: float | None, **more: Any) -> Row:
    """Return a line sold in the middle of the period, at a cost."""
    money = {"amount": units(amount), "cost": None if cost is None else units(cost)}
    return {"account_id": account, "close_date": DAY, **money, **more}


def case(account: str, **more: Any) -> Row:
    """Return a case opened in the middle of the period."""
    return {"id": "x", "account_id": account, "status": "open", "opened_at": NOON, **more}
