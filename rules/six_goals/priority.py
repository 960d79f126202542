"""Priority: what a rep should do first."""

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from six_goals.action import Action
from six_goals.goal import Nature
from six_goals.settings import KEY_LAYERS

Priority: TypeAlias = Literal["High", "Normal", "Low"]

Key: TypeAlias = tuple[str, str, str]

ORDER: dict[Priority, int] = {"High": 0, "Normal": 1, "Low": 2}


def priorities(
    actions: Iterable[Action],
    natures: Mapping[str, Nature],
    key_layers: frozenset[str] = KEY_LAYERS,
) -> dict[Key, Priority]:
    """Return the priority of each action, by its key.

    High is care (by the *natures* of the goals) for *key_layers*, and the tenth with the highest
    expected value; Low is the lower half. Equal values are told apart by their keys, so that the
    same actions always give the same answer. Source: domain 3.
    """
    ranked = sorted(actions, key=lambda action: (-action.expected_value, action.key))
    return {
        action.key: _priority(place, len(ranked), _is_key_care(action, natures, key_layers))
        for place, action in enumerate(ranked)
    }


def _is_key_care(action: Action, natures: Mapping[str, Nature], key_layers: frozenset[str]) -> bool:
    return natures.get(action.goal) == "care" and action.layer in key_layers


def _priority(place: int, total: int, key_care: bool) -> Priority:
    if key_care or place * 10 < total:
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
