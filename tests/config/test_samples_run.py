"""The sample jobs do what they say, on data such as their first lines describe."""

from __future__ import annotations

import gzip
import shutil
import sqlite3
from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connector.config import load_job
from connector.plugins import Plugins
from connector.sync import Sync

FOLDER = Path(__file__).parents[2] / "config"
AS_OF = date(2026, 6, 30)


def csv_exports(folder: Path) -> None:
    export = folder / "export"
    export.mkdir()
    shutil.copy(FOLDER / "rates.csv", folder)
    accounts = "Id;Name;ParentId;Type;OwnerId;Industry\n1;Müller;;Customer - Direct;ann;Retail\n"
    (export / "accounts.csv").write_text(f"{accounts}2;Rival;;Competitor;ben;\n", "cp1252")
    (export / "users.csv").write_text("Id;Name;Manager;Active\nann;Ann;;yes\n", "cp1252")
    deals = "Id;AccountId;Stage;Amount;Currency;CloseDate;Product\n"
    deals += "7;1;Closed Won;1.234,50;USD;01.03.2026;Pumps\n8;1;Proposal;;EUR;01.09.2026;\n"
    (export / "deals-2026-03.csv.gz").write_bytes(gzip.compress(deals.encode("cp1252")))
    lines = "Id;DealId;Article;Family;Pieces;Amount;Cost\n1;7;Pump 5;Pumps;2;1.234,50;800,00\n"
    (export / "lines.csv").write_text(lines, "cp1252")
    tickets = "Id;AccountId;Subject;State;Opened;Due;Closed;Stars\n"
    tickets += "1;1;Leaks;Solved;02.04.2026 09:30;04.04.2026 17:00;03.04.2026 11:15;4\n"
    (export / "tickets.csv").write_text(tickets, "cp1252")


def workbook(folder: Path) -> None:
    book = openpyxl.Workbook()
    customers = book.active
    assert customers is not None
    customers.title = "Customers"
    customers.append(["Customer no.", "Company", "Sales rep", "Keep this tier"])
    customers.append([1, "Alder", "ann", None])
    invoices = book.create_sheet("Invoices")
    for row in (["Invoices"], [], ["Invoice no.", "Customer no.", "Date", "Net"]):
        invoices.append(row)
    invoices.append([7, 1, date(2026, 5, 1), 120.5])
    book.save(folder / "sales.xlsx")


def databases(folder: Path) -> None:
    with sqlite3.connect(folder / "shop.db") as shop:
        shop.execute("create table customers (id integer primary key, name text)")
        shop.execute("create table orders (order_no text, customer_id int, total, paid_on text)")
        shop.execute("insert into customers values (1, 'Alder')")
        shop.execute("insert into orders values ('O1', 1, 80.25, '2026-05-01')")
        shop.execute("insert into orders values ('O2', 1, 99, null)")
    shop.close()
    with sqlite3.connect(folder / "crm.db") as crm:
        columns = "pyramid_tier text, pyramid_layer text, pyramid_movement text"
        columns += ", revenue_12_months numeric"
        crm.execute(f"create table companies (shop_customer_id integer primary key, {columns})")
        crm.execute("insert into companies (shop_customer_id) values (1)")
    crm.close()


def parquet(folder: Path) -> None:
    accounts = {"id": ["1", "2"], "name": ["Alder", "Alder Labs"], "parent_id": [None, "1"]}
    pq.write_table(pa.table(accounts), folder / "accounts.parquet")
    invoices = {"id": ["7"], "account_id": ["2"], "amount": [60000], "close_date": [AS_OF]}
    pq.write_table(pa.table(invoices), folder / "invoices.parquet")


@pytest.mark.long
@pytest.mark.parametrize(
    ("sample", "fill", "written"),
    [
        pytest.param("files-csv", csv_exports, 1, id="files-csv"),
        pytest.param("files-excel", workbook, 1, id="files-excel"),
        pytest.param("sql-sqlite", databases, 1, id="sql-sqlite"),
        pytest.param("groups-thresholds", parquet, 2, id="groups-thresholds"),
    ],
)
def test_a_sample_job_runs_and_then_has_nothing_to_write(
    sample: str, fill: Callable[[Path], None], written: int, tmp_path: Path
) -> None:
    fill(tmp_path)
    path = Path(shutil.copy(FOLDER / f"{sample}.toml", tmp_path))
    first = Sync(load_job(path), Plugins(), as_of=AS_OF).run()
    second = Sync(load_job(path), Plugins(), as_of=AS_OF).run()
    assert (first.state, first.accounts["applied"]) == ("done", written)
    assert (second.state, second.accounts["applied"]) == ("done", 0)
