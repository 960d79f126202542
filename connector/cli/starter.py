"""A job file to start from: what must be filled in, and every other setting at its default."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from textwrap import wrap
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from connector.config import (
    CurrencyConfig,
    Formats,
    GuardConfig,
    JobModel,
    NotifyConfig,
    PeriodConfig,
)
from connector.contract import Adapter
from connector.errors import ConfigError
from connector.model import FIELDS, OUTPUTS, Kind, OutputField, Stream
from connector.plugins import Plugins

_WRITTEN: Final = (
    "tier", "layer", "rank", "revenue_period", "tier_previous", "tier_since", "movement",
    "next_tier_gap", "computed_at",
)  # fmt: skip
_WIDTH: Final = 96


def init(path: Path, source: str) -> None:
    """Write a job file for the adapter *source*; raise ConfigError if *path* exists."""
    text = starter(Plugins().adapter(source))
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise ConfigError(f"{path}: exists; name another file, or remove it first") from error
    except OSError as error:
        raise ConfigError(f"{path}: can't be written: {error.strerror}") from error
    print(
        f"{path} written.\n"
        f"  1. Fill in [source.settings] and the names of your columns.\n"
        f"  2. connector check {path}    says whether everything is found\n"
        f"  3. connector plan {path}     shows what would be written, and writes nothing\n"
        f"  4. connector sync {path}     computes the pyramid and writes it"
    )


def starter(adapter: Adapter[Any]) -> str:
    """Return the text of a job that reads from, and writes to, *adapter*."""
    return "\n".join(_lines(adapter)) + "\n"


def _lines(adapter: Adapter[Any]) -> Iterator[str]:
    yield from _said(
        "A job of Pyramid Connector: what is read, how it is understood, where results go."
        " Settings after a # stand at their default, or show an example. `connector schema` prints"
        " a JSON Schema with which editors complete and check this file."
    )
    yield ""
    yield from _settings(JobModel, only=("name", "timezone", "schedule", "catch_up"))
    yield from ("", "[source]", f'adapter = "{adapter.name}"')
    if adapter.about:
        yield from _said(adapter.about)
    yield from ("", "[source.settings]", *adapter_settings(adapter.settings, adapter))
    for stream in (stream for stream in Stream if stream in adapter.fields):
        yield from ("", f"[source.fields.{stream}]")
        yield from _said(
            'Our field = theirs; or { constant = "..." } for every row. What stands after a # is'
            " read anyway, where the source has it."
        )
        yield from _fields(stream, adapter.fields[stream])
    if Stream.OPPORTUNITIES in adapter.fields:
        choices = ", ".join(FIELDS[Stream.OPPORTUNITIES]["status"].choices)
        yield from ("", "[source.values.opportunities.status]")
        yield from _said(f'Their value = ours ({choices}); "*" is any other value.')
        yield from ('# "Closed Won" = "won"', '# "Closed Lost" = "lost"', '# "*" = "open"')
    yield from ("", "[source.formats]", *_settings(Formats))
    yield from ("", "[target]")
    yield from _said("Without an adapter of its own, results go where records come from.")
    yield from (f'# adapter = "{adapter.name}"', "", "[target.fields]")
    yield from _said("Our result = their field; what is not named is not written.")
    yield from (_output(output) for output in OUTPUTS.values())
    yield from ("", "[target.tasks]")
    yield from ("# enabled = true", '# fallback_owner = "..."  # for accounts without an owner')
    yield from ("", "[currency]", *_settings(CurrencyConfig, only=("base",)))
    yield from ("", "[rules.period]", *_settings(PeriodConfig, only=("months",)))
    yield from ("", "[guard]", *_settings(GuardConfig))
    yield from ("", "[notify]", *_settings(NotifyConfig, only=("on",)))
    yield '# to.admins.apprise = { env = "ADMINS_URL" }  # who is told, by a name of your own'


def adapter_settings(model: type[BaseModel], adapter: Adapter[Any]) -> Iterator[str]:
    """Yield a line for each setting of an adapter: those that must be given without a #."""
    for name, field in model.model_fields.items():
        if field.description:
            yield from _said(field.description)
        keys = _nested_keys(field.annotation)
        if keys:
            name_or = "a name, or " if _is_stream(name, adapter) else ""
            yield from _said(f"({name_or}a table with: {', '.join(keys)})")
        if _is_stream(name, adapter):
            needed = "# " if Stream(name).optional else ""
            yield f"{needed}{name} = {_toml(name_for(model, name) or {})}"
        elif field.is_required():
            yield f"{name} = {_placeholder(name, field, adapter)}"
        else:
            yield f"# {name} = {_default(name, field, adapter)}"


def _is_stream(name: str, adapter: Adapter[Any]) -> bool:
    return name in list(Stream) and Stream(name) in adapter.fields


def name_for(model: type[BaseModel], stream: str) -> str | None:
    """Return a name (of a file, table or object) that the setting *stream* takes, or None."""
    examples = model.model_fields[stream].examples or ()
    for value in (*map(str, examples), stream, f"{stream}.csv"):
        try:
            model.model_validate({stream: value})
        except ValidationError as error:
            if any(problem["loc"][:1] == (stream,) for problem in error.errors()):
                continue
        return value
    return None


def _placeholder(name: str, field: FieldInfo, adapter: Adapter[Any]) -> str:
    if field.examples:
        return _toml(field.examples[0])
    if _mentions(field.annotation, SecretStr):
        return _secret(name, adapter)
    if _mentions(field.annotation, Path):
        return '"."'
    for kind, value in ((bool, "true"), (int, "1"), (float, "1.0")):
        if _mentions(field.annotation, kind):
            return value
    return '"..."'


def _default(name: str, field: FieldInfo, adapter: Adapter[Any]) -> str:
    if _mentions(field.annotation, SecretStr):
        return _secret(name, adapter)
    default = field.get_default(call_default_factory=False)
    if default is None or isinstance(default, BaseModel):
        return _toml(field.examples[0]) if field.examples else '"..."'
    return _toml(default)


def _secret(name: str, adapter: Adapter[Any]) -> str:
    variable = "".join(c if c.isalnum() else "_" for c in f"{adapter.name}_{name}".upper())
    return f'{{ env = "{variable}" }}  # or {{ file = "..." }} or {{ keyring = "service/user" }}'


def _fields(stream: Stream, theirs: Mapping[str, str]) -> Iterator[str]:
    for name, field in FIELDS[stream].items():
        given = theirs.get(name)
        about = field.about
        if field.kind is Kind.CHOICE:
            listed = ", ".join(field.choices)
            about = listed if all(c in about for c in field.choices) else f"{about}: {listed}"
        mark = "" if field.required and not (stream.optional and given) else "# "
        said = f"  # {about}" if about else ""
        yield f"{mark}{name} = {_toml(given or name)}{said}"


def _output(output: OutputField) -> str:
    mark = "" if output.name in _WRITTEN else "# "
    name = output.name if output.name.startswith("pyramid") else f"pyramid_{output.name}"
    return f"{mark}{output.name} = {_toml(name)}  # {output.about}"


def _settings(model: type[BaseModel], only: Sequence[str] = ()) -> Iterator[str]:
    """Yield the settings of a part of the job, each at its default and behind a #."""
    examples = {
        "name": "northwind", "schedule": "0 6 * * 1-5", "dates": ["%d.%m.%Y"],
        "timezone": "Europe/Berlin" if model is Formats else None,
    }  # fmt: skip
    for name, field in model.model_fields.items():
        if only and name not in only:
            continue
        default = field.get_default(call_default_factory=True)
        value = examples.get(name) if default in (None, ()) else default
        if value is None:
            continue
        if field.description:
            yield from _said(field.description)
        yield f"# {name} = {_toml(value)}"


def _said(text: str) -> Iterator[str]:
    for line in wrap(" ".join(text.split()), _WIDTH):
        yield f"## {line}"


def _toml(value: object) -> str:
    match value:
        case Enum():
            return _toml(value.value)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case list() | tuple() | set() | frozenset():
            return f"[{', '.join(_toml(item) for item in value)}]"
        case dict():
            return f"{{ {', '.join(f'{json.dumps(k)} = {_toml(v)}' for k, v in value.items())} }}"
    # A JSON string is a TOML one; DEL is the only character TOML wants escaped and JSON does not.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _nested_keys(annotation: Any) -> Sequence[str]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return list(annotation.model_fields)
    return next((keys for part in get_args(annotation) if (keys := _nested_keys(part))), ())


def _mentions(annotation: Any, kind: type) -> bool:
    if annotation is kind:
        return True
    if get_origin(annotation) in (Union, types.UnionType, Annotated):
        return any(_mentions(part, kind) for part in get_args(annotation))
    return False
