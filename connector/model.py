"""What the connector knows of a customer: the streams, their fields and how each is read.

Every CRM's records are brought into these fields (see `normalise`); the store, the rules and the
plugins all speak of them by these names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Stream(StrEnum):
    """A kind of record that a source offers."""

    ACCOUNTS = "accounts"
    OPPORTUNITIES = "opportunities"
    USERS = "users"


class Kind(StrEnum):
    """How the value of a field is read."""

    TEXT = "text"
    CHOICE = "choice"
    MONEY = "money"
    DATE = "date"
    TIME = "time"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a stream; *choices* are the values a CHOICE may take after the value map."""

    name: str
    kind: Kind = Kind.TEXT
    required: bool = False
    choices: tuple[str, ...] = ()
    about: str = ""


ACCOUNT_KINDS: Final = (
    "customer",
    "prospect",
    "suspect",
    "partner",
    "competitor",
    "internal",
    "test",
    "disqualified",
    "other",
)
STATUSES: Final = ("won", "lost", "open")

_ACCOUNTS = (
    Field("id", required=True, about="the CRM's own id of the account"),
    Field("name", about="what people call it"),
    Field("parent_id", about="the account it belongs to"),
    Field("kind", Kind.CHOICE, choices=ACCOUNT_KINDS, about="what it is to us"),
    Field("excluded", Kind.FLAG, about="never gets a tier or a task"),
    Field("tier_locked", Kind.FLAG, about="a person set the tier; it is kept and reported"),
    Field("owner_id", about="the user who looks after it"),
    Field("industry"),
    Field("region"),
    Field("size_band", about="number of employees or the like, as the CRM bands it"),
    Field("created_at", Kind.TIME),
    Field("modified_at", Kind.TIME, about="when it last changed"),
)
_OPPORTUNITIES = (
    Field("id", required=True, about="the CRM's own id of the deal, order or invoice"),
    Field("account_id", about="the account that buys"),
    Field("name"),
    Field("status", Kind.CHOICE, required=True, choices=STATUSES, about="won, lost or open"),
    Field("stage", about="the CRM's own stage, as it is"),
    Field("amount", Kind.MONEY, about="credits and returns are negative"),
    Field("currency", about="ISO 4217 code; empty is the job's base currency"),
    Field("close_date", Kind.DATE, about="the day the revenue counts"),
    Field("product", about="product, family or category"),
    Field("owner_id"),
    Field("created_at", Kind.TIME),
    Field("modified_at", Kind.TIME, about="when it last changed"),
)
_USERS = (
    Field("id", required=True, about="the CRM's own id of the person"),
    Field("name"),
    Field("email"),
    Field("manager_id", about="who takes over when the person has left"),
    Field("active", Kind.FLAG, about="empty counts as active"),
    Field("modified_at", Kind.TIME),
)

FIELDS: Final[Mapping[Stream, Mapping[str, Field]]] = {
    Stream.ACCOUNTS: {field.name: field for field in _ACCOUNTS},
    Stream.OPPORTUNITIES: {field.name: field for field in _OPPORTUNITIES},
    Stream.USERS: {field.name: field for field in _USERS},
}
"""Every field of every stream, in the order in which the store keeps them."""


@dataclass(frozen=True, slots=True)
class OutputField:
    """A result that a job may write into a field of the CRM.

    A *stamp* (when, by which run) goes along with a real change and never causes one.
    """

    name: str
    kind: str
    about: str
    stamp: bool = False


_OUTPUTS = (
    OutputField("tier", "text", "Top, Big, Medium or Small; empty unless the customer is active"),
    OutputField("tier_raw", "text", "the tier before hysteresis"),
    OutputField("layer", "text", "the tier, or Inactive, Prospect, Suspect, Rest of world"),
    OutputField("tier_previous", "text", "the tier in the period before"),
    OutputField("tier_since", "date", "the day from which the tier has been the same"),
    OutputField("movement", "text", "upgrade, downgrade, stable, lapsed, reactivated, new ..."),
    OutputField("rank", "integer", "1 is the largest customer of the period"),
    OutputField("revenue_period", "money", "revenue in the period, in the base currency"),
    OutputField("share", "decimal", "share of all revenue in the period, 6 places"),
    OutputField("next_tier_gap", "money", "revenue that is missing for the next tier"),
    OutputField("overdue", "decimal", "days since the last order / its usual gap"),
    OutputField("currency", "text", "the base currency of the amounts"),
    OutputField("period_start", "date", "first day of the period", stamp=True),
    OutputField("period_end", "date", "last day of the period", stamp=True),
    OutputField("computed_at", "time", "when the tier was computed", stamp=True),
    OutputField("run_id", "text", "the run that wrote it", stamp=True),
    OutputField("config_hash", "text", "the rule set that produced it", stamp=True),
)

OUTPUTS: Final[Mapping[str, OutputField]] = {field.name: field for field in _OUTPUTS}
"""What can be written back, by the name a job uses in `[target.fields]`."""

LOCK_FIELD: Final = "tier_locked"
"""Read from the target where it is mapped, never written: a tier that a person set by hand."""
