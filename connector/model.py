"""What the connector knows of a customer: the streams, their fields and how each is read.

Every CRM's records are brought into these fields (see `normalise`); the store, the rules and the
plugins all speak of them by these names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal


class Stream(StrEnum):
    """A kind of record that a source offers."""

    ACCOUNTS = "accounts"
    OPPORTUNITIES = "opportunities"
    USERS = "users"
    LINE_ITEMS = "line_items"
    CASES = "cases"
    LEADS = "leads"
    ACTIVITIES = "activities"
    COSTS = "costs"
    CONTACT_TARGETS = "contact_targets"

    @property
    def optional(self) -> bool:
        """Whether a job may do without it."""
        return self not in (Stream.ACCOUNTS, Stream.OPPORTUNITIES)


class Kind(StrEnum):
    """How the value of a field is read; money and numbers are kept in units of 1/10,000."""

    TEXT = "text"
    CHOICE = "choice"
    MONEY = "money"
    NUMBER = "number"
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
CASE_STATUSES: Final = ("open", "closed")
SEVERITIES: Final = ("high", "normal", "low")
LEAD_STATUSES: Final = ("open", "qualified", "won", "lost", "disqualified")
DIRECTIONS: Final = ("inbound", "outbound")
COST_KINDS: Final = ("goods", "marketing", "sales", "service", "overhead")

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
    Field("source", about="where we got to know it"),
    Field("wallet", Kind.MONEY, about="what it spends a year in our categories, with us or others"),
    Field("strategic", Kind.FLAG, about="kept even at a loss"),
    Field("blocked", Kind.FLAG, about="no contact: its own wish, a legal hold or a credit block"),
    Field("contract_end", Kind.DATE, about="the day its contract ends"),
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
    Field("promised_on", Kind.DATE, about="the day for which delivery was promised"),
    Field("delivered_on", Kind.DATE, about="the day it was delivered"),
    Field("lost_reason", about="why it was lost, in the CRM's own words"),
    Field("lead_id", about="the lead it came from"),
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
_LINE_ITEMS = (
    Field("id", required=True, about="the CRM's own id of the line"),
    Field("opportunity_id", required=True, about="the deal, order or invoice it belongs to"),
    Field("product", about="the product that was sold"),
    Field("category", about="the family or category of the product"),
    Field("quantity", Kind.NUMBER, about="how many; negative for returns"),
    Field("amount", Kind.MONEY, about="of the whole line, net of discount"),
    Field("cost", Kind.MONEY, about="cost of goods of the whole line"),
    Field("list_price", Kind.MONEY, about="of one piece, before any discount"),
    Field("discontinued", Kind.FLAG, about="the product is no longer sold"),
    Field("modified_at", Kind.TIME, about="when it last changed"),
)
_CASES = (
    Field("id", required=True, about="the CRM's own id of the complaint, ticket or survey"),
    Field("account_id", about="the account that it is about"),
    Field("name", about="what it is about"),
    Field("status", Kind.CHOICE, required=True, choices=CASE_STATUSES, about="open or closed"),
    Field("severity", Kind.CHOICE, choices=SEVERITIES, about="high, normal or low"),
    Field("category"),
    Field("opened_at", Kind.TIME),
    Field("due_at", Kind.TIME, about="when it must be solved by agreement"),
    Field("first_response_at", Kind.TIME),
    Field("closed_at", Kind.TIME),
    Field("reopened", Kind.FLAG),
    Field("csat", Kind.NUMBER, about="satisfaction, 1 to 5"),
    Field("nps", Kind.NUMBER, about="would recommend us, 0 to 10"),
    Field("expected", Kind.NUMBER, about="what the customer expected ..."),
    Field("perceived", Kind.NUMBER, about="... and what it found, on the same scale"),
    Field("modified_at", Kind.TIME, about="when it last changed"),
)
_LEADS = (
    Field("id", required=True, about="the CRM's own id of the lead"),
    Field("account_id", about="the account that it became or is about"),
    Field("name"),
    Field(
        "status",
        Kind.CHOICE,
        required=True,
        choices=LEAD_STATUSES,
        about="open, qualified, won, lost or disqualified",
    ),
    Field("source", about="where it came from"),
    Field("channel"),
    Field("industry"),
    Field("region"),
    Field("size_band", about="as in accounts"),
    Field("owner_id"),
    Field("created_at", Kind.TIME),
    Field("closed_on", Kind.DATE, about="the day it was won, lost or disqualified"),
    Field("modified_at", Kind.TIME, about="when it last changed"),
)
_ACTIVITIES = (
    Field("id", required=True, about="the CRM's own id of the contact"),
    Field("account_id", about="the account that was contacted ..."),
    Field("lead_id", about="... or the lead"),
    Field("kind", about="visit, call, email ..."),
    Field("direction", Kind.CHOICE, choices=DIRECTIONS, about="inbound or outbound"),
    Field("outcome"),
    Field("campaign", about="the campaign it was part of"),
    Field("owner_id"),
    Field("happened_at", Kind.TIME),
    Field("modified_at", Kind.TIME, about="when it last changed"),
)
_COSTS = (
    Field("id", required=True, about="the CRM's own id of the cost"),
    Field("account_id", about="the account it was spent on; empty where it was on none"),
    Field(
        "kind",
        Kind.CHOICE,
        required=True,
        choices=COST_KINDS,
        about="goods, marketing, sales, service or overhead",
    ),
    Field("amount", Kind.MONEY, required=True, about="credits are negative"),
    Field("currency", about="ISO 4217 code; empty is the job's base currency"),
    Field("spent_on", Kind.DATE, required=True, about="the day the cost counts"),
    Field("campaign", about="the campaign it was part of"),
    Field("modified_at", Kind.TIME, about="when it last changed"),
)
_CONTACT_TARGETS = (
    Field("id", required=True, about="what tells the line apart"),
    Field("layer", about="the layer it is for ..."),
    Field("account_id", about="... or one account"),
    Field("kind", required=True, about="visit, call, email ..., as in activities"),
    Field("per_year", Kind.NUMBER, required=True, about="contacts of this kind in a year"),
    Field("unit_cost", Kind.MONEY, about="what one costs, in the base currency"),
    Field("modified_at", Kind.TIME, about="when it last changed"),
)

FIELDS: Final[Mapping[Stream, Mapping[str, Field]]] = {
    Stream.ACCOUNTS: {field.name: field for field in _ACCOUNTS},
    Stream.OPPORTUNITIES: {field.name: field for field in _OPPORTUNITIES},
    Stream.USERS: {field.name: field for field in _USERS},
    Stream.LINE_ITEMS: {field.name: field for field in _LINE_ITEMS},
    Stream.CASES: {field.name: field for field in _CASES},
    Stream.LEADS: {field.name: field for field in _LEADS},
    Stream.ACTIVITIES: {field.name: field for field in _ACTIVITIES},
    Stream.COSTS: {field.name: field for field in _COSTS},
    Stream.CONTACT_TARGETS: {field.name: field for field in _CONTACT_TARGETS},
}
"""Every field of every stream, in the order in which the store keeps them."""


@dataclass(frozen=True, slots=True)
class OutputField:
    """A result that a job may write into a field of the CRM.

    A *stamp* (when, by which run) goes along with a real change and never causes one. Amounts and
    numbers have *scale* decimals.
    """

    name: str
    kind: Literal["text", "integer", "money", "decimal", "date", "time"]
    about: str
    stamp: bool = False
    scale: int = 0


_OUTPUTS = (
    OutputField("tier", "text", "Top, Big, Medium or Small; empty unless the customer is active"),
    OutputField("tier_raw", "text", "the tier before hysteresis"),
    OutputField("layer", "text", "the tier, or Inactive, Prospect, Suspect, Rest of world"),
    OutputField("tier_previous", "text", "the tier in the period before"),
    OutputField("tier_since", "date", "the day from which the tier has been the same"),
    OutputField("movement", "text", "upgrade, downgrade, stable, lapsed, reactivated, new ..."),
    OutputField("rank", "integer", "1 is the largest customer of the period"),
    OutputField("revenue_period", "money", "revenue in the period, in the base currency", scale=2),
    OutputField("share", "decimal", "share of all revenue in the period, 6 places", scale=6),
    OutputField("next_tier_gap", "money", "revenue that is missing for the next tier", scale=2),
    OutputField("overdue", "decimal", "days since the last order / its usual gap", scale=2),
    OutputField(
        "p_alive", "decimal", "probability that the customer still buys; extra `models`", scale=4
    ),
    OutputField("profit", "money", "profit in the period, where costs are known", scale=2),
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
