"""Jobs over the public data sets, as an admin would write them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

NORTHWIND = """\
[source]
adapter = "files"
[source.settings]
folder = "{data}"
accounts = "accounts.csv"
opportunities = "orders.csv"
[source.fields.accounts]
id = "account_id"
[source.fields.opportunities]
id = "order_id"
close_date = "order_date"
status = {{ constant = "won" }}
{target}
[rules]
as_of = 1998-05-06
"""

MAVEN = """\
[source]
adapter = "files"
[source.settings]
folder = "{data}"
accounts = "accounts.csv"
opportunities = "sales_pipeline.csv"
[source.fields.accounts]
id = "account"
name = "account"
parent_id = "subsidiary_of"
industry = "sector"
[source.fields.opportunities]
id = "opportunity_id"
account_id = "account"
status = "deal_stage"
stage = "deal_stage"
amount = "close_value"
owner_id = "sales_agent"
[source.values.accounts.industry]
technolgy = "technology"
[source.values.opportunities.status]
Engaging = "open"
Prospecting = "open"
[source.values.opportunities.product]
GTXPro = "GTX Pro"
{target}
[rules]
as_of = 2017-12-31
{rules}
"""

TARGET = """\
[target]
adapter = "files"
[target.settings]
folder = "{data}"
accounts = "accounts.csv"
accounts_id = "{id}"
output = "out"
[target.fields]
tier = "pyramid_tier"
layer = "pyramid_layer"
rank = "pyramid_rank"
revenue_period = "pyramid_revenue"
movement = "pyramid_movement"
computed_at = "pyramid_computed_at"
"""


def dataset(name: str) -> Path:
    """Return the folder of a public data set; skip the test where it is not at hand."""
    shared = Path(os.environ.get("PYRAMID_SHARED", ROOT.parent / "shared"))
    folder = shared / "datasets" / name
    if not folder.is_dir():
        pytest.skip(f"the data set {name} is not here ({folder}); set PYRAMID_SHARED")
    return folder


def northwind(folder: Path) -> Path:
    """Write the job over Northwind into *folder*."""
    data = dataset("northwind")
    target = TARGET.format(data=data, id="account_id")
    return _write(folder / "northwind.toml", NORTHWIND.format(data=data, target=target))


def maven(folder: Path, rules: str = "") -> Path:
    """Write a job over the Maven data into *folder*, with more *rules*."""
    data = dataset("maven_crm_sales")
    target = TARGET.format(data=data, id="account")
    return _write(folder / "maven.toml", MAVEN.format(data=data, target=target, rules=rules))


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
