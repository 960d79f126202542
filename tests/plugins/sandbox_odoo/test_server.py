"""The server: answers over HTTP and HTTPS, fails as it is told to, and says how to log in."""

from __future__ import annotations

import ssl
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import httpx
import pytest

import sandbox_odoo
from connector.errors import PluginError
from connector.plugins import Plugins
from connector.testing.faults import RequestFault, Reset, Script, Strike, Timeout
from sandbox_odoo.sandbox import OdooSandbox
from tests.plugins.sandbox_odoo.conftest import Make


@pytest.fixture(scope="module")
def served() -> Iterator[OdooSandbox]:
    """Return a sandbox that listens."""
    with OdooSandbox() as sandbox:
        yield sandbox


@pytest.fixture
def client(served: OdooSandbox) -> Iterator[httpx.Client]:
    """Return a client of it over the network."""
    headers = {"Authorization": f"bearer {served.credentials.api_key}"}
    with httpx.Client(base_url=f"{served.url}/json/2/", headers=headers, timeout=0.2) as client:
        yield client
    served.fail_by(None)


@pytest.mark.parametrize(
    ("fault", "made"),
    [
        pytest.param(Timeout("before"), 0, id="lost on the way there"),
        pytest.param(Timeout("after"), 1, id="lost on the way back"),
        pytest.param(Reset("midway"), 1, id="broken midway"),
    ],
)
def test_a_request_is_lost(
    served: OdooSandbox, client: httpx.Client, fault: RequestFault, made: int
) -> None:
    before = len(served.records("res.partner"))
    served.fail_by(Script(Strike[httpx.Request, RequestFault](fault, times=1)))
    with pytest.raises(httpx.TransportError):
        client.post("res.partner/create", json={"vals_list": [{"name": "A"}]})
    assert len(served.records("res.partner")) - before == made
    assert client.post("res.users/context_get", json={}).status_code == 200


def test_its_certificate_can_be_checked() -> None:
    with OdooSandbox(https=True) as sandbox:
        trust = ssl.create_default_context(cadata=sandbox.authority)
        with httpx.Client(verify=trust) as client:
            assert client.get(f"{sandbox.url}/web/version").json()["version"] == "19.0"


def test_the_hook_brings_it_and_says_how_to_log_in(tmp_path: Path) -> None:
    plugins = Plugins([EntryPoint("sandbox_odoo", "sandbox_odoo", "connector")])
    serve: Callable[..., object] = plugins.sandboxes["odoo"].serve
    assert serve is sandbox_odoo.serve
    with sandbox_odoo.serve(accounts=3, port=0, https=False, folder=tmp_path / "new") as said:
        job = Path(said["job"])
        settings = tomllib.loads(job.read_text())["source"]["settings"]
        assert settings["url"] == said["URL"]
        assert (settings["database"], settings["login"]) == (said["database"], said["login"])
        key = job.parent / settings["api_key"]["file"]
        assert key.read_text() == said["API key"]
        assert key.stat().st_mode & 0o077 == 0
        port = httpx.URL(said["URL"]).port
        assert port is not None
        taken = sandbox_odoo.serve(accounts=0, port=port, https=False, folder=tmp_path)
        with pytest.raises(PluginError, match="choose another"), taken:
            pass


def test_the_same_number_makes_the_same_company(make: Make) -> None:
    first, second = make(), make()
    for sandbox in (first, second):
        sandbox.make_up(40)
    for model in ("res.partner", "crm.lead", "sale.order", "account.move", "res.users"):
        assert first.records(model) == second.records(model)
    partners = first.records("res.partner")
    assert sum(row["is_company"] for row in partners) == 41  # with the one whose database it is
    leads = first.records("crm.lead")
    assert len(leads) == 120
    assert {row["won_status"] for row in leads} == {"won", "lost", "pending"}
    # What is sold comes to what the deal is worth, and is billed.
    worth = {row["id"]: row["expected_revenue"] for row in leads}
    orders = first.records("sale.order")
    assert orders
    assert all(row["amount_total"] == worth[row["opportunity_id"]] for row in orders)
    billed = sum(row["amount_untaxed_signed"] for row in first.records("account.move"))
    assert billed == sum(row["amount_untaxed"] for row in orders)


@pytest.mark.parametrize("apps", [(), ("crm",), ("sale",), ("account",)])
def test_a_company_with_few_apps(make: Make, apps: tuple[str, ...]) -> None:
    sandbox = make("17.0", apps=apps)
    sandbox.make_up(8)
    assert len(sandbox.records("res.partner")) > 8
