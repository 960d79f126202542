"""What a job may say of a Tryton."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connector_tryton.settings import TrytonSettings

GOOD: dict[str, Any] = {
    "url": "https://erp.acme.com/",
    "database": "crm",
    "user": "connector",
    "password": "s3cret-word",
}


def test_a_url_is_kept_without_its_end() -> None:
    assert TrytonSettings(**GOOD).url == "https://erp.acme.com"
    loopback = TrytonSettings(**{**GOOD, "url": "http://127.0.0.1:8000/tryton/"})
    assert loopback.url == "http://127.0.0.1:8000/tryton"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param({"url": "http://erp.acme.com"}, "only https", id="in the clear"),
        pytest.param({"url": "https://me:s3cret-word@erp.acme.com"}, "not a URL", id="password"),
        pytest.param({"url": "erp.acme.com"}, "not a URL", id="no scheme"),
        pytest.param({"database": "crm/rpc"}, "pattern", id="database"),
        pytest.param({"categories": {"a": "Tier", "b": "Tier"}}, "its own", id="one category"),
        pytest.param({"deals": "invoices"}, "opportunities", id="deals"),
        pytest.param({"pasword": "x"}, "extra", id="unknown key"),
    ],
)
def test_what_is_wrong_is_said_without_the_password(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says) as failure:
        TrytonSettings(**{**GOOD, **given})
    assert "s3cret-word" not in str(failure.value)
