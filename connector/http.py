"""HTTP for adapters: a client whose failures are our errors, and what they mean for a change.

It never sends anything twice: the host does that (`retry`), as it alone knows what is safe.
"""

from __future__ import annotations

import html
import logging
import re
import ssl
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import parse_qsl

import httpx

from connector import quota, telemetry
from connector.contract import Rejected, Retry, Unknown
from connector.errors import (
    AccessError,
    AuthError,
    ConfigError,
    RateLimited,
    Refused,
    RemoteError,
    Transient,
    Unavailable,
)
from connector.redaction import is_sensitive, without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from connector.contract import Granted, Token
    from connector.quota import Allowances

# Its line for each request holds the query, and so whatever secret a CRM wants there.
logging.getLogger("httpx").setLevel(logging.WARNING)

_BEGUN: Final = "connector.begun"
_EXCERPT: Final = 200
_TITLE: Final = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)

Judge: TypeAlias = "Callable[[httpx.Response, RemoteError], RemoteError]"
"""Returns the error to raise for a failed answer; it gets the one that the status means."""


class NoAnswer(Unavailable):
    """The request went out and no answer came: the CRM may have carried it out."""


class NotFound(AccessError):
    """There is no such thing at this path, or it is not shown to us."""


def crm_client(
    base_url: str,
    *,
    headers: Mapping[str, str] | None = None,
    auth: httpx.Auth | tuple[str, str] | None = None,
    timeout: float = 30.0,
    transport: httpx.BaseTransport | None = None,
    judge: Judge | None = None,
    allowances: Allowances | None = None,
) -> httpx.Client:
    """Return a client whose responses are good ones: everything else is raised as our error.

    401 is AuthError, 403 AccessError, 404 NotFound (an AccessError), 429 RateLimited, 408 and 5xx
    Unavailable, any other 4xx Refused, which holds what the CRM said. Unavailable is NoAnswer
    where the request may have been carried out all the same, on a network failure too, and where
    `json()` finds a good answer cut off, or a page for people. A redirect is AccessError. Messages
    name method, host and path and quote at most 200 characters of the answer; never a query, a
    header or what was sent. *timeout* is in seconds, for each wait. *judge* is for a CRM whose
    answers say more than their status; `told` and `quoted` make its messages as safe as ours.

    In a run of the host no request leaves that the CRM's limits have no room for, or while the CRM
    has failed again and again: that is Transient. *allowances* reads the limits from an answer.
    """
    with _understood():
        return _Client(
            judge=judge,
            allowances=allowances or (lambda response: ()),
            base_url=base_url,
            headers=dict(headers or {}),
            auth=auth,
            timeout=timeout,
            transport=transport,
            verify=_trusted(),
        )


class RefreshingAuth(httpx.Auth):
    """Sends a token that a person has granted; after a 401 it is renewed and sent once more.

    Of many threads and processes that meet a token that has run out, one renews it. What is still
    refused then is AuthError.
    """

    requires_request_body = True  # a body that can be read once could not be sent again

    def __init__(self, granted: Granted) -> None:
        self._granted = granted
        self._token: Token | None = None

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Send *request*, and if need be send it again."""
        token = self._token = self._token or self._granted.token()
        response = yield _with(request, token)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self._token = self._granted.renewed(token)
            yield _with(request, self._token)


def outcome_of(marker: str, error: RemoteError) -> Retry | Rejected | Unknown:
    """Return what became of the change *marker* whose request raised *error*.

    AuthError is raised again: no other change would fare better.
    """
    if isinstance(error, AuthError):
        raise error
    if isinstance(error, NoAnswer):
        return Unknown(marker, str(error))
    if isinstance(error, Transient):
        return Retry(marker, error.retry_after, str(error))
    if isinstance(error, Refused):
        return Rejected(marker, error.code, error.words)
    code = "not_found" if isinstance(error, NotFound) else "no_access"
    return Rejected(marker, code, str(error))


def told(response: httpx.Response, words: str) -> str:
    """Return what a message may say of an answer: method, host, path, status and *words* of it."""
    return f"{_name(response.request)}: {response.status_code}: {quoted(response, words)}"


def quoted(response: httpx.Response, words: str) -> str:
    """Return *words* of an answer as a message may quote them: one line, short, no secret."""
    line = " ".join(without_secrets(words, *_carried(response.request)).split())
    return line if len(line) <= _EXCERPT else f"{line[: _EXCERPT - 1]}…"


@cache
def _trusted() -> ssl.SSLContext:
    # Reading the certificates takes a tenth of a second, for each client if it is left to httpx.
    return httpx.create_ssl_context()


class _Client(httpx.Client):
    """Raises our errors where httpx would return a failure or raise its own."""

    def __init__(self, *, judge: Judge | None, allowances: Allowances, **options: Any) -> None:
        super().__init__(**options)
        self._judge = judge
        self._allowances = allowances
        self._governor = quota.governor()
        # Hooks, as they also see the requests and answers that an `Auth` deals with.
        self.event_hooks = {"request": [self._goes_out], "response": [self._comes_in]}

    def _goes_out(self, request: httpx.Request) -> None:
        if self._governor is not None:
            self._governor.admit(_organisation(request))
            request.extensions[_BEGUN] = time.perf_counter()

    def _comes_in(self, response: httpx.Response) -> None:
        telemetry.count(response.status_code)
        if self._governor is None:
            return
        organisation = _organisation(response.request)
        if response.status_code >= 500:
            self._governor.failed(organisation)
        else:
            seconds = time.perf_counter() - response.request.extensions[_BEGUN]
            self._governor.answered(organisation, self._allowances(response), seconds)

    def _no_answer(self, request: httpx.Request) -> None:
        telemetry.count(None)
        if self._governor is not None:
            self._governor.failed(_organisation(request))

    def build_request(self, *arguments: Any, **options: Any) -> httpx.Request:
        with _understood():
            return super().build_request(*arguments, **options)

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        # Not an event hook: those see a 401 before an `Auth` can renew its token.
        with telemetry.request(request.method, request.url.host) as said:
            response = self._sent(request, **options)
            said["http.response.status_code"] = response.status_code
        if response.status_code >= 300 and response.status_code != 304:
            try:
                response.read()
            except httpx.HTTPError as error:
                raise NoAnswer(f"{_name(request)}: no answer: {_reason(error, request)}") from error
            finally:
                response.close()
            failure = _error(response)
            raise failure if self._judge is None else self._judge(response, failure)
        response.__class__ = _Answer  # what a transport returns is a Response, whatever we ask for
        return response

    def _sent(self, request: httpx.Request, **options: Any) -> httpx.Response:
        name = _name(request)
        try:
            return super().send(request, **options)
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError):
            # What is wrong may be a header, and the message would show it.
            raise ConfigError(f"{name}: not a request; check url and credentials") from None
        except _NOT_SENT as error:
            self._no_answer(request)
            raise Unavailable(f"{name}: {_reason(error, request)}") from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            self._no_answer(request)
            raise NoAnswer(f"{name}: no answer: {_reason(error, request)}") from error
        except httpx.TooManyRedirects as error:
            raise AccessError(f"{name}: redirected in circles; check url") from error


class _Answer(httpx.Response):
    """A good answer, unless its body is not what it should be."""

    def json(self, **options: Any) -> Any:
        try:
            return super().json(**options)
        except ValueError as error:
            # The body may hold records: only the page of a gateway or a login is named.
            said = f": {_words(self)}" if _is_page(self) else f" ({len(self.content)} bytes)"
            text = f"{_name(self.request)}: {self.status_code}: the answer is not JSON{said}"
            raise NoAnswer(text) from error


def _error(response: httpx.Response) -> RemoteError:
    status = response.status_code
    words = _words(response)
    text = told(response, words)
    if status < 400:
        return AccessError(f"{text}; redirected, which a CRM's interface does not: check url")
    if status == 401:
        return AuthError(f"{text}; check the credentials")
    if status == 403:
        return AccessError(text)
    if status == 404:
        return NotFound(text)
    if status == 429:
        return RateLimited(text, retry_after=_retry_after(response))
    if status in (408, 503):  # not begun
        return Unavailable(text)
    if status >= 500:  # begun, and nobody knows how far it came
        return NoAnswer(text)
    return Refused(text, code=str(status), words=words)


@contextmanager
def _understood() -> Iterator[None]:
    # The message would show the header or the URL, and what is wrong with it may be a secret.
    try:
        yield
    except UnicodeEncodeError:
        raise ConfigError("a header can hold ASCII only; check the credentials") from None
    except httpx.InvalidURL:
        raise ConfigError("not a URL; check url and credentials") from None


def _with(request: httpx.Request, token: Token) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {token.access}"
    return request


def _organisation(request: httpx.Request) -> str:
    """Return what a CRM's limits are kept under: its host, and a port that is not the usual."""
    return request.url.netloc.decode("ascii")


def _name(request: httpx.Request) -> str:
    return without_secrets(f"{request.method} {request.url.host}{request.url.path}")


def _reason(error: Exception, request: httpx.Request) -> str:
    return without_secrets(str(error), *_carried(request)) or type(error).__name__


def _carried(request: httpx.Request) -> Iterator[str]:
    """Yield what *request* carried that may be a secret: an answer may repeat it."""
    for name, value in request.headers.items():
        if is_sensitive(name):
            yield value
            yield from value.split()[1:]  # without the scheme, such as Bearer
    sent = list(request.url.params.multi_items())
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        sent += parse_qsl(request.read().decode(errors="replace"))
    yield from (value for name, value in sent if is_sensitive(name))


def _words(response: httpx.Response) -> str:
    """Return what the CRM said, short, in one line; of a page made for people its title."""
    body = response.text
    if _is_page(response):
        title = _TITLE.search(body)
        body = html.unescape(title[1]) if title else ""
    return quoted(response, body) or response.reason_phrase


def _is_page(response: httpx.Response) -> bool:
    kind = response.headers.get("content-type", "")
    return "html" in kind or response.text.lstrip()[:1] == "<"


def _retry_after(response: httpx.Response) -> float | None:
    """Return the seconds that the CRM asks to wait for, from a number or from a date."""
    text = response.headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    now = _date_of(response)
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())


def _date_of(response: httpx.Response) -> datetime:
    # By the CRM's own clock where it tells it: ours may be wrong.
    try:
        date = parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return datetime.now(UTC)
    return date if date.tzinfo else date.replace(tzinfo=UTC)
