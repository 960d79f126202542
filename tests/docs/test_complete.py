"""Every key, error, command, option, capability and hook is in the docs, with its true default."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any, Final, get_args

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from sqlmodel import SQLModel

import connector
from connector import contract, errors, hookspecs
from connector import http as connector_http
from connector.cli import app
from connector.config import JobModel, NotifyTarget, Rate
from connector.contract import Capabilities
from connector.model import FIELDS, LOCK_FIELD, OUTPUTS
from connector.store import tables  # noqa: F401 - makes the tables known
from connector_espocrm.settings import Admin, EspoSettings
from connector_files.settings import Settings as FileSettings
from connector_files.settings import Table
from connector_odoo.advice import ADVICE as ODOO_ADVICE
from connector_odoo.advice import Advice as OdooAdvice
from connector_odoo.settings import OdooSettings
from connector_odoo.streams import FIELDS as ODOO_FIELDS
from connector_salesforce.advice import ADVICE, Advice
from connector_salesforce.derived import DERIVED
from connector_salesforce.objects import FIELDS as SALESFORCE_FIELDS
from connector_salesforce.objects import OBJECTS
from connector_salesforce.settings import (
    ClientCredentials,
    JwtBearer,
    Login,
    Password,
    RefreshToken,
    SalesforceSettings,
)
from connector_sql.settings import Rows, SqlSettings
from connector_tryton.models import FIELDS as TRYTON_FIELDS
from connector_tryton.settings import TrytonSettings
from customer_pyramid.check import CheckName
from customer_pyramid.settings import MEASURES, NamedTarget, TierTarget
from six_goals import pack
from six_goals.action import Action
from six_goals.goal import Facts, Goal, Proposal
from six_goals.suppression import Cause
from six_goals.tables import TABLES
from tests.docs.pages import ROOT
from tests.rules.six_goals.company import Company

_SECTION: Final = re.compile(r"^#+ .*?`\[+([\w.]+)\]+`")
_ROW: Final = re.compile(r"^\| `(\w+)` \| (.+?) \|")
_TOP: Final = "## The top of the file"
_SAID: Final = {
    "string": "text",
    "boolean": "flag",
    "int64": "integer",
    "float64": "float",
    "decimal(9, 6)": "decimal",
    "timestamp('UTC')": "time",
}
"""What the page on rule packs calls the types of columns."""


def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def documented(*pages: str) -> dict[str, str]:
    """Return the second cell of each row that begins with a key, by section and key."""
    found: dict[str, str] = {}
    for page in pages:
        section: str | None = None
        for line in text(page).splitlines():
            if line.startswith("#"):
                named = _SECTION.match(line)
                section = named[1] if named else "" if line == _TOP else None
            row = _ROW.match(line)
            if row and section is not None:
                found[f"{section}.{row[1]}".lstrip(".")] = row[2]
    return found


def keys_of(model: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Yield each key of a settings model and its default as the docs write it."""
    if dataclasses.is_dataclass(model):
        for part in dataclasses.fields(model):
            made = part.default_factory
            default = part.default if made is dataclasses.MISSING else made()
            if dataclasses.is_dataclass(default):
                yield from keys_of(type(default), f"{at}.{part.name}")
            else:
                yield f"{at}.{part.name}", shown(default)
        return
    for name, field in model.model_fields.items():
        key = f"{at}.{name}".lstrip(".")
        nested = field.annotation
        if isinstance(nested, type) and (
            issubclass(nested, BaseModel) or dataclasses.is_dataclass(nested)
        ):
            yield from keys_of(nested, key)
        else:
            yield key, shown(field.get_default(call_default_factory=True))


def shown(value: object) -> str:
    if value is None:
        return "none"
    if value is PydanticUndefined:
        return "required"
    return f"`{_toml(value)}`"


def _toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float() | Decimal():
            return str(value)
        case frozenset():
            return f"[{', '.join(sorted(map(_toml, value)))}]"
        case tuple() | list():
            return f"[{', '.join(map(_toml, value))}]"
        case Mapping():
            parts = [f"{_key(key)} = {_toml(part)}" for key, part in value.items()]
            return f"{{ {', '.join(parts)} }}" if parts else "{}"
        case Enum():
            return _toml(value.value)
    return '"' + str(value).replace('"', '\\"') + '"'


def _key(key: object) -> str:
    return str(key) if re.fullmatch(r"[\w-]+", str(key)) else _toml(key)


LOGINS = {
    "jwt": JwtBearer,
    "client_credentials": ClientCredentials,
    "refresh": RefreshToken,
    "login": Login,
    "password": Password,
}
BUILT_IN = {goal.name: goal.settings for goal in pack.goals()}
JOB = {
    **{key: said for key, said in keys_of(JobModel) if key != "rules.settings.of_goals"},
    **dict(keys_of(Rate, "currency.rates")),
    **dict(keys_of(NotifyTarget, "notify.to.NAME")),
    **dict(keys_of(TierTarget, "rules.settings.targets.tiers.TIER")),
    **dict(keys_of(NamedTarget, "rules.settings.targets.named.ACCOUNT")),
    **{
        key: said
        for name, settings in BUILT_IN.items()
        for key, said in keys_of(settings, f"rules.settings.{name}")
    },
}
FIELD_KEYS = {
    **{f"source.fields.{s}.{name}": name for s, fields in FIELDS.items() for name in fields},
    **{f"target.fields.{name}": name for name in OUTPUTS},
}


def test_every_key_of_a_job_is_described_with_its_default() -> None:
    said = documented("docs/jobs.md", "docs/rules.md")
    assert {key: said.get(key) for key in JOB} == JOB
    unknown = said.keys() - JOB.keys() - FIELD_KEYS.keys()
    assert not unknown


def test_every_field_and_result_is_described() -> None:
    said = documented("docs/jobs.md")
    assert not FIELD_KEYS.keys() - said.keys()
    assert f"`{LOCK_FIELD}`" in text("docs/jobs.md")
    for stream, fields in FIELDS.items():
        for name, field in fields.items():
            kind = f"{field.kind}, required" if field.required else str(field.kind)
            assert said[f"source.fields.{stream}.{name}"] == kind
    for name, output in OUTPUTS.items():
        assert said[f"target.fields.{name}"].endswith("stamp") is output.stamp


@pytest.mark.parametrize(
    ("page", "settings", "inner"),
    [
        pytest.param("docs/adapters/espocrm.md", EspoSettings, {"admin": Admin}, id="espocrm"),
        pytest.param("docs/adapters/files.md", FileSettings, {"accounts": Table}, id="files"),
        pytest.param("docs/adapters/odoo.md", OdooSettings, {}, id="odoo"),
        pytest.param("docs/adapters/sql.md", SqlSettings, {"accounts": Rows}, id="sql"),
        pytest.param("docs/adapters/salesforce.md", SalesforceSettings, LOGINS, id="salesforce"),
        pytest.param("docs/adapters/tryton.md", TrytonSettings, {}, id="tryton"),
    ],
)
def test_every_setting_of_an_adapter_is_described(
    page: str, settings: type[BaseModel], inner: Mapping[str, type[BaseModel]]
) -> None:
    wanted = dict(keys_of(settings, "source.settings"))
    for name, table in inner.items():
        wanted |= dict(keys_of(table, f"source.settings.{name}"))
    assert documented(page) == wanted


def test_what_salesforce_says_is_described_as_the_messages_have_it() -> None:
    section = text("docs/adapters/salesforce.md").partition("| Salesforce says |")[2]
    said = [line for line in section.splitlines() if line.startswith("| `")]
    assert said == [_row_of(advice) for advice in ADVICE]


def _row_of(advice: Advice) -> str:
    words = " or ".join(f"*{one}*" for one in advice.words)
    return f"| `{advice.code}`{': ' if words else ''}{words} | {advice.do} |"


def test_the_fields_that_are_read_from_salesforce_are_described() -> None:
    page = text("docs/adapters/salesforce.md")
    for stream, fields in SALESFORCE_FIELDS.items():
        objects = ", ".join(OBJECTS[stream])
        named = {f"`{ours}` {theirs}" for ours, theirs in fields.items()}
        (row,) = re.findall(rf"^\| {stream} \| {objects} \| (.+) \|$", page, re.MULTILINE)
        assert set(row.split(", ")) == named
    for name in {name for columns in DERIVED.values() for name in columns}:
        assert f"| `{name}`" in page


def test_what_odoo_says_is_described_as_the_messages_have_it() -> None:
    section = text("docs/adapters/odoo.md").partition("| Odoo says |")[2]
    said = [line for line in section.splitlines() if line.startswith("| `")]
    assert said == [_odoo_row_of(advice) for advice in ODOO_ADVICE]


def _odoo_row_of(advice: OdooAdvice) -> str:
    words = " or ".join(f"*{one}*" for one in advice.words)
    return f"| `{advice.name}`{': ' if words else ''}{words} | {advice.do} |"


def test_the_fields_that_are_read_from_odoo_are_described() -> None:
    page = text("docs/adapters/odoo.md")
    for stream, fields in ODOO_FIELDS.items():
        named = {f"`{ours}` {theirs}" for ours, theirs in fields.items()}
        (row,) = re.findall(rf"^\| {stream} \| [^|]+ \| (.+) \|$", page, re.MULTILINE)
        assert set(row.split(", ")) == named
    for name in {name for fields in ODOO_FIELDS.values() for name in fields.values()}:
        assert not name.endswith("__derived") or f"| `{name}`" in page


def test_the_fields_that_are_read_from_tryton_are_described() -> None:
    page = text("docs/adapters/tryton.md")
    for stream, fields in TRYTON_FIELDS.items():
        named = {f"`{ours}` {theirs}" for ours, theirs in fields.items()}
        (row,) = re.findall(rf"^\| {stream} \| [\w.]+ \| (.+) \|$", page, re.MULTILINE)
        assert set(row.split(", ")) == named


def test_every_error_is_described_with_its_exit_code() -> None:
    page = text("docs/errors.md")
    for kind in _errors():
        assert f"| `{kind.__name__}` | {kind.exit_code} |" in page
    codes = {kind.exit_code for kind in _errors()} | {0}
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    assert codes <= listed


def test_the_readme_lists_every_exit_code_but_that_of_a_bug() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d) \|", text("README.md"), re.MULTILINE)}
    assert listed == {kind.exit_code for kind in _errors()} - {1} | {0}


def test_every_error_of_http_is_described() -> None:
    page = text("docs/writing-an-adapter.md")
    own = [kind for kind in vars(connector_http).values() if _is_error_of(kind, connector_http)]
    assert own
    for kind in own:
        assert f"`{kind.__name__}`" in page


def test_every_command_and_option_is_described() -> None:
    page = text("docs/commands.md")
    for command, options in _commands().items():
        assert f"| `connector {command}" in page
        for option in options:
            rows = [line for line in page.splitlines() if re.match(rf"\| .*`{option}[ `]", line)]
            named = [row for row in rows if command in row or "| all |" in row]
            assert named, f"{command} {option}"


def test_no_command_is_described_that_does_not_exist() -> None:
    described = set(re.findall(r"^\| `connector ([\w-]+)", text("docs/commands.md"), re.MULTILINE))
    assert described == set(_commands())


def test_every_capability_is_described_with_its_default() -> None:
    page = text("docs/writing-an-adapter.md")
    for part in dataclasses.fields(Capabilities):
        assert f"| `{part.name}` | `{part.default}` |" in page


def test_every_hook_is_described() -> None:
    page = text("docs/writing-an-adapter.md") + text("docs/writing-a-rule-pack.md")
    marker = f"{hookspecs.PROJECT}_spec"
    hooks = [name for name, value in vars(hookspecs).items() if hasattr(value, marker)]
    assert hooks
    for name in hooks:
        assert f"| `{name}()` |" in page


def test_the_contract_is_described() -> None:
    page = text("docs/writing-an-adapter.md")
    for part in dataclasses.fields(contract.Page):
        assert f"| `{part.name}` |" in page
    making = page.partition("## Making the fields")[2]
    for described in (contract.FieldSpec, contract.ProvisionStep):
        for part in dataclasses.fields(described):
            assert f"| `{part.name}` |" in making
    rates = page.partition("## Exchange rates")[2]
    for part in dataclasses.fields(contract.ExchangeRate):
        assert f"| `{part.name}` |" in rates
    for kind in ("SetFields", "PutTask", "CloseTask"):
        assert f"| `{kind}` |" in page
    for kind in ("Applied", "Unchanged", "Rejected", "Retry", "Conflict", "Unknown"):
        assert f"| `{kind}` |" in page
        assert kind in connector.__all__
    for part in dataclasses.fields(contract.BrowserLogin):
        assert f"`{part.name}`" in page.partition("## A login by a browser")[2]
    for part in dataclasses.fields(contract.Adapter):
        assert f"*{part.name}*" in page


def test_every_cause_of_suppression_is_described() -> None:
    page = text("docs/rules.md")
    for cause in get_args(Cause):
        assert f"| `{cause}` |" in page


def test_every_check_and_measure_is_described() -> None:
    page = text("docs/rules.md")
    for name in (*get_args(CheckName), *MEASURES):
        assert f"| `{name}` |" in page


def test_every_table_of_a_goal_is_described_with_its_columns() -> None:
    page = text("docs/writing-a-rule-pack.md")
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", page.partition("## The tables")[2], re.MULTILINE)
    said = {table: dict(re.findall(r"`(\w+)` (\w+)", columns)) for table, columns in rows}
    assert said.keys() - {"standings"} == TABLES.keys()
    for table, columns in TABLES.items():
        assert said[table] == {name: _SAID.get(kind, kind) for name, kind in columns.items()}


def test_the_columns_of_standings_are_described() -> None:
    page = text("docs/writing-a-rule-pack.md")
    (row,) = re.findall(r"^\| `standings` \| (.+?) \|", page, re.MULTILINE)
    stood = Company().table("standings").schema()
    assert dict(re.findall(r"`(\w+)` (\w+)", row)) == {
        name: _SAID.get(str(kind), str(kind)) for name, kind in stood.items()
    }


def test_a_goal_is_described_part_by_part() -> None:
    page = text("docs/writing-a-rule-pack.md")
    for kind in (Goal, Proposal, Action):
        for part in dataclasses.fields(kind):
            assert f"| `{part.name}` |" in page, (kind, part.name)
    for name in vars(Facts):
        if not name.startswith("_"):
            assert f"| `{name}" in page, name


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    named = {_distribution(one) for one in project["dependencies"]}
    for group in project["optional-dependencies"].values():
        named |= {_distribution(one) for one in group}
    named.discard("pyramid-connector")  # the extras of dev
    reasons = text("CONTRIBUTING.md").partition("## Dependencies")[2]
    assert set(re.findall(r"^\| `([\w.-]+)` \|", reasons, re.MULTILINE)) == named


def _distribution(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    assert found
    return found[0]


def _errors() -> set[type[errors.ConnectorError]]:
    return {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.ConnectorError)
    }


def _is_error_of(kind: object, module: Any) -> bool:
    return (
        isinstance(kind, type)
        and issubclass(kind, Exception)
        and kind.__module__ == module.__name__
    )


def _commands() -> Mapping[str, list[str]]:
    """Return the long name of each option, by command."""
    from typer.main import get_group

    return {
        name: [max(option.opts, key=len) for option in command.params if option.opts[0][0] == "-"]
        for name, command in get_group(app).commands.items()
    }


def test_the_architecture_lists_the_modules_in_their_order() -> None:
    contracts = tomllib.loads(text("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    (host,) = (one for one in contracts if one.get("containers") == ["connector"])
    section = text("docs/architecture.md").partition("## Modules")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert listed == list(reversed(host["layers"]))


def test_the_architecture_lists_the_tables_of_the_store() -> None:
    section = text("docs/architecture.md").partition("## The store")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    listed = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert listed == set(SQLModel.metadata.tables)
