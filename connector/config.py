"""Reads a job: a TOML file that says what is read, how it is understood and where results go.

Unknown keys are errors. Every problem is one line: file, key, what was expected, what to do.
"""

from __future__ import annotations

import csv
import os
import re
import tomllib
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    SecretStr,
    Tag,
    ValidationError,
    model_validator,
)

from connector.contract import Adapter
from connector.cron import cron_trigger
from connector.errors import ConfigError
from connector.model import FIELDS, LOCK_FIELD, OUTPUTS, Kind, Stream
from customer_pyramid.settings import PyramidSettings
from six_goals.settings import RetentionSettings, SuppressionSettings, UpSellSettings


class _Table(BaseModel):
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


class Constant(_Table):
    """A field that is the same for every row."""

    constant: str
    """The value, before value maps and formats."""


class Formats(_Table):
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


class SourceConfig(_Table):
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
                    said = _unknown(name, FIELDS[stream])
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


class TasksConfig(_Table):
    """How tasks are handed to people."""

    enabled: bool = True
    """Write tasks at all."""
    fallback_owner: str | None = None
    """Who gets the task of an account that has no owner, or one that has left."""


class TargetConfig(_Table):
    """Where results go: by default the CRM they were read from."""

    adapter: str | None = None
    """Name of the adapter; empty is the source's, with the source's settings."""
    settings: dict[str, Any] = {}
    """The adapter's own settings."""
    fields: dict[str, Annotated[str, AfterValidator(_their_field)]] = {}
    """Our result = their field."""
    tasks: TasksConfig = TasksConfig()

    @model_validator(mode="after")
    def _fields_exist(self) -> TargetConfig:
        known = {**OUTPUTS, LOCK_FIELD: None}
        for name in self.fields:
            if name not in known:
                raise ValueError(f"fields.{name}: {_unknown(name, known)}")
        theirs = list(self.fields.values())
        for name, field in self.fields.items():
            if theirs.count(field) > 1:
                raise ValueError(f"fields.{name}: {field!r} is named twice; use one field each")
        return self


class Rate(_Table):
    """One line of the rates table."""

    currency: Currency
    valid_from: date
    """The rate holds from this day until the currency's next line."""
    rate: Decimal = Field(gt=0, max_digits=19, decimal_places=10)
    """Units of the base currency for one unit of this currency."""


class CurrencyConfig(_Table):
    """The one currency in which customers are compared."""

    base: Currency = "USD"
    """ISO 4217 code; amounts without a currency are in it."""
    rates: Annotated[
        Annotated[tuple[Rate, ...], Tag("<list>")] | Annotated[Path, Tag("<file>")],
        Discriminator(_kind_of_rates),
    ] = ()
    """Rates, or a CSV file with the columns currency, valid_from, rate."""

    @model_validator(mode="after")
    def _one_rate_a_day(self) -> CurrencyConfig:
        if not isinstance(self.rates, Path):
            _check_rates(self.rates)
        return self


def _check_rates(rates: Sequence[Rate]) -> None:
    seen: set[tuple[str, date]] = set()
    for rate in rates:
        if (rate.currency, rate.valid_from) in seen:
            raise ValueError(
                f"rates: two rates for {rate.currency} from {rate.valid_from}; keep one of them"
            )
        seen.add((rate.currency, rate.valid_from))


class PeriodConfig(_Table):
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


class RuleSettings(_Table):
    """The settings of the built-in rules; each key is described in docs/rules.md."""

    pyramid: PyramidSettings = PyramidSettings()
    retention: RetentionSettings = RetentionSettings()
    up_sell: UpSellSettings = UpSellSettings()
    suppression: SuppressionSettings = SuppressionSettings()


class RulesConfig(_Table):
    """What is computed."""

    as_of: date | None = None
    """The day the pyramid is computed for; empty is the day of the run."""
    period: PeriodConfig = PeriodConfig()
    goals: tuple[Literal["retention", "up_sell"], ...] = ("retention", "up_sell")
    """The goals that may propose tasks."""
    settings: RuleSettings = RuleSettings()


class GuardConfig(_Table):
    """When a run stops before it writes anything (exit code 4)."""

    max_tier_changes: float = Field(default=0.30, ge=0, le=1)
    """Share of ranked accounts that may change tier after the first run."""
    max_deleted: float = Field(default=0.20, ge=0, le=1)
    """Share of a stream's records that may vanish from the source in one run."""
    allow_empty: bool = False
    """Go on although the source sent no accounts at all."""


class StoreConfig(_Table):
    """Where the connector keeps what it has read and done."""

    url: SecretStr | None = None
    """SQLAlchemy URL; empty is $CONNECTOR_STORE, or connector.db beside the job."""


class JobModel(_Table):
    """A job of the Pyramid Connector."""

    name: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """Letters, digits, dot, dash, underscore; empty is the file's name."""
    timezone: Zone = "UTC"
    """The zone in which a day begins and the schedule is read."""
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


@dataclass(frozen=True, slots=True)
class Job:
    """A job that has been read: its settings and the file they come from."""

    path: Path
    model: JobModel

    @property
    def name(self) -> str:
        """Return the job's name, by which the store knows it."""
        return self.model.name or self.path.stem

    @property
    def folder(self) -> Path:
        """Return the folder against which relative paths of the job are read."""
        return self.path.parent

    @property
    def store_url(self) -> str:
        """Return the store's URL, relative SQLite paths resolved beside the job."""
        given = self.model.store.url
        url = given.get_secret_value() if given else os.environ.get("CONNECTOR_STORE")
        if url is None:
            return f"sqlite:///{self.folder / 'connector.db'}"
        prefix = "sqlite:///"
        if given and url.startswith(prefix) and not url.startswith(prefix + "/"):
            return f"{prefix}{self.folder / url.removeprefix(prefix)}"
        return url

    @property
    def zone(self) -> ZoneInfo:
        """Return the job's time zone."""
        return ZoneInfo(self.model.timezone)


def load_job(path: Path) -> Job:
    """Return the job in the file *path*; raise ConfigError with a line for each mistake."""
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path}: no such file; name a job file, or make one with 'connector init'"
        ) from error
    except OSError as error:
        raise ConfigError(
            f"{path}: can't be read: {error.strerror}; name a job file that this user may read"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8"
        ) from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    path = path.absolute()
    store = data.get("store")
    if isinstance(store, dict) and isinstance(store.get("url"), dict):
        store["url"] = _secret(store["url"], path, "store.url")
    return Job(path, _validated(JobModel, data, path, ""))


def adapter_settings(job: Job, side: Literal["source", "target"], adapter: Adapter[Any]) -> Any:
    """Return the settings of *side* as the adapter's own model, secrets resolved."""
    given = job.model.source if side == "source" else job.model.target
    data = {**given.settings}
    key = f"{side}.settings"
    _resolve_secrets(adapter.settings, data, job.path, key)
    return _validated(adapter.settings, data, job.path, key)


def load_rates(job: Job) -> Sequence[Rate]:
    """Return the job's rates table; raise ConfigError naming the line that can't be read."""
    rates = job.model.currency.rates
    if not isinstance(rates, Path):
        return rates
    found = list(_rates_in(job.folder / rates, job))
    try:
        _check_rates(found)
    except ValueError as error:
        raise ConfigError(f"{job.path}: currency.{error}") from error
    return found


def _rates_in(path: Path, job: Job) -> Iterator[Rate]:
    where = f"{job.path}: currency.rates"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = {"currency", "valid_from", "rate"} - set(reader.fieldnames or ())
            if missing:
                names = ", ".join(sorted(missing))
                raise ConfigError(
                    f"{where}: {path} has no column {names}; its first line must"
                    " be currency,valid_from,rate"
                )
            for row in reader:
                yield Rate(
                    currency=row["currency"].strip(),
                    valid_from=date.fromisoformat(row["valid_from"].strip()),
                    rate=Decimal(row["rate"].strip()),
                )
    except OSError as error:
        raise ConfigError(
            f"{where}: {path} can't be read: {error.strerror}; correct the name or the file"
        ) from error
    except (ValueError, InvalidOperation, AttributeError, csv.Error) as error:
        line = reader.line_num
        raise ConfigError(
            f"{where}: {path} line {line} is not a rate;"
            " expected a currency code, a day such as 2024-01-31 and a number such as 1.0842"
        ) from error


def _validated(model: type[BaseModel], data: Mapping[str, Any], path: Path, at: str) -> Any:
    try:
        return model.model_validate(data, context={"folder": path.parent})
    except ValidationError as error:
        problems = _without_echoes(model, error.errors())
        lines = [_line(model, problem, path, at) for problem in problems]
        raise ConfigError("\n".join(dict.fromkeys(lines))) from None


def _without_echoes(model: type[BaseModel], problems: Sequence[Any]) -> list[Any]:
    """Return *problems* without the keys that are missing because they are misspelt."""
    meant = {
        (*problem["loc"][:-1], *close)
        for problem in problems
        if problem["type"] in _UNKNOWN
        and (close := _close(str(problem["loc"][-1]), _keys_at(model, problem["loc"][:-1])))
    }
    return [p for p in problems if p["type"] != "missing" or tuple(p["loc"]) not in meant]


_UNKNOWN: Final = ("extra_forbidden", "unexpected_keyword_argument")
_EXPECTED: Final = (
    ("string_too", "{message}"),
    ("string_pattern", "use letters, digits, '.', '-' and '_' only, a letter or digit first"),
    ("string", "expected text in quotes"),
    ("path", "expected the name of a file in quotes"),
    ("tuple", 'expected a list such as ["..."]'),
    ("list", 'expected a list such as ["..."]'),
    ("frozen_set", 'expected a list such as ["..."]'),
    ("set", 'expected a list such as ["..."]'),
    ("dict", "expected a table"),
    ("model_", "expected a table"),
    ("dataclass", "expected a table"),
    ("int", "expected a whole number"),
    ("float", "expected a number"),
    ("decimal_max", "{message}"),
    ("decimal_whole", "{message}"),
    ("decimal", "expected a number"),
    ("bool", "expected true or false"),
    ("date", "expected a day such as 2024-01-31"),
    ("literal", "expected {expected}"),
    ("enum", "expected {expected}"),
    ("greater_than_equal", "expected {ge} or more"),
    ("greater_than", "expected more than {gt}"),
    ("less_than_equal", "expected {le} or less"),
    ("less_than", "expected less than {lt}"),
)
"""What to say of Pydantic's errors, by the beginning of their type."""


def _line(model: type[BaseModel], problem: Any, path: Path, at: str) -> str:
    loc = [part for part in problem["loc"] if not _is_union_member(part)]
    key = ".".join(([at] if at else []) + [str(part) for part in loc])
    kind = problem["type"]
    if kind in _UNKNOWN:
        return f"{path}: {key}: {_unknown(str(loc[-1]), _keys_at(model, loc[:-1]))}"
    if problem["loc"][-1:] == ("[key]",):
        return f"{path}: {key}: {_unknown(str(loc[-1]), [str(stream) for stream in Stream])}"
    if kind == "missing":
        return f"{path}: {key}: missing; add it"
    message = str(problem["msg"]).removeprefix("Value error, ")
    if kind == "value_error":
        joint = "." if key and ":" in message.split(" ")[0] else ": "
        return f"{path}: {key}{joint}{message}" if key else f"{path}: {message}"
    said = f"{message[0].lower()}{message[1:]}"
    for beginning, words in _EXPECTED:
        if kind.startswith(beginning):
            said = words.format(message=said, **problem.get("ctx", {}))
            break
    given = problem.get("input")
    hidden = isinstance(given, dict | list) or "secret" in kind or _is_secret(model, loc)
    return f"{path}: {key}: {said}" + ("" if hidden else f" (it is {given!r})")


def _is_union_member(part: object) -> bool:
    # Pydantic adds to the location what it tried: "<list>", "tuple[...]", "[key]".
    return isinstance(part, str) and (
        part in ("str", "Constant", "Path", "path", "[key]")
        or part.startswith(("<", "tuple[", "lax-or-strict"))
    )


def _is_secret(model: type[BaseModel], loc: Sequence[object]) -> bool:
    field = model.model_fields.get(str(loc[0])) if loc else None
    return field is not None and _mentions_secret(field.annotation)


def _keys_at(model: Any, loc: Sequence[object]) -> Sequence[str]:
    for part in loc:
        fields = getattr(model, "model_fields", None) or getattr(model, "__pydantic_fields__", {})
        field = fields.get(str(part))
        if field is None:
            continue  # a place in a list, or a key of a table that is free to choose
        model = next(iter(_models_in(field.annotation)), None)
    if hasattr(model, "model_fields"):
        return tuple(model.model_fields)
    return tuple(getattr(model, "__dataclass_fields__", ()))


def _models_in(annotation: Any) -> Iterator[Any]:
    known = hasattr(annotation, "model_fields") or hasattr(annotation, "__dataclass_fields__")
    if known and isinstance(annotation, type):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _close(name: str, known: Mapping[str, object] | Sequence[str]) -> list[str]:
    return get_close_matches(name, list(known), n=1)


def _unknown(name: str, known: Mapping[str, object] | Sequence[str]) -> str:
    close = _close(name, known)
    if close:
        return f"unknown; did you mean {close[0]!r}?"
    expected = ", ".join(known)
    return f"unknown; expected one of: {expected}" if expected else "unknown; leave it out"


def _mentions_secret(annotation: Any) -> bool:
    if annotation is SecretStr:
        return True
    if get_origin(annotation) in (Union, types.UnionType, Annotated):
        return any(_mentions_secret(argument) for argument in get_args(annotation))
    return False


def _resolve_secrets(model: type[BaseModel], data: dict[str, Any], path: Path, at: str) -> None:
    for name, field in model.model_fields.items():
        given = data.get(name)
        if isinstance(given, dict) and _mentions_secret(field.annotation):
            data[name] = _secret(given, path, f"{at}.{name}")


def _secret(given: Mapping[str, Any], path: Path, key: str) -> str:
    where = f"{path}: {key}"
    match list(given.items()):
        case [("env", str(name))]:
            value = os.environ.get(name)
            if value is None:
                raise ConfigError(f"{where}: environment variable {name} is not set; set it")
            return value
        case [("file", str(name))]:
            file = path.parent / name
            try:
                return file.read_text(encoding="utf-8").strip()
            except OSError as error:
                raise ConfigError(
                    f"{where}: secret file {file} can't be read: {error.strerror};"
                    " correct the name or the file's rights"
                ) from error
            except UnicodeDecodeError:
                raise ConfigError(
                    f"{where}: secret file {file} is not UTF-8; save it as UTF-8"
                ) from None
        case [("keyring", str(name))]:
            return _from_keyring(name, where)
    raise ConfigError(
        f'{where}: expected text, {{ env = "NAME" }}, {{ file = "path" }}'
        ' or { keyring = "service/user" }'
    )


def _from_keyring(name: str, where: str) -> str:
    try:
        import keyring
    except ImportError as error:
        raise ConfigError(
            f"{where}: the keyring package is missing; install pyramid-connector[keyring]"
        ) from error
    service, _, user = name.partition("/")
    value = keyring.get_password(service, user)
    if value is None:
        raise ConfigError(f"{where}: the keyring has no password for {name!r}; store it first")
    return str(value)
