"""What jobs have in common that run from a CRM into itself."""

from __future__ import annotations

from datetime import date
from typing import Final

RULES: Final = """\
[currency]
base = "EUR"
[rules]
goals = ["retention", "up_sell"]
[rules.settings.up_sell]
upgradable = 0
[rules.settings.holdout]
percent = 0
[rules.settings.pyramid]
method = "thresholds"
thresholds = ["10000", "5000", "1000"]
"""
REVENUE: Final = (12_000, 4_500, 950.5, 2_000, 100, 50)
"""Of the first customers; one more has bought nothing."""
AS_OF: Final = date(2026, 6, 30)
