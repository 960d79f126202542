"""The public data sets as accounts and opportunities."""

from datetime import date
from decimal import Decimal

from customer_pyramid.money import to_units
from customer_pyramid.periods import Period
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


def northwind_baskets(period: Period) -> list[Row]:
    """Return the category of every line ordered in *period*, with the account."""
    folder = dataset("northwind")
    category = {row["product_id"]: row["category"] for row in read_csv(folder / "products.csv")}
    account = {
        row["id"]: row["account_id"]
        for row in northwind_orders()
        if period.start <= row["close_date"] < period.end
    }
    return [
        {"account_id": account[row["order_id"]], "item": category[row["product_id"]]}
        for row in read_csv(folder / "order_lines.csv")
        if row["order_id"] in account
    ]


def northwind_deliveries() -> list[Row]:
    return [
        {
            "account_id": row["account_id"],
            "promised": _day(row["required_date"]),
            "delivered": _day(row["shipped_date"]),
        }
        for row in read_csv(dataset("northwind") / "orders.csv")
    ]


def _units(text: str | None) -> int | None:
    return to_units(Decimal(text)) if text else None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
