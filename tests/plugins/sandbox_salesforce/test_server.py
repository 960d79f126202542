"""The server: answers over HTTP and HTTPS, and fails as it is told to."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import httpx
import pytest

import sandbox_salesforce
from connector.errors import PluginError
from connector.plugins import Plugins
from connector.testing.faults import (
    Drip,
    Html,
    RequestFault,
    Reset,
    Script,
    Status,
    Strike,
    Timeout,
    TooMany,
    Truncated,
)
from sandbox_salesforce.sandbox import SalesforceSandbox
from tests.plugins.sandbox_salesforce.asking import API


@pytest.fixture(scope="module")
def served() -> Iterator[SalesforceSandbox]:
    """Return a sandbox that listens."""
    with SalesforceSandbox() as sandbox:
        yield sandbox


@pytest.fixture
def client(served: SalesforceSandbox) -> Iterator[httpx.Client]:
    """Return a client that has logged in over the network."""
    headers = {"Authorization": f"Bearer {served.token()}"}
    with httpx.Client(base_url=f"{served.url}{API}", headers=headers, timeout=0.2) as client:
        yield client
    served.fail_by(None)


def fails(sandbox: SalesforceSandbox, fault: RequestFault) -> None:
    sandbox.fail_by(Script(Strike[httpx.Request, RequestFault](fault, times=1)))


def test_it_listens(client: httpx.Client) -> None:
    answer = client.get("limits")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"


@pytest.mark.parametrize(
    ("fault", "error", "made"),
    [
        pytest.param(Timeout("before"), httpx.ReadTimeout, 0, id="lost on the way there"),
        pytest.param(Timeout("after"), httpx.ReadTimeout, 1, id="lost on the way back"),
        pytest.param(Reset("after"), httpx.TransportError, 1, id="reset"),
        pytest.param(Reset("midway"), httpx.TransportError, 1, id="broken midway"),
    ],
)
def test_a_request_is_lost(
    served: SalesforceSandbox,
    client: httpx.Client,
    fault: RequestFault,
    error: type[Exception],
    made: int,
) -> None:
    before = len(served.records("Account"))
    fails(served, fault)
    with pytest.raises(error):
        client.post("sobjects/Account", json={"Name": "A"})
    assert len(served.records("Account")) - before == made
    assert client.get("limits").status_code == 200


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        pytest.param(Status(503), 503, id="unavailable"),
        pytest.param(TooMany(), 429, id="too many"),
        pytest.param(Html(), 200, id="a page"),
        pytest.param(Truncated(), 200, id="cut"),
    ],
)
def test_an_answer_is_spoilt(
    served: SalesforceSandbox, client: httpx.Client, fault: RequestFault, status: int
) -> None:
    fails(served, fault)
    answer = client.get("limits")
    assert answer.status_code == status
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_an_answer_comes_in_drops(served: SalesforceSandbox, client: httpx.Client) -> None:
    fails(served, Drip(size=100))
    assert "DailyApiRequests" in client.get("limits").json()


def test_its_certificate_can_be_checked() -> None:
    with SalesforceSandbox(https=True) as sandbox:
        trust = ssl.create_default_context(cadata=sandbox.authority)
        with httpx.Client(verify=trust) as client:
            assert client.get(f"{sandbox.url}/services/data/").status_code == 200


def test_the_hook_brings_it_and_says_how_to_log_in(tmp_path: Path) -> None:
    plugins = Plugins([EntryPoint("sandbox_salesforce", "sandbox_salesforce", "connector")])
    serve: Callable[..., object] = plugins.sandboxes["salesforce"].serve
    assert serve is sandbox_salesforce.serve
    with sandbox_salesforce.serve(accounts=3, port=0, https=True, folder=tmp_path / "new") as said:
        key = Path(said["private key (JWT)"])
        assert key.stat().st_mode & 0o077 == 0
        assert key.read_text().startswith("-----BEGIN PRIVATE KEY-----")
        assert Path(said["certificate authority"]).exists()
        port = httpx.URL(said["URL"]).port
        assert port is not None
        taken = sandbox_salesforce.serve(accounts=0, port=port, https=False, folder=tmp_path)
        with pytest.raises(PluginError, match="choose another"), taken:
            pass
