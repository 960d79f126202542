"""Calls of methods, as all transports make them: who calls, what, and what comes of it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any

from sandbox_odoo.credentials import Credentials
from sandbox_odoo.model import Records
from sandbox_odoo.org import CONNECTOR, Env, Org
from sandbox_odoo.refusal import ACCESS_DENIED, ATTRIBUTE, DATABASE, TYPE, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox_odoo.base import Users


class Caller:
    """Knows who may call, and calls."""

    def __init__(self, org: Org, credentials: Credentials) -> None:
        self.org = org
        self.credentials = credentials

    def database(self, name: Any) -> None:
        """Refuse a database that isn't there."""
        if name != self.credentials.database:
            message = f'connection to server failed: FATAL:  database "{name}" does not exist\n'
            raise Refused(DATABASE, message)

    def key_is_good(self, key: Any) -> bool:
        """Return whether it is the API key, and still good."""
        ends = self.org.settings.key_expires
        if ends is not None and self.org.clock().astimezone(UTC) >= ends.astimezone(UTC):
            return False
        return bool(key == self.credentials.api_key)

    def login(self, database: Any, login: Any, password: Any) -> int | bool:
        """Return the id of the user; False where login or password is wrong."""
        self.database(database)
        for id_, row in self.org.models["res.users"].rows.items():
            if row["login"] == login and self._knows(id_, password):
                return id_
        return False

    def demand(self, database: Any, uid: Any, password: Any) -> None:
        """Refuse who is not the user that he says."""
        self.database(database)
        if not self._knows(uid, password):
            raise Refused(ACCESS_DENIED, "Access Denied")

    def _knows(self, uid: Any, password: Any) -> bool:
        users: Users = self.org.models["res.users"]  # type: ignore[assignment] # by its name
        if not users.rows.get(uid, {}).get("active"):
            return False
        known = users.passwords.get(uid)
        return (known is not None and password == known) or (
            uid == CONNECTOR and self.key_is_good(password)
        )

    def call(
        self, uid: int, model: str, method: str, args: Sequence[Any], named: Mapping[str, Any],
        *, ids: Sequence[int] | None = None,
    ) -> Any:  # fmt: skip
        """Return what a method does; with *ids* for the records, else they come first in *args*."""
        named = dict(named)
        with self.org.transaction(uid, named.pop("context", None) or {}) as env:
            return _bound(env, model, method, args, named, ids)()


def _bound(
    env: Env, model: str, method: str, args: Sequence[Any], named: Mapping[str, Any],
    ids: Sequence[int] | None,
) -> Callable[[], Any]:  # fmt: skip
    there = env[model]
    if (found := there.method(method)) is None:
        raise Refused(ATTRIBUTE, f"The method '{model}.{method}' does not exist")
    rest = [*args]
    if found.api == "records":  # type: ignore[attr-defined] # by the decorator
        if ids is None:
            if not rest:
                raise Refused(TYPE, f"{method}() missing 1 required positional argument: 'ids'")
            first = rest.pop(0)
            ids = [first] if isinstance(first, int) else list(first or [])
        rest = [ids, *rest]
    elif ids:
        raise Refused(TYPE, f"cannot call {model}.{method} with ids")
    try:
        inspect.signature(found).bind(env, *rest, **named)
    except TypeError as error:
        raise Refused(TYPE, f"{method}() {error}") from None
    return lambda: found(env, *rest, **named)


def as_ids(result: Any) -> Any:
    """Return a result with records as a list of their ids."""
    return list(result.ids) if isinstance(result, Records) else result


def as_rpc(org: Org, result: Any) -> Any:
    """Return a result as RPC says it, which some versions do badly with records."""
    if isinstance(result, Records) and org.settings.records_as_text:
        inner = ", ".join(map(str, result.ids)) + ("," if len(result.ids) == 1 else "")
        return f"{result.model}({inner})"
    return as_ids(result)
