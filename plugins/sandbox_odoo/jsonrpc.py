"""JSON-RPC: HTTP 200 for everything, also for errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from connector.sandbox import Answer
from sandbox_odoo.calling import Caller
from sandbox_odoo.refusal import Refused
from sandbox_odoo.rpc import Noted, dispatch, version

_MEDIA = "application/json; charset=utf-8"


def services(caller: Caller, body: bytes, noted: Noted) -> Answer:
    """Answer `/jsonrpc`."""

    def call(params: Any) -> Any:
        return dispatch(caller, params["service"], params["method"], params["args"], noted)

    return _answered(caller, body, call)


def version_info(caller: Caller, body: bytes, noted: Noted) -> Answer:
    """Answer `/web/webclient/version_info`, which odoorpc asks."""
    noted.method = "version_info"
    return _answered(caller, body, lambda params: version(caller))


def _answered(caller: Caller, body: bytes, call: Callable[[Any], Any]) -> Answer:
    try:
        asked = json.loads(body)
        params = asked.get("params") or {}
    except (ValueError, AttributeError):
        return Answer("Invalid JSON data", 400, media="text/html; charset=utf-8")
    said: dict[str, Any] = {"jsonrpc": "2.0", "id": asked.get("id")}
    try:
        result = call(params)
    except Refused as error:
        return Answer(said | {"error": _error(caller, error)}, media=_MEDIA)
    # None is left out, as odoo-client-lib expects.
    return Answer(said if result is None else said | {"result": result}, media=_MEDIA)


def _error(caller: Caller, error: Refused) -> dict[str, Any]:
    return {
        "code": caller.org.settings.error_code,
        "message": "Odoo Server Error",
        "data": {
            "name": error.kind.name,
            "debug": error.debug,
            "message": error.message,
            "arguments": error.arguments,
            "context": {},
        },
    }
