"""Chance that falls the same on every machine: only `random()` and exact arithmetic are used.

Python promises the sequence of `random()` for a seed, not that of its other methods; and the last
digit of `exp` or `cos` depends on the C library.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Chance for one seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - made-up records, not secrets

    def between(self, low: float, high: float) -> float:
        """Return a number from *low* to below *high*."""
        return low + (high - low) * self._random.random()

    def whole(self, low: int, high: int) -> int:
        """Return a whole number from *low* to *high*, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def chance(self, share: float) -> bool:
        """Say yes in that *share* of all cases."""
        return self._random.random() < share

    def about(self, usual: float) -> int:
        """Return a whole number near *usual*, which is the mean."""
        return int(usual + self._random.random())

    def moment(self, day: date) -> datetime:
        """Return a time of *day* at which people work, in America and in Europe."""
        return datetime.combine(day, time(self.whole(13, 16), self.whole(0, 59)), UTC)

    def one_of(self, choices: Sequence[T]) -> T:
        """Return one of *choices*."""
        return choices[self.whole(0, len(choices) - 1)]

    def weighted(self, weights: Mapping[T, float]) -> T:
        """Return one of the keys, in proportion to its weight."""
        left = self._random.random() * sum(weights.values())
        for choice, weight in weights.items():
            left -= weight
            if left < 0:
                return choice
        return choice

    def shuffled(self, values: Sequence[T]) -> list[T]:
        """Return *values* in another order."""
        mixed = list(values)
        for place in range(len(mixed) - 1, 0, -1):
            other = self.whole(0, place)
            mixed[place], mixed[other] = mixed[other], mixed[place]
        return mixed

    def spread(self, sigma: float) -> float:
        """Return a factor around 1, log-normal: few are very large, most are small."""
        bell = sum(self._random.random() for _ in range(12)) - 6
        return _exp(sigma * bell)


def _exp(power: float) -> float:
    factor = 1 + power / 4096
    for _ in range(12):  # 2 ** 12 is 4096
        factor *= factor
    return factor
