"""Priority: what a rep should do first."""

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from six_goals.action import Action

Priority: TypeAlias = Literal["High", "Normal", "Low"]

Key: TypeAlias = tuple[str, str, str]

ORDER: dict[Priority, int] = {"High": 0, "Normal": 1, "Low": 2}
CARING = frozenset({"retention", "experience"})


def priorities(
    actions: Iterable[Action], key_layers: frozenset[str] = frozenset({"Top", "Big"})
) -> dict[Key, Priority]:
    """Return the priority of each action, by its key.

    High are retention and experience for *key_layers*, and the tenth with the highest expected
    value; Low is the lower half. Equal values are told apart by their keys, so that the same
    actions always give the same answer. Source: domain 3.
    """
    ranked = sorted(actions, key=lambda action: (-action.expected_value, action.key))
    return {
        action.key: _priority(action, place, len(ranked), key_layers)
        for place, action in enumerate(ranked)
    }


def _priority(action: Action, place: int, total: int, key_layers: frozenset[str]) -> Priority:
    if action.goal in CARING and action.layer in key_layers:
        return "High"
    if place * 10 < total:
        return "High"
    return "Low" if place * 2 >= total else "Normal"


def by_priority(actions: Iterable[Action], priority: Mapping[Key, Priority]) -> list[Action]:
    """Return *actions* in the order of work: priority, then expected value, then account."""
    return sorted(
        actions,
        key=lambda action: (
            ORDER[priority[action.key]],
            -action.expected_value,
            action.account_id,
            action.key,
        ),
    )
