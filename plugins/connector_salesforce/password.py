"""Login with a user's password over SOAP, as it was before OAuth."""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from connector import AuthError, keep_secret

if TYPE_CHECKING:
    import httpx

    from connector_salesforce.settings import Password, SalesforceSettings

logger = logging.getLogger(__name__)

_ENVELOPE: Final = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:urn="urn:partner.soap.sforce.com"><soapenv:Body><urn:login>'
    "<urn:username>{}</urn:username><urn:password>{}</urn:password>"
    "</urn:login></soapenv:Body></soapenv:Envelope>"
)
_SAID: Final = re.compile(r"<(?:\w+:)?(sessionId|serverUrl|userId|passwordExpired)>([^<]*)</")


def by_password(
    settings: SalesforceSettings, given: Password, client: httpx.Client
) -> Mapping[str, str]:
    """Return token, instance and user, as a login by OAuth names them."""
    logger.warning(
        "logging in with a password: Salesforce ends this with Summer '27; log in by jwt instead"
    )
    response = client.request(
        "POST",
        f"{settings.login_url}/services/Soap/u/{settings.api_version}",
        content=_ENVELOPE.format(escape(given.username), _secrets(given)).encode(),
        headers={"Content-Type": "text/xml; charset=utf-8", "SOAPAction": "login"},
        auth=None,
    )
    said = {name: html.unescape(text) for name, text in _SAID.findall(response.text)}
    if said.get("passwordExpired") == "true":
        raise AuthError(
            f"{settings.login_url}: the password of {given.username} has expired: log in once in a"
            " browser, set another, and write it into the job"
        )
    server = urlsplit(said.pop("serverUrl", ""))
    names = {"sessionId": "access_token", "userId": "id"}
    named = {names[name]: text for name, text in said.items() if name in names}
    return {"instance_url": f"{server.scheme}://{server.netloc}", **named}


def _secrets(given: Password) -> str:
    """Return password and token as the envelope has them; nothing shows either from now on."""
    token = given.security_token.get_secret_value() if given.security_token else ""
    sent = ""
    for secret in (given.password.get_secret_value(), token):
        keep_secret(secret)
        keep_secret(escape(secret))
        sent += escape(secret)
    return sent
