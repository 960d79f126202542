"""Tokens are unreadable without their key, and are renewed once by whoever comes first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from connector.auth import Grant, refresh_grant
from connector.contract import Token
from connector.errors import AuthError, BusyError, ConfigError, RemoteError, Unavailable
from connector.http import RefreshingAuth, crm_client
from connector.store import Store
from connector.store.tables import TokenRow
from connector.tokens import Tokens, token_keys
from tests.connector.oauth_server import OAuthCRM

fernet = pytest.importorskip("cryptography.fernet")

KEYS = [fernet.Fernet.generate_key().decode() for _ in range(3)]
OLD = Token("access-s3cret", "refresh-s3cret")


@pytest.fixture
def tokens(store: Store) -> Tokens:
    return Tokens(store, KEYS[:1])


# --- how they are kept


def test_a_token_is_kept_until_it_is_forgotten(tokens: Tokens) -> None:
    assert tokens.get("crm") is None
    tokens.put("crm", OLD)
    tokens.put("crm", Token("a", "b"))
    tokens.put("other", OLD)
    assert tokens.get("crm") == Token("a", "b")
    tokens.forget("crm")
    tokens.forget("crm")
    assert tokens.get("crm") is None
    assert tokens.get("other") == OLD


def test_the_store_alone_tells_nothing(tokens: Tokens, store: Store) -> None:
    tokens.put("crm", OLD)
    with store.session() as session:
        row = session.get(TokenRow, "crm")
    assert row
    assert "s3cret" not in repr(row) + repr(OLD) + str(OLD)


def test_a_new_key_opens_what_the_old_one_closed(store: Store) -> None:
    Tokens(store, [KEYS[0]]).put("crm", OLD)
    both = Tokens(store, [KEYS[1], KEYS[0]])
    assert both.get("crm") == OLD
    both.put("crm", OLD)
    assert Tokens(store, [KEYS[1]]).get("crm") == OLD


def test_another_key_opens_nothing_and_says_what_to_do(store: Store, tokens: Tokens) -> None:
    tokens.put("crm", OLD)
    with pytest.raises(ConfigError, match=r"'crm': .*another key; give that one in \$CONNECTOR_"):
        Tokens(store, [KEYS[1]]).get("crm")


def test_a_row_that_was_moved_gives_no_token_to_another_crm(store: Store, tokens: Tokens) -> None:
    tokens.put("crm", OLD)
    with store.session() as session:
        row = session.get(TokenRow, "crm")
        assert row
        row.connection = "evil"
        session.add(row)
    with pytest.raises(ConfigError, match="'evil': the store holds the token of 'crm'"):
        tokens.get("evil")


@pytest.mark.parametrize("keys", [[], ["short"], ["é" * 44]])
def test_what_is_no_key_is_said(sqlite_store: Store, keys: list[str]) -> None:
    with pytest.raises(ConfigError, match="32 bytes in base64; make one with"):
        Tokens(sqlite_store, keys)


# --- where the key comes from


@pytest.fixture
def keyless(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], str]:
    """Return the keyring, which is empty."""
    keyring = pytest.importorskip("keyring")
    held: dict[tuple[str, str], str] = {}
    monkeypatch.setattr(keyring, "get_password", lambda *entry: held.get(entry))
    for name in ("CONNECTOR_TOKEN_KEY", "CONNECTOR_TOKEN_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    return held


def test_the_key_comes_from_environment_file_or_keyring(
    keyless: dict[tuple[str, str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="no key for tokens: set "):
        token_keys()
    keyless["pyramid-connector", "token-key"] = KEYS[0]
    assert token_keys() == [KEYS[0]]
    path = tmp_path / "key"
    path.write_text(f"{KEYS[1]}\n{KEYS[0]}\n")
    path.chmod(0o600)
    monkeypatch.setenv("CONNECTOR_TOKEN_KEY_FILE", str(path))
    assert token_keys() == [KEYS[1], KEYS[0]]
    monkeypatch.setenv("CONNECTOR_TOKEN_KEY", f"{KEYS[2]},{KEYS[1]}")
    assert token_keys() == [KEYS[2], KEYS[1]]


@pytest.mark.skipif(os.name != "posix", reason="rights of files are otherwise elsewhere")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
@pytest.mark.usefixtures("keyless")
def test_a_key_that_others_may_read_is_refused(
    mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key"
    path.write_text(KEYS[0])
    path.chmod(mode)
    monkeypatch.setenv("CONNECTOR_TOKEN_KEY_FILE", str(path))
    with pytest.raises(ConfigError, match=f"mode 0{mode:o}.*chmod 600"):
        token_keys()


@pytest.mark.usefixtures("keyless")
def test_a_key_file_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    monkeypatch.setenv("CONNECTOR_TOKEN_KEY_FILE", str(path))
    with pytest.raises(ConfigError, match=r"key can't be read: No such file"):
        token_keys()
    path.write_bytes(b"\xff")
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="holds no key"):
        token_keys()


# --- how they are renewed

Crm = Callable[..., OAuthCRM]


@pytest.fixture
def make_crm() -> Iterator[Crm]:
    made: list[OAuthCRM] = []

    def make(waits_for: int = 1) -> OAuthCRM:
        made.append(OAuthCRM(waits_for))
        return made[-1]

    yield make
    for crm in made:
        crm.stop()


def send(tokens: Tokens, url: str, threads: int, body: str = "hello") -> list[int]:
    """Send *body* from so many threads at once, through one client; return what was answered."""
    grant = refresh_grant(f"{url}/token", {"client_id": "me", "client_secret": "app-s3cret"})
    auth = RefreshingAuth(Grant(tokens, "crm", grant))
    with crm_client(url, auth=auth) as client, ThreadPoolExecutor(threads) as pool:
        sent = [
            pool.submit(client.post, "/data", content=iter([body.encode()])) for _ in range(threads)
        ]
        return [one.result().status_code for one in sent]


ELSEWHERE = """
import sys
from connector.store import Store
from connector.tokens import Tokens
from tests.connector.test_tokens import send
url, key, crm = sys.argv[1:]
print(send(Tokens(Store(url), [key]), crm, 3, "elsewhere"))
"""


def test_of_many_threads_one_renews(sqlite_store: Store, make_crm: Crm) -> None:
    crm, tokens = make_crm(waits_for=4), Tokens(sqlite_store, KEYS)
    tokens.put("crm", Token("expired", "refresh-0"))
    assert send(tokens, crm.url, 4) == [200] * 4
    assert crm.renewals == ["refresh-0"]
    assert crm.taken == ["hello"] * 4


@pytest.mark.long
def test_of_two_processes_and_many_threads_one_renews(
    store_url: str, tokens: Tokens, make_crm: Crm
) -> None:
    crm = make_crm(waits_for=6)
    tokens.put("crm", Token("expired", "refresh-0"))
    with subprocess.Popen(
        [sys.executable, "-c", ELSEWHERE, store_url, KEYS[0], crm.url],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert send(tokens, crm.url, 3) == [200] * 3
        out, _ = other.communicate()
    assert json.loads(out) == [200] * 3
    assert crm.renewals == ["refresh-0"]
    assert sorted(crm.taken) == ["elsewhere"] * 3 + ["hello"] * 3
    assert tokens.get("crm") == Token(crm.access, crm.refresh)


def test_a_token_that_is_good_is_left_alone(tokens: Tokens, make_crm: Crm) -> None:
    crm = make_crm()
    tokens.put("crm", Token("access-0", "refresh-0"))
    assert send(tokens, crm.url, 2) == [200, 200]
    assert not crm.renewals


def test_a_crm_that_does_not_rotate_keeps_its_refresh_token(
    sqlite_store: Store, make_crm: Crm
) -> None:
    crm, tokens = make_crm(), Tokens(sqlite_store, KEYS)
    crm.rotates = False
    tokens.put("crm", Token("expired", "refresh-0"))
    send(tokens, crm.url, 1)
    crm.expire()
    send(tokens, crm.url, 1)
    assert crm.renewals == ["refresh-0"] * 2


def test_what_is_refused_twice_is_an_error_of_the_credentials(
    sqlite_store: Store, make_crm: Crm
) -> None:
    crm, tokens = make_crm(), Tokens(sqlite_store, KEYS)
    tokens.put("crm", OLD)
    grant = Grant(tokens, "crm", lambda token: Token("refused-s3cret", token.refresh))
    useless = RefreshingAuth(grant)
    with crm_client(crm.url, auth=useless) as client, pytest.raises(AuthError) as caught:
        client.post("/data")
    assert "check the credentials" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_login_that_has_ended_says_so(sqlite_store: Store, make_crm: Crm) -> None:
    crm, tokens = make_crm(), Tokens(sqlite_store, KEYS)
    tokens.put("crm", Token("expired", "refresh-s3cret"))
    with pytest.raises(AuthError, match=r"invalid_grant.*; log in again") as caught:
        send(tokens, crm.url, 1)
    assert "s3cret" not in str(caught.value)
    assert tokens.get("crm") == Token("expired", "refresh-s3cret")


def test_without_a_token_nothing_is_sent(sqlite_store: Store, make_crm: Crm) -> None:
    crm = make_crm()
    with pytest.raises(AuthError, match="'crm': there is no token for it; log in"):
        send(Tokens(sqlite_store, KEYS), crm.url, 1)
    assert not crm.taken


@pytest.mark.parametrize(
    ("path", "error"), [("/data", RemoteError), ("", Unavailable)], ids=["no token", "no server"]
)
def test_what_else_goes_wrong_is_no_login_that_has_ended(
    sqlite_store: Store, make_crm: Crm, path: str, error: type[Exception]
) -> None:
    crm = make_crm()
    crm.access = "renewer"
    url = f"{crm.url}{path}" if path else "http://127.0.0.1:1/token"
    grant = refresh_grant(url, {"client_id": "me"})
    with pytest.raises(error) as caught:
        grant(OLD)
    assert type(caught.value) is not ConfigError
    assert "s3cret" not in str(caught.value)


def test_who_waits_too_long_for_another_gives_up(
    tokens: Tokens, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.tokens._WAIT", 0.01)
    with (
        tokens.locked("crm"),
        pytest.raises(BusyError, match="'crm': another process has been renewing its token"),
        Tokens(store, KEYS).locked("crm"),
    ):
        pass
    with tokens.locked("crm"), tokens.locked("other"):
        pass
