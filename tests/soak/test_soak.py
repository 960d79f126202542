"""Months of changes, faults and crashes end with the target that a model of its own demands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.soak.life import Life, Tally, cheap

PARTS = 10
"""Into how many tests the seeds are dealt."""

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("part", range(PARTS))
def test_no_day_leaves_the_target_wrong(
    tmp_path: Path,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
    part: int,
) -> None:
    total = Tally()
    runs: int = pytestconfig.getoption("--runs")
    seeds = range(part, pytestconfig.getoption("--seeds"), PARTS)
    with cheap() as death:
        for seed in seeds:
            folder = tmp_path / str(seed)
            folder.mkdir()
            total += Life(folder, seed, death).live(runs)
    record_property("figure", f"soak, {len(seeds)} seeds, {runs} runs each and more: {total}")
    assert total.compared >= len(seeds)
