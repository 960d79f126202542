"""Each mistake in a job is one line: file, key, what is wrong, what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydantic import BaseModel, ConfigDict, SecretStr

from connector import Adapter, ConfigError
from connector.config import Constant, Formats, Job, adapter_settings, load_job, load_rates
from connector.plugins import Plugins
from connector.ruleset import ruleset_of

SOURCE = '[source]\nadapter = "files"\n'
MakeJob = Callable[[str], Job]


@pytest.fixture
def make(tmp_path: Path) -> MakeJob:
    """Return what writes a job file and loads it."""

    def write(text: str) -> Job:
        path = tmp_path / "job.toml"
        path.write_text(text, encoding="utf-8")
        return load_job(path)

    return write


# --- mistakes

TEXT, TABLE, LIST = "expected text in quotes", "expected a table", 'expected a list such as ["..."]'
CRON = "five fields such as '0 6 * * 1-5'"
ZONE = "use a name such as 'Europe/Berlin'"
MEANT = "unknown; did you mean {!r}?"

MISTAKES = [
    # unknown keys, at every level
    ("tiemzone = 'UTC'\n" + SOURCE, "tiemzone: " + MEANT.format("timezone")),
    ("[source]\nadaptor = 'x'", "source.adaptor: " + MEANT.format("adapter")),
    (SOURCE + "quux = 'x'", "source.quux: unknown; expected one of: adapter, settings, fields,"),
    (
        SOURCE + "[source.fields.acounts]\nid = 'x'",
        "source.fields.acounts: " + MEANT.format("accounts"),
    ),
    (
        SOURCE + "[source.values.invoices.id]\na = 'x'",
        "source.values.invoices: unknown; expected one of: acc",
    ),
    (
        SOURCE + "[source.fields.accounts]\nnmae = 'x'",
        "source.fields.accounts.nmae: " + MEANT.format("name"),
    ),
    (
        SOURCE + "[source.values.accounts.knd]\na = 'test'",
        "source.values.accounts.knd: " + MEANT.format("kind"),
    ),
    (
        SOURCE + "[source.fields.accounts]\nname = {konstant = 'x'}",
        "source.fields.accounts.name.konstant: " + MEANT.format("constant"),
    ),
    (SOURCE + "[source.formats]\ndate = ['%Y']", "source.formats.date: " + MEANT.format("dates")),
    (SOURCE + "[target]\nfeilds = {}", "target.feilds: " + MEANT.format("fields")),
    (SOURCE + "[target.fields]\nteir = 'x'", "target.fields.teir: " + MEANT.format("tier")),
    (SOURCE + "[target.tasks]\nenabeld = true", "target.tasks.enabeld: " + MEANT.format("enabled")),
    (SOURCE + "[currency]\nbse = 'EUR'", "currency.bse: " + MEANT.format("base")),
    (
        SOURCE + "[[currency.rates]]\ncurrency = 'USD'\nvalid_from = 2017-01-01\nrte = 1",
        "currency.rates.0.rte: " + MEANT.format("rate"),
    ),
    (SOURCE + "[rules]\ngaols = []", "rules.gaols: " + MEANT.format("goals")),
    (SOURCE + "[rules.period]\nmonth = 12", "rules.period.month: " + MEANT.format("months")),
    (
        SOURCE + "[rules.settings.upsell]\ngap = 1",
        "rules.settings.upsell: " + MEANT.format("up_sell"),
    ),
    (
        SOURCE + "[rules.settings.pyramid]\nteirs = ['A']",
        "rules.settings.pyramid.teirs: " + MEANT.format("tiers"),
    ),
    (
        SOURCE + "[rules.settings.retention]\noverdu = 2",
        "rules.settings.retention.overdu: " + MEANT.format("overdue"),
    ),
    (
        SOURCE + "[rules.settings.suppression]\nper_week = 2",
        "rules.settings.suppression.per_week: " + MEANT.format("new_per_week"),
    ),
    (SOURCE + "[guard]\nmax_delted = 0.3", "guard.max_delted: " + MEANT.format("max_deleted")),
    (SOURCE + "[store]\nuri = 'x'", "store.uri: " + MEANT.format("url")),
    # wrong types
    ("source = 'files'", f"source: {TABLE}"),
    (SOURCE + "settings = 'x'", f"source.settings: {TABLE}"),
    (
        SOURCE + "[source.fields.accounts]\nname = 5",
        f"source.fields.accounts.name: {TEXT} (it is 5)",
    ),
    (
        SOURCE + "[source.fields.accounts]\nname = {constant = 5}",
        f"source.fields.accounts.name.constant: {TEXT} (it is 5)",
    ),
    (
        SOURCE + "[source.values.accounts.kind]\na = 5",
        f"source.values.accounts.kind.a: {TEXT} (it is 5)",
    ),
    (
        SOURCE + "[source.values.accounts]\nkind = 'x'",
        f"source.values.accounts.kind: {TABLE}",
    ),
    (SOURCE + "[source.formats]\ndates = '%Y'", f"source.formats.dates: {LIST} (it is '%Y')"),
    (SOURCE + "[target.fields]\ntier = 5", f"target.fields.tier: {TEXT} (it is 5)"),
    (SOURCE + "[target.tasks]\nenabled = 'maybe'", "target.tasks.enabled: expected true or false"),
    (SOURCE + "[currency]\nrates = 5", "currency.rates: expected the name of a file in quotes"),
    (
        SOURCE + "[rules]\nas_of = 'soon'",
        "rules.as_of: expected a day such as 2024-01-31 (it is 'soon')",
    ),
    (
        SOURCE + "[rules.period]\nmonths = 'ten'",
        "rules.period.months: expected a whole number (it is 'ten')",
    ),
    (
        SOURCE + "[rules.settings.pyramid]\ncuts = ['a', 1]",
        "rules.settings.pyramid.cuts.0: expected a whole number (it is 'a')",
    ),
    (SOURCE + "[guard]\nmax_deleted = 'all'", "guard.max_deleted: expected a number (it is 'all')"),
    (SOURCE + "[store]\nurl = 5", f"store.url: {TEXT}"),
    ("schedule = 5\n" + SOURCE, f"schedule: {TEXT} (it is 5)"),
    # wrong values
    (
        SOURCE + "[source.formats]\ndecimal = ';'",
        "source.formats.decimal: expected '.' or ',' (it is ';')",
    ),
    (
        SOURCE + "[source.formats]\nthousands = '..'",
        "source.formats.thousands: string should have at most 1",
    ),
    (
        SOURCE + "[source.formats]\nthousands = '.'",
        "source.formats: thousands and decimal are both '.'; correct",
    ),
    (
        SOURCE + "[source.formats]\ntrue = ['No']",
        "source.formats: 'no' is in true and in false; leave it out",
    ),
    (
        SOURCE + "[source.formats]\ndates = ['%Q']",
        "source.formats.dates.0: pattern '%Q': '%Q' is unknown; use",
    ),
    (
        SOURCE + "[source.formats]\ndates = ['%']",
        "source.formats.dates.0: pattern '%': '%' is unknown; use",
    ),
    (
        SOURCE + "[source.formats]\ndates = ['%d.%m']",
        "source.formats.dates.0: pattern '%d.%m' names no year; use",
    ),
    (
        SOURCE + "[source.formats]\ntimezone = 'Mars'",
        f"source.formats.timezone: no time zone 'Mars'; {ZONE}",
    ),
    (
        SOURCE + "[source.values.accounts.kind]\na = 'custommer'",
        "source.values.accounts.kind: 'custommer' is none of ours; use one of customer, prospect,",
    ),
    (
        SOURCE + "[target.fields]\ntier = 'x'\nlayer = 'x'",
        "target.fields.tier: 'x' is named twice; use one field each",
    ),
    (
        SOURCE + "[target.fields]\ntier = ' '",
        "target.fields.tier: empty; name a field of the target, or",
    ),
    (
        SOURCE + "[currency]\nbase = 'Euro'",
        "currency.base: a currency is a three-letter ISO 4217 code",
    ),
    (
        SOURCE + "[[currency.rates]]\ncurrency = 'USD'\nvalid_from = 2017-01-01\nrate = 0",
        "currency.rates.0.rate: expected more than 0 (it is 0)",
    ),
    (
        SOURCE
        + "[[currency.rates]]\ncurrency = 'USD'\nvalid_from = 2017-01-01\nrate = '1.12345678901'",
        "currency.rates.0.rate: decimal input should have no more than 10 decimal places",
    ),
    (
        SOURCE + "[[currency.rates]]\ncurrency = 'USD'\nvalid_from = 2017-01-01\nrate = 'nan'",
        "currency.rates.0.rate: ",
    ),
    (
        SOURCE + "[[currency.rates]]\ncurrency = 'USD'\nvalid_from = 2017-01-01\nrate = 1\n" * 2,
        "currency.rates: two rates for USD from 2017-01-01; keep one of them",
    ),
    (
        SOURCE + "[rules]\ngoals = ['retension']",
        "rules.goals: no goal 'retension' is installed (installed: cross_sell",
    ),
    (SOURCE + "[rules.period]\nmonths = 0", "rules.period.months: expected 1 or more (it is 0)"),
    (
        SOURCE + "[rules.period]\nstart = 2017-01-01",
        "rules.period: start and end go together; give both",
    ),
    (
        SOURCE + "[rules.period]\nstart = 2017-01-02\nend = 2017-01-01",
        "rules.period: start 2017-01-02 is after end 2017-01-01",
    ),
    (
        SOURCE + "[rules.settings.pyramid]\ncuts = [100, 500]",
        "rules.settings.pyramid: cuts must have one value for each of 4 tiers, not",
    ),
    (
        SOURCE + "[rules.settings.pyramid]\nmethod = 'precent'",
        "rules.settings.pyramid.method: expected 'percent', 'thresholds' or 'cumulative' (it",
    ),
    (SOURCE + "[guard]\nmax_deleted = 30", "guard.max_deleted: expected 1.0 or less (it is 30)"),
    ("schedule = 'daily'\n" + SOURCE, f"schedule: not a cron line (1 fields instead of 5); {CRON}"),
    (
        "schedule = '0 25 * * *'\n" + SOURCE,
        "schedule: not a cron line (Error validating expression '25'",
    ),
    ("timezone = 'Berlin'\n" + SOURCE, f"timezone: no time zone 'Berlin'; {ZONE}"),
    ("timezone = '../etc'\n" + SOURCE, f"timezone: no time zone '../etc'; {ZONE}"),
    ("timezone = ''\n" + SOURCE, f"timezone: no time zone ''; {ZONE}"),
    ("name = 'my job'\n" + SOURCE, "name: use letters, digits, '.', '-' and '_' only, a letter"),
    ("catch_up = 'twice'\n" + SOURCE, "catch_up: expected 'once' or 'skip' (it is 'twice')"),
    # missing keys
    ("", "source: missing; add it"),
    ("[source]", "source.adapter: missing; add it"),
    (
        SOURCE + "[[currency.rates]]\ncurrency = 'USD'\nvalid_from = 2017-01-01",
        "currency.rates.0.rate: missing; add it",
    ),
    # not TOML
    (
        "[source\n",
        "not valid TOML: Expected ']' at the end of a table declaration (at line 1, column 8)",
    ),
    (SOURCE + "adapter = 'x'\n", "not valid TOML: Cannot overwrite a value (at line 3"),
]


@pytest.mark.parametrize(
    ("text", "said"), [pytest.param(*case, id=case[1].partition(" ")[0]) for case in MISTAKES]
)
def test_a_mistake_is_one_line_with_file_and_key(
    make: MakeJob, tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        ruleset_of(make(text), Plugins())

    assert len(str(caught.value).splitlines()) == 1
    assert str(caught.value).startswith(f"{tmp_path / 'job.toml'}: {said}")


def test_several_mistakes_are_a_line_each(make: MakeJob) -> None:
    with pytest.raises(ConfigError) as caught:
        make("timezone = 'Mars'\ncatch_up = 'twice'\n" + SOURCE)

    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        pytest.param(
            lambda path: None, "no such file; name a job file, or make one with", id="none"
        ),
        pytest.param(
            lambda path: path.mkdir(), "can't be read: Is a directory; name a job file", id="folder"
        ),
        pytest.param(
            lambda path: path.write_bytes("# Größe".encode("latin-1")),
            "byte 4 is not UTF-8; save the file as UTF-8",
            id="latin-1",
        ),
    ],
)
def test_a_file_that_is_no_job_says_why(
    tmp_path: Path, prepare: Callable[[Path], object], said: str
) -> None:
    path = tmp_path / "job.toml"
    prepare(path)

    with pytest.raises(ConfigError) as caught:
        load_job(path)

    assert str(caught.value).startswith(f"{path}: {said}")


def test_every_pattern_that_a_job_may_name_is_one_that_duckdb_knows() -> None:
    for letter in "aAbBcdfgGHIjmMnpSTuUVwWxXyYzZ%":
        Formats(dates=(f"%{letter} %Y",))
        duckdb.execute(
            "select try_strptime('x', $pattern)", {"pattern": f"%{letter} %Y"}
        ).fetchall()


# --- what a job says


def test_a_job_needs_little(make: MakeJob) -> None:
    job = make(SOURCE)

    assert (job.name, job.model.timezone, job.model.currency.base) == ("job", "UTC", "USD")
    assert job.model.target.adapter is None


def test_fields_are_columns_or_constants(make: MakeJob) -> None:
    job = make(SOURCE + "[source.fields.accounts]\nname = 'Name'\nkind = {constant = 'customer'}")

    (fields,) = job.model.source.fields.values()
    assert fields == {"name": "Name", "kind": Constant(constant="customer")}


@pytest.mark.parametrize(
    ("given", "url"),
    [
        pytest.param(None, "sqlite:///{folder}/connector.db", id="beside the job"),
        pytest.param("sqlite:///own.db", "sqlite:///{folder}/own.db", id="relative"),
        pytest.param("sqlite:////var/own.db", "sqlite:////var/own.db", id="absolute"),
        pytest.param("postgresql://h/db", "postgresql://h/db", id="postgresql"),
    ],
)
def test_the_store_lies_beside_the_job(
    make: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str | None, url: str
) -> None:
    monkeypatch.delenv("CONNECTOR_STORE", raising=False)
    job = make(SOURCE + (f"[store]\nurl = '{given}'" if given else ""))

    assert job.store_url == url.format(folder=tmp_path)


def test_the_store_may_come_from_the_environment(
    make: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTOR_STORE", "sqlite:////var/shared.db")

    assert make(SOURCE).store_url == "sqlite:////var/shared.db"


# --- rates

HEAD = "currency,valid_from,rate\n"


def rates(make: MakeJob, tmp_path: Path, content: bytes) -> Any:
    (tmp_path / "rates.csv").write_bytes(content)
    return load_rates(make(SOURCE + "[currency]\nbase = 'eur'\nrates = 'rates.csv'"))


def test_rates_are_read_from_a_file_beside_the_job(make: MakeJob, tmp_path: Path) -> None:
    (rate,) = rates(make, tmp_path, f"\ufeff{HEAD} usd ,2017-01-01, 0.95 \n".encode())

    assert (rate.currency, rate.valid_from, rate.rate) == ("USD", date(2017, 1, 1), Decimal("0.95"))


LINE = "rates.csv line {} is not a rate; expected a currency code, a day such as 2024-01-31 and"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(
            b"a,b\n1,2\n", "has no column currency, rate, valid_from; its first", id="columns"
        ),
        pytest.param(
            b"currency;valid_from;rate\n", "has no column currency, rate, valid", id="delimiter"
        ),
        pytest.param(b"", "has no column currency, rate, valid_from", id="empty file"),
        pytest.param(f"{HEAD}USD,2017-02-30,1\n".encode(), LINE.format(2), id="day"),
        pytest.param(f"{HEAD}USD,2017-01-01,much\n".encode(), LINE.format(2), id="text"),
        pytest.param(f"{HEAD}USD,2017-01-01,0\n".encode(), LINE.format(2), id="zero"),
        pytest.param(f"{HEAD}USD,2017-01-01,nan\n".encode(), LINE.format(2), id="nan"),
        pytest.param(f"{HEAD}USD,2017-01-01,1.12345678901\n".encode(), LINE.format(2), id="places"),
        pytest.param(f"{HEAD}US,2017-01-01,1\n".encode(), LINE.format(2), id="code"),
        pytest.param(f"{HEAD}USD,2017-01-01\n".encode(), LINE.format(2), id="short line"),
        pytest.param(
            f"{HEAD}USD,2017-01-01,1\nÄ,x,1\n".encode("latin-1"), "is not a rate", id="latin-1"
        ),
        pytest.param(
            (HEAD + "USD,2017-01-01,1\n" * 2).encode(),
            "two rates for USD from 2017-01-01",
            id="twice",
        ),
    ],
)
def test_a_rates_file_that_can_not_be_read_is_named(
    make: MakeJob, tmp_path: Path, content: bytes, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        rates(make, tmp_path, content)

    assert str(caught.value).startswith(f"{tmp_path / 'job.toml'}: currency.rates: ")
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_missing_rates_file_is_named(make: MakeJob) -> None:
    job = make(SOURCE + "[currency]\nrates = 'nowhere.csv'")

    with pytest.raises(
        ConfigError, match=r"currency\.rates: \S+nowhere\.csv can't be read: No such"
    ):
        load_rates(job)


# --- an adapter's settings


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    url: str
    token: SecretStr
    page_size: int = 100


ADAPTER = Adapter(name="files", settings=Settings, fields={})


def settings_of(make: MakeJob, lines: str) -> Settings:
    job = make(f"{SOURCE}[source.settings]\nurl = 'https://crm'\n{lines}")
    found: Settings = adapter_settings(job, "source", ADAPTER)
    return found


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the canary in each of the places that a job may name."""
    monkeypatch.setenv("CRM_TOKEN", "canary")
    (tmp_path / "token.txt").write_text("canary\n")
    keyring = pytest.importorskip("keyring")
    monkeypatch.setattr(
        keyring,
        "get_password",
        lambda service, user: {("crm", "me"): "canary"}.get((service, user)),
    )


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(
    "given",
    ["'canary'", "{env = 'CRM_TOKEN'}", "{file = 'token.txt'}", "{keyring = 'crm/me'}"],
    ids=["text", "env", "file", "keyring"],
)
def test_a_secret_comes_from_where_the_job_says(make: MakeJob, given: str) -> None:
    assert settings_of(make, f"token = {given}").token.get_secret_value() == "canary"


class Login(BaseModel):
    password: SecretStr


class Nested(BaseModel):
    login: Login
    port: int = 1


@pytest.mark.usefixtures("secrets")
def test_a_secret_may_be_in_a_table_of_the_settings(make: MakeJob) -> None:
    adapter = Adapter(name="files", settings=Nested, fields={})
    job = make(SOURCE + "[source.settings.login]\npassword = {env = 'CRM_TOKEN'}")
    assert adapter_settings(job, "source", adapter).login.password.get_secret_value() == "canary"
    for wrong in ("login = 'canary'", "login = {password = 12345}"):
        with pytest.raises(ConfigError) as caught:
            adapter_settings(make(f"{SOURCE}[source.settings]\n{wrong}"), "source", adapter)
        assert "expected" in str(caught.value)
        assert not {"canary", "12345"} & set(re.findall(r"\w+", str(caught.value)))


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(
    ("lines", "said"),
    [
        pytest.param(
            "token = {env = 'NOPE'}",
            "token: environment variable NOPE is not set; set it",
            id="env",
        ),
        pytest.param(
            "token = {env = 'canary'}", "token: environment variable is not set", id="secret as env"
        ),
        pytest.param(
            "token = {keyring = 'canary'}", "token: expected text, { env =", id="secret as keyring"
        ),
        pytest.param("token = {file = 'nope'}", "token: secret file", id="file"),
        pytest.param("token = {file = '.'}", "token: secret file", id="folder"),
        pytest.param(
            "token = {keyring = 'crm/you'}", "token: the keyring has no password", id="keyring"
        ),
        pytest.param("token = {safe = 'x'}", "token: expected text, { env =", id="unknown place"),
        pytest.param("token = {env = 5}", "token: expected text, { env =", id="no name"),
        pytest.param("token = 5", f"token: {TEXT}", id="number"),
        pytest.param("", "token: missing; add it", id="missing"),
        pytest.param(
            "token = 'canary'\npage_sise = 5", "page_sise: " + MEANT.format("page_size"), id="key"
        ),
        pytest.param(
            "token = 'canary'\npage_size = 'all'",
            "page_size: expected a whole number (it is 'all')",
            id="type",
        ),
    ],
)
def test_a_mistake_in_the_adapter_s_settings_is_one_line(
    make: MakeJob, lines: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_of(make, lines)

    assert f"job.toml: source.settings.{said}" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert "canary" not in str(caught.value)


def test_a_secret_of_the_wrong_type_is_not_shown(make: MakeJob) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_of(make, "token = ['canary']")

    assert "canary" not in str(caught.value)


@pytest.mark.usefixtures("secrets")
def test_the_url_of_the_store_may_be_a_secret(make: MakeJob) -> None:
    assert make(SOURCE + "[store]\nurl = {env = 'CRM_TOKEN'}").store_url == "canary"
    with pytest.raises(
        ConfigError, match=r"store\.url: environment variable NOPE is not set; set it"
    ):
        make(SOURCE + "[store]\nurl = {env = 'NOPE'}")


@pytest.mark.usefixtures("secrets")
def test_a_job_can_be_shown_without_its_secrets(make: MakeJob) -> None:
    job = make(SOURCE + "[store]\nurl = 'postgresql://me:canary@host/db'")

    assert "canary" not in repr(job)
    assert "canary" not in repr(settings_of(make, "token = 'canary'"))
