"""What a sandbox may be told to do otherwise, also while it serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

Role = dict[str, dict[str, str]]
"""Rights by entity, as a role of EspoCRM says them."""


@dataclass(slots=True)
class Settings:
    """What may be set while it serves.

    A list gives at most *max_size* records. After more than *failures* logins that failed within
    *lock_out*, nobody is let in. *rates* are what one unit of a currency is worth in *currency*,
    the company's own.

    Not confirmed, so it can be set: the *prefix* of custom fields, whether the answer to a new one
    has its name (*names_fields*; 8.4.2 has it not), and what `total` is at the end of a list that
    is not counted (*total_at_end*).
    """

    max_size: int = 200
    failures: int = 10
    lock_out: timedelta = timedelta(seconds=60)
    prefix: str = "c"
    names_fields: bool = False
    total_at_end: int = -2
    currency: str = "EUR"
    rates: Mapping[str, float] = field(default_factory=lambda: {"EUR": 1.0, "USD": 0.9})

    def rate(self, currency: str | None) -> float:
        """Return what one unit of *currency* is worth."""
        return self.rates.get(currency or self.currency, 1.0)


def connector_role() -> Role:
    """Return the role that the API user has at first: it works with customers, and no more."""
    worked_on = {"create": "yes", "read": "all", "edit": "all", "delete": "no", "stream": "all"}
    none = {"create": "no", "read": "no", "edit": "no", "delete": "no", "stream": "no"}
    entities = ("Account", "Contact", "Opportunity", "Lead", "Case", "Task", "Call", "Meeting")
    return {
        **{name: dict(worked_on) for name in entities},
        # The user's own alone, and API users are in no list.
        "User": none | {"read": "own"},
        "Role": none,
    }
