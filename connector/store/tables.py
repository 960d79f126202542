"""The tables of the store.

Money is a whole number of 1/10,000 of a currency unit (`customer_pyramid.money`), and so are plain
numbers; times are UTC. The tables of records (those of the streams, standings, ledger) are filled
and read as Arrow tables, never row by row as objects; the others are small.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Text, TypeDecorator
from sqlmodel import Field, SQLModel

_KEYED = {"sqlite_with_rowid": False}  # one tree ordered by key: half the writes, reads in order


class UtcTime(TypeDecorator[datetime]):
    """A moment: kept in UTC and read as UTC, on SQLite too, which knows no zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _time(*, optional: bool = False) -> Any:
    return Field(None if optional else ..., sa_type=UtcTime)


def _text(*, primary_key: bool = False) -> Any:
    """Return a text that is empty where nothing is said."""
    empty = {"server_default": ""}
    return Field(default="", primary_key=primary_key, sa_column_kwargs=empty)


class JobRow(SQLModel, table=True):
    """A job, known by its name; *id* keys all that belongs to it."""

    __tablename__ = "job"
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)


class StreamState(SQLModel, table=True):
    """How far a stream has been read.

    *scan* numbers full readings; *scan_name* is the one under way, None between two, and *scan_day*
    the day (UTC) on which the last one began. *filled* names the fields, with commas between, of
    which any row ever held a value; None where that is not known, because all was read before it
    was noted.
    """

    __tablename__ = "stream_state"
    job_id: int = Field(primary_key=True)
    stream: str = Field(primary_key=True)
    cursor: str | None = Field(default=None, sa_type=Text)
    mapping_hash: str
    scan: int = 0
    scan_name: str | None = None
    scan_day: date | None = None
    filled: str | None = Field(default=None, sa_type=Text)


class AccountRow(SQLModel, table=True):
    """An account as the source last sent it."""

    __tablename__ = "account"
    __table_args__ = _KEYED
    job_id: int = Field(primary_key=True)
    id: str = Field(primary_key=True)
    name: str | None
    parent_id: str | None
    kind: str | None
    excluded: bool | None
    tier_locked: bool | None
    owner_id: str | None
    industry: str | None
    region: str | None
    size_band: str | None
    source: str | None
    wallet: int | None = Field(default=None, sa_type=BigInteger)
    strategic: bool | None
    blocked: bool | None
    contract_end: date | None
    created_at: datetime | None = _time(optional=True)
    modified_at: datetime | None = _time(optional=True)
    scan: int | None = Field(default=None, sa_type=BigInteger)
    deleted: bool = False


class OpportunityRow(SQLModel, table=True):
    """A deal, order or invoice as the source last sent it."""

    __tablename__ = "opportunity"
    __table_args__ = _KEYED
    job_id: int = Field(primary_key=True)
    id: str = Field(primary_key=True)
    account_id: str | None
    name: str | None
    status: str
    stage: str | None
    amount: int | None = Field(default=None, sa_type=BigInteger)
    currency: str | None
    close_date: date | None
    product: str | None
    owner_id: str | None
    promised_on: date | None
    delivered_on: date | None
    lost_reason: str | None
    lead_id: str | None
    created_at: datetime | None = _time(optional=True)
    modified_at: datetime | None = _time(optional=True)
    scan: int | None = Field(default=None, sa_type=BigInteger)
    deleted: bool = False


class UserRow(SQLModel, table=True):
    """A person who may own accounts and tasks."""

    __tablename__ = "crm_user"
    __table_args__ = _KEYED
    job_id: int = Field(primary_key=True)
    id: str = Field(primary_key=True)
    name: str | None
    email: str | None
    manager_id: str | None
    active: bool | None
    modified_at: datetime | None = _time(optional=True)
    scan: int | None = Field(default=None, sa_type=BigInteger)
    deleted: bool = False


class LineItemRow(SQLModel, table=True):
    """A line of a deal, order or invoice; its money is in the currency of that."""

    __tablename__ = "line_item"
    __table_args__ = _KEYED
    job_id: int = Field(primary_key=True)
    id: str = Field(primary_key=True)
    opportunity_id: str
    product: str | None
    category: str | None
    quantity: int | None = Field(default=None, sa_type=BigInteger)
    amount: int | None = Field(default=None, sa_type=BigInteger)
    cost: int | None = Field(default=None, sa_type=BigInteger)
    list_price: int | None = Field(default=None, sa_type=BigInteger)
    discontinued: bool | None
    modified_at: datetime | None = _time(optional=True)
    scan: int | None = Field(default=None, sa_type=BigInteger)
    deleted: bool = False


class CaseRow(SQLModel, table=True):
    """A complaint, a question or the answers to a survey."""

    __tablename__ = "service_case"
    __table_args__ = _KEYED
    job_id: int = Field(primary_key=True)
    id: str = Field(primary_key=True)
    account_id: str | None
    name: str | None
    status: str
    severity: str | None
    category: str | None
    opened_at: datetime | None = _time(optional=True)
    due_at: datetime | None = _time(optional=True)
    first_response_at: datetime | None = _time(optional=True)
    closed_at: datetime | None = _time(optional=True)
    reopened: bool | None
    csat: int | None = Field(default=None, sa_type=BigInteger)
    nps: int | None = Field(default=None, sa_type=BigInteger)
    expected: int | None = Field(default=None, sa_type=BigInteger)
    perceived: int | None = Field(default=None, sa_type=BigInteger)
    modified_at: datetime | None = _time(optional=True)
    scan: int | None = Field(default=None, sa_type=BigInteger)
    deleted: bool = False


class LeadRow(SQLModel, table=True):
    """Somebody who may become a customer."""

    __tablename__ = "lead"
    __table_args__ = _KEYED
    job_id: int = Field(primary_key=True)
    id: str = Field(primary_key=True)
    account_id: str | None
    name: str | None
    status: str
    source: str | None
    channel: str | None
    industry: str | None
    region: str | None
    size_band: str | None
    owner_id: str | None
    created_at: datetime | None = _time(optional=True)
    closed_on: date | None
    modified_at: datetime | None = _time(optional=True)
    scan: int | None = Field(default=None, sa_type=BigInteger)
    deleted: bool = False


class ActivityRow(SQLModel, table=True):
    """A contact with an account or a lead."""

    __tablename__ = "activity"
    __table_args__ = _KEYED
    job_id: int = Field(primary_key=True)
    id: str = Field(primary_key=True)
    account_id: str | None
    lead_id: str | None
    kind: str | None
    direction: str | None
    outcome: str | None
    campaign: str | None
    owner_id: str | None
    happened_at: datetime | None = _time(optional=True)
    modified_at: datetime | None = _time(optional=True)
    scan: int | None = Field(default=None, sa_type=BigInteger)
    deleted: bool = False


class CostRow(SQLModel, table=True):
    """What was spent on one account, or on none in particular."""

    __tablename__ = "cost"
    __table_args__ = _KEYED
    job_id: int = Field(primary_key=True)
    id: str = Field(primary_key=True)
    account_id: str | None
    kind: str
    amount: int = Field(sa_type=BigInteger)
    currency: str | None
    spent_on: date
    campaign: str | None
    modified_at: datetime | None = _time(optional=True)
    scan: int | None = Field(default=None, sa_type=BigInteger)
    deleted: bool = False


class ContactTargetRow(SQLModel, table=True):
    """How often a layer or an account shall be contacted in a year, by kind."""

    __tablename__ = "contact_target"
    __table_args__ = _KEYED
    job_id: int = Field(primary_key=True)
    id: str = Field(primary_key=True)
    layer: str | None
    account_id: str | None
    kind: str
    per_year: int = Field(sa_type=BigInteger)
    unit_cost: int | None = Field(default=None, sa_type=BigInteger)
    modified_at: datetime | None = _time(optional=True)
    scan: int | None = Field(default=None, sa_type=BigInteger)
    deleted: bool = False


class QuarantineRow(SQLModel, table=True):
    """A row that could not be understood, whole, until it can be.

    *problems* is a JSON list of {field, value, reason}; *content* the row as the source sent it;
    *scan* the full reading that found it. *nature* is row; unreadable, where not even the id is
    known; or repeat, where the id came before.
    """

    __tablename__ = "quarantine"
    job_id: int = Field(primary_key=True)
    stream: str = Field(primary_key=True)
    record: str = Field(primary_key=True)
    problems: str = Field(sa_type=Text)
    content: str = Field(sa_type=Text)
    nature: str
    scan: int | None = Field(default=None, sa_type=BigInteger)
    since: datetime = _time()


class RateRow(SQLModel, table=True):
    """An exchange rate as the source last told it, in the currency in which it tells them all.

    *rate* is text: exact on SQLite too, which has no decimals.
    """

    __tablename__ = "rate"
    __table_args__ = _KEYED
    job_id: int = Field(primary_key=True)
    currency: str = Field(primary_key=True)
    valid_from: date = Field(primary_key=True)
    rate: str


class RefusalRow(SQLModel, table=True):
    """A change that the target refused for good: not sent again while its *digest* is the same.

    *subject* says what it is about, *run_id* which run last met it.
    """

    __tablename__ = "refusal"
    __table_args__ = _KEYED
    job_id: int = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    digest: str
    account_id: str
    code: str
    message: str = Field(sa_type=Text)
    run_id: str


class RunRow(SQLModel, table=True):
    """A run of a job, taken up again where it was if its process dies."""

    __tablename__ = "run"
    id: str = Field(primary_key=True)
    job_id: int = Field(index=True)
    # running, applying or undoing, then done, partial, stopped or failed; planning, then planned;
    # waiting for approval, then approved or replaced
    state: str
    stage: str
    as_of: date
    started_at: datetime = _time()
    finished_at: datetime | None = _time(optional=True)
    config_hash: str
    message: str = ""
    counts: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    summary: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class StandingRow(SQLModel, table=True):
    """An account's place in the pyramid, as the last run computed it.

    *digest* tells whether any other column has changed.
    """

    __tablename__ = "standing"
    __table_args__ = _KEYED
    job_id: int = Field(primary_key=True)
    account_id: str = Field(primary_key=True)
    layer: str
    tier: str | None
    tier_raw: str | None
    tier_frozen: str | None
    previous_layer: str | None
    previous_tier: str | None
    movement: str | None
    rank: int | None = Field(default=None, sa_type=BigInteger)
    revenue: int | None = Field(default=None, sa_type=BigInteger)
    previous_revenue: int | None = Field(default=None, sa_type=BigInteger)
    previous_rank: int | None = Field(default=None, sa_type=BigInteger)
    orders: int | None = Field(default=None, sa_type=BigInteger)
    first_order: date | None
    last_order: date | None
    next_tier: str | None
    next_tier_gap: int | None = Field(default=None, sa_type=BigInteger)
    inherited_from: str | None
    tier_since: date | None
    digest: int = Field(sa_type=BigInteger)
    run_id: str


class TierSpan(SQLModel, table=True):
    """The days for which an account was in one layer; *valid_to* None is today."""

    __tablename__ = "tier_span"
    __table_args__ = _KEYED
    job_id: int = Field(primary_key=True)
    account_id: str = Field(primary_key=True)
    valid_from: date = Field(primary_key=True)
    valid_to: date | None
    layer: str
    run_id: str


class ActionRow(SQLModel, table=True):
    """What the last run wanted done for an account, and why it was or was not asked for.

    *item* is what it is about where a goal may want several things of one account, else empty.
    *decision* is create, update, suppress or queue; *cause* says why no new task.
    """

    __tablename__ = "action"
    job_id: int = Field(primary_key=True)
    goal: str = Field(primary_key=True)
    account_id: str = Field(primary_key=True)
    item: str = _text(primary_key=True)
    marker: str | None
    decision: str
    cause: str | None
    owner: str | None
    priority: str
    due: date
    expected_value: int = Field(sa_type=BigInteger)
    subject: str
    reason: str = Field(sa_type=Text)
    evidence: str = Field(sa_type=Text)
    expires_on: date | None
    config_hash: str = _text()
    run_id: str


class TrialRow(SQLModel, table=True):
    """An account that a goal selected, with a task or held out on purpose, and whether it then
    succeeded.

    *arm* is treated or holdout; *task_status* open, done, rejected or gone; *ends_on* the last day
    on which a success counts, *target* the revenue by which it is known, where there is one;
    *value* what it brought.
    """

    __tablename__ = "trial"
    __table_args__ = _KEYED
    job_id: int = Field(primary_key=True)
    goal: str = Field(primary_key=True)
    account_id: str = Field(primary_key=True)
    item: str = _text(primary_key=True)
    started_on: date = Field(primary_key=True)
    arm: str
    marker: str | None
    ends_on: date
    target: int | None = Field(default=None, sa_type=BigInteger)
    task_status: str | None
    succeeded_on: date | None
    value: int | None = Field(default=None, sa_type=BigInteger)
    run_id: str


class TaskRow(SQLModel, table=True):
    """A task of ours in the target, as we last wrote it: what differs there is a person's doing."""

    __tablename__ = "task"
    job_id: int = Field(primary_key=True)
    marker: str = Field(primary_key=True)
    account_id: str = Field(index=True)
    goal: str
    target_id: str
    subject: str
    priority: str


class LedgerRow(SQLModel, table=True):
    """One change of one run and what became of it.

    *state*: sending, then applied, unchanged, rejected, retry, conflict or unknown; of a run that
    waits for approval, planned, then approved.
    """

    __tablename__ = "ledger"
    __table_args__ = _KEYED
    run_id: str = Field(primary_key=True)
    marker: str = Field(primary_key=True)
    job_id: int
    account_id: str
    kind: str
    state: str
    code: str | None
    message: str | None
    target_id: str | None
    content: str = Field(sa_type=Text)


class OrganisationRow(SQLModel, table=True):
    """What is known of a CRM organisation, by its host: its limits, and whether it answers.

    *limits* is a list of {limit, left, window, seen}; window in seconds, seen since the epoch.
    """

    __tablename__ = "organisation"
    name: str = Field(primary_key=True)
    limits: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    failures: int = 0
    open_until: datetime | None = _time(optional=True)
    seconds: float | None = None


class CallCount(SQLModel, table=True):
    """How many calls an organisation has had of all jobs, by *hour* since the epoch."""

    __tablename__ = "call_count"
    organisation: str = Field(primary_key=True)
    hour: int = Field(primary_key=True)
    calls: int


class TokenRow(SQLModel, table=True):
    """The tokens of a connection, encrypted: whoever reads the store alone can't use them."""

    __tablename__ = "token"
    connection: str = Field(primary_key=True)
    sealed: str = Field(sa_type=Text)
    renewed_at: datetime = _time()


class LeaseRow(SQLModel, table=True):
    """Who is working on a job; a lock, not this row, decides whether they still are."""

    __tablename__ = "lease"
    job_id: int = Field(primary_key=True)
    holder: str
    since: datetime = _time()


class NoticeRow(SQLModel, table=True):
    """What somebody was last told of a job, so that the same is not told again.

    *told* is the kind of trouble, empty when the job was well. *missed* is one of which no message
    could be delivered, *problem* why not; both are empty once one was. *run_id* is the run that
    last had something to tell.
    """

    __tablename__ = "notice"
    job_id: int = Field(primary_key=True)
    target: str = Field(primary_key=True)
    told: str = ""
    missed: str = ""
    problem: str = ""
    run_id: str = ""


class AuditRow(SQLModel, table=True):
    """Who did what: entries are added and never changed, each with the hash of the one before.

    *moment* is a time in ISO 8601 and *details* a JSON object, both as text: just what is hashed.
    *job* and *run_id* are empty where an entry is about none; *scheme* says how *hash* is made.
    """

    __tablename__ = "audit"
    __table_args__ = _KEYED
    number: int = Field(
        primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False}
    )
    scheme: int
    moment: str
    who: str
    verb: str
    job: str
    run_id: str
    details: str = Field(sa_type=Text)
    previous: str
    hash: str
