"""A job's secret comes from Vault; what is wrong there is told without telling it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from connector import Adapter, AuthError, ConfigError, ConnectorError, Unavailable
from connector.cli.schema import job_schema
from connector.config import adapter_settings, load_job
from connector.plugins import Plugins
from tests.plugins.vault_server import VaultServer

VAULT = EntryPoint("vault", "connector_vault", "connector")


class Settings(BaseModel):
    token: SecretStr


ADAPTER = Adapter(name="acme", settings=Settings, fields={})


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.plugins.entry_points", lambda group: [VAULT])


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[VaultServer]:
    server = VaultServer()
    server.held["secret", "crm/acme é"] = {"token": "s3cret-value", "port": 8}
    server.held["secret", "gone"] = None
    monkeypatch.setenv("VAULT_ADDR", server.url)
    monkeypatch.setenv("VAULT_TOKEN", server.token)
    monkeypatch.delenv("VAULT_NAMESPACE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    yield server
    server.stop()


def fetched(folder: Path, reference: str = "secret/crm/acme é#token") -> str:
    path = folder / "job.toml"
    given = f'[source]\nadapter = "acme"\n[source.settings]\ntoken = {{ vault = "{reference}" }}'
    path.write_text(given, encoding="utf-8")
    settings: Settings = adapter_settings(load_job(path), "source", ADAPTER)
    return settings.token.get_secret_value()


def test_a_secret_is_fetched_from_vault(vault: VaultServer, tmp_path: Path) -> None:
    assert fetched(tmp_path) == "s3cret-value"


def test_the_url_of_the_store_may_be_kept_there(vault: VaultServer, tmp_path: Path) -> None:
    vault.held["kv", "store"] = {"url": "postgresql://me:pw@db/connector"}
    path = tmp_path / "job.toml"
    path.write_text('[source]\nadapter = "acme"\n[store]\nurl = { vault = "kv/store#url" }')
    assert load_job(path).store_url == "postgresql://me:pw@db/connector"


def test_the_token_may_be_where_the_login_of_vault_puts_it(
    vault: VaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VAULT_TOKEN")
    with pytest.raises(ConfigError, match="neither VAULT_TOKEN is set nor"):
        fetched(tmp_path)
    (tmp_path / ".vault-token").write_text(f"{vault.token}\n")
    assert fetched(tmp_path) == "s3cret-value"


def test_a_namespace_is_named(
    vault: VaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.namespace = "sales"
    with pytest.raises(AuthError, match="permission denied"):
        fetched(tmp_path)
    monkeypatch.setenv("VAULT_NAMESPACE", "sales")
    assert fetched(tmp_path) == "s3cret-value"


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("secret/crm/nope#token", "Vault, secret/crm/nope: nothing is there"),
        ("secret/gone#token", "Vault, secret/gone: nothing is there"),
        ("secret/crm/acme é#tokn", "no text with the key 'tokn'; its keys: port, token"),
        ("secret/crm/acme é#port", "no text with the key 'port'"),
        ("s3cret-value", 'expected "mount/path#key"'),
    ],
)
def test_what_is_not_there_is_said_with_the_place_in_the_job(
    vault: VaultServer, tmp_path: Path, reference: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        fetched(tmp_path, reference)
    assert f"{tmp_path / 'job.toml'}: source.settings.token: " in str(caught.value)
    assert said in str(caught.value)
    assert "s3cret-value" not in str(caught.value)


def test_a_token_that_vault_does_not_take_is_to_be_renewed(
    vault: VaultServer, tmp_path: Path
) -> None:
    vault.token = "another"  # noqa: S105 - as above
    with pytest.raises(AuthError, match=r"403: .*permission denied.*; renew VAULT_TOKEN") as caught:
        fetched(tmp_path)
    assert "hvs.t0ken" not in str(caught.value)


def test_a_sealed_vault_may_answer_later(vault: VaultServer, tmp_path: Path) -> None:
    vault.sealed = True
    with pytest.raises(Unavailable, match="Vault is sealed"):
        fetched(tmp_path)


@pytest.mark.parametrize("address", [None, "http://127.0.0.1:1", "not a url", "http://["])
def test_an_address_that_is_none_is_one_line(
    vault: VaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    monkeypatch.delenv("VAULT_ADDR")
    if address:
        monkeypatch.setenv("VAULT_ADDR", address)
    with pytest.raises(ConnectorError) as caught:
        fetched(tmp_path)
    assert len(str(caught.value).splitlines()) == 1


def test_the_place_is_named_where_another_was_meant(tmp_path: Path) -> None:
    path = tmp_path / "job.toml"
    path.write_text('[source]\nadapter = "acme"\n[source.settings]\ntoken = { vualt = "a/b#c" }')
    with pytest.raises(ConfigError, match=r"\{ vault = \.\.\. \}"):
        adapter_settings(load_job(path), "source", ADAPTER)


def test_an_editor_learns_of_it_from_the_schema() -> None:
    known = Plugins([VAULT, EntryPoint("sql", "connector_sql", "connector"), SIX])
    (secret,) = (
        said for said in job_schema(known)["$defs"].values() if "a secret" in str(said)[:60]
    )
    assert any("vault" in way.get("properties", {}) for way in secret["anyOf"])


SIX = EntryPoint("six_goals", "six_goals.pack", "connector")
