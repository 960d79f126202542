"""The fields that the sandbox's own job writes, as an administrator would have made them.

EspoCRM lets no API user make fields, and here are no pages on which a person could.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_TIERS: Final = ["", "Top", "Big", "Medium", "Small"]
_MOVEMENTS: Final = ["", "upgrade", "downgrade", "stable", "lapsed", "reactivated", "new",
                     "still_inactive"]  # fmt: skip
JOB_FIELDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "cPyramidTier": {"type": "enum", "options": _TIERS},
    "cPyramidLocked": {"type": "bool"},
    "cPyramidPrevious": {"type": "enum", "options": _TIERS},
    "cPyramidMovement": {"type": "enum", "options": _MOVEMENTS},
    "cPyramidRank": {"type": "int"},
    "cPyramidRevenue": {"type": "float"},
    "cPyramidGap": {"type": "float"},
    "cPyramidComputed": {"type": "datetime"},
}
