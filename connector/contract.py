"""What an adapter is: frozen descriptions and the protocols of what they open.

Adapters never retry, never map values and never log a secret: they raise our errors, and the host
decides. `crm_client` of `connector.http` turns HTTP failures into them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Generic,
    Literal,
    Protocol,
    TypeAlias,
    TypeVar,
    runtime_checkable,
)

from connector.model import Stream

if TYPE_CHECKING:  # both are slow to import; an adapter imports what it needs
    import pyarrow as pa
    from pydantic import BaseModel

Scalar: TypeAlias = str | int | Decimal | bool | date | datetime | None
Rows: TypeAlias = "Sequence[Mapping[str, object]] | pa.Table"
"""Records under the CRM's own field names: mappings, or an Arrow table from a bulk API or file."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row that the source itself could not take apart; it is quarantined like any other.

    *where* finds it again ("accounts.csv line 17"), *text* is the row as it stands.
    """

    where: str
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a stream, and where to go on after them.

    *cursor* resumes after this page: it is saved in the same transaction as the rows, and given
    to `pull` again after a crash and on the next run. *deleted* are ids that no longer exist.
    *scan* names the full reading of the stream that the page belongs to: once the last page of a
    scan is stored, what the scan did not hold counts as deleted. None means the page is an
    increment. *total* is how many rows to expect, where the source knows.
    """

    rows: Rows
    cursor: str
    deleted: Sequence[str] = ()
    unreadable: Sequence[Unreadable] = ()
    scan: str | None = None
    total: int | None = None


class Source(Protocol):
    """Reads a CRM. Opened for one run, used by one thread.

    A source that is also a `RateSource` is asked for exchange rates before it is read.
    """

    def check(self) -> str:
        """Return who we are there, as a person would say it; raise AuthError or AccessError."""
        ...

    def pull(self, stream: Stream, fields: Sequence[str], cursor: str | None) -> Iterator[Page]:
        """Yield the stream's pages after *cursor*, in an order in which it can be resumed.

        *fields* are the CRM's names. A source with a modification time reads inclusively from it
        (and a little before it, for records committed late): a row read again changes nothing.
        No page at all means that nothing has changed.
        """
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """What a unit of *currency* is worth from the day *valid_from* on, until the next of its rates.

    *rate* is more than 0, and in a currency that all rates of the CRM share, whichever that is: it
    is among them, at 1. `date.min` is the day of a rate that has always held.
    """

    currency: str
    valid_from: date
    rate: Decimal


@runtime_checkable
class RateSource(Protocol):
    """A source that knows the exchange rates of its CRM; asked where a job gives none of its own.

    The host keeps them, and works out from them what a unit is in the base currency of the job.
    """

    def rates(self) -> Sequence[ExchangeRate]:
        """Return the rates of every currency that a record may be in; none with one currency.

        A currency has at most one rate a day.
        """
        ...


@dataclass(frozen=True, slots=True)
class Ref:
    """The record that a change or a task hangs on."""

    id: str
    stream: Stream = Stream.ACCOUNTS


@dataclass(frozen=True, slots=True)
class SetFields:
    """Set *values* on a record; *old* is what it held when the change was planned.

    The host may give *old* as text, times in ISO 8601: compare what it means, not its type.
    """

    ref: Ref
    values: Mapping[str, Scalar]
    old: Mapping[str, Scalar]

    @property
    def marker(self) -> str:
        """Return what identifies the change among those of its run."""
        return f"fields:{self.ref.id}"


@dataclass(frozen=True, slots=True)
class PutTask:
    """Create the task *marker*, or bring the one that exists (*task_id*) up to these values."""

    ref: Ref
    marker: str
    goal: str
    subject: str
    body: str
    owner: str | None
    due: date
    priority: Literal["High", "Normal", "Low"]
    created_on: date
    task_id: str | None = None


@dataclass(frozen=True, slots=True)
class CloseTask:
    """Close the task *marker*, whose reason has gone."""

    ref: Ref
    marker: str
    task_id: str
    reason: str
    closed_on: date


Change: TypeAlias = SetFields | PutTask | CloseTask


@dataclass(frozen=True, slots=True)
class HeldTask:
    """A task of ours as the CRM holds it now; a person may have edited, done or rejected it."""

    marker: str
    account: str
    status: Literal["open", "done", "rejected"]
    id: str
    subject: str = ""
    body: str = ""
    owner: str | None = None
    due: date | None = None
    priority: str = "Normal"
    created_on: date | None = None
    closed_on: date | None = None


@dataclass(frozen=True, slots=True)
class Current:
    """What the CRM holds for some accounts.

    *accounts* has one row an account that exists, with its `id` and the fields asked for under
    the CRM's names; an account that is not in it does not exist there. *tasks* are all of ours
    for these accounts, whether open or not.
    """

    accounts: Rows
    tasks: Sequence[HeldTask] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """The change is in the CRM; *id* is the record or task it made or changed."""

    marker: str
    id: str


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The CRM held these values already; nothing was sent."""

    marker: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The CRM refused the change for good; *message* in the CRM's own words."""

    marker: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Retry:
    """The CRM could not take the change now; it may after *after* seconds."""

    marker: str
    after: float | None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """The record has changed since the plan; *current* is what it holds now."""

    marker: str
    current: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Sent, and no answer came; never sent again before `current` has been read."""

    marker: str
    message: str


WriteOutcome: TypeAlias = Applied | Unchanged | Rejected | Retry | Conflict | Unknown


class Writer(Protocol):
    """Writes into a CRM. One instance is never shared between threads.

    A writer that is also a `ChoiceChecker` is asked for more by `connector check`.
    """

    def check(self, fields: Sequence[str]) -> str:
        """Return where we write to, or raise: each of *fields* must exist and be writable."""
        ...

    def current(self, accounts: Sequence[str], fields: Sequence[str]) -> Current:
        """Return what the CRM holds now for *accounts*: the truth, not our memory."""
        ...

    def write(self, changes: Sequence[Change]) -> Iterator[WriteOutcome]:
        """Yield one outcome a change, in any order, matched by marker."""
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...


FieldKind: TypeAlias = Literal[
    "text", "choice", "integer", "money", "decimal", "date", "time", "flag"
]


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A field of accounts that a job uses in the target, and what it has to hold.

    *name* is the CRM's, as the job maps it, *result* ours. *label* is what people shall read. Only
    *choices* are ever written into a choice. A text has at most *length* characters; amounts and
    numbers have *scale* decimals. *about* says what the value means.
    """

    name: str
    result: str
    label: str
    kind: FieldKind
    choices: tuple[str, ...] = ()
    length: int = 255
    scale: int = 0
    about: str = ""


@dataclass(frozen=True, slots=True)
class ProvisionStep:
    """One thing that the target needs, and whether it is there.

    *state* is `to do` where only a plan was asked for. *how* says for `by hand` exactly what a
    person has to do, click by click; for `failed` what the CRM said, in its own words; for `done`
    what is for a person to do with it, if anything.
    """

    what: str
    state: Literal["present", "to do", "done", "by hand", "failed"]
    how: str = ""


@runtime_checkable
class ChoiceChecker(Protocol):
    """A writer that knows which values the lists of the CRM have."""

    def check_choices(self, fields: Sequence[FieldSpec]) -> None:
        """Raise ConfigError if a list takes no other values and lacks one that will be written.

        It names the values, and where they are to be added.
        """
        ...


class Provisioner(Protocol):
    """Makes what a job needs in the CRM, so that a rep can see it. Never part of a run."""

    def provision(self, fields: Sequence[FieldSpec], *, apply: bool) -> Sequence[ProvisionStep]:
        """Return what *fields* and our tasks need, each as a step; make it where *apply* says so.

        What is there already is left as it is, so that a second call finds nothing to do. A right
        that is missing is no error but a step `by hand`. Raise AuthError or Transient as others do.
        """
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the host may count on.

    *read_batch* accounts are asked for and *write_batch* changes handed over at once; *per_call* of
    them go in one call, or all (0), as `connector plan` counts them. A task's subject and body have
    at most *subject_limit* and *body_limit* characters; longer texts come shortened.
    Without *empty_numbers* a number can't be empty there: it is 0 then, and counts as the same.
    """

    read_batch: int = 200
    write_batch: int = 200
    per_call: int = 0
    subject_limit: int = 255
    body_limit: int = 32_000
    empty_numbers: bool = True


@dataclass(frozen=True, slots=True)
class Secrets:
    """A place where secrets are kept: a job says `{ NAME = "reference" }`, *fetch* answers.

    *fetch* raises ConfigError for a reference that it does not understand or that leads nowhere;
    the host adds which setting of which job it was.
    """

    name: str
    fetch: Callable[[str], str]
    about: str = ""


@dataclass(frozen=True, slots=True)
class BrowserLogin:
    """How a person lets us in from a browser on this computer: OAuth 2.0 with a code and PKCE.

    *authorize* and *token* are URLs of the CRM. *redirect* is where the browser comes back to, as
    the app there has it registered; its port 0 is any that is free. *keep* names what else of an
    answer with a token is kept beside it, such as where the CRM is.
    """

    authorize: str
    token: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    scopes: Sequence[str] = ()
    redirect: str = "http://127.0.0.1:0/callback"
    keep: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """What a CRM gave: *access* goes with each request, *refresh* gets the next pair of them.

    *more* is what the login has kept beside them.
    """

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    more: Mapping[str, str] = field(default_factory=dict, repr=False)


class Granted(Protocol):
    """A token that a person has granted, kept by the host."""

    def token(self) -> Token:
        """Return the token as it is kept; raise AuthError if nobody has logged in."""
        ...

    def renewed(self, refused: Token) -> Token:
        """Return the token that follows the *refused* one, whoever got it.

        Raise AuthError if the CRM gives no more.
        """
        ...


class Serve(Protocol):
    """Starts a CRM on loopback; see `Sandbox`."""

    def __call__(
        self, *, accounts: int, port: int, https: bool, folder: Path
    ) -> AbstractContextManager[Mapping[str, str]]:
        """Return what serves within a `with` block, and says how to log in."""
        ...


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A CRM that behaves as the true one does and runs on this computer, to try a job on.

    *serve* makes up a company of so many *accounts* (0: none) and answers on loopback, on *port*
    (0: any that is free), until its block ends. It gives what a person needs to log in, by name:
    where it is, ids, secrets, and the files with keys that it has written into *folder*; under
    `job` the file of a job on it, made there too.
    """

    name: str
    serve: Serve
    about: str = ""


S = TypeVar("S", bound="BaseModel")


@dataclass(frozen=True, slots=True)
class Adapter(Generic[S]):
    """One CRM: its settings (a pydantic model, secrets as SecretStr), fields and what it opens.

    *fields* maps our names to the CRM's for each stream offered; a job adds to it or overrides
    it. A field that only this default names may be missing from what the CRM sends. *login* says
    how a person lets us in from a browser, None where the settings say how else; what is opened
    then gets the token from `granted`.
    """

    name: str
    settings: type[S]
    fields: Mapping[Stream, Mapping[str, str]]
    source: Callable[[S], Source] | None = None
    writer: Callable[[S], Writer] | None = None
    provisioner: Callable[[S], Provisioner] | None = None
    login: Callable[[S], BrowserLogin | None] | None = None
    capabilities: Capabilities = field(default_factory=Capabilities)
    about: str = ""
