"""Which stages of a deal mean that it is won or lost: each installation names its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector import AccessError

if TYPE_CHECKING:
    from connector_espocrm.connection import Espo

_WON: Final = 100
_LOST: Final = 0


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages that are *won* and those that are *lost*; a deal in any other is open."""

    won: tuple[str, ...]
    lost: tuple[str, ...]

    def status_of(self, stage: object) -> str:
        """Return what a deal in *stage* is to us."""
        if stage in self.won:
            return "won"
        return "lost" if stage in self.lost else "open"


def stages_of(espo: Espo) -> Stages:
    """Return the stages as the job names them, else by their probability.

    Raise AccessError where neither tells: tiers on guessed stages would be wrong.
    """
    settings = espo.settings
    won, lost = settings.won_stages, settings.lost_stages
    if won and lost:
        return Stages(won, lost)
    chances = _chances(espo)
    won = won or tuple(sorted(name for name, chance in chances.items() if chance == _WON))
    lost = lost or tuple(sorted(name for name, chance in chances.items() if chance == _LOST))
    if not won:
        raise AccessError(
            f"{espo.site}: which stages of opportunities are won is not told (none has probability"
            " 100, or the API user may not read it): name them in won_stages and lost_stages"
        )
    return Stages(won, lost)


def _chances(espo: Espo) -> Mapping[str, int]:
    stage = (espo.fields("Opportunity") or {}).get("stage") or {}
    told = stage.get("probabilityMap")
    if not isinstance(told, dict):
        return {}
    return {str(name): int(chance) for name, chance in told.items() if chance is not None}
