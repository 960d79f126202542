"""What a job says about an Odoo is understood, or refused with what to write."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connector import ConfigError, Stream
from connector_odoo.connection import Odoo
from connector_odoo.settings import OdooSettings
from connector_odoo.streams import origin_of
from tests.plugins.connector_odoo.odoo import Backend

GOOD: dict[str, Any] = {"url": "https://acme.odoo.com", "database": "acme", "api_key": "s3cret"}


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://acme.odoo.com/", "https://acme.odoo.com"),
        ("https://erp.acme.com:8443", "https://erp.acme.com:8443"),
        ("http://127.0.0.1:8069", "http://127.0.0.1:8069"),
    ],
)
def test_a_url_is_scheme_and_host(url: str, kept: str) -> None:
    assert OdooSettings.model_validate({**GOOD, "url": url}).url == kept


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "http://acme.odoo.com"}, "only https"),
        ({"url": "https://me:pw@acme.odoo.com"}, "not a URL"),
        ({"url": "https://acme.odoo.com/odoo/contacts"}, "only scheme and host"),
        ({"url": "acme"}, "not a URL"),
        ({"transport": "jsonrpc"}, "name the login too"),
        ({"transport": "xmlrpc"}, "json2"),
        ({"database": ""}, "at least 1 character"),
        ({"overlap": 0}, "greater than or equal to 1"),
        ({"filters": {"accounts": ["customer_rank > 0"]}}, "a term is a list"),
        ({"writing": {"marker_field": "marker"}}, "should match pattern"),
        ({"password": "x"}, "Extra inputs"),
    ],
    ids=lambda one: str(one)[:40],
)
def test_what_would_not_work_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said) as failed:
        OdooSettings.model_validate({**GOOD, **given})
    assert "s3cret" not in str(failed.value)


def test_before_19_a_login_is_asked_for() -> None:
    backend = Backend("17.0")
    odoo = Odoo(backend.settings(login=None), transport=backend.wire)
    with pytest.raises(ConfigError, match="login: this Odoo is older than 19"):
        odoo.call("res.users", "context_get")


def test_deals_are_what_the_job_says() -> None:
    def models(**given: Any) -> list[str | None]:
        settings = OdooSettings.model_validate({**GOOD, **given})
        origins = (origin_of(s, settings) for s in (Stream.OPPORTUNITIES, Stream.LINE_ITEMS))
        return [one.model if one else None for one in origins]

    assert models() == ["crm.lead", None]
    assert models(deals="orders") == ["sale.order", "sale.order.line"]
    assert models(deals="invoices") == ["account.move", "account.move.line"]
