"""Domains: conditions in prefix notation, made into a test of one record."""

from __future__ import annotations

import operator as op
import re
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sandbox_odoo.fields import NUMBERS, TO_MANY, Field, Row, naive, read_day
from sandbox_odoo.refusal import VALUE, Refused

if TYPE_CHECKING:
    from sandbox_odoo.org import Env
    from sandbox_odoo.table import Table

Test: TypeAlias = Callable[[Row], bool]
_SECOND: Final = timedelta(seconds=1)
_COMPARED: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": op.lt, "<=": op.le, ">": op.gt, ">=": op.ge,
}  # fmt: skip
_ALIKE: Final = ("like", "ilike", "=like", "=ilike", "not like", "not ilike")
_OPPOSITES: Final = {
    "!=": "=", "<>": "=", "not in": "in", "not like": "like", "not ilike": "ilike",
    "not any": "any",
}  # fmt: skip


def test_of(env: Env, model: Table, domain: Any) -> Test:
    """Return a test of records of *model*; refuse a domain that can't be understood."""
    if not isinstance(domain, list | tuple):
        raise Refused(VALUE, f"Domain {domain!r} is not a list")
    tests: list[Test] = []
    # From the end, so that operands are there when their operator comes.
    for item in reversed(domain):
        if item == "!":
            tests.append(_not(_taken(tests, domain)))
        elif item in ("&", "|"):
            tests.append(_joined(item, _taken(tests, domain), _taken(tests, domain)))
        elif isinstance(item, list | tuple) and len(item) == 3:
            tests.append(_leaf(env, model, *item))
        else:
            raise Refused(VALUE, f"Invalid leaf {item!r} in domain {domain!r}")
    while len(tests) > 1:
        tests.append(_joined("&", tests.pop(), tests.pop()))
    return tests[0] if tests else lambda row: True


def names_in(domain: Any) -> Iterator[str]:
    """Yield what the conditions of a domain are about."""
    for item in domain:
        if isinstance(item, list | tuple) and len(item) == 3:
            yield str(item[0])


def ids_in(domain: Any) -> Collection[int] | None:
    """Return the ids that a domain asks for by name, which saves a look at all others."""
    for item in domain if not any(one in ("|", "!") for one in domain) else ():
        if isinstance(item, list | tuple) and len(item) == 3 and item[0] == "id":
            if item[1] == "in" and isinstance(item[2], list | tuple):
                return list(dict.fromkeys(item[2]))
            if item[1] == "=" and isinstance(item[2], int):
                return [item[2]]
    return None


def _taken(tests: list[Test], domain: Any) -> Test:
    if not tests:
        raise Refused(VALUE, f"Domain {domain!r} is malformed")
    return tests.pop()


def _not(test: Test) -> Test:
    return lambda row: not test(row)


def _joined(sign: str, first: Test, second: Test) -> Test:
    if sign == "|":
        return lambda row: first(row) or second(row)
    return lambda row: first(row) and second(row)


def _leaf(env: Env, model: Table, left: Any, sign: Any, right: Any) -> Test:
    if left in (0, 1) and sign == "=" and right in (0, 1):
        return lambda row: bool(left == right)
    if sign in _OPPOSITES:
        # All that does not match, also where there is nothing.
        if "." not in str(left):
            return _not(_leaf(env, model, left, _OPPOSITES[sign], right))
    elif sign not in (*_COMPARED, *_ALIKE, "=", "=?", "in", "child_of", "parent_of", "any"):
        raise Refused(VALUE, f"Invalid operator {sign!r} in domain term {(left, sign, right)!r}")
    name, _, rest = str(left).partition(".")
    field = model.field(name)
    if sign == "=?":
        return (lambda row: True) if right in (False, None) else _leaf(env, model, left, "=", right)
    if rest or sign == "any":
        there = env[field.relation] if field.relation else None
        if there is None:
            raise Refused(VALUE, f"Invalid field {left!r} in domain term {(left, sign, right)!r}")
        found = there.find(env.seeing_all(), [(rest, sign, right)] if rest else right)
        return _linked(env, model, field, set(found))
    if field.relation or (name == "id" and sign in ("child_of", "parent_of")):
        return _relation(env, model, field, sign, right)
    return _value(env, model, field, sign, right)


def _linked(env: Env, model: Table, field: Field, ids: Collection[int]) -> Test:
    if field.type in TO_MANY:
        return lambda row: any(one in ids for one in model.value(env, row, field))
    return lambda row: model.value(env, row, field) in ids


def _relation(env: Env, model: Table, field: Field, sign: str, right: Any) -> Test:
    there = env[field.relation] if field.relation else model
    many = right if isinstance(right, list | tuple) else [right]
    if sign in ("child_of", "parent_of"):
        roots = set(there.find(env.seeing_all(), _asked(there, sign, many)))
        return _linked(env, model, field, _family(there, sign, roots))
    if isinstance(right, str) or sign in _ALIKE:
        named = there.find(env.seeing_all(), [(there.rec_name, sign, right)])
        return _linked(env, model, field, set(named))
    if sign not in ("=", "in"):
        return _value(env, model, field, sign, right)
    ids = {int(one) for one in many if one not in (False, None)}
    linked = _linked(env, model, field, ids)
    if len(ids) == len(many):
        return linked
    return lambda row: not model.value(env, row, field) or linked(row)


def _asked(there: Table, sign: str, many: Any) -> list[Any]:
    if any(isinstance(one, str) for one in many):
        return [(there.rec_name, "ilike", many[0])]
    return [("id", "in", many)]


def _family(model: Table, sign: str, ids: set[int]) -> set[int]:
    """Return records with all that belong to them, or that they belong to, by `parent_id`."""
    family, new = set(ids), ids
    while new and "parent_id" in model.fields:
        if sign == "child_of":
            new = {one for root in new for one in model.naming("parent_id", root)} - family
        else:
            above = {model.rows[one].get("parent_id") for one in new if one in model.rows}
            new = {one for one in above if one} - family
        family |= new
    return family


def _value(env: Env, model: Table, field: Field, sign: str, right: Any) -> Test:
    if sign in _ALIKE:
        pattern = _pattern(sign, right)
        return lambda row: pattern.fullmatch(str(model.value(env, row, field) or "")) is not None
    if field.type == "datetime":
        return _time(env, model, field, sign, right)
    if sign == "in":
        if not isinstance(right, list | tuple):
            raise Refused(VALUE, f"Invalid value {right!r} in domain term: a list is needed")
        values = {_read(field, one) for one in right}
        return lambda row: _known(model.value(env, row, field), field) in values
    value = _read(field, right)
    if sign == "=":
        return lambda row: bool(_known(model.value(env, row, field), field) == value)
    compare = _COMPARED[sign]

    def compared(row: Row) -> bool:
        found = _known(model.value(env, row, field), field)
        return found is not None and value is not None and compare(found, value)

    return compared


def _known(value: Any, field: Field) -> Any:
    if field.type in NUMBERS:
        return value or 0
    return bool(value) if field.type == "boolean" else value


def _read(field: Field, value: Any) -> Any:
    if field.type in NUMBERS:
        return value or 0
    if field.type == "boolean":
        return bool(value)
    if value in (False, None, ""):
        return None
    return read_day(value) if field.type == "date" else value


def _pattern(sign: str, right: Any) -> re.Pattern[str]:
    text = re.escape(str(right)).replace("%", ".*").replace("_", ".")
    if "=" not in sign:
        text = f".*{text}.*"
    return re.compile(text, re.DOTALL | (re.IGNORECASE if "ilike" in sign else 0))


def _time(env: Env, model: Table, field: Field, sign: str, right: Any) -> Test:
    """Return a test of times: they are kept with microseconds, and asked for without."""
    if sign == "in":
        tests = [_time(env, model, field, "=", one) for one in right]
        return lambda row: any(test(row) for test in tests)
    if right in (False, None):
        return lambda row: model.value(env, row, field) is None
    low = _moment(right, sign)
    high = low + _SECOND if env.org.settings.whole_seconds and not low.microsecond else None
    if sign == "=":
        return _between(env, model, field, low, high)
    if high is not None and sign in (">", "<="):
        sign, low = {">": ">=", "<=": "<"}[sign], high
    compare = _COMPARED[sign]

    def compared(row: Row) -> bool:
        found = model.value(env, row, field)
        return found is not None and compare(found, low)

    return compared


def _between(env: Env, model: Table, field: Field, low: datetime, high: datetime | None) -> Test:
    def there(row: Row) -> bool:
        found = model.value(env, row, field)
        return found is not None and (found == low if high is None else low <= found < high)

    return there


def _moment(value: Any, sign: str) -> datetime:
    if isinstance(value, datetime):
        return naive(value)
    text = str(value)
    try:
        # "T" is allowed here, a zone is not.
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            raise ValueError
    except ValueError:
        message = f"time data {text!r} does not match format '%Y-%m-%d %H:%M:%S'"
        raise Refused(VALUE, message) from None
    if len(text) == 10 and sign in (">", "<="):
        # A day: from memory, the whole of it is meant.
        return datetime.combine(moment.date(), time(23, 59, 59), UTC).replace(tzinfo=None)
    return moment
