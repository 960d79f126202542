"""Envelopes, as clients of the Metadata API send them."""

from __future__ import annotations

import re

import httpx
import pytest

from sandbox_salesforce.sandbox import SalesforceSandbox

SPACE = "http://soap.sforce.com/2006/04/metadata"


def sent(
    sandbox: SalesforceSandbox, call: str, *, token: str, where: str = "m/62.0"
) -> httpx.Response:
    envelope = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"'
        f' xmlns:m="{SPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><e:Header>'
        f"<m:SessionHeader><m:sessionId>{token}</m:sessionId></m:SessionHeader></e:Header>"
        f"<e:Body>{call}</e:Body></e:Envelope>"
    )
    with httpx.Client(transport=sandbox.transport()) as client:
        return client.post(f"https://sandbox.invalid/services/Soap/{where}", content=envelope)


def field(name: str, kind: str = "Date") -> str:
    return (
        f'<m:metadata xsi:type="m:CustomField"><m:fullName>{name}</m:fullName>'
        f"<m:label>A &amp; B</m:label><m:type>{kind}</m:type></m:metadata>"
    )


def test_components_succeed_and_fail_by_themselves(sandbox: SalesforceSandbox) -> None:
    two = field("Account.Good__c") + field("Account.Bad__c", "Text")
    answer = sent(sandbox, f"<m:createMetadata>{two}</m:createMetadata>", token=sandbox.token())
    assert answer.status_code == 200
    assert re.findall("<success>(.+?)</success>", answer.text) == ["true", "false"]
    assert "<statusCode>REQUIRED_FIELD_MISSING</statusCode>" in answer.text
    sandbox.grant("Account", "Good__c")
    asked = "<m:type>CustomField</m:type><m:fullNames>Account.Good__c</m:fullNames>"
    read = sent(sandbox, f"<m:readMetadata>{asked}</m:readMetadata>", token=sandbox.token())
    assert '<records xsi:type="CustomField"><fullName>Account.Good__c</fullName>' in read.text
    assert "<label>A &amp; B</label>" in read.text
    assert sandbox.calls == 2


@pytest.mark.parametrize(
    ("call", "where", "code"),
    [
        pytest.param("<m:createMetadata/>", "m/30.0", "UNSUPPORTED_API_VERSION", id="version"),
        pytest.param("<m:deploy/>", "m/62.0", "INVALID_OPERATION", id="call"),
        pytest.param("", "m/62.0", "INVALID_XML", id="nothing"),
        pytest.param("<m:login/>", "u/65.0", "UNSUPPORTED_API_VERSION", id="login"),
        pytest.param("<m:login/>", "u/64.0", "INVALID_LOGIN", id="wrong login"),
        pytest.param(
            f"<m:createMetadata>{field('Account.A__c') * 11}</m:createMetadata>",
            "m/62.0",
            "LIMIT_EXCEEDED",
            id="eleven",
        ),
    ],
)
def test_an_envelope_is_refused(
    sandbox: SalesforceSandbox, call: str, where: str, code: str
) -> None:
    answer = sent(sandbox, call, token=sandbox.token(), where=where)
    assert answer.status_code == 500
    assert f"<sf:exceptionCode>{code}</sf:exceptionCode>" in answer.text


def test_a_session_that_ended_is_a_fault(sandbox: SalesforceSandbox) -> None:
    answer = sent(sandbox, "<m:describeMetadata/>", token="ended")  # noqa: S106 - it is none
    assert answer.status_code == 500
    assert "INVALID_SESSION_ID" in answer.text
