"""A goal of the tests, "watch", that asks to call every customer below a revenue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pytest

from connector.hookspecs import hookimpl
from connector.plugins import Plugins
from six_goals.action import Action
from six_goals.goal import Facts, Goal, Need, Proposal

GOALS = 'goals = ["watch"]'
"""For `[rules]`: no other goal."""


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """Customers with a revenue below *below*, in money units."""

    below: int = 3_000_000
    item: str = ""

    def __post_init__(self) -> None:
        if self.below < 0:
            raise ValueError(f"below can't be negative: {self.below!r}")


def propose(facts: Facts, settings: WatchSettings) -> Proposal:
    """Propose to call each customer below the limit, and everybody who is none."""
    standings = facts.table("standings")
    low = standings.filter(standings.revenue < settings.below).order_by("account_id")
    rows = facts.rows(low.select("account_id", "owner_id", "layer", "revenue"))
    actions = [
        Action(
            goal="watch",
            account_id=row["account_id"],
            owner_id=row["owner_id"],
            layer=row["layer"],
            title=f"Call {row['account_id']}",
            reason="It brings little.",
            due_days=3,
            expected_value=row["revenue"],
            item=settings.item,
        )
        for row in rows
    ]
    return Proposal(actions)


def plugins(*needs: Need) -> Plugins:
    """Return what is installed, and the goal with it."""
    watch = Goal("watch", "Watch", "call the small", WatchSettings, propose, needs)

    class Brought:
        @hookimpl
        def goals(self) -> Sequence[Goal[Any]]:
            return [watch]

    class Installed(EntryPoint):
        def load(self) -> Any:
            return Brought()

    brought = Installed("watching", "watching", "connector")
    return Plugins([*entry_points(group="connector"), brought])


def install(monkeypatch: pytest.MonkeyPatch, *needs: Need) -> None:
    """Let every command find the goal."""
    for command in ("reporting", "what_if", "backtesting"):
        monkeypatch.setattr(f"connector.cli.{command}.Plugins", lambda: plugins(*needs))
