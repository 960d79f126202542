"""A secret is found in a text however it is written there, and nothing else is touched."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus

import pytest

from connector.redaction import (
    is_sensitive,
    keep_secret,
    parts_of,
    traceback_of,
    without_secrets,
)

SECRET = 'Pa/ß w+"o\\rd=%20'  # noqa: S105 - nobody's


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(SECRET, id="plain"),
        pytest.param(quote(SECRET), id="path"),
        pytest.param(quote(SECRET, safe=""), id="parameter"),
        pytest.param(quote(SECRET, safe="").lower(), id="small hex"),
        pytest.param(quote_plus(SECRET), id="form"),
        pytest.param(repr(SECRET)[1:-1], id="repr"),
        pytest.param(ascii(SECRET)[1:-1], id="ascii"),
        pytest.param(json.dumps(SECRET)[1:-1], id="json"),
        pytest.param(json.dumps(SECRET, ensure_ascii=False)[1:-1], id="json as it is"),
        pytest.param(repr(json.dumps(SECRET))[2:-2], id="json in repr"),
        pytest.param(json.dumps(json.dumps(SECRET))[3:-3], id="json in json"),
    ],
)
def test_a_secret_is_blotted_out_however_it_is_quoted(shown: str) -> None:
    keep_secret(SECRET)
    assert without_secrets(f"before {shown} after") == "before *** after"


@pytest.mark.parametrize("before", ["", "u", "me", "you", "user:", "longer user:"])
@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
def test_so_it_is_in_base64_whatever_stands_before_it(before: str, encode: object) -> None:
    keep_secret("correct horse?>~battery")
    assert callable(encode)
    shown = encode(f"{before}correct horse?>~battery and more".encode()).decode()
    assert "***" in without_secrets(f"Authorization: Basic {shown}")
    assert shown[len(before) + 4 : -24] not in without_secrets(shown)


def test_the_longer_secret_comes_first() -> None:
    keep_secret("abcd")
    keep_secret("abcdefgh")
    assert without_secrets("abcdefgh") == "***"


def test_what_is_too_short_is_left() -> None:
    keep_secret("abc")
    keep_secret("")
    assert without_secrets("abc") == "abc"


def test_a_text_may_be_freed_of_more_than_is_known() -> None:
    assert without_secrets("token t0ken", "t0ken") == "token ***"
    assert without_secrets("token t0ken") == "token t0ken"


@pytest.mark.parametrize(
    ("secret", "parts"),
    [
        ("t0ken", {"t0ken"}),
        ("https://hooks/T0/abc", {"https://hooks/T0/abc"}),
        ("sqlite:////var/crm.db", set()),
        ("postgresql://me@host/crm", set()),
        ("postgresql://me:p%40ss@host/crm", {"p%40ss", "p@ss"}),
        ("postgresql://me:p@ss@host/crm", {"p", "p@ss"}),
        ("postgresql://me:p[s@host/crm?sslpassword=pw&application_name=x", {"p[s", "pw"}),
        ("mssql+pyodbc://?odbc_connect=UID%3Dme%3BPWD%3Dp%40ss%3BServer%3Dx", {"p@ss"}),
    ],
)
def test_of_a_database_s_url_only_what_is_secret_is_kept(secret: str, parts: set[str]) -> None:
    assert set(parts_of(secret)) == parts


@pytest.mark.parametrize(
    ("name", "sensitive"),
    [
        *((name, True) for name in ("Authorization", "X-Api-Key", "hapikey", "auth", "sig")),
        *((name, True) for name in ("access_token", "client_secret", "Cookie", "password")),
        ("assertion", True),
        *((name, False) for name in ("author", "assigned_to", "client_id", "limit", "q")),
    ],
)
def test_what_may_be_a_secret_is_known_by_its_name(name: str, sensitive: bool) -> None:
    assert is_sensitive(name) is sensitive


def test_a_traceback_is_told_without_secrets() -> None:
    keep_secret("t0ken-value")
    try:
        try:
            raise KeyError({"token": "t0ken-value"})
        except KeyError as error:
            raise RuntimeError("no t0ken-value") from error
    except RuntimeError as error:
        said = traceback_of(error)
    assert "t0ken-value" not in said
    assert said.splitlines()[-1] == "RuntimeError: no ***"
