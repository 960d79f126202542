"""What other rules would change, for JSON."""

from __future__ import annotations

from dataclasses import asdict

from connector.cli.what_if import Tried, layer_of
from connector.what_if import Move
from customer_pyramid.money import cents
from six_goals.action import Action


def as_data(tried: Tried) -> dict[str, object]:
    """Return what was tried for JSON; accounts and tasks no more than were asked for."""
    found = tried.found
    return {
        "job": tried.job,
        "as_of": tried.as_of,
        "changes": list(tried.changes),
        "rules": {"before": found.before.rules, "after": found.after.rules},
        "layers": [
            {
                "layer": layer,
                "before": asdict(layer_of(found.before, layer)),
                "after": asdict(layer_of(found.after, layer)),
            }
            for layer in tried.layers
        ],
        "moved": found.moved,
        "steps": [
            {"from": step.before, "to": step.after, "accounts": step.accounts}
            for step in found.steps
        ],
        "moves": [_move(move) for move in found.moves],
        "goals": {goal: tried.tasks(goal) for goal in tried.goals},
        "come": [_action(action) for action in found.come],
        "go": [_action(action) for action in found.go],
    }


def _move(move: Move) -> dict[str, object]:
    return {
        "account": move.account,
        "name": move.name,
        "from": move.before,
        "to": move.after,
        "revenue": None if move.revenue is None else cents(move.revenue),
    }


def _action(action: Action) -> dict[str, object]:
    return {
        "goal": action.goal,
        "account": action.account_id,
        "item": action.item,
        "subject": action.title,
        "reason": action.reason,
        "expected_value": cents(action.expected_value),
    }
