"""What a job may say, and what it is told where it is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connector_salesforce.settings import SalesforceSettings
from tests.plugins.connector_salesforce.answers import settings

JWT = {"client_id": "3MVG9", "username": "connector@acme.com", "private_key": "-----BEGIN"}


@pytest.mark.parametrize(
    ("domain", "host"),
    [
        pytest.param("login", "login.salesforce.com", id="login"),
        pytest.param("test", "test.salesforce.com", id="test"),
        pytest.param("acme", "acme.my.salesforce.com", id="my-domain"),
        pytest.param("acme.my", "acme.my.salesforce.com", id="with-my"),
        pytest.param("acme--uat.sandbox", "acme--uat.sandbox.my.salesforce.com", id="sandbox"),
        pytest.param("https://acme.my.salesforce.com/", "acme.my.salesforce.com", id="copied"),
    ],
)
def test_a_domain_is_taken_as_people_write_it(domain: str, host: str) -> None:
    assert settings(domain=domain, jwt=JWT).login_url == f"https://{host}"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param({"domain": "acme.lightning.force.com"}, "not a My Domain", id="page"),
        pytest.param({"domain": "acme/../x"}, "not a My Domain", id="path"),
        pytest.param({"instance_url": "http://acme.example"}, "only https", id="http"),
        pytest.param({"instance_url": "https://me:pw@acme.example"}, "not a URL", id="password"),
        pytest.param({"instance_url": "acme"}, "not a URL", id="no-scheme"),
        pytest.param({"api_version": "sixty"}, "write it like 62.0", id="version"),
        pytest.param({"jwt": JWT}, "exactly one", id="two-logins"),
        pytest.param({"client_credentials": None}, "exactly one", id="no-login"),
        pytest.param({"domain": "login"}, "My Domain only", id="no-my-domain"),
        pytest.param({"domian": "acme"}, "Extra inputs", id="unknown"),
    ],
)
def test_a_mistake_is_told(given: dict[str, Any], words: str) -> None:
    app = {"client_id": "3MVG9", "client_secret": "c0nsumer-s3cret"}
    with pytest.raises(ValidationError, match=words) as failure:
        SalesforceSettings.model_validate({"domain": "acme", "client_credentials": app, **given})
    assert "s3cret" not in str(failure.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:8"])
def test_plain_http_is_for_this_computer(url: str) -> None:
    assert settings(instance_url=f"{url}/path").login_url == url


def test_a_version_may_be_written_with_a_v() -> None:
    assert settings(api_version="v61").api_version == "61.0"


@pytest.mark.parametrize(
    ("given", "audience"),
    [
        ({"domain": "test"}, "https://test.salesforce.com"),
        ({"domain": "login", "instance_url": "http://127.0.0.1:8"}, "https://login.salesforce.com"),
        ({"jwt": {**JWT, "audience": "https://login.salesforce.com"}}, None),
    ],
)
def test_an_assertion_is_for_whom_we_log_in_at(given: dict[str, Any], audience: str | None) -> None:
    made = settings(**{"jwt": JWT, **given})
    assert made.audience == (audience or "https://login.salesforce.com")
