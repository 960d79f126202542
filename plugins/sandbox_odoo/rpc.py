"""The services that both kinds of RPC offer: `common`, `db` and `object`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox_odoo.calling import Caller, as_rpc
from sandbox_odoo.refusal import ATTRIBUTE, TYPE, Refused


@dataclass(slots=True)
class Noted:
    """What was asked, as tests see it."""

    model: str = ""
    method: str = ""


def version(caller: Caller) -> dict[str, Any]:
    """Return the version as `common.version` says it, to everybody."""
    name = caller.org.version
    return {
        "server_version": name,
        "server_version_info": [caller.org.major, 0, 0, "final", 0, ""],
        "server_serie": name,
        "protocol_version": 1,
    }


def dispatch(caller: Caller, service: str, method: str, args: Sequence[Any], noted: Noted) -> Any:
    """Return what a method of a service says."""
    noted.method = method
    if service == "object" and method in ("execute_kw", "execute"):
        if len(args) < 5:
            raise Refused(TYPE, f"{method}() missing required positional arguments")
        database, uid, password, model, called, *rest = args
        noted.model, noted.method = str(model), str(called)
        caller.demand(database, uid, password)
        positional, named = (rest, {}) if method == "execute" else _parts(rest)
        return as_rpc(caller.org, caller.call(uid, model, called, positional, named))
    methods: dict[tuple[str, str], Callable[..., Any]] = {
        ("common", "version"): lambda: version(caller),
        ("common", "login"): caller.login,
        ("common", "authenticate"): lambda database, login, password, env: caller.login(
            database, login, password
        ),
        ("db", "list"): lambda document=False: [caller.credentials.database],
        ("db", "db_exist"): lambda name: name == caller.credentials.database,
        ("db", "server_version"): lambda: caller.org.version,
    }
    if (service, method) not in methods:
        raise Refused(ATTRIBUTE, f"Method not found: {service}.{method}")
    try:
        return methods[service, method](*args)
    except TypeError as error:
        raise Refused(TYPE, str(error)) from None


def _parts(rest: Sequence[Any]) -> tuple[Sequence[Any], dict[str, Any]]:
    positional = rest[0] if rest else []
    named = rest[1] if len(rest) > 1 else {}
    return list(positional or []), dict(named or {})
