"""Saves time in tests that run a job often: the same rules are built and translated only once."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import ibis.expr.types as ir
import pytest

from connector import analysis, trials, workspace
from customer_pyramid import costs, profit, sales, standings, totals
from six_goals import outcomes

_translate: Final = workspace._sql
_known: Final[dict[object, str]] = {}
"""The SQL of each expression that was translated."""
_expressions: Final[dict[object, Any]] = {}
"""What functions of the rules answered, by their name and what they were asked."""


def compile_rules_once(patch: pytest.MonkeyPatch) -> None:
    """Let every later run of this process use the SQL of the first one with the same rules.

    Nor are the costliest expressions built again that were built of the same ones before.
    """

    def sql(expression: Any) -> str:
        key = expression.op()
        if key not in _known:
            _known[key] = _translate(expression)
        return _known[key]

    patch.setattr(workspace, "_sql", sql)
    for function in _BUILT:
        patch.setattr(f"{function.__module__}.{function.__name__}", partial(_built, function))


_BUILT: Final[Sequence[Callable[..., Any]]] = (
    costs.selling_costs,
    outcomes._followed,
    outcomes.tally,
    profit.profits,
    sales.in_base_currency,
    sales.issue_counts,
    sales.issue_flags,
    sales.recognised,
    sales.recognised_items,
    standings.standings,
    totals.totals,
    trials._news,
)


def leave_out_figures(patch: pytest.MonkeyPatch) -> None:
    """Let runs compute no figures of the whole company, where nobody looks at them."""
    patch.setattr(analysis._Analyst, "_summary", lambda analyst: {})
    patch.setattr(analysis._Analyst, "_issues", lambda analyst: {})


def memory() -> bytes:
    """Return all that was built and translated so far, to be handed to another process."""
    return pickle.dumps((_known, _expressions))


def remember(memory: bytes) -> None:
    """Take over the memory of another process of ours."""
    known, expressions = pickle.loads(memory)  # noqa: S301 - what `memory` wrote
    _known.update(known)
    _expressions.update(expressions)


def _built(function: Callable[..., Any], *given: Any, **named: Any) -> Any:
    key = (f"{function.__module__}.{function.__name__}", _key(given), _key(named))
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
