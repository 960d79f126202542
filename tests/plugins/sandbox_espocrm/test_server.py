"""The sandbox as a server, what it is filled with, and what brings it to the command line."""

from __future__ import annotations

import ssl
import tomllib
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from pathlib import Path

import httpx
import pytest

import sandbox_espocrm
from connector.errors import PluginError
from connector.plugins import Plugins
from connector.testing.faults import RequestFault, Script, Status, Strike
from sandbox_espocrm.sandbox import EspoSandbox


def test_the_same_number_makes_the_same_company() -> None:
    def company() -> list[list[dict[str, object]]]:
        sandbox = EspoSandbox(clock=lambda: datetime(2026, 3, 1, tzinfo=UTC))
        sandbox.make_up(60)
        entities = ("User", "Account", "Opportunity", "Case", "Lead")
        made = [sandbox.records(entity) for entity in entities]
        sandbox.close()
        return made

    first = company()
    assert first == company()
    assert [len(made) for made in first] == [2 + 2, 60, 180, 12, 12]
    users, accounts, deals, cases, leads = first
    known = {one["id"] for one in accounts}
    assert {one["accountId"] for one in [*deals, *cases]} <= known
    assert {one["assignedUserId"] for one in [*accounts, *deals]} <= {one["id"] for one in users}
    assert {one["stage"] for one in deals} >= {"Closed Won", "Closed Lost", "Prospecting"}
    assert all(str(one["createdAt"]) <= str(one["modifiedAt"]) for one in [*accounts, *deals])
    assert leads[0]["name"] == "Kim Lee 5"


def test_nothing_may_be_made_up() -> None:
    sandbox = EspoSandbox()
    sandbox.make_up(0)
    assert sandbox.records("Account") == []
    sandbox.close()


def test_it_listens_and_fails_as_it_is_told_to() -> None:
    with EspoSandbox(https=True) as sandbox:
        trust = ssl.create_default_context(cadata=sandbox.authority)
        headers = {"X-Api-Key": sandbox.credentials.api_key}
        with httpx.Client(base_url=sandbox.url, headers=headers, verify=trust) as client:
            assert client.get("/api/v1/Account").json() == {"total": 0, "list": []}
            fault = Strike[httpx.Request, RequestFault](Status(503), times=1)
            sandbox.fail_by(Script(fault))
            assert client.get("/api/v1/Account").status_code == 503
            refused = client.get("/api/v1/Account/none")
            assert (refused.status_code, refused.content) == (404, b"")


def test_the_hook_brings_it_and_says_how_to_log_in(tmp_path: Path) -> None:
    plugins = Plugins([EntryPoint("sandbox_espocrm", "sandbox_espocrm", "connector")])
    assert plugins.sandboxes["espocrm"].serve is sandbox_espocrm.serve
    with sandbox_espocrm.serve(accounts=3, port=0, https=True, folder=tmp_path / "new") as said:
        key = tmp_path / "new" / "api-key.txt"
        assert key.stat().st_mode & 0o077 == 0
        assert key.read_text() == said["API key"]
        assert Path(said["certificate authority"]).exists()
        job = tomllib.loads(Path(said["job"]).read_text())
        assert job["source"]["settings"] == {"url": said["URL"], "api_key": {"file": "api-key.txt"}}
        trust = ssl.create_default_context(cafile=said["certificate authority"])
        headers = {"X-Api-Key": said["API key"]}
        answer = httpx.get(f"{said['URL']}/api/v1/Account", headers=headers, verify=trust)
        assert answer.json()["total"] == 3
        assert answer.json()["list"][0].keys() >= {*job["target"]["fields"].values()}
        port = httpx.URL(said["URL"]).port
        assert port is not None
        taken = sandbox_espocrm.serve(accounts=0, port=port, https=False, folder=tmp_path)
        with pytest.raises(PluginError, match="choose another"), taken:
            pass
