"""A whole run: an org is read, its deals make tiers, and a second run finds nothing new."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

from connector.config import load_job
from connector.plugins import Plugins
from connector.sync import Sync
from sandbox_salesforce.sandbox import SalesforceSandbox
from tests.plugins.connector_salesforce.sandbox import INSTALLED, NOON, Clock

JOB = """
[source]
adapter = "salesforce"

[source.settings]
domain = "acme"
instance_url = "{url}"

[source.settings.client_credentials]
client_id = "{client_id}"
client_secret = "{secret}"

[target]
adapter = "sql"

[target.settings]
url = "sqlite:///crm.db"
accounts_table = "companies"

[target.fields]
tier = "tier"
revenue_period = "revenue"
"""


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.plugins.entry_points", lambda group: INSTALLED)


def companies(folder: Path, *ids: str) -> Path:
    with closing(sqlite3.connect(folder / "crm.db")) as crm, crm:
        crm.execute("create table companies (id text primary key, tier text, revenue numeric)")
        crm.executemany("insert into companies (id) values (?)", [(one,) for one in ids])
    return folder / "crm.db"


@pytest.mark.long
def test_an_org_is_read_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    before = NOON - timedelta(hours=2)
    with SalesforceSandbox(clock=Clock()) as sandbox:
        account = sandbox.insert("Account", at=before, Name="Žofie & Sons")
        for amount, won in ((1_200.5, True), (800.0, False)):
            sandbox.insert(
                "Opportunity",
                at=before,
                Name="Deal",
                AccountId=account,
                StageName="Ganhou!" if won else "?",
                IsWon=won,
                IsClosed=won,
                Amount=amount,
                CloseDate="2026-05-01",
            )
        sandbox.insert("Task", at=before, WhatId=account, AccountId=account, IsClosed=True)
        sandbox.insert("Lead", at=before, Name="Ann", Company="Birch", LastName="Ann")
        sandbox.insert("Case", at=before, AccountId=account, Subject="Leaks")
        crm = companies(tmp_path, account)
        path = tmp_path / "job.toml"
        good = sandbox.credentials
        path.write_text(
            JOB.format(
                url=sandbox.url,
                client_id=good.client_id,
                secret=good.client_secret,
            )
        )
        first = Sync(load_job(path), Plugins(), as_of=date(2026, 6, 30)).run()
        calls = sandbox.calls
        second = Sync(load_job(path), Plugins(), as_of=date(2026, 6, 30)).run()
        # All objects are described at once; two calls tell which have changed: the user has.
        assert sandbox.calls - calls == 4
    assert (first.state, first.accounts["applied"]) == ("done", 1)
    assert (second.state, second.accounts["applied"]) == ("done", 0)
    with closing(sqlite3.connect(crm)) as held:
        assert held.execute("select tier, revenue from companies").fetchall() == [("Top", 1200.5)]
    with closing(sqlite3.connect(tmp_path / "connector.db")) as store:
        stamps = "select distinct modified_at from opportunity"
        assert [row[0][:19] for row in store.execute(stamps)] == [f"{before:%Y-%m-%d %H:%M:%S}"]
        assert store.execute("select count(*) from quarantine").fetchone() == (0,)
        assert store.execute("select count(*) from service_case").fetchone() == (1,)
