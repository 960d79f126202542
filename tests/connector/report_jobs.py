"""A job with something to say in every section of its report, and names that want to be more."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

SCRIPT: Final = "<script>document.title = 'owned'</script>"
IMAGE: Final = '"><img src=x onerror="document.title=\'owned\'">'
LONG: Final = "Averyveryverylongcompanynamewithoutasingleblankinitthatnolinecanhold"
NAMES: Final = (SCRIPT, IMAGE, "{0} & Söhne", "北京仪器", "Echo", LONG, "Golf", "Hotel")

JOB: Final = """\
name = "books"
[source]
adapter = "files"
[source.settings]
folder = "data"
accounts = "accounts.csv"
opportunities = "deals.csv"
line_items = "lines.csv"
cases = "cases.csv"
activities = "activities.csv"
costs = "costs.csv"
users = "users.csv"
[target]
adapter = "files"
[target.settings]
folder = "data"
accounts = "accounts.csv"
output = "out"
[target.fields]
tier = "pyramid_tier"
[currency]
base = "EUR"
[rules]
as_of = 2025-12-31
goals = ["retention", "win_back", "acquisition"]
[rules.settings.holdout]
percent = 0
[rules.settings.targets.tiers.Top]
revenue = 50000
customers = 2
[rules.settings.targets.named.A1]
tier = "Top"
"""


def write_books(folder: Path, job: str = JOB) -> Path:
    """Write the job and its files into *folder*; return the job's path.

    A1, in Top, buys a third of what it did and loses money; A4 no longer buys. One deal can't be
    read.
    """
    data = folder / "data"
    data.mkdir(exist_ok=True)
    _accounts(data)
    _deals(data)
    _contacts(data)
    path = folder / "books.toml"
    path.write_text(job, encoding="utf-8")
    return path


def _accounts(data: Path) -> None:
    rows = [
        (f"A{number}", name, "Retail" if number < 5 else "", "u1")
        for number, name in enumerate(NAMES, start=1)
    ]
    _write(data / "accounts.csv", ("id", "name", "industry", "owner_id"), rows)
    _write(data / "users.csv", ("id", "name"), [("u1", "Ann <b>Archer</b>")])


def _deals(data: Path) -> None:
    bought = {
        2024: {"A1": 30_000, "A2": 9_000, "A3": 7_000, "A4": 9_500, "A6": 900, "A7": 100},
        2025: {"A1": 10_000, "A2": 9_000, "A3": 8_000, "A5": 400, "A6": 300, "A7": 200},
    }
    deals = [
        (f"{account}-{year}", account, "won", amount, f"{year}-03-01")
        for year, amounts in bought.items()
        for account, amount in amounts.items()
    ]
    odd = [(f"A2-{amount}", "A2", "won", amount, "2025-05-05") for amount in ("", "much")]
    header = ("id", "account_id", "status", "amount", "close_date")
    _write(data / "deals.csv", header, [*deals, *odd])
    lines = [(deal[0], deal[0], "Pens", deal[3], deal[3] // 2) for deal in deals]
    _write(data / "lines.csv", ("id", "opportunity_id", "category", "amount", "cost"), lines)


def _contacts(data: Path) -> None:
    cases = [
        ("C1", "A1", "closed", "2025-06-01T08:00:00Z", 2),
        ("C2", "A2", "open", "2025-07-01", 5),
    ]
    _write(data / "cases.csv", ("id", "account_id", "status", "opened_at", "csat"), cases)
    contacts = [
        (f"T{number}", "A1", "visit", "outbound", f"2025-{number:02}-10T09:00:00Z")
        for number in range(1, 7)
    ]
    header = ("id", "account_id", "kind", "direction", "happened_at")
    _write(data / "activities.csv", header, contacts)
    costs = [("K1", "A1", "sales", 6_000, "2025-04-01"), ("K2", "", "marketing", 50, "2025-04-01")]
    _write(data / "costs.csv", ("id", "account_id", "kind", "amount", "spent_on"), costs)


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
