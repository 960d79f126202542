"""The public data sets as accounts and opportunities."""

from datetime import date
from decimal import Decimal

from customer_pyramid.money import to_units
from tests.rules.crm import Row, dataset, read_csv

STATUS = {"Won": "won", "Lost": "lost", "Engaging": "open", "Prospecting": "open"}


def maven_accounts() -> list[Row]:
    return [
        {
            "id": row["account"],
            "name": row["account"],
            "parent_id": row["subsidiary_of"],
            "industry": row["sector"],
        }
        for row in read_csv(dataset("maven_crm_sales") / "accounts.csv")
    ]


def maven_opportunities() -> list[Row]:
    return [
        {
            "id": row["opportunity_id"],
            "account_id": row["account"],
            "status": STATUS[row["deal_stage"]],
            "stage": row["deal_stage"],
            "amount": _units(row["close_value"]),
            "close_date": _day(row["close_date"]),
            "product": row["product"],
            "owner_id": row["sales_agent"],
        }
        for row in read_csv(dataset("maven_crm_sales") / "sales_pipeline.csv")
    ]


def northwind_accounts() -> list[Row]:
    return [
        {"id": row["account_id"], "name": row["name"], "region": row["region"]}
        for row in read_csv(dataset("northwind") / "accounts.csv")
    ]


def northwind_orders() -> list[Row]:
    return [
        {
            "id": row["order_id"],
            "account_id": row["account_id"],
            "status": "won",
            "amount": _units(row["amount"]),
            "currency": row["currency"],
            "close_date": _day(row["order_date"]),
            "owner_id": row["owner_id"],
        }
        for row in read_csv(dataset("northwind") / "orders.csv")
    ]


def _units(text: str | None) -> int | None:
    return to_units(Decimal(text)) if text else None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
