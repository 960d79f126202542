"""Importing rows of text, as `load` does: all of them, or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sandbox_odoo.fields import NUMBERS, TO_MANY, Field, Row
from sandbox_odoo.refusal import Refused

if TYPE_CHECKING:
    from sandbox_odoo.custom import ExternalIds
    from sandbox_odoo.model import Model
    from sandbox_odoo.org import Env


class _Unreadable(Exception):
    """A cell can't be read."""


def load(env: Env, model: Model, fields: Sequence[str], data: Sequence[Sequence[Any]]) -> Any:
    """Return the ids of all rows; or False for them, and messages, and nothing is changed."""
    paths = [name.split("/") for name in fields]
    for path in paths:
        if path[0] not in ("id", ".id"):
            model.field(path[0])
    ids: list[int] = []
    messages: list[dict[str, Any]] = []
    try:
        with env.org.savepoint():
            for at, cells in enumerate(data):
                try:
                    vals, key, id_ = _read(env, model, paths, cells)
                    ids.append(_put(env, model, vals, key, id_))
                except _Problem as problem:
                    messages.append(_message(at, problem.field, problem.said))
                except Refused as error:
                    # That rights and checks end here, too, is from memory.
                    messages.append(_message(at, "", error.message))
            if messages:
                raise _Failed
    except _Failed:
        return {"ids": False, "messages": messages, "nextrow": 0}
    return {"ids": ids, "messages": [], "nextrow": 0}


class _Failed(Exception):
    """Nothing of it is to be kept."""


class _Problem(Exception):
    """A cell of a row is wrong."""

    def __init__(self, field: str, said: str) -> None:
        super().__init__(said)
        self.field = field
        self.said = said


def _message(at: int, field: str, said: str) -> dict[str, Any]:
    message = {"type": "error", "record": at, "rows": {"from": at, "to": at}, "message": said}
    return message | ({"field": field} if field else {})


def _read(
    env: Env, model: Model, paths: Sequence[Sequence[str]], cells: Sequence[Any]
) -> tuple[Row, str, int | None]:
    vals: Row = {}
    key, id_ = "", None
    for (name, *rest), cell in zip(paths, cells, strict=True):
        try:
            if name == ".id":
                id_ = _own(model, cell)
            elif name == "id":
                key = str(cell or "")
            else:
                vals[name] = _value(env, model.fields[name], rest, cell)
        except _Unreadable as error:
            raise _Problem(name, str(error)) from None
    return vals, key, id_


def _own(model: Model, cell: Any) -> int | None:
    if not cell:
        return None
    if not str(cell).isdecimal() or int(cell) not in model.rows:
        raise _Unreadable(f"Unknown database identifier '{cell}'")
    return int(cell)


def _put(env: Env, model: Model, vals: Row, key: str, id_: int | None) -> int:
    if key and (found := _known(env, key)) is not None:
        id_ = found
    if id_ is not None:
        model.write(env, [id_], vals)
        return id_
    model.create(env, [])  # asks for the right
    id_ = model.make(env, model.imported(vals))
    if key:
        module, name = _whole(key).split(".", 1)
        known = {"module": module, "name": name, "model": model.name, "res_id": id_}
        env["ir.model.data"].make(env.sudo(), known)
    return id_


def _known(env: Env, key: str) -> int | None:
    data: ExternalIds = env["ir.model.data"]  # type: ignore[assignment] # by its name
    found = data.named(_whole(key))
    return None if found is None else int(found["res_id"])


def _whole(key: str) -> str:
    """Return an external id with its module; imports without one share one."""
    return key if "." in key else f"__import__.{key}"


def _value(env: Env, field: Field, rest: Sequence[str], cell: Any) -> Any:
    text = "" if cell is None or cell is False else str(cell)
    if field.type == "boolean":
        return text.lower() not in ("", "0", "false", "no")
    if not text:
        return False
    if field.type == "selection":
        return _choice(field, text)
    if field.type in NUMBERS:
        return _number(field, text)
    if field.type == "many2one":
        return _link(env, field, rest[0] if rest else "", text)
    if field.type in TO_MANY:
        return [(6, 0, [_link(env, field, rest[0] if rest else "", one)
                        for one in text.split(",")])]  # fmt: skip
    return text


def _choice(field: Field, text: str) -> str:
    for value, label in field.selection:
        if text in (value, label):
            return value
    raise _Unreadable(f"Value '{text}' not found in selection field '{field.label}'")


def _number(field: Field, text: str) -> float:
    try:
        return int(text) if field.type == "integer" else float(text)
    except ValueError:
        kind = "an integer" if field.type == "integer" else "a number"
        raise _Unreadable(
            f"'{text}' does not seem to be {kind} for field '{field.label}'"
        ) from None


def _link(env: Env, field: Field, by: str, text: str) -> int:
    there = env[field.relation]
    kinds = {".id": "database id", "id": "external id", "": "name"}
    for found in _found(env, there, by, text):
        if found in there.rows:
            return found
    said = f"No matching record found for {kinds[by]} '{text}' in field '{field.label}'"
    raise _Unreadable(said)


def _found(env: Env, there: Model, by: str, text: str) -> Iterator[int]:
    if by == ".id":
        yield from [int(text)] if text.isdecimal() else []
    elif by == "id":
        found = _known(env, text)
        yield from [] if found is None else [found]
    else:
        yield from there.find(env.seeing_all(), [(there.rec_name, "=", text)])
