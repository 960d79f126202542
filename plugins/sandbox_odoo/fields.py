"""Fields of models, and how their values are read, kept and shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from sandbox_odoo.refusal import VALUE, Refused

if TYPE_CHECKING:
    from sandbox_odoo.org import Env

Row: TypeAlias = dict[str, Any]
"""A record as it is kept: what is empty is missing or None. Never changed, only replaced."""
Compute: TypeAlias = "Callable[[Env, Row], Any]"
TO_MANY: Final = ("one2many", "many2many")
NUMBERS: Final = ("integer", "float", "monetary")
DATETIME: Final = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Field:
    """A field.

    *default* is a value, or what makes it. With *compute* it is not kept but found out each time.
    *gone* says what becomes of the record when the one that a many2one names is deleted.
    """

    type: str
    label: str
    relation: str = ""
    inverse: str = ""
    selection: tuple[tuple[str, str], ...] = ()
    required: bool = False
    readonly: bool = False
    manual: bool = False
    default: Any = None
    compute: Compute | None = None
    gone: Literal["set null", "cascade", "restrict"] = "set null"
    name: str = ""

    @property
    def stored(self) -> bool:
        """Whether a column of the database holds it."""
        return self.compute is None and self.type != "one2many"


def named(**fields: Field) -> dict[str, Field]:
    """Return fields that know their names."""
    return {name: replace(one, name=name) for name, one in fields.items()}


def char(label: str, **more: Any) -> Field:
    """Return a line of text."""
    return Field("char", label, **more)


def text(label: str, **more: Any) -> Field:
    """Return a text of several lines."""
    return Field("text", label, **more)


def html(label: str, **more: Any) -> Field:
    """Return a formatted text."""
    return Field("html", label, **more)


def flag(label: str, **more: Any) -> Field:
    """Return what is so or not."""
    return Field("boolean", label, **more)


def whole(label: str, **more: Any) -> Field:
    """Return a whole number."""
    return Field("integer", label, **more)


def number(label: str, **more: Any) -> Field:
    """Return a number."""
    return Field("float", label, **more)


def money(label: str, **more: Any) -> Field:
    """Return an amount of money."""
    return Field("monetary", label, **more)


def day(label: str, **more: Any) -> Field:
    """Return a day."""
    return Field("date", label, **more)


def moment(label: str, **more: Any) -> Field:
    """Return a point in time."""
    return Field("datetime", label, **more)


def pick(label: str, *options: tuple[str, str], **more: Any) -> Field:
    """Return a choice among *options*, each a value and its label."""
    return Field("selection", label, selection=options, **more)


def one(label: str, relation: str, **more: Any) -> Field:
    """Return what names a record of *relation*."""
    return Field("many2one", label, relation=relation, **more)


def lines(label: str, relation: str, inverse: str) -> Field:
    """Return the records of *relation* that name this one in *inverse*."""
    return Field("one2many", label, relation=relation, inverse=inverse)


def many(label: str, relation: str) -> Field:
    """Return any number of records of *relation*."""
    return Field("many2many", label, relation=relation)


def kept(field: Field, value: Any, model: str) -> Any:
    """Return a value that was sent as it is kept; refuse one that *field* doesn't take."""
    if value is None or (value is False and field.type != "boolean"):
        return None
    if field.type == "boolean":
        return bool(value)
    if field.type == "integer":
        return _number(int, value)
    if field.type in NUMBERS:
        return _number(float, value)
    if field.type == "many2one":
        # As read with its name, it is a pair.
        return _number(int, value[0] if isinstance(value, list | tuple) else value) or None
    if field.type == "date":
        return read_day(value)
    if field.type == "datetime":
        return _read_exactly(value)
    if field.type == "selection":
        if value not in dict(field.selection):
            raise Refused(VALUE, f"Wrong value for {model}.{field.name}: {value!r}")
        return value
    return str(value) or None


def _number(make: Callable[[Any], Any], value: Any) -> Any:
    try:
        return make(value)
    except (TypeError, ValueError) as error:
        raise Refused(VALUE, str(error)) from None


def read_day(value: Any) -> date:
    """Return a day that was sent; what follows it is left out."""
    if isinstance(value, date):
        return value.date() if isinstance(value, datetime) else value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise _no_time(value, "%Y-%m-%d") from None


def _read_exactly(value: Any) -> datetime:
    if isinstance(value, datetime):
        return naive(value)
    try:
        return datetime.strptime(str(value), DATETIME)  # noqa: DTZ007 - UTC without saying so
    except ValueError:
        raise _no_time(value, DATETIME) from None


def _no_time(value: Any, form: str) -> Refused:
    return Refused(VALUE, f"time data {value!r} does not match format {form!r}")


def naive(moment: datetime) -> datetime:
    """Return a time in UTC, without its zone: so they are kept."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def shown(field: Field, value: Any) -> Any:
    """Return a value that is kept as it is shown; a many2one as its id alone."""
    if field.type in TO_MANY:
        return list(value or ())
    if value is None:
        return {"integer": 0, "float": 0.0, "monetary": 0.0}.get(field.type, False)
    if field.type == "datetime":
        return value.strftime(DATETIME)
    if field.type == "date":
        return value.isoformat()
    return value


def commands(value: Any, present: Sequence[int]) -> tuple[tuple[int, ...], list[tuple[Any, ...]]]:
    """Return the ids that a to-many field links after *value*, and the commands left to do.

    These are (0, 0, values) to create, (1, id, values) to change and (2, id) to delete.
    """
    ids = dict.fromkeys(present)
    left: list[tuple[Any, ...]] = []
    for command in value or ():
        code, *rest = command if isinstance(command, list | tuple) else (4, command)
        if code in (0, 1, 2):
            left.append((code, *rest))
        if code in (2, 3):
            ids.pop(rest[0], None)
        elif code == 4:
            ids[rest[0]] = None
        elif code in (5, 6):
            ids = dict.fromkeys(rest[1] if code == 6 else ())
    return tuple(ids), left
