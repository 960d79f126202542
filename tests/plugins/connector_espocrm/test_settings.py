"""What a job may say, and what would send a key in the clear."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connector_espocrm.settings import EspoSettings


def settings(**given: Any) -> EspoSettings:
    return EspoSettings.model_validate({"url": "https://crm.acme.com", "api_key": "k3y", **given})


@pytest.mark.parametrize(
    ("url", "api"),
    [
        ("https://crm.acme.com", "https://crm.acme.com/api/v1/"),
        ("https://crm.acme.com/", "https://crm.acme.com/api/v1/"),
        (" https://acme.com/crm/#Account ", "https://acme.com/crm/api/v1/"),
        ("https://crm.acme.com:8443", "https://crm.acme.com:8443/api/v1/"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/api/v1/"),
        ("http://localhost/espo", "http://localhost/espo/api/v1/"),
    ],
)
def test_the_api_is_below_where_people_open_it(url: str, api: str) -> None:
    assert settings(url=url).api_url == api


def test_the_path_of_the_api_can_be_another() -> None:
    given = settings(api_path="/portal/api/v1/")
    assert given.api_url == "https://crm.acme.com/portal/api/v1/"


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"url": "http://crm.acme.com"}, id="in-the-clear"),
        pytest.param({"url": "crm.acme.com"}, id="no-scheme"),
        pytest.param({"url": "https://me:pw@crm.acme.com"}, id="password-in-url"),
        pytest.param({"url": "https://crm.acme.com?key=k3y"}, id="key-in-url"),
        pytest.param({"api_path": ""}, id="no-path"),
        pytest.param({"api_path": "https://acme.com/api"}, id="url-as-path"),
        pytest.param({"page_size": 0}, id="no-page"),
        pytest.param({"writing": {"due_time": "24:00"}}, id="no-time"),
        pytest.param({"writing": {"marker_field": "Pyramid Marker"}}, id="no-name"),
        pytest.param({"lead_statuses": {"Dead": "gone"}}, id="no-status-of-ours"),
        pytest.param({"token": "k3y"}, id="unknown"),
    ],
)
def test_what_can_not_be_right_is_refused_without_showing_the_key(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(**given)
    assert "k3y" not in str(refused.value)


def test_no_secret_is_in_what_is_printed() -> None:
    admin = {"username": "admin", "password": "pa55word"}
    said = repr(settings(secret_key="s3cret", admin=admin))  # noqa: S106 - of nobody
    assert not [secret for secret in ("k3y", "s3cret", "pa55word") if secret in said]
