"""Settings that make no pyramid are refused, with what is wrong."""

from decimal import Decimal
from typing import Any

import pytest

from customer_pyramid.settings import PyramidSettings


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        pytest.param({"cuts": (100, 500, 500, 10_000)}, "cuts must .* increase", id="level"),
        pytest.param({"cuts": (0, 500, 2_000, 10_000)}, "cuts must be above 0", id="zero"),
        pytest.param({"cuts": (100, 500, 2_000, 9_000)}, "must end at 10000", id="short"),
        pytest.param({"cuts": (100, 10_000)}, "one value for each of 4 tiers", id="few"),
        pytest.param({"tiers": ()}, "at least one tier", id="none"),
        pytest.param({"tiers": ("A", "A", "B", "C")}, "different names", id="twice"),
        pytest.param({"tiers": ("A", "B", "C", "Prospect")}, "other layers", id="reserved"),
        pytest.param({"method": "thresholds"}, "thresholds must have 3 values", id="thresholds"),
        pytest.param(
            {"method": "thresholds", "thresholds": (Decimal(1), Decimal(2), Decimal(3))},
            "thresholds must decrease",
            id="rising thresholds",
        ),
        pytest.param(
            {"method": "cumulative", "revenue_cuts": (5_000,)}, "revenue_cuts", id="revenue cuts"
        ),
        pytest.param({"min_top": -1}, "min_top", id="min_top"),
        pytest.param({"hysteresis": Decimal(1)}, "hysteresis", id="hysteresis"),
        pytest.param({"confirm_runs": 3}, "confirm_runs", id="confirm_runs"),
        pytest.param({"index": Decimal(0)}, "index", id="index"),
    ],
)
def test_a_wrong_setting_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PyramidSettings(**wrong)


def test_any_number_of_tiers_will_do() -> None:
    assert PyramidSettings(tiers=("Gold", "Rest"), cuts=(2_000, 10_000)).tiers == ("Gold", "Rest")
