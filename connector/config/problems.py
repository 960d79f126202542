"""What is wrong in a job file: a line for each mistake, with file, key and what to do."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError

from connector.errors import ConfigError
from connector.model import Stream


def validated(model: type[BaseModel], data: Mapping[str, Any], path: Path, at: str) -> Any:
    try:
        return model.model_validate(data, context={"folder": path.parent})
    except ValidationError as error:
        problems = _without_echoes(model, error.errors())
        lines = [_line(model, problem, path, at) for problem in problems]
        raise ConfigError("\n".join(dict.fromkeys(lines))) from None


def _without_echoes(model: type[BaseModel], problems: Sequence[Any]) -> list[Any]:
    """Return *problems* without the keys that are missing because they are misspelt."""
    meant = {
        (*problem["loc"][:-1], *close)
        for problem in problems
        if problem["type"] in _UNKNOWN
        and (close := _close(str(problem["loc"][-1]), _keys_at(model, problem["loc"][:-1])))
    }
    return [p for p in problems if p["type"] != "missing" or tuple(p["loc"]) not in meant]


_UNKNOWN: Final = ("extra_forbidden", "unexpected_keyword_argument")
_EXPECTED: Final = (
    ("string_too", "{message}"),
    ("string_pattern", "use letters, digits, '.', '-' and '_' only, a letter or digit first"),
    ("string", "expected text in quotes"),
    ("path", "expected the name of a file in quotes"),
    ("tuple", 'expected a list such as ["..."]'),
    ("list", 'expected a list such as ["..."]'),
    ("frozen_set", 'expected a list such as ["..."]'),
    ("set", 'expected a list such as ["..."]'),
    ("dict", "expected a table"),
    ("model_", "expected a table"),
    ("dataclass", "expected a table"),
    ("int", "expected a whole number"),
    ("float", "expected a number"),
    ("decimal_max", "{message}"),
    ("decimal_whole", "{message}"),
    ("decimal", "expected a number"),
    ("bool", "expected true or false"),
    ("date", "expected a day such as 2024-01-31"),
    ("literal", "expected {expected}"),
    ("enum", "expected {expected}"),
    ("greater_than_equal", "expected {ge} or more"),
    ("greater_than", "expected more than {gt}"),
    ("less_than_equal", "expected {le} or less"),
    ("less_than", "expected less than {lt}"),
)
"""What to say of Pydantic's errors, by the beginning of their type."""


def _line(model: type[BaseModel], problem: Any, path: Path, at: str) -> str:
    loc = [part for part in problem["loc"] if not _is_union_member(part)]
    key = ".".join(([at] if at else []) + [str(part) for part in loc])
    kind = problem["type"]
    if kind in _UNKNOWN:
        return f"{path}: {key}: {unknown(str(loc[-1]), _keys_at(model, loc[:-1]))}"
    if problem["loc"][-1:] == ("[key]",):
        return f"{path}: {key}: {unknown(str(loc[-1]), [str(stream) for stream in Stream])}"
    if kind == "missing":
        return f"{path}: {key}: missing; add it"
    message = str(problem["msg"]).removeprefix("Value error, ")
    if kind == "value_error":
        joint = "." if key and ":" in message.split(" ")[0] else ": "
        return f"{path}: {key}{joint}{message}" if key else f"{path}: {message}"
    said = f"{message[0].lower()}{message[1:]}"
    for beginning, words in _EXPECTED:
        if kind.startswith(beginning):
            said = words.format(message=said, **problem.get("ctx", {}))
            break
    given = problem.get("input")
    hidden = isinstance(given, dict | list) or "secret" in kind or _may_be_secret(model, loc)
    return f"{path}: {key}: {said}" + ("" if hidden else f" (it is {given!r})")


def _is_union_member(part: object) -> bool:
    # Pydantic adds to the location what it tried: "<list>", "tuple[...]", "[key]".
    return isinstance(part, str) and (
        part in ("str", "Constant", "Path", "path", "[key]")
        or part.startswith(("<", "tuple[", "lax-or-strict"))
    )


def _may_be_secret(model: Any, loc: Sequence[object]) -> bool:
    """Say whether what was given at *loc* may be a secret, or was given for a table that has one.

    What a free table holds is checked later, by its adapter: any of it may be.
    """
    annotation: Any = model
    for part in loc:
        known = {
            name: said for one in models_in(annotation) for name, said in _annotations(one).items()
        }
        if str(part) in known:
            annotation = known[str(part)]
        elif known:
            return False
    return holds_secret(annotation)


def _keys_at(model: Any, loc: Sequence[object]) -> Sequence[str]:
    for part in loc:
        known = _annotations(model)
        if str(part) not in known:
            continue  # a place in a list, or a key of a table that is free to choose
        model = next(iter(models_in(known[str(part)])), None)
    return tuple(_annotations(model))


def _annotations(model: Any) -> Mapping[str, Any]:
    if hasattr(model, "model_fields"):
        return {name: field.annotation for name, field in model.model_fields.items()}
    if hasattr(model, "__dataclass_fields__"):
        return get_type_hints(model)
    return {}


def models_in(annotation: Any) -> Iterator[Any]:
    known = hasattr(annotation, "model_fields") or hasattr(annotation, "__dataclass_fields__")
    if known and isinstance(annotation, type):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)


def _close(name: str, known: Mapping[str, object] | Sequence[str]) -> list[str]:
    return get_close_matches(name, list(known), n=1)


def unknown(name: str, known: Mapping[str, object] | Sequence[str]) -> str:
    close = _close(name, known)
    if close:
        return f"unknown; did you mean {close[0]!r}?"
    expected = ", ".join(known)
    return f"unknown; expected one of: {expected}" if expected else "unknown; leave it out"


def mentions_secret(annotation: Any) -> bool:
    """Say whether a value of this type is a secret."""
    if annotation in (SecretStr, SecretBytes):
        return True
    if get_origin(annotation) in (Union, types.UnionType, Annotated):
        return any(mentions_secret(argument) for argument in get_args(annotation))
    return False


def holds_secret(annotation: Any) -> bool:
    """Say whether a value of this type is a secret, or can hold one."""
    if annotation in (SecretStr, SecretBytes, Any):
        return True
    if any(map(holds_secret, get_args(annotation))):
        return True
    return any(
        holds_secret(said) for one in models_in(annotation) for said in _annotations(one).values()
    )
