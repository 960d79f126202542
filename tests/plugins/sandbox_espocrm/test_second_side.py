"""Clients that others wrote get on with the sandbox: a check of what it imitates.

What they can't do, and why, is in docs/sandboxes.md.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Final

import pytest
from espo import Espo, EspoMethods
from espo.exceptions import EmptyResponseError, EspoError

from sandbox_espocrm.sandbox import EspoSandbox

pytestmark = pytest.mark.long
_ACCOUNTS: Final = 450
"""More than two pages."""


@pytest.fixture(scope="module")
def company() -> Iterator[EspoSandbox]:
    """Return a sandbox that listens, with a company in it."""
    with EspoSandbox() as sandbox:
        sandbox.add_field("Account", "cTier", "enum", options=["", "Top", "Big"])
        sandbox.make_up(_ACCOUNTS)
        yield sandbox


@pytest.fixture
def espo(company: EspoSandbox) -> Iterator[Any]:
    """Return the client `espo`."""
    client = Espo(company.url, company.credentials.api_key)
    yield client
    client.session.close()


@pytest.fixture
def other(company: EspoSandbox, caplog: pytest.LogCaptureFixture) -> Iterator[Any]:
    """Return the client `espocrm-client`, with the API key."""
    import espocrm  # a second, which collecting the tests need not take

    caplog.set_level(logging.CRITICAL, logger="espocrm")
    with other_client(company, espocrm.APIKeyAuth(company.credentials.api_key)) as client:
        yield client


def other_client(sandbox: EspoSandbox, auth: Any) -> Any:
    import espocrm

    key = sandbox.credentials.api_key
    config = espocrm.ClientConfig(base_url=sandbox.url, api_key=key, max_retries=0)
    return espocrm.EspoCRMClient(sandbox.url, auth, config)


def test_espo_reads_all_pages_of_what_it_asks_for(company: EspoSandbox, espo: Any) -> None:
    asked = {"select": "id,name,accountId", "maxSize": 200, "orderBy": "modifiedAt", "order": "asc"}
    read: set[str] = set()
    while page := espo.request(EspoMethods.GET, "Opportunity", {**asked, "offset": len(read)})[
        "list"
    ]:
        read |= {one["id"] for one in page}
    assert len(read) == 3 * _ACCOUNTS
    partners = [one for one in company.records("Account") if one["type"] == "Partner"]
    some = {one["name"] for one in company.records("Account")[:3]}
    where = [
        {
            "type": "or",
            "value": [
                {"type": "equals", "attribute": "type", "value": "Partner"},
                {"type": "in", "attribute": "name", "value": sorted(some)},
            ],
        },
        {"type": "after", "attribute": "createdAt", "value": "2000-01-01 00:00:00"},
    ]
    found = espo.request(EspoMethods.GET, "Account", {"where": where})
    assert found["total"] == len(some | {one["name"] for one in partners})
    with pytest.raises(EspoError, match="403: Max size should not exceed 200"):
        espo.request(EspoMethods.GET, "Account", {"maxSize": 201})


def test_espo_writes_and_is_told_what_is_wrong(company: EspoSandbox, espo: Any) -> None:
    made = espo.request(EspoMethods.POST, "Account", {"name": "Espo's"})
    for method in (EspoMethods.PUT, EspoMethods.PATCH):
        changed = espo.request(method, f"Account/{made['id']}", {"cTier": "Top"})
        assert (changed["cTier"], changed["name"]) == ("Top", "Espo's")
    with pytest.raises(EspoError, match=r"400: .*field: cTier, type: valid"):
        espo.request(EspoMethods.PUT, f"Account/{made['id']}", {"cTier": "X"})
    with pytest.raises(EspoError, match=r"403: No delete access\."):
        espo.request(EspoMethods.DELETE, f"Account/{made['id']}")
    with pytest.raises(EspoError) as refused:
        espo.request(EspoMethods.GET, "Account/none")
    assert refused.value.code == 404
    stage = espo.request(
        EspoMethods.GET, "Metadata", {"key": "entityDefs.Opportunity.fields.stage"}
    )
    assert stage["probabilityMap"]["Closed Won"] == 100
    with pytest.raises(EmptyResponseError):
        espo.request(EspoMethods.GET, "Metadata", {"key": "entityDefs.Account.fields.cNone"})


def test_espocrm_client_works_with_records(company: EspoSandbox, other: Any) -> None:
    import espocrm
    from espocrm import exceptions

    assert other.test_connection()
    body = {"name": "Other's", "website": "https://other.example"}
    made = other.crud.create("Account", body).get_id()
    assert other.crud.exists("Account", made)
    for partial in (True, False):
        other.crud.update("Account", made, {"cTier": "Big"}, partial=partial)
        assert other.crud.read("Account", made).data["cTier"] == "Big"
    assert other.crud.count("Account") == len(company.records("Account"))
    first = company.records("Account")[0]["id"]
    raw = other.get("Account", params={"maxSize": 3, "orderBy": "name", "order": "asc"})
    assert len(raw["data"]) == 3
    with pytest.raises(exceptions.EspoCRMAPIError, match="409"):
        other.crud.create("Account", body)
    with pytest.raises(exceptions.EspoCRMValidationError, match="400"):
        other.crud.create("Opportunity", {"name": "D"})
    with pytest.raises(exceptions.EspoCRMAuthorizationError, match="403"):
        other.crud.delete("Account", made)
    with pytest.raises(exceptions.EspoCRMNotFoundError, match="404"):
        other.crud.read("Account", "6b0205c86dcb54da3")
    known = company.credentials
    with other_client(company, espocrm.BasicAuth(known.admin, known.admin_password)) as admin:
        assert admin.crud.delete("Account", made)
        field = {"type": "int", "name": "score"}
        assert admin.post("Admin/fieldManager/Account", data=field)["data"]["type"] == "int"
    assert "cScore" in other.crud.read("Account", first).data


def test_espocrm_client_signs_and_asks_otherwise_than_the_vendor_says(
    company: EspoSandbox, other: Any
) -> None:
    import espocrm
    from espocrm import exceptions

    known = company.credentials
    auth = espocrm.HMACAuth(known.api_key, known.secret_key)
    refused = pytest.raises(exceptions.EspoCRMAuthenticationError, match="401")
    with other_client(company, auth) as client, refused:
        client.get("Account")
    # Its conditions stand in no brackets, so that they are none; its lists have no records in them.
    where = [{"type": "equals", "attribute": "name", "value": "nobody"}]
    listed = other.crud.list("Account", max_size=3, where=where)
    live = sum(not one["deleted"] for one in company.records("Account"))
    assert (len(listed.list), listed.total) == (0, live)
