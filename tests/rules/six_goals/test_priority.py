"""Priority: the tenth worth most and care for the best customers first."""

import pytest

from six_goals.action import Action
from six_goals.goal import Nature
from six_goals.priority import Priority, by_priority, priorities

NATURES: dict[str, Nature] = {"retention": "care", "up_sell": "sale", "win_back": "other"}


def action(account: str, value: int = 0, goal: str = "up_sell", layer: str = "Small") -> Action:
    return Action(goal, account, None, layer, "Do it", "Because", 3, value)


def test_of_twenty_two_are_high_eight_normal_and_ten_low() -> None:
    actions = [action(f"A{number:02d}", 100 - number) for number in range(20)]

    found = priorities(actions, NATURES)

    expected = ["High"] * 2 + ["Normal"] * 8 + ["Low"] * 10
    assert [found[one.key] for one in actions] == expected


@pytest.mark.parametrize(
    ("goal", "layer", "priority"),
    [
        pytest.param("retention", "Top", "High", id="care for a key layer"),
        pytest.param("retention", "Medium", "Low", id="care for another"),
        pytest.param("up_sell", "Top", "Low", id="sale to a key layer"),
        pytest.param("win_back", "Big", "Low", id="neither care nor sale"),
        pytest.param("made_up", "Top", "Low", id="goal that nobody knows"),
    ],
)
def test_care_for_a_key_layer_is_high_whatever_it_is_worth(
    goal: str, layer: str, priority: Priority
) -> None:
    worth_less = action("Z", -1, goal, layer)
    actions = [*(action(f"A{number}", 10) for number in range(9)), worth_less]

    assert priorities(actions, NATURES)[worth_less.key] == priority


def test_a_company_chooses_its_key_layers() -> None:
    actions = [action("A", 10), action("B", 0, "retention", "Gold")]

    found = priorities(actions, NATURES, frozenset({"Gold"}))

    assert found[actions[1].key] == "High"


def test_equal_values_are_told_apart_by_goal_and_account() -> None:
    actions = [action("B"), action("A"), action("C"), action("A", goal="retention")]

    found = priorities(actions, NATURES)

    assert [found[one.key] for one in actions] == ["Low", "Normal", "Low", "High"]


def test_work_goes_by_priority_then_value_then_account() -> None:
    low, high = action("A", 900), action("Z", 1)
    first, second = action("B", 5), action("C", 5)
    ranks: dict[tuple[str, str, str], Priority] = {
        low.key: "Low",
        high.key: "High",
        first.key: "Normal",
        second.key: "Normal",
    }

    assert by_priority([second, low, first, high], ranks) == [high, first, second, low]
