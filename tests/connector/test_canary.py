"""A secret comes out nowhere: not in what is printed, logged or written, nor in a traceback."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from pydantic import BaseModel
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from connector import plugins
from connector.cli import main
from connector.cli.outcome import log_to_stderr, tell
from connector.config import adapter_settings, load_job
from connector.config.problems import holds_secret
from connector.deliver import Delivery
from connector.errors import ConfigError
from connector.plugins import PLACES
from connector.redaction import traceback_of
from connector.schedule.folder import Folder, Scheduled
from connector.schedule.runs import Runs
from tests.connector.canary import CANARY, CORE, told, told_in_files
from tests.connector.conftest import MakeDatabase
from tests.connector.oauth_server import OAuthCRM

if TYPE_CHECKING:
    from _pytest.mark.structures import ParameterSet

LEAKY = EntryPoint("leaky", "tests.connector.leaky_crm", "connector")
JOB = """
name = "leaky"
[source]
adapter = "leaky"
[source.settings]
token = {token}
{more}
[target.fields]
tier = "tier"
[rules]
goals = ["retention", "up_sell"]
as_of = 2025-12-31
"""

Say = Callable[..., str]
"""Runs `connector` with arguments; returns all that comes out, having searched it."""


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the canary wherever a job may say that it is."""
    monkeypatch.setenv("CANARY", CANARY)
    (tmp_path / "canary.txt").write_text(f"{CANARY}\n", encoding="utf-8")
    keyring = pytest.importorskip("keyring")
    monkeypatch.setattr(keyring, "get_password", lambda service, user: CANARY)


@pytest.fixture(autouse=True)
def with_a_leaky_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install an adapter whose CRM repeats what it is sent."""

    def installed(group: str) -> list[EntryPoint]:
        return [*entry_points(group=group), LEAKY]

    monkeypatch.setattr(plugins, "entry_points", installed)


@pytest.fixture
def say(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> Iterator[Say]:
    """Run the command as a shell does and search what it says, with every log there is."""
    root = logging.getLogger()
    before = root.level, root.handlers[:]

    def run(*arguments: str | Path) -> str:
        monkeypatch.setattr(sys, "argv", ["connector", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        leak = told(out) or told(err)
        assert not leak, f"{arguments} tells the secret: …{leak}…"
        return f"{ended.value.code or 0}\n{out}{err}"

    yield run
    root.setLevel(before[0])
    root.handlers[:] = before[1]


def write(folder: Path, job: str) -> Path:
    path = folder / "job.toml"
    path.write_text(job, encoding="utf-8")
    return path


def leaky_job(folder: Path, mode: str, given: str = '{ env = "CANARY" }') -> Path:
    return write(folder, JOB.format(token=given, more=f"mode = '{mode}'"))


def keepers(folder: Path) -> tuple[Path, ...]:
    return (folder / "canary.txt", folder / "job.toml")


# --- where a job may hold a secret

LITERAL = json.dumps(CANARY)
WAYS = {
    "text": LITERAL,
    "env": '{ env = "CANARY" }',
    "file": '{ file = "canary.txt" }',
    "keyring": '{ keyring = "crm/me" }',
    # Mistakes:
    "list": f"[{LITERAL}]",
    "lists": f"[[{LITERAL}]]",
    "table": f"{{ text = {LITERAL} }}",
    "wrong place": f"{{ vault_ = {LITERAL} }}",
    "two places": f'{{ env = "CANARY", keyring = {LITERAL} }}',
    "value for name": f"{{ env = {LITERAL} }}",
    "value for entry": f"{{ keyring = {json.dumps(CORE)} }}",
    "in a list": f"{{ env = [{LITERAL}] }}",
}


def test_every_place_of_a_secret_is_tried() -> None:
    assert set(PLACES) <= WAYS.keys()


def secret_settings(model: type[BaseModel], at: str = "") -> Iterator[str]:
    """Yield the key of each setting that can hold a secret, and that of the table around it."""
    for name, field in model.model_fields.items():
        if holds_secret(field.annotation):
            yield f"{at}{name}"
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
                yield from secret_settings(field.annotation, f"{at}{name}.")


def installed() -> Iterator[ParameterSet]:
    """Yield each setting with a secret; those of one adapter are tried with the quick tests."""
    found = plugins.Plugins([*entry_points(group="connector"), LEAKY]).adapters
    for name, adapter in found.items():
        for key in secret_settings(adapter.settings):
            marks = () if name in ("leaky", "salesforce") else (pytest.mark.long,)
            yield pytest.param(name, key, marks=marks)


def settings_job(side: str, adapter: str, lines: str) -> str:
    other = "" if side == "source" else '[source]\nadapter = "files"\n'
    return f'{other}[{side}]\nadapter = "{adapter}"\n[{side}.settings]\n{lines}'


def spelt(key: str) -> Sequence[str]:
    """Return *key* as it should be, misspelt, and beside a mistake in another setting."""
    return key, f"{key}_", f"size = 'all'\n{key}"


@pytest.mark.parametrize(("adapter", "key"), list(installed()))
def test_no_setting_of_an_adapter_tells_its_secret(
    adapter: str, key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    brought = plugins.Plugins([*entry_points(group="connector"), LEAKY]).adapter(adapter)
    for way, given in WAYS.items():
        for named in spelt(key):
            path = write(tmp_path, settings_job("source", adapter, f"{named} = {given}"))
            try:
                settings = adapter_settings(load_job(path), "source", brought)
            except ConfigError as error:
                tell(error)
                sys.stderr.write(traceback_of(error))
            else:
                sys.stdout.write(f"{settings!r} {settings} {settings.model_dump_json()}")
            leak = told("".join(capsys.readouterr()))
            assert not leak, f"{named}, {way}: …{leak}…"


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("adapter", "key"), list(installed()))
def test_nor_does_any_command_tell_it(
    adapter: str, key: str, way: str, tmp_path: Path, say: Say
) -> None:
    for named in spelt(key):
        for side in ("source", "target"):
            path = write(tmp_path, settings_job(side, adapter, f"{named} = {WAYS[way]}"))
            say("check", path)
    assert not told_in_files(tmp_path, *keepers(tmp_path))


@pytest.mark.parametrize("way", ["text", "list", "table", "value for name"])
@pytest.mark.parametrize("key", ["store.url", "store", "store.ulr", "source", "source.settings"])
def test_nor_does_the_rest_of_a_job(key: str, way: str, tmp_path: Path, say: Say) -> None:
    source = '[source]\nadapter = "files"\n[source.settings]\naccounts = "a.csv"\n'
    job = f"{key} = {WAYS[way]}\n" + (source if key.startswith("store") else "")
    assert "error: " in say("check", write(tmp_path, job))


@pytest.mark.parametrize(
    "job",
    [
        f"token = {CANARY}",
        f"token = {LITERAL}\ntoken = {LITERAL}",
        f"{LITERAL} = ",
        f"token = {LITERAL}é".encode("latin-1").decode("latin-1"),
        f"token = '{CORE}",
    ],
)
def test_nor_what_is_not_a_job_at_all(job: str, tmp_path: Path, say: Say) -> None:
    path = tmp_path / "job.toml"
    path.write_bytes(job.encode("latin-1"))
    assert "error: " in say("check", path)


# --- what goes wrong with the CRM

STATUSES = ["400", "401", "403", "404", "408", "409", "422", "429", "500", "503"]
MODES = [*STATUSES, "lost", "unreachable", "redirect", "page", "header", "bug", "bug at once"]
QUICK = ("400", "bug")


@pytest.mark.parametrize(
    "mode",
    [mode if mode in QUICK else pytest.param(mode, marks=pytest.mark.long) for mode in MODES],
)
def test_a_crm_that_repeats_what_it_was_sent_does_not_make_us_tell(
    mode: str, tmp_path: Path, say: Say, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = say("check", leaky_job(tmp_path, mode), "--verbose")
    assert ("Traceback" in said) is mode.startswith("bug")
    assert not said.startswith("0")
    assert not told_in_files(tmp_path, *keepers(tmp_path))


@pytest.mark.long
def test_nor_does_the_store_of_a_run_that_was_refused_everything(tmp_path: Path, say: Say) -> None:
    job = leaky_job(tmp_path, "refuses")
    assert say("sync", job, "--verbose").startswith("5")
    (run,) = json.loads(say("runs", job, "--json")[2:])
    assert "***" in say("runs", job, "--run", run["run_id"])
    assert not told_in_files(tmp_path, *keepers(tmp_path))


AFTER_A_RUN = [
    *(["plan"], ["plan", "--json"], ["sync", "--json"], ["retry"], ["retry", "--json"]),
    *(["runs"], ["quarantine"], ["quarantine", "--json"], ["check", "-v"], ["pyramid"]),
    *(["pyramid", "--json"], ["tiers"], ["actions"], ["actions", "--json"], ["report"]),
    *(["report", "--json"], ["simulate"], ["simulate", "--json"]),
    *(["what-if", "--set", "rules.settings.pyramid.min_top=0"],),
    *(["what-if", "--set", "rules.settings.pyramid.min_top=0", "--json"],),
    *(["what-if", "--set", f"source.settings.token={CORE}"[:20]],),
    *(["backtest", "--from", "2025-06-01", "--to", "2025-12-01", "--json"],),
    *(["tiers", "--format", form] for form in ("csv", "json")),
]


def no_pause(seconds: float) -> None:
    pass


def ask(say: Say, job: Path) -> None:
    """Ask everything of *job* that a user can, before a run and after it."""
    for command in ("runs", "tiers", "actions", "report", "explain"):
        say(command, job, *(["A1"] if command == "explain" else []))
    say("sync", job, "--verbose")
    for command, *options in AFTER_A_RUN:
        say(command, job, *options)
    for command in ("explain", "explain --json"):
        name, *options = command.split()
        say(name, job, "A1", *options)
    say("tiers", job, "--format", "parquet", "--output", job.with_name("tiers.parquet"))
    for run in json.loads(say("runs", job, "--json")[2:]):
        say("runs", job, "--run", run["run_id"])
    say("schedule", job.parent, "--next", "2")
    say("schedule", job.parent, "--next", "2", "--json")
    for command in ("plugins", "schema"):
        say(command)
    assert not told_in_files(job.parent, *keepers(job.parent))


@pytest.mark.long
@pytest.mark.parametrize(
    ("mode", "way"),
    [
        *(("good", "text"), ("refuses", "env"), ("forgets", "file")),
        *(("401", "keyring"), ("lost", "env"), ("503", "text")),
    ],
)
def test_nothing_that_a_user_can_run_tells_the_secret(
    mode: str, way: str, tmp_path: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.retry._PAUSES", lambda state: 0.0)
    monkeypatch.setattr(Delivery.__init__, "__kwdefaults__", {"stamps": (), "sleep": no_pause})
    ask(say, leaky_job(tmp_path, mode, WAYS[way]))


# --- a login by a browser


SLOW = ("denied", "secret", "renewal")


@pytest.mark.parametrize(
    "what", ["code", *(pytest.param(one, marks=pytest.mark.long) for one in SLOW)]
)
def test_a_login_by_a_browser_tells_nothing(
    what: str, tmp_path: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    fernet = pytest.importorskip("cryptography.fernet").Fernet
    monkeypatch.setenv("CONNECTOR_TOKEN_KEY", fernet.generate_key().decode())
    monkeypatch.setenv("DISPLAY", ":0")
    crm = OAuthCRM()
    crm.access, crm.refresh = CANARY, CANARY
    crm.refuses, crm.rotates = what in ("secret", "code"), False

    def browse(url: str) -> bool:
        asked = dict(parse_qsl(urlsplit(url).query))
        said = {"error": f"no: {CANARY}"} if what == "denied" else {"code": CANARY}
        back = httpx.get(asked["redirect_uri"], params={"state": asked["state"], **said})
        assert not told(back.text)
        return True

    monkeypatch.setattr("webbrowser.open", browse)
    # Otherwise nobody knows yet that it is a secret.
    secret = WAYS["env"] if what in ("denied", "secret") else '"another"'
    job = write(tmp_path, JOB.format(token=secret, more=f"oauth = '{crm.url}'"))
    try:
        said = say("login", job, "--verbose")
        assert said.startswith("0" if what == "renewal" else "3")
        if what == "renewal":
            assert say("check", job, "--verbose").startswith("0")
            crm.refresh = "another"  # the answer repeats what was sent
            assert "was used" in say("check", job, "--verbose")
    finally:
        crm.stop()
    assert not told_in_files(tmp_path, *keepers(tmp_path))


# --- databases


def with_password(url: str) -> str:
    """Return *url* with a user whose password is the canary, and a parameter that holds it too."""
    made = make_url(url).set(username="canary", password=CANARY)
    made = made.update_query_dict({"application_name": "crm", "sslpassword": CANARY})
    return made.render_as_string(hide_password=False)


UNREACHABLE = "postgresql+psycopg://localhost:1/crm?connect_timeout=2"


@pytest.mark.parametrize("where", ["adapter", "store"])
def test_a_database_that_does_not_answer_does_not_make_us_tell(
    where: str, tmp_path: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", with_password(UNREACHABLE))
    if where == "adapter":
        said = say("check", write(tmp_path, SQL_JOB))
        assert said.startswith("3")
    else:
        said = say("check", write(tmp_path, LEAKY_JOB_WITH_STORE))
        assert said.startswith("6")
    assert "localhost" in said


SQL_STORE = """
[store]
url = { env = "CANARY" }
"""
SQL_JOB = """
[source]
adapter = "sql"
[source.settings]
url = { env = "CANARY" }
accounts = "accounts"
opportunities = "deals"
[target.fields]
tier = "tier"
"""
LEAKY_JOB_WITH_STORE = JOB.format(token='"short"', more="") + SQL_STORE  # noqa: S106 - no secret


@pytest.mark.long
def test_nor_does_one_that_does(
    make_postgres_database: MakeDatabase,
    tmp_path: Path,
    say: Say,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = make_postgres_database()
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("create role canary superuser login"))
        connection.execute(text("create table accounts (id text primary key, name text)"))
        connection.execute(text("alter table accounts add tier text check (tier is null)"))
        connection.execute(
            text(
                "create table deals (id text, account_id text, status text, amount numeric,"
                " close_date date)"
            )
        )
        for n in range(1, 9):
            connection.execute(text(f"insert into accounts values ('A{n}', 'Company {n}')"))
            connection.execute(
                text(f"insert into deals values ('D{n}', 'A{n}', 'won', {n}000, '2025-0{n}-01')")
            )
    monkeypatch.setenv("CANARY", with_password(url))
    job = f"{SQL_JOB}[rules]\nas_of = 2025-12-31\n{SQL_STORE}"
    ask(say, write(tmp_path, job))
    with engine.connect() as connection:
        names = connection.execute(
            text("select table_name from information_schema.tables where table_schema = 'public'")
        )
        for (name,) in names.all():
            rows = connection.execute(text(f"select t::text from {name} t")).scalars()
            assert not told("\n".join(rows)), name


# --- the schedule


@pytest.mark.long
@pytest.mark.parametrize("mode", ["good", "401", "bug"])
def test_a_run_of_the_schedule_tells_nothing(
    mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    plugin = tmp_path / "leaky-1.0.dist-info"
    plugin.mkdir()
    (plugin / "METADATA").write_text("Metadata-Version: 2.1\nName: leaky\nVersion: 1.0\n")
    (plugin / "entry_points.txt").write_text("[connector]\nleaky = tests.connector.leaky_crm\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, sys.path)]))
    path = leaky_job(tmp_path, mode)
    path.write_text(f'schedule = "0 6 * * *"\n{path.read_text()}')
    log_to_stderr(verbose=True)
    (job,) = Folder(tmp_path).changes().values()
    assert isinstance(job, Scheduled)
    runs = Runs(parallel=1)
    assert runs.start(job)
    runs._pool.shutdown()
    said = "".join(capfd.readouterr())
    state = {"good": "done", "401": "failed", "bug": "ended without a result"}[mode]
    assert f"job leaky: {state}" in said
    assert not told(said)
    assert not told_in_files(tmp_path, *keepers(tmp_path))
