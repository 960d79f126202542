"""SOQL as a tree: what a query's text means, before anybody knows which fields there are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken

from sandbox_salesforce.refusal import ApiError

LONGEST: Final = 100_000
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_MEANT: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_MEANS: Final = {"!=": "<>"}
FieldPath: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Constant:
    """A value as it stands in a query, with the token that it is."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """A field of a SELECT list, or what a *function* makes of it."""

    path: FieldPath
    alias: str | None = None
    function: str | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """A field compared with a value; *operator* is one of SQL, or LIKE."""

    path: FieldPath
    operator: str
    value: Constant


@dataclass(frozen=True, slots=True)
class Listed:
    """A field that is one of *values*, or of what *query* finds; *negated*: none of them."""

    path: FieldPath
    values: tuple[Constant, ...] = ()
    query: Query | None = None
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Joined:
    """Conditions joined by AND or OR, or one after NOT."""

    word: str
    parts: tuple[Condition, ...]


Condition: TypeAlias = "Compared | Listed | Joined"


@dataclass(frozen=True, slots=True)
class Ordering:
    """A field to sort by."""

    path: FieldPath
    descending: bool = False
    nulls_last: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A SELECT."""

    chosen: tuple[Chosen, ...]
    sobject: str
    alias: str | None = None
    where: Condition | None = None
    group: tuple[FieldPath, ...] = ()
    order: tuple[Ordering, ...] = ()
    limit: int | None = None
    offset: int | None = None


def parse(text: str) -> Query:
    """Return the query that *text* is; refuse it with the place where it goes wrong."""
    if len(text) > LONGEST:
        raise ApiError(
            "MALFORMED_QUERY", "SOQL statements cannot be longer than 100000 characters."
        )
    if not text.strip():
        raise ApiError("MALFORMED_QUERY", "A query string has to be specified")
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        raise _malformed(text, error) from None
    made: Query = _Tree().transform(tree)
    return made


@cache
def _parser() -> Lark:
    grammar = Path(__file__).with_name("soql.lark").read_text(encoding="utf-8")
    return Lark(grammar, start="query", parser="lalr", maybe_placeholders=True)


def _malformed(text: str, error: UnexpectedInput) -> ApiError:
    if isinstance(error, UnexpectedEOF) or (
        isinstance(error, UnexpectedToken) and error.token.type == "$END"
    ):
        return ApiError("MALFORMED_QUERY", "unexpected token: '<EOF>'")
    row, column = error.line, error.column
    if isinstance(error, UnexpectedToken):
        said = f"unexpected token: '{error.token}'"
    elif isinstance(error, UnexpectedCharacters):
        said = f"line {row}:{column} no viable alternative at character '{error.char}'"
    else:
        said = "unexpected input"
    line = text.splitlines()[row - 1]
    near = line[max(0, column - 40) : column + 20]
    mark = " " * (min(column, 41) - 1) + "^"
    return ApiError(
        "MALFORMED_QUERY", f"\n{near}\n{mark}\nERROR at Row:{row}:Column:{column}\n{said}"
    )


class _Tree(Transformer[Token, Any]):
    """Makes of lark's tree ours: a method a rule."""

    def query(self, parts: list[Any]) -> Query:
        at = next(n for n, one in enumerate(parts) if getattr(one, "type", "") == "FROM")
        chosen = tuple(one for one in parts[:at] if isinstance(one, Chosen))
        name, alias, *rest = parts[at + 1 :]
        given: dict[str, Any] = dict(one for one in rest if isinstance(one, tuple))
        return Query(chosen, str(name), alias and str(alias), **given)

    def chosen(self, parts: list[Any]) -> Chosen:
        path, alias = parts
        return Chosen(path, alias and str(alias))

    def called(self, parts: list[Any]) -> Chosen:
        function, path, alias = parts
        return Chosen(path or (), alias and str(alias), str(function).upper())

    def path(self, parts: list[Token]) -> FieldPath:
        return tuple(map(str, parts))

    def value(self, parts: list[Token]) -> Constant:
        (token,) = parts
        text = _unquoted(token) if token.type == "STRING" else str(token)
        return Constant(token.type, text)

    def where(self, parts: list[Any]) -> tuple[str, Condition]:
        return "where", parts[1]

    def both(self, parts: list[Any]) -> Joined:
        return Joined("AND", tuple(parts[::2]))

    def either(self, parts: list[Any]) -> Joined:
        return Joined("OR", tuple(parts[::2]))

    def negated(self, parts: list[Any]) -> Joined:
        return Joined("NOT", (parts[1],))

    def compared(self, parts: list[Any]) -> Compared:
        path, operator, value = parts
        return Compared(path, _MEANS.get(operator, str(operator)), value)

    def like(self, parts: list[Any]) -> Compared:
        return Compared(parts[0], "LIKE", parts[2])

    def one_of(self, parts: list[Any]) -> Listed:
        return Listed(parts[0], tuple(one for one in parts if isinstance(one, Constant)))

    def none_of(self, parts: list[Any]) -> Listed:
        values = tuple(one for one in parts if isinstance(one, Constant))
        return Listed(parts[0], values, negated=True)

    def within(self, parts: list[Any]) -> Listed:
        return Listed(parts[0], query=parts[-1])

    def without(self, parts: list[Any]) -> Listed:
        return Listed(parts[0], query=parts[-1], negated=True)

    def group(self, parts: list[Any]) -> tuple[str, tuple[FieldPath, ...]]:
        return "group", tuple(one for one in parts if isinstance(one, tuple))

    def order(self, parts: list[Any]) -> tuple[str, tuple[Ordering, ...]]:
        return "order", tuple(one for one in parts if isinstance(one, Ordering))

    def ordering(self, parts: list[Any]) -> Ordering:
        path, direction, _, place = parts
        return Ordering(
            path,
            descending=direction is not None and direction.lower() == "desc",
            nulls_last=place is not None and place.lower() == "last",
        )

    def limit(self, parts: list[Any]) -> tuple[str, int]:
        return "limit", int(parts[1])

    def offset(self, parts: list[Any]) -> tuple[str, int]:
        return "offset", int(parts[1])


def _unquoted(token: Token) -> str:
    # \% and \_ mean themselves for LIKE, and are looked at there.
    return _ESCAPED.sub(
        lambda found: found[0] if found[1] in "%_" else _MEANT.get(found[1].lower(), found[1]),
        str(token)[1:-1],
    )
