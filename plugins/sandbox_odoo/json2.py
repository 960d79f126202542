"""JSON-2, of 19.0: a path for each method, arguments by name, and true HTTP statuses."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any

from connector.sandbox import Answer
from sandbox_odoo.calling import Caller, as_ids
from sandbox_odoo.model import Model
from sandbox_odoo.org import CONNECTOR
from sandbox_odoo.refusal import ACCESS_DENIED, DATABASE, NO_MODEL, Refused

_MEDIA = "application/json; charset=utf-8"


def answered(
    caller: Caller, model: str, method: str, headers: Mapping[str, str], body: bytes
) -> Answer:
    """Answer a call: with the bare result, or with an error."""
    try:
        _let_in(caller, headers)
        named = json.loads(body or b"{}")
        if not isinstance(named, dict):
            raise ValueError("the body is no object")
        ids = named.pop("ids", None) or []
        result = caller.call(CONNECTOR, model, method, [], named, ids=ids)
    except Refused as error:
        return Answer(_error(error), error.kind.status, media=_MEDIA)
    except ValueError as error:
        return Answer(f"Bad Request: {error}", 400, media="text/html; charset=utf-8")
    if method == "create" and isinstance(result, int):
        result = [result]
    return Answer(json.dumps(as_ids(result)), media=_MEDIA)


def documented(caller: Caller, model: str, headers: Mapping[str, str]) -> Answer:
    """Answer `/doc-bearer/<model>.json`, by which odoo-client-lib learns names of arguments."""
    try:
        _let_in(caller, headers)
        if model not in caller.org.models:
            raise Refused(NO_MODEL, f"the model {model!r} does not exist")
    except Refused as error:
        return Answer(_error(error), error.kind.status, media=_MEDIA)
    there = caller.org.models[model]
    return Answer({"model": model, "methods": _methods(there)}, media=_MEDIA)


def _methods(model: Model) -> dict[str, Any]:
    said = {}
    for name, method in model.methods().items():
        api = method.api  # type: ignore[attr-defined] # by the decorator
        first = 1 if api == "model" else 2  # after who asks, and the records
        names = [*inspect.signature(method).parameters][first:]
        said[name] = {
            "parameters": {one: {} for one in names},
            "api": ["model"] if api == "model" else [],
        }
    return said


def _let_in(caller: Caller, headers: Mapping[str, str]) -> None:
    database = headers.get("x-odoo-database")
    if database is None and caller.org.settings.several_databases:
        raise Refused(DATABASE, "No database is selected")
    if database is not None:
        caller.database(database)
    kind, _, key = headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not caller.key_is_good(key.strip()):
        raise Refused(ACCESS_DENIED, "Invalid apikey", "Invalid apikey", 401)


def _error(error: Refused) -> dict[str, Any]:
    return {
        "name": error.kind.json2 or error.kind.name,
        "message": error.message,
        "arguments": error.arguments,
        "context": {},
        "debug": error.debug,
    }
