"""A person lets a job into a sandbox org from a browser, and the job stays let in."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from cryptography.fernet import Fernet

from connector import AuthError, BrowserLogin, ConfigError, Stream
from connector.config import load_job
from connector.login import log_in
from connector.plugins import Plugins
from connector.sandbox import Answer, Asked
from connector.sync import Sync
from connector.tokens import Tokens, token_keys
from connector_salesforce.login import browser_login
from connector_salesforce.settings import SalesforceSettings
from sandbox_salesforce.sandbox import SalesforceSandbox
from tests.connector.cli_jobs import run

JOB = """\
name = "acme"
[source]
adapter = "salesforce"
[source.settings]
instance_url = "{url}"
[source.settings.login]
client_id = "{client_id}"
port = 0
"""


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


class Person:
    """Somebody with a browser, who agrees to what the sandbox asks."""

    def __init__(self) -> None:
        self.visited: list[str] = []
        self.shown: list[int] = []

    def browse(self, url: str) -> bool:
        self.visited.append(url)
        self.shown.append(httpx.get(url, follow_redirects=True).status_code)
        return True

    def come_back(self, **said: str) -> httpx.Response:
        """Come back from the last login with other words than the org's."""
        asked = query_of(self.visited[-1])
        told = {"state": asked["state"], **said}
        return httpx.get(f"{asked['redirect_uri']}?{urlencode(told)}")


@pytest.fixture(scope="module")
def serving() -> Iterator[SalesforceSandbox]:
    with SalesforceSandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(serving: SalesforceSandbox) -> Iterator[SalesforceSandbox]:
    yield serving
    serving.settings.rotates_refresh_tokens = False
    serving.requests.clear()


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Person:
    somebody = Person()
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("CONNECTOR_TOKEN_KEY", Fernet.generate_key().decode())
    monkeypatch.setattr("webbrowser.open", somebody.browse)
    return somebody


@pytest.fixture
def job(sandbox: SalesforceSandbox, tmp_path: Path) -> Path:
    path = tmp_path / "acme.toml"
    client_id = sandbox.credentials.client_id
    path.write_text(JOB.format(url=sandbox.url, client_id=client_id), encoding="utf-8")
    return path


def login_of(sandbox: SalesforceSandbox, **given: object) -> BrowserLogin:
    app = {"client_id": sandbox.credentials.client_id, "port": 0, **given}
    settings = SalesforceSettings.model_validate({"instance_url": sandbox.url, "login": app})
    found = browser_login(settings)
    assert found is not None
    return found


def read(job: Path) -> None:
    """Read the accounts of *job* as a run does."""
    sync = Sync(load_job(job), Plugins())
    with sync.sides.source() as source:
        list(source.pull(Stream.ACCOUNTS, ["Id", "Name"], None))


def tokens_asked(sandbox: SalesforceSandbox) -> int:
    return sum(one.path == "/services/oauth2/token" for one in sandbox.requests)


def test_after_one_login_jobs_run(sandbox: SalesforceSandbox, job: Path, person: Person) -> None:
    said = run("login", job)
    assert said.exit_code == 0, said.output
    assert "source: logged in; the token is kept, encrypted" in said.stdout
    assert person.shown == [200]
    (asked,) = [one.query for one in sandbox.requests if one.path.endswith("/authorize")]
    assert (asked["code_challenge_method"], asked["scope"]) == ("S256", "api refresh_token")
    assert asked["redirect_uri"].startswith("http://localhost:")
    store = Sync(load_job(job), Plugins()).store
    token = Tokens(store, token_keys()).get("acme/source")
    assert token is not None
    assert token.more["instance_url"] == sandbox.url
    kept = b"".join(path.read_bytes() for path in job.parent.rglob("*.db*"))
    assert kept
    assert token.refresh.encode() not in kept
    sandbox.requests.clear()
    read(job)
    assert tokens_asked(sandbox) == 0
    audited = run("audit", job)
    assert "login" in audited.stdout


@pytest.mark.long
@pytest.mark.parametrize("rotates", [False, True])
def test_a_token_that_runs_out_is_renewed_and_the_new_one_kept(
    sandbox: SalesforceSandbox, job: Path, person: Person, rotates: bool
) -> None:
    sandbox.settings.rotates_refresh_tokens = rotates
    run("login", job)
    sandbox.requests.clear()
    for renewed in (1, 2):
        sandbox.expire_tokens()
        read(job)
        assert tokens_asked(sandbox) == renewed
    read(job)
    assert tokens_asked(sandbox) == 2


@pytest.mark.long
def test_source_and_target_share_what_was_granted(
    sandbox: SalesforceSandbox, job: Path, person: Person
) -> None:
    sandbox.settings.rotates_refresh_tokens = True
    run("login", job)
    sync = Sync(load_job(job), Plugins())
    sandbox.requests.clear()
    sandbox.expire_tokens()
    with sync.sides.source() as source, sync.sides.writer() as writer:
        source.check()
        writer.check([])
    assert tokens_asked(sandbox) == 1


def test_without_a_login_the_command_is_named(job: Path, person: Person) -> None:
    said = run("check", job)
    assert said.exit_code == 3
    assert f"there is no token for it; run 'connector login {job}'" in " ".join(said.stderr.split())


@pytest.mark.long
def test_a_login_that_was_revoked_says_so(
    sandbox: SalesforceSandbox, job: Path, person: Person
) -> None:
    run("login", job)
    kept = Tokens(Sync(load_job(job), Plugins()).store, token_keys()).get("acme/source")
    assert kept is not None
    httpx.post(f"{sandbox.url}/services/oauth2/revoke", data={"token": kept.refresh})
    sandbox.expire_tokens()
    with pytest.raises(AuthError, match=r"invalid_grant.*run 'connector login .*acme.toml' again"):
        read(job)


@pytest.mark.long
def test_where_no_browser_opens_the_url_is_shown(
    job: Path, person: Person, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("connector.cli.logging_in._show", person.browse)
    for options in (["--no-browser"], ["--side", "source"]):
        if "--side" in options:
            monkeypatch.setattr("webbrowser.open", lambda url: False)
        assert run("login", job, *options).exit_code == 0
    assert len(person.visited) == 2


@pytest.mark.long
def test_a_job_that_logs_in_otherwise_has_nobody_to_log_in(
    sandbox: SalesforceSandbox, tmp_path: Path, person: Person
) -> None:
    job = Path(sandbox.write_keys(tmp_path)["job"])
    said = run("login", job)
    assert said.exit_code == 2
    assert "neither source nor target logs in by a browser" in said.stderr
    assert not person.visited


@pytest.mark.long
def test_without_a_key_nobody_is_sent_to_a_browser(
    job: Path, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONNECTOR_TOKEN_KEY")
    monkeypatch.setattr("connector.tokens._from_keyring", lambda: None)
    said = run("login", job)
    assert said.exit_code == 2
    assert "no key for tokens" in said.stderr
    assert not person.visited


def test_an_answer_to_a_login_that_was_not_begun_is_not_taken(
    sandbox: SalesforceSandbox, person: Person
) -> None:
    def browse(url: str) -> bool:
        person.visited.append(url)
        for forged in ({"state": "another"}, {"state": ""}):
            assert person.come_back(code="of somebody else", **forged).status_code == 400
        return person.browse(url)

    token = log_in(login_of(sandbox), browse=browse, show=print, timeout=60)
    assert token.access
    assert person.shown == [200]


def test_a_code_is_worth_nothing_to_who_has_not_begun_the_login(
    sandbox: SalesforceSandbox, person: Person
) -> None:
    """Whoever has read the code off the browser lacks the verifier."""

    def browse(url: str) -> bool:
        stolen = query_of(httpx.get(url).headers["location"])
        form = {
            "grant_type": "authorization_code",
            "client_id": sandbox.credentials.client_id,
            "code": stolen["code"],
            "redirect_uri": query_of(url)["redirect_uri"],
            "code_verifier": query_of(url)["code_challenge"],
        }
        taken = httpx.post(f"{sandbox.url}/services/oauth2/token", data=form)
        assert taken.json()["error"] == "invalid_grant"
        return person.browse(url)

    assert log_in(login_of(sandbox), browse=browse, show=print, timeout=60).refresh


@pytest.mark.parametrize(
    ("said", "words"),
    [
        pytest.param(
            {"error": "access_denied", "error_description": "end-user denied authorization"},
            "it let nobody in: access_denied: end-user denied authorization",
            id="refused",
        ),
        pytest.param({}, "it let nobody in: no code came", id="nothing"),
        pytest.param({"code": "strange"}, "check client_id and client_secret", id="no-such-code"),
    ],
)
def test_a_login_that_fails_says_why(
    sandbox: SalesforceSandbox, person: Person, said: dict[str, str], words: str
) -> None:
    def browse(url: str) -> bool:
        person.visited.append(url)
        return person.come_back(**said).is_success

    with pytest.raises(AuthError, match=words):
        log_in(login_of(sandbox), browse=browse, show=print, timeout=60)


def test_who_does_not_come_back_is_not_waited_for_for_ever(sandbox: SalesforceSandbox) -> None:
    with pytest.raises(AuthError, match=r"nobody has logged in within 0\.01 s"):
        log_in(login_of(sandbox), browse=lambda url: True, show=print, timeout=0.01)


def test_a_port_that_is_taken_is_named(sandbox: SalesforceSandbox) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} of this computer can't be listened on"):
            log_in(login_of(sandbox, port=port), browse=lambda url: True, show=print, timeout=1)


def test_a_login_without_a_refresh_token_is_none(
    sandbox: SalesforceSandbox, person: Person
) -> None:
    whole = login_of(sandbox)
    short = BrowserLogin(whole.authorize, whole.token, whole.client_id, scopes=("api",))
    with pytest.raises(AuthError, match="it gave no refresh token"):
        log_in(short, browse=person.browse, show=print, timeout=60)


def test_an_app_with_a_secret_sends_it(sandbox: SalesforceSandbox, person: Person) -> None:
    wrong = login_of(sandbox, client_secret="an0ther-s3cret")  # noqa: S106 - of no app
    with pytest.raises(AuthError, match="invalid_client") as caught:
        log_in(wrong, browse=person.browse, show=print, timeout=60)
    assert "s3cret" not in str(caught.value)
    right = login_of(sandbox, client_secret=sandbox.credentials.client_secret)
    assert log_in(right, browse=person.browse, show=print, timeout=60).access


@pytest.mark.long
def test_whole_runs_go_on_while_tokens_run_out_and_rotate(
    tmp_path: Path, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SalesforceSandbox() as sandbox:
        sandbox.make_up(60)
        sandbox.settings.rotates_refresh_tokens = True
        job = Path(sandbox.write_keys(tmp_path)["job"])
        before, _, rest = job.read_text().partition("[source.settings.client_credentials]")
        login = (
            f'[source.settings.login]\nclient_id = "{sandbox.credentials.client_id}"\nport = 0\n'
        )
        job.write_text(f"{before}{login}\n{rest[rest.index('[source.fields') :]}")
        run("login", job)
        run("provision", job, "--apply")
        answer, number = sandbox.service.answer, count(1)

        def forgetful(asked: Asked) -> Answer:
            if next(number) % 4 == 0:
                sandbox.expire_tokens()
            return answer(asked)

        monkeypatch.setattr(sandbox.service, "answer", forgetful)
        first, second = (Sync(load_job(job), Plugins()).run() for _ in range(2))
    assert (first.state, first.accounts["applied"]) == ("done", 60)
    assert (second.state, second.accounts["unchanged"]) == ("done", 60)
