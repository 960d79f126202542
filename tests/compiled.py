"""Saves time in tests that run a job often: the same rules are translated into SQL only once."""

from __future__ import annotations

from typing import Any, Final

import pytest

from connector import workspace

_translate: Final = workspace._sql
_known: Final[dict[object, str]] = {}


def compile_rules_once(patch: pytest.MonkeyPatch) -> None:
    """Let every later run of this process use the SQL of the first one with the same rules."""

    def sql(expression: Any) -> str:
        key = expression.op()
        if key not in _known:
            _known[key] = _translate(expression)
        return _known[key]

    patch.setattr(workspace, "_sql", sql)
