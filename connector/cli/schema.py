"""The JSON Schema of a job, with the settings of every adapter that is installed."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from connector.cli.console import print_json
from connector.cli.starter import name_for
from connector.config import JobModel
from connector.model import FIELDS, LOCK_FIELD, OUTPUTS, Stream
from connector.plugins import Plugins
from connector.ruleset import settings_model

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_SECRET: Final = "Secret"  # noqa: S105 - the name of a definition
_REFERENCE: Final = "#/$defs/"


def schema() -> None:
    """Print the JSON Schema of a job."""
    print_json(job_schema(Plugins()))


def job_schema(plugins: Plugins) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a job for the adapters of *plugins*."""
    found: dict[str, Any] = _with_secrets(_schema_of(JobModel))
    definitions = found["$defs"]
    definitions[_SECRET] = _secret(plugins)
    for name, adapter in sorted(plugins.adapters.items()):
        definitions |= _named(_settings_schema(adapter.settings), _settings_key(name))
    for side in ("SourceConfig", "TargetConfig"):
        part = definitions[side]
        part["properties"]["adapter"]["examples"] = sorted(plugins.adapters)
        part["allOf"] = [_settings_of(name, side) for name in sorted(plugins.adapters)]
    _name_fields(definitions)
    _name_goals(definitions, plugins)
    return {"$schema": _DIALECT, "$id": "urn:pyramid-connector:job", **found}


def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a default that JSON can't hold is left out
        found: dict[str, Any] = json.loads(json.dumps(model.model_json_schema()))
    return found


def _settings_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of an adapter's settings; where a stream may be a mere name, it says so.

    A validator that turns the name into a table leaves no trace in Pydantic's own schema.
    """
    found = _schema_of(model)
    for stream in model.model_fields.keys() & set(Stream):
        said = found["properties"][stream]
        ways = said.get("anyOf", [])
        if {"type": "string"} not in ways and ways and name_for(model, stream):
            said["anyOf"] = [{"type": "string"}, *ways]
    return found


def _named(found: dict[str, Any], name: str) -> dict[str, Any]:
    """Return an adapter's schema and its parts under names that no other adapter has."""
    parts = found.pop("$defs", {})
    named = {name: found, **{f"{name}.{part}": said for part, said in parts.items()}}
    text = json.dumps(named)
    for part in parts:
        text = text.replace(f'"{_REFERENCE}{part}"', f'"{_REFERENCE}{name}.{part}"')
    renamed: dict[str, Any] = json.loads(text)
    return {key: _with_secrets(said) for key, said in renamed.items()}


def _settings_key(adapter: str) -> str:
    """Return the name of an adapter's settings among the definitions, fit for a reference."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", f"{adapter}.settings")


def _with_secrets(said: Any) -> Any:
    """Let a secret be text, or the place where it is kept."""
    if isinstance(said, list):
        return [_with_secrets(item) for item in said]
    if not isinstance(said, dict):
        return said
    if said.get("format") == "password":
        kept = {key: said[key] for key in ("title", "description") if key in said}
        return {**kept, "$ref": f"{_REFERENCE}{_SECRET}"}
    return {key: _with_secrets(item) for key, item in said.items()}


def _secret(plugins: Plugins) -> dict[str, Any]:
    places = {
        "env": "name of an environment variable",
        "file": "path of a file, relative to the job",
        "keyring": "service/user in the system's keyring",
        **{name: place.about for name, place in plugins.secrets.items()},
    }
    kept = [
        {
            "type": "object",
            "properties": {place: {"type": "string", "description": about}},
            "required": [place],
            "additionalProperties": False,
        }
        for place, about in places.items()
    ]
    return {"description": "a secret: better kept elsewhere", "anyOf": [*kept, {"type": "string"}]}


def _settings_of(adapter: str, side: str) -> Mapping[str, Any]:
    named = {"properties": {"adapter": {"const": adapter}}, "required": ["adapter"]}
    settings = {"properties": {"settings": {"$ref": _REFERENCE + _settings_key(adapter)}}}
    return {"if": named, "then": settings}


def _name_fields(definitions: dict[str, Any]) -> None:
    """Name our own fields and results, which the job's model checks in code."""
    source = definitions["SourceConfig"]["properties"]
    column = {"anyOf": [{"type": "string"}, {"$ref": f"{_REFERENCE}Constant"}]}
    value = {"type": "object", "additionalProperties": {"type": "string"}}
    for key, item in (("fields", column), ("values", value)):
        source[key]["properties"] = {
            str(stream): {
                "type": "object",
                "properties": {
                    name: {**item, "description": field.about or str(field.kind)}
                    for name, field in FIELDS[stream].items()
                },
                "additionalProperties": False,
            }
            for stream in Stream
        }
        source[key]["additionalProperties"] = False
        source[key].pop("propertyNames", None)
    about = {name: output.about for name, output in OUTPUTS.items()}
    about[LOCK_FIELD] = "read only: whether a person has set the tier, which is then kept"
    target = definitions["TargetConfig"]["properties"]["fields"]
    target["properties"] = {
        name: {"type": "string", "description": said} for name, said in about.items()
    }
    target["additionalProperties"] = False


def _name_goals(definitions: dict[str, Any], plugins: Plugins) -> None:
    """Name the goals that are installed, and their settings, which their packs check."""
    found = _schema_of(settings_model(plugins.goals))
    definitions |= found.get("$defs", {})
    settings = definitions["RuleSettings"]
    del settings["properties"]["of_goals"]
    settings["properties"] |= found["properties"]
    definitions["RulesConfig"]["properties"]["goals"]["items"] = {
        "type": "string",
        "enum": list(plugins.goals),
    }
