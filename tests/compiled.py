"""Saves time in tests that run a job often: the same rules are built and translated only once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import ibis.expr.types as ir
import pytest

from connector import workspace
from customer_pyramid import costs, profit, sales, standings, totals
from six_goals import outcomes

_translate: Final = workspace._sql
known: Final[dict[object, str]] = {}
"""The SQL of each expression that was translated; both may be pickled."""


def compile_rules_once(patch: pytest.MonkeyPatch) -> None:
    """Let every later run of this process use the SQL of the first one with the same rules."""

    def sql(expression: Any) -> str:
        key = expression.op()
        if key not in known:
            known[key] = _translate(expression)
        return known[key]

    patch.setattr(workspace, "_sql", sql)


_BUILT: Final[Mapping[Any, Sequence[str]]] = {
    costs: ("selling_costs",),
    outcomes: ("tally",),
    profit: ("profits",),
    sales: ("in_base_currency", "issue_counts", "issue_flags", "recognised", "recognised_items"),
    standings: ("standings",),
    totals: ("totals",),
}
_expressions: Final[dict[object, Any]] = {}


def build_rules_once(patch: pytest.MonkeyPatch) -> None:
    """Let the rules' costliest functions answer at once where they are asked the same again."""
    for module, names in _BUILT.items():
        for name in names:
            patch.setattr(module, name, partial(_built, getattr(module, name)))


def _built(function: Callable[..., Any], *given: Any, **named: Any) -> Any:
    key = (function, _key(given), _key(named))
    if key not in _expressions:
        _expressions[key] = function(*given, **named)
    return _expressions[key]


def _key(given: Any) -> Any:
    match given:
        case ir.Expr():
            return given.op()
        case Mapping():
            return tuple((name, _key(value)) for name, value in given.items())
        case list() | tuple():
            return tuple(map(_key, given))
        case _:
            return repr(given)  # settings, periods, days and names; some can't be hashed
