"""Saves time in tests that run a job often: the same rules are translated into SQL only once."""

from __future__ import annotations

from typing import Any, Final

import pytest

from connector import workspace

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
