"""Clients that others wrote get on with the sandbox: a check of what it imitates.

What they can't do, and why, is in docs/sandboxes.md.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import venv
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
)

from sandbox_salesforce.fields import text
from sandbox_salesforce.sandbox import SalesforceSandbox

pytestmark = pytest.mark.long
_HERE: Final = Path(__file__).parent / "clients"
_ACCOUNTS: Final = 2500
"""More than one page."""


@pytest.fixture
def sandbox() -> Iterator[SalesforceSandbox]:
    """Return a sandbox as clients insist on: HTTPS, with a company in it."""
    with SalesforceSandbox(https=True) as sandbox:
        sandbox.add_field("Account", text("Ext__c", 50, external_id=True, unique=True))
        sandbox.make_up(_ACCOUNTS)
        yield sandbox


@pytest.fixture
def authority(sandbox: SalesforceSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of the certificate that is to be trusted, and let it be."""
    file = tmp_path / "authority.pem"
    file.write_text(sandbox.authority)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
    return file


class ToSandbox(HTTPAdapter):
    """Leads names of the vendor's to the sandbox."""

    def __init__(self, url: str) -> None:
        self._place = urlsplit(url).netloc
        super().__init__()

    def send(self, request: requests.PreparedRequest, *rest: Any, **more: Any) -> Any:
        """Send a request, elsewhere if need be."""
        asked = urlsplit(str(request.url))
        if str(asked.hostname).endswith(".salesforce.com"):
            request.url = asked._replace(netloc=self._place).geturl()
        return super().send(request, *rest, **more)


Login = Callable[..., Salesforce]


@pytest.fixture
def login(sandbox: SalesforceSandbox, authority: Path) -> Iterator[Login]:
    """Return what logs simple-salesforce in."""
    with requests.Session() as session:
        session.mount("https://", ToSandbox(sandbox.url))
        session.verify = str(authority)
        yield lambda **known: Salesforce(session=session, **known)


@pytest.fixture
def salesforce(sandbox: SalesforceSandbox, login: Login) -> Any:
    """Return simple-salesforce with a token."""
    return login(session_id=sandbox.token(), instance_url=sandbox.url)


def test_simple_salesforce_logs_in_by_each_of_its_flows(
    sandbox: SalesforceSandbox, login: Login
) -> None:
    known = sandbox.credentials
    user = {"username": known.username}
    app = {"consumer_key": known.client_id, "consumer_secret": known.client_secret}
    password = {"password": known.password, "security_token": known.security_token}
    for flow in (
        user | password,
        user | app | {"password": known.password + known.security_token},
        user | {"consumer_key": known.client_id, "privatekey": known.private_key},
        app | {"domain": "acme.my"},
    ):
        assert login(**flow).query("SELECT count() FROM Account")["totalSize"] == _ACCOUNTS
    for wrong in (
        user | password | {"password": "wrong"},
        app | {"consumer_secret": "wrong", "domain": "acme.my"},
    ):
        with pytest.raises(SalesforceAuthenticationFailed):
            login(**wrong)
    # From 65.0 on there is no login by SOAP.
    with pytest.raises(SalesforceAuthenticationFailed, match="UNSUPPORTED_API_VERSION"):
        login(**user, **password, version="65.0")


def test_simple_salesforce_reads_and_writes(sandbox: SalesforceSandbox, salesforce: Any) -> None:
    accounts: Any = salesforce.Account
    made = accounts.create({"Name": "A", "Ext__c": "1"})["id"]
    assert accounts.upsert("Ext__c/2", {"Name": "B"}) == 201
    assert accounts.upsert("Ext__c/2", {"Name": "C"}) == 200
    assert accounts.update(made, {"Rating": "Hot"}) == 204
    assert accounts.get(made)["Rating"] == "Hot"
    assert accounts.get_by_custom_id("Ext__c", "2")["Name"] == "C"
    soql = "SELECT Id, Owner.Name FROM Account ORDER BY Id"
    assert len({row["Id"] for row in salesforce.query_all_iter(soql)}) == _ACCOUNTS + 2
    assert salesforce.query(soql)["done"] is False
    assert accounts.delete(made) == 204
    now = datetime.now(UTC)
    hour = (now - timedelta(hours=1), now + timedelta(minutes=1))
    assert [one["id"] for one in accounts.deleted(*hour)["deletedRecords"]] == [made]
    assert len(accounts.updated(*hour)["ids"]) == 1
    gone = salesforce.query("SELECT Id FROM Account WHERE IsDeleted = true", include_deleted=True)
    assert gone["totalSize"] == 1
    described: Any = salesforce.describe()
    assert {one["name"] for one in described["sobjects"]} >= {"Account", "Opportunity", "Task"}
    assert any(one["name"] == "Ext__c" for one in accounts.describe()["fields"])
    assert salesforce.limits()["DailyApiRequests"]["Max"] == 100_000
    assert salesforce.api_usage["api-usage"].used == sandbox.settings.used_requests
    with pytest.raises(SalesforceMalformedRequest, match="No such column 'Foo'"):
        salesforce.query("SELECT Foo FROM Account")
    sandbox.expire_tokens()
    with pytest.raises(SalesforceExpiredSession):
        salesforce.query(soql)


def test_simple_salesforce_writes_collections(salesforce: Any) -> None:
    row = {"attributes": {"type": "Account"}}
    body = {"allOrNone": False, "records": [row | {"Name": "A"}, row]}
    good, bad = salesforce.restful("composite/sobjects", method="POST", json=body)
    assert good["success"]
    assert bad["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"


def test_simple_salesforce_moves_files(salesforce: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simple_salesforce.bulk2.sleep", lambda seconds: None)
    accounts: Any = salesforce.bulk2.Account
    rows = [{"Ext__c": f"e{at}", "Name": f"N{at}"} for at in range(6)]
    (done,) = accounts.insert(records=[*rows, {"Ext__c": "bad", "Name": ""}])
    assert (done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (7, 1)
    assert "REQUIRED_FIELD_MISSING" in accounts.get_failed_records(done["job_id"])
    (again,) = accounts.upsert(records=[*rows, {"Ext__c": "e6", "Name": "N6"}],
                               external_id_field="Ext__c")  # fmt: skip
    found = accounts.get_all_ingest_records(again["job_id"])
    assert Counter(one["sf__Created"] for one in found["successfulRecords"]) == {
        "false": 6, "true": 1,
    }  # fmt: skip
    soql = "SELECT Id, Name FROM Account WHERE Ext__c LIKE 'e%' ORDER BY Ext__c"
    pages = [[*csv.DictReader(page.splitlines())] for page in accounts.query(soql, max_records=3)]
    assert [len(page) for page in pages] == [3, 3, 1]
    ids = [{"Id": row["Id"]} for page in pages for row in page]
    (deleted,) = accounts.delete(records=ids)
    assert deleted["numberRecordsFailed"] == 0
    assert salesforce.query(soql)["totalSize"] == 0


def test_simple_salesforce_makes_fields_by_soap(
    sandbox: SalesforceSandbox, salesforce: Any
) -> None:
    metadata: Any = salesforce.mdapi
    values = [metadata.CustomValue(fullName=one, label=one, default=False) for one in ("T", "B")]
    chosen = metadata.ValueSet(
        restricted=True,
        valueSetDefinition=metadata.ValueSetValuesDefinition(sorted=False, value=values),
    )
    tier = metadata.CustomField(
        fullName="Account.Tier__c", label="Tier", type=metadata.FieldType("Picklist"),
        valueSet=chosen,
    )  # fmt: skip
    metadata.CustomField.create([tier])
    with pytest.raises(Exception, match="DUPLICATE_DEVELOPER_NAME"):
        metadata.CustomField.create([tier])
    metadata.CustomField.upsert([tier])
    assert metadata.CustomField.read(["Account.Tier__c"])["label"] == "Tier"
    with pytest.raises(SalesforceMalformedRequest, match="No such column"):
        salesforce.query("SELECT Tier__c FROM Account")

    right = metadata.PermissionSetFieldPermissions(
        field="Account.Tier__c", editable=True, readable=True
    )
    metadata.PermissionSet.create(
        [metadata.PermissionSet(fullName="Tiers", label="Tiers", fieldPermissions=[right])]
    )
    assert metadata.PermissionSet.read("Tiers")["fieldPermissions"][0]["editable"] is True
    (made,) = salesforce.query("SELECT Id FROM PermissionSet WHERE Name = 'Tiers'")["records"]
    assignments: Any = salesforce.PermissionSetAssignment
    assignments.create({"AssigneeId": sandbox.user, "PermissionSetId": made["Id"]})
    assert salesforce.query("SELECT Tier__c FROM Account LIMIT 1")["totalSize"] == 1
    accounts: Any = salesforce.Account
    with pytest.raises(SalesforceMalformedRequest, match="RESTRICTED_PICKLIST"):
        accounts.create({"Name": "A", "Tier__c": "X"})

    layout = metadata.Layout.read("Account-Account Layout")
    items = layout["layoutSections"][0]["layoutColumns"][0]["layoutItems"]
    items.append(metadata.LayoutItem(behavior="Edit", field="Tier__c"))
    metadata.Layout.update([layout])
    (section,) = metadata.Layout.read("Account-Account Layout")["layoutSections"]
    assert section["layoutColumns"][0]["layoutItems"][-1]["field"] == "Tier__c"
    view = metadata.ListView(fullName="Account.Top", label="Top", filterScope="Everything",
                             columns=["ACCOUNT.NAME"])  # fmt: skip
    metadata.ListView.create([view])
    assert metadata.ListView.read("Account.Top")["label"] == "Top"
    metadata.CustomField.delete(["Account.Tier__c"])
    assert all(one["name"] != "Tier__c" for one in accounts.describe()["fields"])


@pytest.fixture(scope="session")
def jsforce(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which jsforce is installed."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("jsforce: npm is not installed")
    folder = tmp_path_factory.mktemp("jsforce")
    subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--silent", "jsforce@3"],
        cwd=folder, check=True, timeout=280,
    )  # fmt: skip
    shutil.copy(_HERE / "jsforce.js", folder)
    return folder


def test_jsforce_gets_on_with_it(
    jsforce: Path, sandbox: SalesforceSandbox, authority: Path
) -> None:
    known = sandbox.credentials
    said = {
        "url": sandbox.url, "token": sandbox.token(), "username": known.username,
        "password": known.password + known.security_token,
        "client_id": known.client_id, "client_secret": known.client_secret,
    }  # fmt: skip
    run = subprocess.run(
        ["node", "jsforce.js", json.dumps(said)],
        cwd=jsforce, env=os.environ | {"NODE_EXTRA_CA_CERTS": str(authority)},
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == {
        "user": known.username,
        "made": [True, True, "INVALID_FIELD"],
        "updated": True,
        "upserted": True,
        "rating": "Hot",
        "ratings": ["Hot", None],
        "read": [_ACCOUNTS + 3, _ACCOUNTS + 3, _ACCOUNTS + 3],
        "names": ["J3", "J2"],
        "described": True,
        "objects": True,
        "left": 100_000,
        "deleted": [True],
        "changed": True,
        "refused": "INVALID_FIELD",
        "loaded": [2, ["b3"]],
        "bulk": ["B1", 'ü "q", x'],
        "field": True,
        "fields": [True, False],
        "label": "Js 2",
        "listed": ["Account.Ext__c", "Account.Js__c"],
        "types": ["CustomField", "PermissionSet", "Layout", "ListView"],
        "tooling": 2,
        "password": "00D",
        "app": True,
    }


@pytest.fixture(scope="session")
def tap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the command of tap-salesforce, in an environment of its own."""
    folder = tmp_path_factory.mktemp("tap")
    venv.create(folder / "env", with_pip=True)
    bin_folder = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
    python = bin_folder / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "tap-salesforce"], check=True, timeout=280
    )
    (folder / "way").mkdir()
    shutil.copy(_HERE / "lead_home.py", folder / "way" / "sitecustomize.py")
    return bin_folder / "tap-salesforce"


def test_a_singer_tap_reads_all_there_is(
    tap: Path, sandbox: SalesforceSandbox, authority: Path, tmp_path: Path
) -> None:
    known = sandbox.credentials
    config = {
        "client_id": known.client_id, "client_secret": known.client_secret,
        "refresh_token": sandbox.service.sessions.keep_refresh(sandbox.user),
        "start_date": "2020-01-01T00:00:00Z", "api_type": "REST",
        "select_fields_by_default": True,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    told = {
        "PYTHONPATH": str(tap.parents[2] / "way"),
        "SANDBOX_PORT": str(urlsplit(sandbox.url).port),
        "REQUESTS_CA_BUNDLE": str(authority),
    }

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [tap, "--config", "config.json", *arguments],
            cwd=tmp_path, env=os.environ | told, capture_output=True, text=True, timeout=200,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    catalog = json.loads(run("--discover"))
    wanted = {"Account", "Opportunity", "User", "Task"}
    assert {one["stream"] for one in catalog["streams"]} > wanted
    for stream in catalog["streams"]:
        for about in stream["metadata"]:
            if stream["stream"] in wanted and not about["breadcrumb"]:
                about["metadata"]["selected"] = True
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))
    lines = [json.loads(line) for line in run("--properties", "catalog.json").splitlines()]
    counts = Counter(line["stream"] for line in lines if line["type"] == "RECORD")
    assert counts == {
        "Account": _ACCOUNTS,
        "Opportunity": 3 * _ACCOUNTS,
        "User": len(sandbox.records("User")),
    }
