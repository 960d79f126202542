"""The tables of a job file and what may stand in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    SecretStr,
    Tag,
    model_validator,
)

from connector.config.problems import unknown
from connector.config.secrets import Secret
from connector.cron import cron_trigger
from connector.model import FIELDS, LOCK_FIELD, OUTPUTS, Kind, Stream
from customer_pyramid.contact_plan import ContactPlan
from customer_pyramid.settings import (
    FocusSettings,
    PerformanceSettings,
    ProfitSettings,
    PyramidSettings,
    TargetSettings,
)
from six_goals.settings import HoldoutSettings, SuppressionSettings

GOALS: Final = ("cross_sell", "up_sell", "retention", "acquisition", "win_back", "experience")
"""The six goals of the built-in pack."""


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"no time zone {name!r}; use a name such as 'Europe/Berlin'") from error
    return name


def _cron(line: str) -> str:
    try:
        cron_trigger(line, "UTC")
    except ValueError as error:
        raise ValueError(f"not a cron line ({error}); five fields such as '0 6 * * 1-5'") from error
    return line


def _currency(code: str) -> str:
    if len(code) != 3 or not code.isalpha():
        raise ValueError("a currency is a three-letter ISO 4217 code such as 'EUR'")
    return code.upper()


_DIRECTIVES: Final = frozenset("aAbBcdfgGHIjmMnpSTuUVwWxXyYzZ%")
_YEARS: Final = frozenset("YyGgcx")


def _pattern(pattern: str) -> str:
    used = re.findall(r"%-?(.?)", pattern, re.DOTALL)
    if not _DIRECTIVES.issuperset(used) or not all(used):
        wrong = next(letter for letter in used if not letter or letter not in _DIRECTIVES)
        raise ValueError(f"pattern {pattern!r}: '%{wrong}' is unknown; use such as '%d.%m.%Y'")
    if _YEARS.isdisjoint(used):
        raise ValueError(f"pattern {pattern!r} names no year; use such as '%d.%m.%Y'")
    return pattern


def _their_field(name: str) -> str:
    if not name.strip():
        raise ValueError("empty; name a field of the target, or leave the line out")
    return name


def _kind_of_field(value: object) -> str:
    return "<constant>" if isinstance(value, dict | Constant) else "<column>"


def _kind_of_rates(value: object) -> str:
    return "<list>" if isinstance(value, list | tuple) else "<file>"


Zone = Annotated[str, AfterValidator(_zone)]
Currency = Annotated[str, AfterValidator(_currency)]


class Constant(Table):
    """A field that is the same for every row."""

    constant: str
    """The value, before value maps and formats."""


class Formats(Table):
    """How the source writes dates, numbers and flags."""

    dates: tuple[Annotated[str, AfterValidator(_pattern)], ...] = ()
    """strptime patterns tried in order, such as '%d.%m.%Y'; ISO 8601 is always understood."""
    decimal: Literal[".", ","] = "."
    """The decimal mark."""
    thousands: str = Field(default="", max_length=1)
    """The mark between thousands, if there is one."""
    timezone: Zone | None = None
    """The zone of times that name none; empty is the job's."""
    true: tuple[str, ...] = ("true", "yes", "y", "1", "t")
    """What counts as yes, in any case."""
    false: tuple[str, ...] = ("false", "no", "n", "0", "f")
    """What counts as no, in any case."""

    @model_validator(mode="after")
    def _marks_differ(self) -> Formats:
        if self.thousands == self.decimal:
            raise ValueError(f"thousands and decimal are both {self.decimal!r}; correct one")
        both = {word.strip().lower() for word in self.true}.intersection(
            word.strip().lower() for word in self.false
        )
        if both:
            raise ValueError(f"{min(both)!r} is in true and in false; leave it out of one")
        return self


TheirField = Annotated[
    Annotated[str, Tag("<column>")] | Annotated[Constant, Tag("<constant>")],
    Discriminator(_kind_of_field),
]


class SourceConfig(Table):
    """Where records come from and how they are understood."""

    adapter: str
    """Name of the adapter: `connector plugins` lists those installed."""
    settings: dict[str, Any] = {}
    """The adapter's own settings."""
    fields: dict[Stream, dict[str, TheirField]] = {}
    """For each stream: our field = their field, or { constant = "..." }."""
    values: dict[Stream, dict[str, dict[str, str]]] = {}
    """For each field: their value = ours; "*" is any other value."""
    formats: Formats = Formats()
    """Dates, numbers and flags."""

    @model_validator(mode="after")
    def _fields_exist(self) -> SourceConfig:
        mentioned = [("fields", stream, list(names)) for stream, names in self.fields.items()]
        mentioned += [("values", stream, list(names)) for stream, names in self.values.items()]
        for table, stream, names in mentioned:
            for name in names:
                if name not in FIELDS[stream]:
                    said = unknown(name, FIELDS[stream])
                    raise ValueError(f"{table}.{stream}.{name}: {said}")
        for stream, maps in self.values.items():
            for name, values in maps.items():
                field = FIELDS[stream][name]
                for ours in values.values():
                    if field.kind is Kind.CHOICE and ours not in field.choices:
                        expected = ", ".join(field.choices)
                        raise ValueError(
                            f"values.{stream}.{name}: {ours!r} is none of ours;"
                            f" use one of {expected}"
                        )
        return self


class TasksConfig(Table):
    """How tasks are handed to people."""

    enabled: bool = True
    """Write tasks at all."""
    fallback_owner: str | None = None
    """Who gets the task of an account that has no owner, or one that has left."""


class TargetConfig(Table):
    """Where results go: by default the CRM they were read from."""

    adapter: str | None = None
    """Name of the adapter; empty is the source's, with the source's settings."""
    settings: dict[str, Any] = {}
    """The adapter's own settings."""
    fields: dict[str, Annotated[str, AfterValidator(_their_field)]] = {}
    """Our result = their field."""
    tasks: TasksConfig = TasksConfig()
    approval: Literal["none", "required"] = "none"
    """Required: a run that has anything to write waits for `connector approve`."""
    overrides: Literal["respect", "overwrite"] = "respect"
    """A tier that a person has changed in the target: left as it is, or written over."""

    @model_validator(mode="after")
    def _fields_exist(self) -> TargetConfig:
        known = {**OUTPUTS, LOCK_FIELD: None}
        for name in self.fields:
            if name not in known:
                raise ValueError(f"fields.{name}: {unknown(name, known)}")
        theirs = list(self.fields.values())
        for name, field in self.fields.items():
            if theirs.count(field) > 1:
                raise ValueError(f"fields.{name}: {field!r} is named twice; use one field each")
        return self


class Rate(Table):
    """One line of the rates table."""

    currency: Currency
    valid_from: date
    """The rate holds from this day until the currency's next line."""
    rate: Decimal = Field(gt=0, max_digits=19, decimal_places=10)
    """Units of the base currency for one unit of this currency."""


class CurrencyConfig(Table):
    """The one currency in which customers are compared."""

    base: Currency = "USD"
    """ISO 4217 code; amounts without a currency are in it."""
    rates: Annotated[
        Annotated[tuple[Rate, ...], Tag("<list>")] | Annotated[Path, Tag("<file>")],
        Discriminator(_kind_of_rates),
    ] = ()
    """Rates, or a CSV file with the columns currency, valid_from, rate; else the source's own."""

    @model_validator(mode="after")
    def _one_rate_a_day(self) -> CurrencyConfig:
        if not isinstance(self.rates, Path):
            check_rates(self.rates)
        return self


def check_rates(rates: Sequence[Rate]) -> None:
    seen: set[tuple[str, date]] = set()
    for rate in rates:
        if (rate.currency, rate.valid_from) in seen:
            raise ValueError(
                f"rates: two rates for {rate.currency} from {rate.valid_from}; keep one of them"
            )
        seen.add((rate.currency, rate.valid_from))


class PeriodConfig(Table):
    """The period in which revenue counts; trailing months by default."""

    months: int = Field(default=12, ge=1, le=120)
    """Trailing months up to and including the day of the run."""
    fiscal_start_month: int | None = Field(default=None, ge=1, le=12)
    """Use the fiscal year instead, which starts in this month."""
    start: date | None = None
    """Use this first day instead ..."""
    end: date | None = None
    """... and this last day."""

    @model_validator(mode="after")
    def _one_kind(self) -> PeriodConfig:
        if (self.start is None) != (self.end is None):
            raise ValueError("start and end go together; give both or neither")
        if self.start and self.end and self.start > self.end:
            raise ValueError(f"start {self.start} is after end {self.end}")
        if self.start and self.fiscal_start_month:
            raise ValueError("give start and end, or fiscal_start_month, not both")
        return self


class RuleSettings(Table):
    """The settings of the rules; each key is described in docs/rules.md.

    A table of any other name is that of a goal, which its rule pack checks.
    """

    pyramid: PyramidSettings = PyramidSettings()
    profit: ProfitSettings = ProfitSettings()
    performance: PerformanceSettings = PerformanceSettings()
    focus: FocusSettings = FocusSettings()
    contact_plan: ContactPlan = ContactPlan()
    targets: TargetSettings = TargetSettings()
    suppression: SuppressionSettings = SuppressionSettings()
    holdout: HoldoutSettings = HoldoutSettings()

    of_goals: dict[str, Any] = {}
    """The tables of the goals, as they stand in the file."""

    @model_validator(mode="before")
    @classmethod
    def _set_goals_apart(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        known = cls.model_fields.keys() - {"of_goals"}
        ours = {name: value for name, value in given.items() if name in known}
        return ours | {"of_goals": {n: v for n, v in given.items() if n not in known}}


class RulesConfig(Table):
    """What is computed."""

    as_of: date | None = None
    """The day the pyramid is computed for; empty is the day of the run."""
    period: PeriodConfig = PeriodConfig()
    goals: tuple[str, ...] = GOALS
    """The goals that may propose tasks; `connector plugins` lists those installed."""
    items: Literal["category", "product"] = "category"
    """What is recommended to customers, where line items name both."""
    max_actions: int = Field(default=10_000, ge=1)
    """The most actions one goal may propose in a run, those of the highest value first."""
    settings: RuleSettings = RuleSettings()


class GuardConfig(Table):
    """When a run stops before it writes anything (exit code 4)."""

    max_tier_changes: float = Field(default=0.30, ge=0, le=1)
    """Share of ranked accounts that may change tier after the first run."""
    max_deleted: float = Field(default=0.20, ge=0, le=1)
    """Share of a stream's records that may vanish from the source in one run."""
    allow_empty: bool = False
    """Go on although the source sent no accounts at all."""


class QuotaConfig(Table):
    """How much of a CRM's limits on calls the job may use."""

    reserve: float = Field(default=0.20, ge=0, lt=1)
    """Share of each limit that is left to people and other integrations."""
    calls_per_day: int | None = Field(default=None, ge=1)
    """Calls in 24 hours to one organisation, of all jobs of the store; for CRMs that name none."""


NOTIFY_WORDS: Final = ("job", "state", "title", "message", "run", "day")
"""What can be filled into the body for a web hook."""
PLACE: Final = re.compile(r"\{(\w+)\}")


class NotifyTarget(Table):
    """Somebody who is told: a service that Apprise knows, or a web hook."""

    apprise: Secret | None = None
    """URL of a service for Apprise, such as mailto://, slack://, msteams:// or pagerduty://."""
    webhook: Secret | None = None
    """URL that a JSON object is posted to instead."""
    body: dict[str, Any] | None = None
    """That object; {job}, {state}, {title}, {message}, {run} and {day} are filled in."""
    headers: dict[str, Secret] = {}
    """Headers that go along with it."""

    @model_validator(mode="after")
    def _one_way(self) -> NotifyTarget:
        if (self.apprise is None) == (self.webhook is None):
            raise ValueError("give apprise or webhook, one of them")
        if self.apprise is not None and (self.body is not None or self.headers):
            raise ValueError("body and headers go with webhook; Apprise makes its own")
        for name in _places(self.body):
            if name not in NOTIFY_WORDS:
                raise ValueError(f"body: {{{name}}}: {unknown(name, NOTIFY_WORDS)}")
        return self


def _places(body: Any) -> Iterator[str]:
    match body:
        case str():
            yield from PLACE.findall(body)
        case dict():
            for part in body.values():
                yield from _places(part)
        case list():
            for part in body:
                yield from _places(part)


class NotifyConfig(Table):
    """Who is told when the job goes bad, and when it is well again."""

    on: tuple[Literal["failed", "stopped", "partial", "waiting"], ...] = (
        "failed",
        "stopped",
        "partial",
    )
    """The ends of a run that count as bad."""
    to: dict[str, NotifyTarget] = {}
    """A table for each who is told, by a name of your own."""


class StoreConfig(Table):
    """Where the connector keeps what it has read and done."""

    url: SecretStr | None = None
    """SQLAlchemy URL; empty is $CONNECTOR_STORE, or connector.db beside the job."""


class JobModel(Table):
    """A job of the Pyramid Connector."""

    name: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """Letters, digits, dot, dash, underscore; empty is the file's name."""
    timezone: Zone = "UTC"
    """The zone in which a day begins and the schedule is read."""
    language: Literal["en", "zh-Hans"] = "en"
    """The language of tasks and reports: English or Simplified Chinese."""
    schedule: Annotated[str, AfterValidator(_cron)] | None = None
    """Cron line for `connector schedule`."""
    catch_up: Literal["once", "skip"] = "once"
    """After downtime: run once for all that was missed, or wait for the next time."""
    store: StoreConfig = StoreConfig()
    source: SourceConfig
    target: TargetConfig = TargetConfig()
    currency: CurrencyConfig = CurrencyConfig()
    rules: RulesConfig = RulesConfig()
    guard: GuardConfig = GuardConfig()
    quota: QuotaConfig = QuotaConfig()
    notify: NotifyConfig = NotifyConfig()
